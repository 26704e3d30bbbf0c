"""Previews while a network trains: what is said about them."""

import numpy as np

from mimikit_nb.audio.write import write
from mimikit_nb.evaluation.detectors import REMEDIES
from mimikit_nb.generation.record import reopened
from mimikit_nb.recipes.previews import PreviewSound
from mimikit_nb.widgets.train.previews import known_of, title_of


def test_a_flagged_preview_says_what_helps(tmp_path):
    silence = np.zeros((1, 8000), np.float32)
    recall = {"seed": 0, "prompt_end_seconds": 0.25}
    path = write(tmp_path / "preview.wav", silence, 8000, recall=recall)
    sound = PreviewSound(reopened(path), 500, 1.0, frozenset({"stuck"}))
    prompt, generated = known_of(sound)
    assert generated["stuck"] == REMEDIES["stuck"] and "stuck" not in prompt
    assert title_of(sound).endswith("stuck")
