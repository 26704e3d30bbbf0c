"""The training view without a browser: a real, tiny training in a thread."""

import threading
from pathlib import Path

import numpy as np
import pytest

from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.write import write
from mimikit_nb.checkpoint.run import Run
from mimikit_nb.corpus.build import build_corpus
from mimikit_nb.errors import ConfigError, CorpusError, TrainingError
from mimikit_nb.widgets.kept import KEPT
from mimikit_nb.widgets.train import sources as train_sources
from mimikit_nb.widgets.train import train
from mimikit_nb.widgets.train.loss_plot import LossPlot
from mimikit_nb.widgets.train.losses import Losses
from tests.widgets.page import drop, send, text_of

SOON = 120.0
SMALL = {
    "frame_sizes": (8, 4, 4),
    "hidden_dim": 8,
    "batch_size": 2,
    "chunk_steps": 32,
    "max_steps": 6,
    "preview_every_steps": 3,
    "preview_seconds": 0.05,
    "checkpoint_every_steps": 3,
    "held_out_every_steps": 3,
    "held_out_batches": 1,
    "log_every_steps": 1,
}
ENDLESS = {**SMALL, "max_steps": 1_000_000, "preview_every_steps": 0, "held_out_every_steps": 0}


@pytest.fixture
def open_view(tiny_corpus, tmp_path):
    """Opens the view on one folder of runs; what still works at the end is stopped."""
    opened = []

    def make(sounds=None, **options):
        options = {"headless": False, "device": "cpu", **SMALL, **options}
        sounds = tiny_corpus if sounds is None else sounds
        opened.append(train(sounds, "sample_rnn", tmp_path / "runs", **options))
        return opened[-1]

    yield make
    for view in opened:
        if view.widget is not None:  # torch at work in a thread aborts a process that ends
            for thread in (t for t in threading.enumerate() if t.name == "measure"):
                thread.join(SOON)
    for known in KEPT.values():
        known.stop()
        known.job.wait(SOON)
    KEPT.clear()


def until(view, condition):
    """Wait, told by the trainer, until a condition holds."""
    met = threading.Event()

    def look():
        if condition():
            met.set()

    view.trainer.listen(look)
    look()
    assert met.wait(SOON), view.trainer.state


def press(view, name):
    made = {**view.panel.buttons, "Apply": view.panel.steering.apply_button}[name]
    assert not made.disabled, name
    made.click()


def test_start_to_end(open_view):
    view = open_view()
    press(view, "Start")
    until(view, lambda: view.trainer.state == "finished" and not view.trainer.is_busy)
    assert view.result.state == "finished"
    assert view.trainer.losses.steps == [1, 2, 3, 4, 5, 6]
    assert view.trainer.losses.checkpoints == [3, 6]
    assert [s.step for s in view.trainer.previews] == [3, 6]
    view.panel.refresh()
    assert "finished" in view.panel.status.value
    assert view.panel.bar.value == 1
    assert len(view.panel.timeline.players) == 2
    assert "step 6" in next(reversed(view.panel.timeline.players.values())).title
    assert "run_001" in view.panel.files.value
    assert "too early" in view.panel.advice.value.lower()


def test_pause_resume_and_stop(open_view):
    view = open_view(**ENDLESS)
    press(view, "Start")
    until(view, lambda: view.trainer.status is not None)
    view.panel.refresh()
    press(view, "Pause")
    until(view, lambda: view.trainer.state == "paused")
    step = view.trainer.status.step
    view.panel.refresh()
    assert not view.panel.buttons["Resume"].disabled
    assert view.panel.buttons["Pause"].disabled
    press(view, "Resume")
    until(view, lambda: view.trainer.status.step > step)
    view.panel.refresh()
    press(view, "Stop")
    assert view.trainer.job.wait(SOON)
    assert view.trainer.state == "stopped"
    assert list(view.result.checkpoints)[-1] == view.trainer.status.step


def test_the_cell_run_again_finds_the_run(open_view):
    first = open_view(**ENDLESS)
    press(first, "Start")
    until(first, lambda: first.trainer.status is not None)
    again = open_view(**ENDLESS)
    assert again.trainer is first.trainer
    assert "running" in again.panel.status.value
    assert again.panel.buttons["Start"].disabled
    with pytest.raises(TrainingError, match="under way"):
        again.panel.start()
    again.panel.refresh()
    press(again, "Stop")
    assert first.trainer.job.wait(SOON)


def test_a_new_kernel_shows_the_last_run_and_goes_on(open_view):
    view = open_view()
    press(view, "Start")
    assert view.trainer.job.wait(SOON)
    KEPT.clear()  # as a new kernel has none
    later = open_view(max_steps=9)
    assert later.trainer is not view.trainer
    assert later.trainer.losses.steps == [1, 2, 3, 4, 5, 6]
    assert [s.step for s in later.trainer.previews] == [3, 6]
    press(later, "Resume")
    assert later.trainer.job.wait(SOON)
    assert later.trainer.state == "finished"
    assert later.result.folder == view.result.folder
    assert later.trainer.losses.steps[-1] == 9


def test_steering_while_it_trains(open_view):
    view = open_view(**ENDLESS)
    press(view, "Start")
    until(view, lambda: view.trainer.status is not None)
    view.panel.refresh()
    view.panel.steering.temperatures.value = "0.5, 1"
    view.panel.steering.rate.value = 1e-5
    view.panel.steering.interval.value = 0
    press(view, "Apply")
    assert view.panel.complaint == ""
    assert "learning rate 1e-05, previews by the button" in view.panel.steering.note.value
    until(view, lambda: view.trainer.status.learning_rate < 2e-5)
    view.panel.refresh()
    press(view, "Preview now")
    until(view, lambda: len(view.trainer.previews) >= 2)
    assert {s.temperature for s in view.trainer.previews} == {0.5, 1.0}
    view.panel.steering.temperatures.value = "hot"
    press(view, "Apply")
    assert "Temperatures are numbers from 0 to 10" in view.panel.complaint
    view.panel.steering.rate.value = 5
    view.panel.steering.temperatures.value = "1"
    press(view, "Apply")
    assert "learning_rate" in view.panel.status.value


def test_a_failed_run_says_so_and_keeps_its_checkpoint(open_view, monkeypatch):
    from mimikit_nb.training.session import Session

    view = open_view()
    update, done = Session.update, []

    def fail_later(self, learned):
        done.append(1)
        if len(done) > 4:
            raise RuntimeError("the <power> went")
        update(self, learned)

    monkeypatch.setattr(Session, "update", fail_later)
    press(view, "Start")
    assert view.trainer.job.wait(SOON)
    view.panel.refresh()
    assert view.trainer.state == "failed"
    assert "the &lt;power&gt; went" in view.panel.status.value
    assert "of step 3, is kept" in view.panel.status.value
    assert list(view.result.checkpoints) == [3]


def test_values_come_from_the_form(open_view):
    view = open_view()
    view.form.control("network", "hidden_dim").text.value = "16"
    view.form.control("training", "max_steps").text.value = "4"
    assert view.value.network.hidden_dim == 16
    assert view.value.training.max_steps == 4
    assert view.value.io.sample_rate == 22050
    facts = text_of(view.form.widget)
    for name in ("parameters", "receptive field", "windows per epoch", "expected time"):
        assert name in facts


def test_settings_that_are_no_good_are_not_trained(open_view):
    view = open_view()
    view.form.control("training", "max_steps").text.value = "many"
    press(view, "Start")
    assert "max steps" in view.panel.complaint
    assert view.panel.fold.children[0].description.startswith("Not usable")
    assert not view.trainer.is_busy
    view.form.reset()
    assert view.panel.fold.children[0].description.startswith("sample rnn · ")


def test_a_view_gives_way_to_one_opened_later(open_view):
    first = open_view()
    later = open_view()
    assert "in the cell that was run last" in first.panel.widget.children[0].value
    press(later, "Start")
    assert later.trainer.job.wait(SOON)
    later.panel.refresh()
    assert "finished" in later.panel.status.value
    assert "ready" in first.panel.status.value


def test_nobody_looks_and_nothing_is_painted(open_view, monkeypatch):
    view = open_view()
    monkeypatch.setattr("mimikit_nb.widgets.page.GONE_SECONDS", 0.0)
    press(view, "Start")
    assert view.trainer.job.wait(SOON)
    view.trainer.job.paint_now()
    assert "finished" not in view.panel.status.value
    send(view.panel.page, {"type": "here"})
    assert "finished" in view.panel.status.value


def test_a_preview_that_fails_is_told(open_view, monkeypatch):
    def fail(*_):
        raise ValueError("no <prompt>")

    monkeypatch.setattr("mimikit_nb.recipes.previews.prompt_from_corpus", fail)
    view = open_view()
    press(view, "Start")
    assert view.trainer.job.wait(SOON)
    view.panel.refresh()
    assert "The preview failed: ValueError: no &lt;prompt&gt;" in view.panel.status.value
    assert view.trainer.state == "finished"


def test_a_headless_run_takes_the_rate_of_its_corpus(tmp_path, music):
    y = np.asarray(music)
    write(tmp_path / "a.wav", y, 16000)
    corpus = build_corpus(tmp_path / "a.wav", tmp_path / "a.h5", sample_rate=16000)
    app = train(corpus.path, "sample_rnn", tmp_path / "runs", headless=True, device="cpu", **SMALL)
    run = app.run()
    assert run.config["io"]["sample_rate"] == 16000
    assert app.corpus.hash == corpus.hash


def test_dropped_files_become_the_corpus(open_view, tmp_path, music):
    view = open_view()
    path = tmp_path / "take.wav"
    write(path, music, 22050)
    drop(view.panel.sources.drop, path)
    corpus = view.sources.wait()
    assert [f.path.endswith("recordings/take.wav") for f in corpus.files] == [True]
    assert corpus.duration_seconds == pytest.approx(len(music) / 22050)
    assert "accepted" in view.sources.report._repr_html_()


def test_files_that_are_added_while_others_are_read_are_learned_too(
    open_view, tmp_path, music, monkeypatch
):
    view = open_view()
    sources, begun, go_on = view.sources, threading.Event(), threading.Event()
    build = train_sources.build_beside

    def wait_first(*given):
        begun.set()
        assert go_on.wait(SOON)
        return build(*given)

    monkeypatch.setattr(train_sources, "build_beside", wait_first)
    for name in ("first", "second"):
        write(tmp_path / f"{name}.wav", music, 22050)
        sources.add([tmp_path / f"{name}.wav"])
        assert begun.wait(SOON)
    write(tmp_path / "third.wav", music, 22050)
    shown = sources.on_corpus

    def add_at_the_last_moment():
        shown()
        if len(sources.dropped) == 2 and len(sources.corpus.files) == 2:
            sources.add([tmp_path / "third.wav"])

    monkeypatch.setattr(sources, "on_corpus", add_at_the_last_moment)
    go_on.set()
    found = [Path(file.path).stem for file in sources.wait().files]
    assert found == ["first", "second", "third"]


def test_advice_reads_losses_that_are_being_added_to(open_view):
    trainer = open_view().trainer
    trainer.losses.losses += np.linspace(3, 1, 100).tolist()
    trainer.losses.steps += range(1, 102)
    assert trainer.advice.verdict == "still learning"


def test_a_folder_without_sound_is_said(open_view, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "no.wav").write_text("no sound")
    view = open_view(sounds=tmp_path / "empty")
    assert view.sources.job.wait(SOON)
    view.panel.sources.refresh()
    assert "mnb-wrong" in view.panel.sources.text.value
    press(view, "Start")
    assert view.panel.complaint


def test_headless_trains_from_the_parameters(open_view, capsys):
    view = open_view(headless=True)
    assert view.widget is None
    assert view.value.training.max_steps == 6
    run = view.run()
    assert isinstance(run, Run)
    assert run.state == "finished"
    assert view.result.folder == run.folder
    assert (run.folder / "losses.png").stat().st_size > 1000
    assert len(list(run.samples_folder.glob("*.wav"))) == 2
    text = capsys.readouterr().out
    assert "finished" in text
    assert "Too early: 6 losses so far" in text
    assert len(text.splitlines()) < 10
    more = open_view(headless=True, go_on_with=run.folder, max_steps=8).run()
    assert list(more.metrics["step"]) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_run_that_was_moved_goes_on_with_its_corpus(tmp_path):
    """From Colab to a laptop: the corpus lies beside the runs, is built anew, or is missed."""
    here, there, elsewhere = (tmp_path / name for name in ("here", "there", "elsewhere"))
    (sounds := tmp_path / "sounds").mkdir()
    write(sounds / "take.wav", demo_music(22050, 3.0), 22050)
    options = {"headless": True, "device": "cpu", **SMALL}
    train(sounds, "sample_rnn", here, **options).run()
    here.rename(there)
    options["go_on_with"] = there / "run_001"
    view = train("", "sample_rnn", there, **options | {"max_steps": 7})
    assert view.run().metrics.step.max() == 7
    assert view.corpus.path == there / "corpus.h5"
    (there / "corpus.h5").unlink()
    view = train(sounds, "sample_rnn", elsewhere, **options | {"max_steps": 8})
    assert view.run().metrics.step.max() == 8
    (elsewhere / "corpus.h5").unlink()
    with pytest.raises(CorpusError, match="Put it there, or give it"):
        train("", "sample_rnn", there, **options).run()


def test_in_the_foreground_it_is_over_when_the_cell_is(open_view, capsys):
    view = open_view(preview_every_steps=0)
    run = view.run(foreground=True)
    assert run.state == "finished"
    assert view.trainer.state == "finished"


def test_nothing_trained_is_said_in_words(open_view):
    with pytest.raises(TrainingError, match="Press Start"):
        _ = open_view().result
    with pytest.raises(ConfigError, match="hidden_dim"):
        open_view(hiden_dim=3)


@pytest.mark.parametrize("use_canvas", [None, False])
def test_the_plot_draws_whatever_there_is(use_canvas):
    plot = LossPlot(use_canvas)
    plot.draw(Losses())
    plot.draw(Losses([1], [2.0]))
    losses = Losses([1, 2, 3], [5.0, np.nan, 3.0], [(3, 4.0)], [2])
    plot.draw(losses)
    negative = Losses(list(range(5000)), list(-np.arange(5000.0)), [], [])
    plot.draw(negative)
    assert plot.figure(losses).axes[0].get_yscale() == "log"
    assert plot.figure(negative).axes[0].get_yscale() == "linear"
    assert len(plot.figure(negative).axes[0].lines[0].get_xdata()) <= 800
