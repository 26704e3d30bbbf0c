import threading

import pytest
import torch

from mimikit_nb.checkpoint import Run, load_checkpoint
from mimikit_nb.corpus import build_corpus
from mimikit_nb.errors import CheckpointError, ConfigError, TrainingError
from mimikit_nb.networks.sample_rnn import SampleRNN
from mimikit_nb.networks.wavenet import FreqNetConfig, WaveNetConfig
from mimikit_nb.training import memory, resume

from .conftest import IO, NETWORK, SMALL, table


def test_a_run_leaves_what_it_promises(start, tiny_corpus):
    run = start()
    assert run.state == "finished"
    assert list(run.checkpoints) == [5, 10, 12]
    assert run.metrics["step"].tolist() == [2, 4, 5, 6, 8, 10, 12]
    assert run.metrics["held_out_loss"].notna().tolist() == [
        False,
        False,
        True,
        False,
        False,
        True,
        False,
    ]
    assert run.config["training"] == SMALL.to_dict()
    assert run.config["corpus"] == {"path": str(tiny_corpus.path), "hash": tiny_corpus.hash}
    log = (run.folder / "log.txt").read_text()
    assert "Finished: 12 steps" in log
    assert "Advice: Too early: 7 losses so far" in log
    checkpoint = load_checkpoint(run)
    assert (checkpoint.config, checkpoint.io) == (NETWORK, IO)
    assert checkpoint.corpus_hash == tiny_corpus.hash
    assert checkpoint.metrics["held_out_loss"] > 0
    assert checkpoint.training == SMALL.to_dict()


def test_it_learns(start):
    losses = start(max_steps=60, held_out_every_steps=30).metrics
    assert losses["loss"].iloc[-1] < losses["loss"].iloc[0] - 0.5
    held_out = losses["held_out_loss"].dropna()
    assert held_out.iloc[-1] < held_out.iloc[0]


@pytest.mark.parametrize(
    "network",
    [
        WaveNetConfig(n_layers=2, residual_channels=8, skip_channels=8),
        FreqNetConfig(residual_channels=16, groups=1),
    ],
    ids=lambda network: network.kind,
)
def test_other_networks_train(start, network):
    run = start(network=network, io=network.default_io(22050), chunk_steps=16, max_steps=4)
    assert run.state == "finished"
    assert load_checkpoint(run).network().config == network


@pytest.mark.parametrize("precision", ["32", "bf16"])
@pytest.mark.parametrize("steps", [3, 4, 5, 7, 10])
def test_resumed_run_equals_an_uninterrupted_one(start, tiny_corpus, steps, precision):
    whole = start("whole", precision=precision)
    part = start("part", precision=precision, max_steps=steps)
    assert table(part) != table(whole)
    assert resume(part.folder, tiny_corpus, max_steps=12, device="cpu").state == "finished"
    assert table(part) == table(whole)
    a, b = (load_checkpoint(run, step=12) for run in (whole, part))
    for group in ("network", "ema", "optimizer", "carried", "rng"):
        left, right = a.tensors(group), b.tensors(group)
        assert left and left.keys() == right.keys()
        assert all(torch.equal(left[name], right[name]) for name in left), group


def test_resuming_a_finished_run_changes_nothing(start, tiny_corpus):
    run = start(max_steps=7)
    before = table(run)
    resume(run.folder, tiny_corpus, device="cpu")
    assert table(run) == before
    assert list(run.checkpoints) == [5, 7]


def test_no_checkpoint_yet_means_from_the_start(start, tiny_corpus):
    whole, part = start("whole"), start("part")
    for path in part.checkpoints.values():
        path.unlink()
    resume(part.folder, tiny_corpus, device="cpu")
    assert table(part) == table(whole)


def test_truncated_checkpoint_is_skipped_and_said(start, tiny_corpus):
    whole, part = start("whole"), start("part")
    for step in (10, 12):
        path = part.checkpoint_path(step)
        path.write_bytes(path.read_bytes()[:-9])
    resume(part.folder, tiny_corpus, device="cpu")
    assert table(part) == table(whole)
    log = (part.folder / "log.txt").read_text()
    assert log.count("Skipped a checkpoint") == 2
    assert "truncated" in log
    assert load_checkpoint(part).step == 12


def test_runs_are_never_overwritten(start):
    run = start(max_steps=2)
    before = (run.folder / "metrics.csv").read_bytes()
    with pytest.raises(TrainingError, match=r"never overwritten.*resume"):
        start()
    assert (run.folder / "metrics.csv").read_bytes() == before


def test_failed_setup_leaves_the_name_free(start):
    with pytest.raises(TrainingError, match="smaller chunk_steps"):
        start(chunk_steps=1_000_000)
    assert start(max_steps=1).state == "finished"


def test_nothing_to_resume(tmp_path, tiny_corpus):
    with pytest.raises(TrainingError, match="no run in"):
        resume(tmp_path / "none", tiny_corpus)
    assert not (tmp_path / "none").exists()


def test_another_corpus_is_refused_unless_meant(start, tmp_path, tone):
    from mimikit_nb.audio.write import write

    run = start(max_steps=4)
    write(tmp_path / "tone.wav", tone, 22050)
    other = build_corpus(tmp_path / "tone.wav", tmp_path / "other.h5", 22050)
    with pytest.raises(TrainingError, match="another corpus"):
        resume(run.folder, other, max_steps=6, device="cpu")
    assert (
        resume(run.folder, other, max_steps=6, device="cpu", other_corpus=True).state == "finished"
    )
    assert load_checkpoint(run).corpus_hash == other.hash


def test_only_what_the_order_of_data_ignores_can_change(start, tiny_corpus):
    run = start(max_steps=2)
    with pytest.raises(ConfigError, match="'batch_size' can't be changed"):
        resume(run.folder, tiny_corpus, batch_size=2)
    resume(run.folder, tiny_corpus, max_steps=4, learning_rate=0.5, device="cpu")
    assert run.config["training"]["learning_rate"] == 0.5
    assert run.metrics["learning_rate"].iloc[-1] > 0.1


def test_minutes_do_not_end_a_run_before_its_least_steps(start, tiny_corpus):
    run = start(max_steps=None, max_minutes=1e-9, min_steps=7)
    assert run.state == "finished" and int(run.metrics.step.max()) == 7
    run = resume(run.folder, tiny_corpus, min_steps=9, device="cpu")
    assert int(run.metrics.step.max()) == 9


@pytest.mark.parametrize("budget", [{"max_epochs": 0.05}, {"max_minutes": 1e-9}])
def test_other_budgets_end_it_too(start, budget):
    run = start(max_steps=None, **budget)
    assert run.state == "finished"
    assert (
        max(run.checkpoints) == 1
        if "max_minutes" in budget
        else run.metrics["epoch"].iloc[-1] >= 0.05
    )


def test_keep_last_keeps_the_last(start):
    assert list(start(keep_last=2, checkpoint_every_steps=2).checkpoints) == [10, 12]


def test_read_only_folder(start, tmp_path):
    (tmp_path / "run").touch()  # a file where the folder should be
    with pytest.raises(TrainingError, match="can be written to"):
        start()


def test_random_numbers_are_left_to_others(start):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    start(max_steps=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_memory_is_kept_and_subnormals_are_flushed_while_it_trains(start, monkeypatch):
    told, seen, trims = [], [], []
    monkeypatch.setattr(memory, "_mallopt", lambda option, value: told.append((option, value)))
    monkeypatch.setattr(memory.KeptMemory, "trim", lambda self: trims.append(self))
    forward = SampleRNN.forward

    def spied(self, *args):
        seen.append((float(torch.tensor([1e-39]) * 0.5), len(told)))
        return forward(self, *args)

    monkeypatch.setattr(SampleRNN, "forward", spied)
    n_steps = start().metrics["step"].max()
    assert seen and {product for product, _ in seen} == {0.0}
    assert {n for _, n in seen} == {2} and len(told) > 2  # told before, and told back after
    assert len(trims) == n_steps


def test_seeds_make_the_difference(start):
    runs = [start(f"{i}", seed=seed, max_steps=2) for i, seed in enumerate((1, 1, 2))]
    assert table(runs[0]) == table(runs[1]) != table(runs[2])


def test_nobody_resumes_a_run_that_is_going_on(start, tiny_corpus, tmp_path):
    errors = []

    def preview(network, step):
        try:
            resume(tmp_path / "run", tiny_corpus)
        except CheckpointError as error:
            errors.append(str(error))
        assert Run(tmp_path / "run").state == "running"

    thread = threading.Thread(target=lambda: start(preview=preview, preview_every_steps=5))
    thread.start()
    thread.join()
    assert "being trained right now" in errors[0]


def test_separate_channels_and_mix(start, tmp_path, music):
    import numpy as np

    from mimikit_nb.audio.write import write
    from mimikit_nb.training import train

    write(tmp_path / "stereo.wav", np.stack([music, music[::-1]]), 22050)
    corpus = build_corpus(tmp_path / "stereo.wav", tmp_path / "stereo.h5", 22050)
    assert corpus.n_channels == 2
    config = SMALL.replace(max_steps=3, held_out=0)
    epochs = {}
    for channels in ("mix", "separate"):
        run = train(
            corpus,
            NETWORK,
            IO.replace(channels=channels),
            config,
            tmp_path / channels,
            device="cpu",
        )
        epochs[channels] = run.metrics["epoch"].iloc[-1]
        assert run.metrics["held_out_loss"].isna().all()
    assert epochs["mix"] == pytest.approx(2 * epochs["separate"], rel=0.01)


def test_resumed_run_hears_the_recordings_changed_alike(start, tiny_corpus):
    augment = {"speed": (0.8, 1.25), "gain_db": (-6.0, 0.0)}
    whole, part = start("whole", augment=augment), start("part", augment=augment, max_steps=7)
    resume(part.folder, tiny_corpus, max_steps=12, device="cpu")
    assert table(part) == table(whole) != table(start("plain"))


def test_edited_config_is_named(start, tiny_corpus):
    run = start(max_steps=2)
    run.config_path.write_text("network: {kind: sample_rnn}\n")
    with pytest.raises(TrainingError, match="no section 'io'"):
        resume(run.folder, tiny_corpus, device="cpu")
    run.config_path.write_text("a: [")
    with pytest.raises(ConfigError, match="Can't read"):
        resume(run.folder, tiny_corpus, device="cpu")
