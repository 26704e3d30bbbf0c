"""Small generated sounds with known beginnings."""

from __future__ import annotations

import numpy as np

SR = 22050


def hit(kind: str, seconds: float = 0.25, seed: int = 0) -> np.ndarray:
    """A decaying sound: "noise", "low" (110 Hz) or "high" (1760 Hz) [shape=(n,)]."""
    t = np.arange(round(seconds * SR)) / SR
    noise = np.random.default_rng(seed).standard_normal(len(t))
    hertz = {"low": 110, "high": 1760}.get(kind, 0)
    tone = np.sin(2 * np.pi * hertz * (1 + 0.01 * (seed % 4)) * t)
    sound = 0.3 * noise if kind == "noise" else 0.8 * tone + 0.003 * noise
    fade = np.minimum(1, (t[-1] - t) / 0.02)
    return (sound * np.exp(-8 * t) * fade).astype(np.float32)


def place(events: list[tuple[float, str]], seconds: float) -> np.ndarray:
    """Hits at given times on silence [shape=(N,), dtype=float32]."""
    y = np.zeros(round(seconds * SR), np.float32)
    for i, (start, kind) in enumerate(events):
        at = round(start * SR)
        sound = hit(kind, seed=i)[: len(y) - at]
        y[at : at + len(sound)] += sound
    return y


def in_sections(kinds: list[str], section_seconds: float = 4.0, every: float = 0.25) -> np.ndarray:
    """A section of equal hits for each kind [shape=(N,)]."""
    per_section = round(section_seconds / every)
    events = [
        (i * section_seconds + j * every, kind)
        for i, kind in enumerate(kinds)
        for j in range(per_section)
    ]
    return place(events, section_seconds * len(kinds))
