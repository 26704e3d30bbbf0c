"""Sounds to hear and to see: waveforms with marks, cards, sound that is heard while it is made."""

from .cards import listen
from .waveform import player

__all__ = ["listen", "player"]
