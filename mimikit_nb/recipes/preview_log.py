"""What previews say of a training, in its log: flags, and how much is known by heart."""

from __future__ import annotations

from typing import Any

from ..checkpoint import Run
from ..training.callbacks import Callback, Control
from .previews import PreviewSound

BY_HEART = 0.5
"""Share of a preview in passages of the corpus from which on it counts as known by heart."""


class PreviewLog(Callback):
    """Notes what is wrong with each preview, and what of it is in the corpus."""

    def __init__(self) -> None:
        self._run: Run | None = None
        self._has_warned = False

    def on_start(self, run: Run, control: Control) -> None:
        """Remember where the log is."""
        self._run = run

    def on_preview(self, step: int, previews: Any) -> None:
        """Write a line for each preview, and once what helps against learning by heart."""
        assert self._run is not None
        sounds = [made for made in previews or () if isinstance(made, PreviewSound)]
        for sound in sounds:
            said = [", ".join(sorted(sound.flags)) or "no flags"]
            said += [str(sound.replay)] if sound.replay is not None else []
            self._run.log(f"Preview of step {step}: {'; '.join(said)}.")
        shares = [sound.replay.share for sound in sounds if sound.replay is not None]
        if shares and min(shares) > BY_HEART and not self._has_warned:
            self._has_warned = True
            self._run.log(
                f"By heart: {100 * min(shares):.0f} % and more of what is new are passages of the "
                "corpus. For newer sound: an earlier checkpoint, recorded=0, or more recordings."
            )
