import math
import os
import signal
import threading

import pytest
import torch

from mimikit_nb.checkpoint import Run, load_checkpoint
from mimikit_nb.errors import TrainingError
from mimikit_nb.networks.sample_rnn import SampleRNNConfig
from mimikit_nb.training import Callback, Control, resume

from .conftest import Recorder, table


def log_of(run):
    return (run.folder / "log.txt").read_text()


def test_callbacks_are_told_what_happens_in_order(start):
    recorder = Recorder()
    start(
        callbacks=[recorder],
        preview=lambda network, step: f"sound {step}",
        preview_every_steps=5,
        max_steps=6,
    )
    assert recorder.events == [
        ("state", "running"),
        ("start", "running"),
        *(("step", step) for step in range(1, 5)),
        ("held_out", 5),
        ("step", 5),
        ("checkpoint", 5),
        ("preview", "sound 5"),
        ("step", 6),
        ("held_out", 6),
        ("checkpoint", 6),
        ("preview", "sound 6"),
        ("end", "finished"),
    ]
    last = recorder.statuses[-1]
    assert (last.step, last.max_steps, last.batch_size) == (6, 6, 4)
    assert last.seconds_left == 0
    assert last.tokens_per_second > 0
    assert last.terms == {"signal/nll": pytest.approx(last.loss)}


def test_a_callback_that_fails_is_dropped(start):
    class Broken(Callback):
        calls = 0

        def on_step(self, status):
            Broken.calls += 1
            raise ValueError("view is gone")

    run = start(callbacks=[Broken()])
    assert run.state == "finished"
    assert Broken.calls == 1
    assert "Broken.on_step failed (ValueError: view is gone)" in log_of(run)


def test_previews_change_nothing(start):
    def preview(network, step):
        assert not network.training
        torch.manual_seed(step)
        torch.rand(3)

    with_previews = start("with", preview=preview, preview_every_steps=2, ema_decay=0)
    assert table(with_previews) == table(start("without", ema_decay=0))


def test_a_preview_that_fails_is_noted(start):
    def preview(network, step):
        raise RuntimeError("no sound card")

    run = start(preview=preview, preview_every_steps=5)
    assert run.state == "finished"
    assert "preview of step 5 failed (RuntimeError: no sound card)" in log_of(run)


class At(Callback):
    """Does something at a step."""

    def __init__(self, step, action):
        self.step, self.action = step, action

    def on_start(self, run, control):
        self.run, self.control = run, control

    def on_step(self, status):
        if status.step == self.step:
            self.action(self)


def test_stop_ends_with_a_checkpoint(start, tiny_corpus):
    whole = start("whole")
    run = start(callbacks=[At(3, lambda at: at.control.stop("enough"))])
    assert (run.state, run.message) == ("stopped", "enough")
    assert list(run.checkpoints) == [3]
    assert run.metrics["step"].tolist() == [2, 3]
    resume(run.folder, tiny_corpus, device="cpu")
    assert table(run) == table(whole)


def test_stop_file_stops_and_is_gone(start):
    run = start(max_steps=10**6, callbacks=[At(3, lambda at: at.run.stop_path.touch())])
    assert run.state == "stopped"
    assert "STOP" in run.message
    assert not run.stop_path.exists()
    assert load_checkpoint(run).step == max(run.metrics["step"])


def test_signal_stops_with_a_checkpoint(start):
    run = start(callbacks=[At(3, lambda at: os.kill(os.getpid(), signal.SIGTERM))])
    assert (run.state, run.message) == ("stopped", "stopped by SIGTERM")
    assert list(run.checkpoints) == [3]


def test_pause_resume_and_preview_while_paused(start):
    paused, previewed, control = threading.Event(), threading.Event(), Control()

    class Watch(Recorder):
        def on_state(self, state, message):
            super().on_state(state, message)
            if state == "paused":
                assert run_states.append(self.run.state) is None
                paused.set()

        def on_start(self, run, control):
            self.run = run

        def on_step(self, status):
            super().on_step(status)
            if status.step == 3:
                control.pause()

    run_states, watch, result = [], Watch(), []
    options = {"callbacks": [watch], "control": control, "preview": lambda n, s: previewed.set()}
    thread = threading.Thread(
        target=lambda: result.append(start(preview_every_steps=500, **options))
    )
    thread.start()
    assert paused.wait(30)
    assert control.is_paused
    control.preview_now()
    assert previewed.wait(30)
    assert watch.events[-1] in (("preview", None), ("state", "paused"))
    assert watch.statuses[-1].step == 3
    control.resume()
    thread.join(30)
    assert result[0].state == "finished"
    assert run_states == ["paused"]
    assert [e for e in watch.events if e[0] == "state"] == [
        ("state", s) for s in ("running", "paused", "running")
    ]


def test_stop_while_paused(start):
    control = Control()
    control.pause()

    class StopThen(Callback):
        def on_state(self, state, message):
            if state == "paused":
                control.stop()

    run = start(control=control, callbacks=[StopThen()])
    assert run.state == "stopped"
    assert run.checkpoints == {}  # nothing was learned yet


def test_learning_rate_can_be_changed_while_running(start):
    run = start(callbacks=[At(6, lambda at: at.control.set_learning_rate(0.005))], warmup_steps=0)
    rates = run.metrics.set_index("step")["learning_rate"]
    assert rates[6] == pytest.approx(0.01)
    assert rates[8] == pytest.approx(0.005)


def poison(network, step):
    with torch.no_grad():
        next(network.parameters()).fill_(math.nan)


def test_one_loss_that_is_not_finite_is_skipped(start):
    def spoil_once(network, step):
        def hook(module, args, output):
            handle.remove()
            return {k: v * math.nan for k, v in output[0].items()}, output[1]

        handle = network.register_forward_hook(hook)

    run = start(preview=spoil_once, preview_every_steps=7, ema_decay=0)
    assert run.state == "finished"
    assert run.metrics["skipped"].tolist()[-1] == 1
    assert run.metrics["loss"].notna().all()
    assert "Step 8 skipped" in log_of(run)


def test_repeated_ones_go_back_to_the_checkpoint_with_a_lower_rate(start):
    spoilt = []

    def spoil(network, step):
        if not spoilt:
            spoilt.append(step)
            poison(network, step)

    run = start(preview=spoil, preview_every_steps=7, ema_decay=0, max_steps=20)
    assert run.state == "finished"
    assert "back to step 5, with 0.5 times the learning rate" in log_of(run)
    metrics = run.metrics.set_index("step")
    assert metrics.index.is_unique
    assert metrics["skipped"].iloc[-1] == 5
    assert metrics["learning_rate"][20] == pytest.approx(0.005)
    assert metrics["loss"].notna().all()
    assert all(t.isfinite().all() for t in load_checkpoint(run).weights().values())


def test_it_goes_back_to_the_start_where_there_is_no_checkpoint(start):
    spoilt = []

    def spoil(network, step):
        if not spoilt:
            spoilt.append(step)
            poison(network, step)

    run = start(preview=spoil, preview_every_steps=3, ema_decay=0, checkpoint_every_steps=50)
    assert run.state == "finished"
    assert "back to step 0" in log_of(run)


def test_in_the_end_it_says_what_to_do(start, tmp_path):
    with pytest.raises(TrainingError, match="learning_rate of a tenth"):
        start(preview=poison, preview_every_steps=7, ema_decay=0, max_steps=100)
    run = Run(tmp_path / "run")
    assert run.state == "failed"
    assert "TrainingError" in run.message
    for step in run.checkpoints:  # none holds spoilt weights
        weights = load_checkpoint(run, step).weights().values()
        assert all(weight.isfinite().all() for weight in weights)


def test_bf16_computes_with_half_the_bits(start):
    runs = [start(p, precision=p, max_steps=4) for p in ("32", "bf16")]
    a, b = (run.metrics["loss"].to_numpy() for run in runs)
    assert a != pytest.approx(b, rel=1e-7)
    assert a == pytest.approx(b, rel=1e-2)


def test_learnable_initial_state_gets_gradients(start):
    network = SampleRNNConfig(
        frame_sizes=(8, 4), hidden_dim=8, initial_state="learnable", weight_norm=True
    )
    run = start(network=network, io=network.default_io(22050))
    weights = load_checkpoint(run, step=12).weights()
    assert any(
        name.endswith("initial") and value.abs().max() > 0 for name, value in weights.items()
    )
