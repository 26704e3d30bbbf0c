import errno
import json
from pathlib import Path

import pytest
import torch

from mimikit_nb.checkpoint import Run, export, load_checkpoint
from mimikit_nb.checkpoint.format import latest_good
from mimikit_nb.errors import CheckpointError

from .conftest import CONFIG, IO


def logits(network):
    network.eval()
    with torch.no_grad():
        return network({"signal": torch.arange(12).view(1, 12) * 20})[0]["signal"]


def test_network_gives_the_logits_it_was_saved_with(tmp_path, make_file):
    path = make_file(tmp_path / "a.safetensors", seed=3)
    torch.manual_seed(3)
    network = load_checkpoint(path).network()
    assert not network.training
    assert torch.equal(logits(network), logits(CONFIG.build(IO)))


def test_building_a_network_costs_no_randomness(tmp_path, make_file):
    checkpoint = load_checkpoint(make_file(tmp_path / "a.safetensors"))
    before = torch.get_rng_state()
    checkpoint.network()
    assert torch.equal(torch.get_rng_state(), before)


def test_moving_average_is_preferred(tmp_path, make_file):
    checkpoint = load_checkpoint(make_file(tmp_path / "a.safetensors", ema=True))
    averaged, last = checkpoint.weights(), checkpoint.weights(ema=False)
    assert all(torch.equal(averaged[name], 0.5 * last[name]) for name in last)


def test_properties(tmp_path, make_file):
    path = make_file(tmp_path / "a.safetensors", step=9, metrics={"loss": 2.0})
    checkpoint = load_checkpoint(path)
    assert (checkpoint.config, checkpoint.io) == (CONFIG, IO)
    assert (checkpoint.step, checkpoint.metrics, checkpoint.path) == (9, {"loss": 2.0}, path)
    assert (checkpoint.corpus_hash, checkpoint.rights) == ("c0ffee", "mine")
    assert checkpoint.training == {"batch_size": 2}


def test_run_gives_its_latest_step_or_the_one_asked_for(tmp_path, make_file):
    run = Run(tmp_path)
    for step in (100, 20):
        make_file(run.checkpoint_path(step), step=step)
    assert load_checkpoint(run).step == 100
    assert load_checkpoint(tmp_path).step == 100
    assert load_checkpoint(str(tmp_path), step=20).step == 20
    with pytest.raises(CheckpointError, match="no checkpoint of step 30; there are: 20, 100"):
        load_checkpoint(tmp_path, step=30)


def test_file_of_another_step(tmp_path, make_file):
    path = make_file(tmp_path / "a.safetensors", step=5)
    assert load_checkpoint(path, step=5).step == 5
    with pytest.raises(CheckpointError, match="of step 5, not 6"):
        load_checkpoint(path, step=6)


def test_folder_without_checkpoints(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint in"):
        load_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="no checkpoint in"):
        load_checkpoint(tmp_path / "missing")


def test_truncated_latest_raises_by_hand_and_is_skipped_where_resuming(tmp_path, make_file):
    run = Run(tmp_path)
    for step in (10, 20):
        make_file(run.checkpoint_path(step), step=step)
    path = run.checkpoint_path(20)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(CheckpointError, match="truncated"):
        load_checkpoint(run)
    checkpoint, complaints = latest_good(run)
    assert checkpoint.step == 10
    assert len(complaints) == 1 and "truncated" in complaints[0]


def test_weights_that_do_not_fit(tmp_path, make_file):
    path = make_file(tmp_path / "a.safetensors", network=CONFIG.replace(n_layers=3))
    with pytest.raises(CheckpointError, match="don't fit"):
        load_checkpoint(path).network()


def test_exported_folder_is_the_same_network(tmp_path, make_file):
    checkpoint = load_checkpoint(make_file(tmp_path / "a.safetensors", ema=True))
    folder = export(checkpoint, tmp_path / "shared")
    files = sorted(path.name for path in folder.iterdir())
    assert files == ["README.md", "config.json", "model.safetensors"]
    for source in (folder, folder / "model.safetensors"):
        loaded = load_checkpoint(source)
        assert loaded.hash == checkpoint.hash
        assert (loaded.step, loaded.rights) == (checkpoint.step, "mine")
        assert torch.equal(logits(loaded.network()), logits(checkpoint.network()))
    config = json.loads((folder / "config.json").read_text())
    assert config["network"]["kind"] == "wavenet"
    assert (folder / "model.safetensors").stat().st_size < checkpoint.path.stat().st_size


def test_export_overwrites_nothing(tmp_path, make_file):
    checkpoint = load_checkpoint(make_file(tmp_path / "a.safetensors"))
    (tmp_path / "config.json").write_text("mine")
    with pytest.raises(CheckpointError, match=r"config\.json exists and is not overwritten"):
        export(checkpoint, tmp_path)
    assert (tmp_path / "config.json").read_text() == "mine"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model_type": "gpt2"}'])
def test_foreign_config_json(tmp_path, make_file, text):
    folder = export(load_checkpoint(make_file(tmp_path / "a.safetensors")), tmp_path / "shared")
    (folder / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match="no readable header"):
        load_checkpoint(folder)


def test_hash_changes_with_weights_and_only_with_them(tmp_path, make_file):
    a, b, c = (
        load_checkpoint(make_file(tmp_path / f"{i}.safetensors", seed=seed, step=i))
        for i, seed in enumerate((0, 0, 1))
    )
    assert a.hash == b.hash != c.hash


def test_an_export_has_a_card_with_corpus_rights_and_figures(make_file, tmp_path):
    path = make_file(tmp_path / "a.safetensors", metrics={"loss": 1.25}, source="my/tapes.h5")
    folder = export(load_checkpoint(path), tmp_path / "out", {"fidelity": 0.75})
    card = (folder / "README.md").read_text(encoding="utf-8")
    for told in ("wavenet", "8000 Hz", "my/tapes.h5", "c0ffee", "mine", "1.25", "0.75"):
        assert told in card
    with pytest.raises(CheckpointError, match="not overwritten"):
        export(load_checkpoint(path), tmp_path / "out")


def test_an_export_that_fails_half_way_leaves_nothing_in_the_way(tmp_path, make_file, monkeypatch):
    checkpoint = load_checkpoint(make_file(tmp_path / "a.safetensors"))
    write_text = Path.write_text

    def full(path, *args, **kwargs):
        if "config.json" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_text(path, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(CheckpointError, match="No space left"):
        export(checkpoint, tmp_path / "shared")
    monkeypatch.undo()
    export(checkpoint, tmp_path / "shared")
