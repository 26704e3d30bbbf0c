"""What a run's log says of its previews."""

from __future__ import annotations

import numpy as np
import pytest

from mimikit_nb.checkpoint import Run
from mimikit_nb.evaluation.replay import Replay
from mimikit_nb.generation.output import Generated
from mimikit_nb.recipes.preview_log import PreviewLog
from mimikit_nb.recipes.previews import PreviewSound
from mimikit_nb.training import Control
from tests.recipes.test_recipes import train


def preview(path, share: float | None, flags: frozenset[str] = frozenset()) -> PreviewSound:
    replay = None if share is None else Replay(share, 1.5, 0.0)
    sound = Generated(np.zeros((1, 1, 100)), 100, 0.5, [{}], paths=[path])
    return PreviewSound(sound, 1, 1.0, flags, replay)


@pytest.fixture
def said(tmp_path):
    """Lines that a log of previews writes."""
    run, log = Run(tmp_path), PreviewLog()
    log.on_start(run, Control())

    def tell(step: int, *previews: PreviewSound) -> str:
        path = tmp_path / "log.txt"
        path.touch()
        before = path.read_text()
        log.on_preview(step, list(previews))
        return path.read_text()[len(before) :]

    return tell


def test_each_preview_has_a_line(said, tmp_path):
    lines = said(7, preview(tmp_path, None), preview(tmp_path, 0.25, frozenset({"noise"})))
    assert "Preview of step 7: no flags." in lines
    assert "noise; 25 % in passages of the recording, the longest 1.5 s." in lines
    assert "By heart" not in lines


def test_knowing_by_heart_is_said_once(said, tmp_path):
    assert "By heart" not in said(1, preview(tmp_path, 0.9), preview(tmp_path, 0.1))
    assert "By heart: 60 % and more" in said(2, preview(tmp_path, 0.9), preview(tmp_path, 0.6))
    assert "By heart" not in said(3, preview(tmp_path, 0.9))


def test_previews_of_another_kind_are_none_of_its_business(said):
    assert said(1) == "" and said(2, "a file") == ""


def test_a_training_has_it(tiny_corpus, tmp_path):
    run = train(tiny_corpus, "latent_rnn", tmp_path / "run")
    assert "Preview of step 6: " in (run.folder / "log.txt").read_text()
