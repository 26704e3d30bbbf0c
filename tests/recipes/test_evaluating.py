"""Evaluating the checkpoints of a run."""

import shutil

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.audio.files import load
from mimikit_nb.corpus import open_corpus
from mimikit_nb.evaluation.reading import MEASURES
from mimikit_nb.recipes.matrix import Cell, batches
from mimikit_nb.recipes.scored import load_neighbours

SECONDS = 2.0


@pytest.fixture(scope="module")
def trained(_built_corpus, tmp_path_factory):
    """A corpus of six seconds and a run with two checkpoints."""
    folder = tmp_path_factory.mktemp("evaluated")
    corpus = open_corpus(shutil.copy(_built_corpus, folder / "corpus.h5"))
    settings = {"residual_channels": 16, "n_fft": 256, "hop_length": 128, "groups": 1}
    settings |= {"chunk_steps": 8, "batch_size": 4, "max_steps": 6, "checkpoint_every_steps": 3}
    settings |= {"preview_every_steps": 0, "held_out_every_steps": 3}
    run = mnb.train(corpus, "freqnet", folder / "run", **settings, device="cpu")
    return corpus, run.folder


def test_a_run_is_heard_scored_and_ranked(trained, tmp_path):
    corpus, run = trained
    table = mnb.evaluate(run, corpus, n=2, seconds=SECONDS, temperatures=(0.5, 1.0), out=tmp_path)
    assert len(table) == 2 * 2 * 2
    wanted = {"checkpoint", "prompt", "temperature", "seed", "novelty", "fidelity", "flags", "path"}
    assert wanted | {"loss", "held_out_loss", "rank_score", "pareto"} <= set(table.columns)
    assert set(table.checkpoint) == {"step_00000003", "step_00000006"}
    assert table.rank_score.is_monotonic_decreasing
    assert table.pareto.any()
    assert np.isfinite(table.spectral_convergence).all() and (table.spectral_convergence > 0).all()
    row = table.iloc[0]
    recall = mnb.read_recall(row.path)
    assert recall["seed"] == row.seed and recall["controls"]["temperature"] == row.temperature
    assert recall["prompt"]["position_seconds"] == row.prompt
    new = load(row.path, start_seconds=recall["prompt_end_seconds"])
    assert new.shape[1] == round(SECONDS * corpus.sample_rate)
    found = mnb.score(new, corpus.sample_rate, corpus)
    assert found.longest_copy_seconds == row.longest_copy_seconds


def test_seeds_are_matched_and_a_sound_can_be_made_again(trained, tmp_path):
    corpus, run = trained
    table = mnb.evaluate(run, corpus, n=2, seconds=0.5, seeds=(3, 8), out=tmp_path)
    assert set(table.seed) == {3, 8}
    row = table.iloc[-1]
    checkpoint = mnb.load_checkpoint(run, row.step)
    again = mnb.generate(checkpoint, corpus, row.prompt, 1.0, 0.5, 1.0, seed=int(row.seed))
    stop = round((again.prompt_end_seconds + 0.05) * corpus.sample_rate)  # rounding grows later
    heard = load(row.path)[:, :stop]
    np.testing.assert_allclose(heard, np.clip(again.audio[0, :, :stop], -1, 1), atol=1e-3)


def test_what_is_there_is_neither_made_nor_scored_again(trained, tmp_path, monkeypatch):
    corpus, run = trained
    first = mnb.evaluate(run, corpus, n=1, seconds=0.5, out=tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.wav")}
    monkeypatch.setattr("mimikit_nb.recipes.scored.score", None)
    monkeypatch.setattr("mimikit_nb.recipes.matrix.generate", None)
    again = mnb.evaluate(run, corpus, n=1, seconds=0.5, out=tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.wav")} == times
    assert list(again.path) == list(first.path)
    np.testing.assert_allclose(again.fidelity, first.fidelity)


def test_a_stop_keeps_what_was_done_and_goes_on_later(trained, tmp_path):
    corpus, run = trained
    said = []

    def note(progress):
        said.append((progress.share, progress.words))
        if "step_00000006: plays" in progress.words:
            progress.cancel()

    settings = {"n": 2, "seconds": 0.5, "out": tmp_path}
    some = mnb.evaluate(run, corpus, **settings, progress=note)
    assert set(some.checkpoint) == {"step_00000003"} and some.attrs["missing"] == 2
    whole = mnb.evaluate(run, corpus, **settings)
    assert len(whole) == 4 and whole.attrs["missing"] == 0
    shares = [share for share, _ in said]
    assert shares == sorted(shares) and 0 <= shares[0] and shares[-1] <= 1


def test_a_budget_lets_every_checkpoint_be_heard_first():
    cells = [
        Cell(name, prompt, t, 0, 1.0, 1.0, None)
        for name in "ab"
        for prompt in (0.0, 5.0)
        for t in (0.5, 1.0)
    ]
    order = [(b[0].checkpoint, b[0].prompt) for b in batches(cells, 8, prompt_by_prompt=True)]
    assert order == [("a", 0.0), ("b", 0.0), ("a", 5.0), ("b", 5.0)]
    assert [len(b) for b in batches(cells, 8, prompt_by_prompt=False)] == [4, 4]
    assert [len(b) for b in batches(cells, 3, prompt_by_prompt=False)] == [3, 1, 3, 1]


def test_a_used_up_budget_leaves_the_rest_out(trained, tmp_path):
    corpus, run = trained
    table = mnb.evaluate(run, corpus, n=2, seconds=0.5, max_minutes=1e-6, out=tmp_path)
    assert len(table) == 1 and table.attrs["missing"] == 3


def test_files_and_held_out_parts_are_prompts(trained, tmp_path):
    corpus, run = trained
    recording = corpus.path.parent / "voice.wav"
    if not recording.exists():
        from mimikit_nb.audio.write import write

        write(recording, np.array(corpus.signal[:, :44100]), corpus.sample_rate)
    later = f"{recording}#t=0.5"
    table = mnb.evaluate(
        *(run, corpus, 1, 0.5), prompts=[recording, later, 2.0], steps=[6], out=tmp_path / "a"
    )
    assert set(table.prompt) == {str(recording), later, 2.0}
    path = table[table.prompt == later].path.iloc[0]
    recall = mnb.read_recall(path)
    assert recall["prompt"]["position_seconds"] == 0.5
    n = round(recall["prompt_end_seconds"] * corpus.sample_rate)
    heard, wanted = load(path)[0, :n], corpus.signal[0, 33075 - n : 33075]
    assert np.corrcoef(heard, wanted)[0, 1] > 0.95
    held = mnb.evaluate(
        *(run, corpus, 2, 0.5), prompts="held_out", prompt_seconds=0.2, steps=[6], out=tmp_path
    )
    parts = corpus.split(0.1, 0).held_out
    for place in held.prompt * corpus.sample_rate:
        assert any(start - 30 <= place <= stop - 0.2 * 22050 + 30 for start, stop in parts)


def test_averages_and_exports_are_evaluated_beside_a_run(trained, tmp_path):
    corpus, run = trained
    steps = [mnb.load_checkpoint(run, step) for step in (3, 6)]
    average = mnb.average_checkpoints(steps)
    exported = mnb.export(steps[1], tmp_path / "chosen")
    table = mnb.evaluate([average, exported, run], corpus, 1, 0.5, out=tmp_path / "evaluation")
    names = {f"average_{average.hash[:8]}", "chosen", "step_00000003", "step_00000006"}
    assert set(table.checkpoint) == names


def test_checkpoints_are_compared_with_intervals(trained, tmp_path):
    corpus, run = trained
    table = mnb.evaluate(run, corpus, n=3, seconds=0.5, out=tmp_path)
    means = mnb.by_checkpoint(table)
    assert list(means.step) == [3, 6] and list(means.n) == [3, 3]
    assert (means.fidelity_low <= means.fidelity).all()
    assert (means.fidelity <= means.fidelity_high).all()
    expected = table[table.step == 6].fidelity.mean()
    assert means.fidelity.iloc[1] == pytest.approx(expected)
    for name in ("frechet_mfcc", "frechet_log_mel", "kernel_mfcc", "kernel_log_mel"):
        assert (means[f"{name}_low"] <= means[name]).all()
        assert (means[name] <= means[f"{name}_high"]).all()


def test_every_measure_is_explained_and_stands_beside_real_audio(trained, tmp_path):
    corpus, run = trained
    table = mnb.evaluate(run, corpus, n=2, seconds=1.0, out=tmp_path)
    numbers = set(table.select_dtypes("number")) - {"step", "temperature", "seed", "prompt"}
    unread = {"prompt_seconds", "seconds", "alike", "rank_score"}
    unread |= {"copy_position_seconds", "copy_start_seconds"}
    assert numbers - unread <= set(MEASURES)
    beside = mnb.beside_real_audio(table)
    losses = {"loss", "held_out_loss", "spectral_convergence", "previous_step_convergence"}
    of_latent_frames = {"recorded_share", "longest_run_seconds"}
    assert set(MEASURES) - losses - of_latent_frames <= set(beside.index)
    sets = beside.loc[["frechet_mfcc", "frechet_log_mel", "kernel_mfcc", "kernel_log_mel"]]
    assert np.isfinite(sets[["sounds_50%", "real_50%"]]).all(axis=None)
    assert beside.loc["frechet_mfcc", "noise"] > beside.loc["frechet_mfcc", "real_50%"]
    assert (table.previous_step_convergence > 0).all()
    visits = [load_neighbours(path)["position_seconds"] for path in table[table.step == 6].path]
    places = np.concatenate([v[np.isfinite(v)] for v in visits]) // 1
    possible = max(1, np.ceil(0.4 * len(places)))
    covered = mnb.by_checkpoint(table).coverage.iloc[1]
    assert covered == pytest.approx(min(1, len(set(places)) / possible))


def test_bad_input_is_refused(trained, tmp_path):
    corpus, run = trained
    for settings in (
        {"n": 0},
        {"seconds": 0},
        {"prompts": "everywhere"},
        {"prompts": []},
        {"prompts": ["voice.wav#t=soon"]},
        {"temperatures": ()},
        {"max_minutes": 0},
        {"steps": [5]},
        {"weights": {"beauty": 1.0}},
    ):
        with pytest.raises(mnb.MimikitError):
            mnb.evaluate(run, corpus, **{"n": 1, "seconds": 0.5, **settings}, out=tmp_path)
    with pytest.raises(mnb.MimikitError, match="out"):
        mnb.evaluate([mnb.load_checkpoint(run)], corpus)
    with pytest.raises(mnb.MimikitError):
        mnb.evaluate(tmp_path / "nothing", corpus)
