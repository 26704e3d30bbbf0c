"""What is different in Colab: Drive, the foreground, and older ipywidgets and IPython."""

import os
from importlib.metadata import version

import pytest

import mimikit_nb as mnb
from mimikit_nb import runtime
from mimikit_nb.batch import run_notebook
from mimikit_nb.widgets.evaluate import evaluate
from mimikit_nb.widgets.evaluate import model as evaluation
from mimikit_nb.widgets.generate import generate
from mimikit_nb.widgets.generate import model as generation
from mimikit_nb.widgets.job import HOW_TO_STOP
from mimikit_nb.widgets.train import train
from tests.notebooks.toy import printed, write_notebook

VERSIONS = """
from importlib.metadata import version
print(version("ipywidgets"), version("ipython"))"""


@pytest.fixture
def colab(tmp_path, monkeypatch):
    """A session of Colab in a folder of its own; the place where Drive would be mounted."""
    session, drive = tmp_path / "content", tmp_path / "content" / "drive" / "MyDrive"
    session.mkdir()
    monkeypatch.chdir(session)
    monkeypatch.setenv("COLAB_RELEASE_TAG", "test")
    monkeypatch.setattr(runtime, "DRIVE", drive)
    return drive


def test_what_is_made_is_kept_on_drive_if_it_is_mounted(colab, capsys):
    colab.mkdir(parents=True)
    here = runtime.start(headless=False)
    assert here.is_colab
    assert here.folder == str(colab / "mimikit_nb") == os.getcwd()
    assert "kept on Google Drive" in capsys.readouterr().out
    runtime.start(headless=False)  # the cell run again
    assert os.getcwd() == str(colab / "mimikit_nb")
    (colab / "mine").mkdir()
    os.chdir(colab / "mine")  # a place of one's own on Drive stays
    assert runtime.start(headless=False).folder == str(colab / "mine")


def test_without_drive_it_says_that_all_ends_with_the_session(colab, capsys):
    before = os.getcwd()
    assert runtime.start(headless=False).folder == before
    assert "mount Drive" in capsys.readouterr().out


def test_a_headless_run_stays_where_it_is(colab):
    colab.mkdir(parents=True)
    before = os.getcwd()
    assert runtime.start(headless=True).folder == before


def test_elsewhere_nothing_moves(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    monkeypatch.setattr(runtime, "DRIVE", tmp_path)
    before = os.getcwd()
    assert runtime.start(headless=False).folder == before
    assert capsys.readouterr().out == ""


def test_training_keeps_to_the_foreground(colab, tiny_corpus, tmp_path):
    """Start in Colab trains in the callback itself: no thread has to reach the page."""
    view = train(
        tiny_corpus,
        "sample_rnn/tiny",
        tmp_path / "runs",
        headless=False,
        frame_sizes=(8, 4, 4),
        hidden_dim=8,
        batch_size=2,
        chunk_steps=32,
        max_steps=2,
        preview_every_steps=0,
        held_out_every_steps=0,
    )
    seen = []
    panel, press = view.panel, ("Pause", "Stop", "Preview now")
    view.trainer.listen(
        lambda: seen.append((panel.status.value, [panel.buttons[b].disabled for b in press]))
    )
    panel.buttons["Start"].click()
    assert view.trainer.state == "finished"
    assert view.result.metrics.step.max() == 2
    status, disabled = seen[0]
    assert HOW_TO_STOP in status and disabled == [True] * 3  # nobody would hear them
    assert HOW_TO_STOP not in panel.status.value


@pytest.fixture
def run(tiny_corpus, tmp_path):
    settings = {"frame_sizes": (8, 4, 4), "hidden_dim": 8, "batch_size": 2, "chunk_steps": 32}
    return mnb.train(tiny_corpus, "sample_rnn/tiny", tmp_path / "run", max_steps=2, **settings)


def test_an_interrupt_stops_generating(colab, run, tiny_corpus, monkeypatch):
    view = generate(run, tiny_corpus, [0.5], headless=False)
    panel = view.panel

    def interrupted(*_, **__):
        view.tell()
        assert HOW_TO_STOP in panel.about.value and panel.buttons["Stop"].disabled
        raise KeyboardInterrupt

    monkeypatch.setattr(generation, "generate_sounds", interrupted)
    panel.buttons["Generate"].click()
    assert "Stopped" in panel.message.value
    assert HOW_TO_STOP not in panel.about.value


def test_an_interrupt_stops_an_evaluation(colab, run, tiny_corpus, tmp_path, monkeypatch):
    view = evaluate(run, tiny_corpus, out=tmp_path / "heard", headless=False)
    panel = view.panel

    def interrupted(*_, progress, **__):
        progress.tell(0.5, 1.0, "listening")
        view.tell()
        assert HOW_TO_STOP in panel.status.value and panel.buttons["Stop"].disabled
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluation, "evaluate_run", interrupted)
    panel.buttons["Start"].click()
    assert view.state == "stopped"
    assert "Interrupted" in panel.message.value


def test_the_kernel_of_a_run_has_the_same_ipywidgets_and_ipython(tmp_path):
    path = write_notebook(tmp_path / "toy.ipynb", VERSIONS)
    run = run_notebook(path, {"headless": True}, out=tmp_path / "out")
    assert printed(run.path).split() == [version("ipywidgets"), version("ipython")]
