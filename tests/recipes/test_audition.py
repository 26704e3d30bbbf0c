"""Stars, notes, blind pairs, the best, and folders of what is kept."""

import numpy as np
import pandas as pd
import pytest

import mimikit_nb as mnb
from mimikit_nb.audio.write import write
from mimikit_nb.recipes.audition import Notes, best, distinct, draw_pair, keep
from mimikit_nb.recipes.pooling import families

SR = 22050


@pytest.fixture
def table(tmp_path, music):
    """Two checkpoints that continued two prompts; the second prompt's sounds are the same."""
    rows = []
    folder = tmp_path / "sounds"
    folder.mkdir()
    for name, step in (("step_1", 1), ("step_2", 2)):
        for prompt in (0.0, 2.0):
            y = music[: 4 * SR] if prompt else music[step * SR : (step + 4) * SR][::-1]
            path = folder / f"{name}_{prompt:g}.wav"
            write(path, y.copy(), SR, recall={"prompt_end_seconds": 0.0})
            same = {"temperature": 1.0, "seed": 0, "seconds": 4.0, "prompt_seconds": 1.0}
            rows.append({"checkpoint": name, "prompt": prompt, **same, "path": str(path)})
    return pd.DataFrame(rows)


def test_notes_are_kept_with_the_run(tmp_path):
    notes = Notes(tmp_path / "notes.json")
    notes.set("sounds/a.wav", stars=4)
    notes.set("elsewhere/a.wav", note="a <b> & c")
    again = Notes(tmp_path / "notes.json")
    assert again.stars("a.wav") == 4 and again.note("a.wav") == "a <b> & c"
    assert again.stars("b.wav") == 0 and again.note("b.wav") == ""
    with pytest.raises(mnb.MimikitError, match="0 to 5"):
        notes.set("a.wav", stars=6)


def test_damaged_notes_are_not_overwritten(tmp_path):
    (tmp_path / "notes.json").write_text("{")
    with pytest.raises(mnb.MimikitError, match="can't be read"):
        Notes(tmp_path / "notes.json")
    assert (tmp_path / "notes.json").read_text() == "{"


def test_votes_are_counted_by_checkpoint(tmp_path):
    notes = Notes(tmp_path / "notes.json")
    for better, worse in (("b", "a"), ("b", "c"), ("a", "c")):
        notes.vote(better, worse)
    wins = Notes(notes.path).wins().set_index("checkpoint")
    assert wins.index[0] == "b"
    assert dict(wins.won) == {"b": 2, "a": 1, "c": 0} and set(wins.heard) == {2}


def test_a_blind_pair_differs_in_nothing_but_the_checkpoint(table):
    by_path = table.set_index("path")
    pairs = [draw_pair(table, seed) for seed in range(20)]
    for a, b in pairs:
        assert by_path.loc[a].prompt == by_path.loc[b].prompt
        assert by_path.loc[a].checkpoint != by_path.loc[b].checkpoint
    assert len({by_path.loc[a].checkpoint for a, _ in pairs}) == 2  # the order is drawn too
    with pytest.raises(mnb.MimikitError, match="two checkpoints"):
        draw_pair(table[table.checkpoint == "step_1"], 0)


def test_the_best_are_not_twice_the_same(table):
    ranked = table.iloc[[1, 3, 0, 2]]  # the same sound of both checkpoints first
    alike = families(ranked.path.tolist(), SR)
    ranked = ranked.assign(alike=[alike[path] for path in ranked.path])
    assert list(best(ranked, 2).path) == [ranked.path.iloc[0], ranked.path.iloc[2]]
    assert len(distinct(ranked)) == 2 and len(distinct(table)) == 4
    with pytest.raises(mnb.MimikitError, match="at least 1"):
        best(ranked, 0)


def test_what_is_kept_is_copied_with_its_table(table, tmp_path):
    folder = keep(table, tmp_path / "kept", table.path[:2])
    kept = pd.read_csv(folder / "kept.csv")
    assert sorted(p.name for p in folder.glob("*.wav")) == sorted(kept.file)
    original = (tmp_path / "sounds" / kept.file[0].split("_", 1)[1]).read_bytes()
    assert (folder / kept.file[0]).read_bytes() == original
    assert keep(table, tmp_path / "kept") != folder  # never into the same one
    with pytest.raises(mnb.MimikitError, match="nothing to keep"):
        keep(table, tmp_path / "kept", [])
    assert np.isfinite(kept.prompt).all()
