from __future__ import annotations

import numpy as np
import pytest

from mimikit_nb.analysis import Segmentation, segment

from .sounds import SR, in_sections, place

ONSETS = [0.2, 0.71, 1.3, 1.62, 2.4, 3.05]


@pytest.fixture(scope="session")
def onset_times() -> np.ndarray:
    return np.array(ONSETS)


@pytest.fixture(scope="session")
def hits() -> np.ndarray:
    """Six hits on silence."""
    kinds = ["noise", "low", "high", "noise", "low", "high"]
    return place(list(zip(ONSETS, kinds, strict=True)), 3.6)


@pytest.fixture(scope="session")
def events(hits: np.ndarray) -> Segmentation:
    return segment(hits, SR)


@pytest.fixture(scope="session")
def form() -> np.ndarray:
    """Four sections of four seconds: A B A C."""
    return in_sections(["low", "noise", "low", "high"])


@pytest.fixture(scope="session")
def sections(form: np.ndarray) -> Segmentation:
    return segment(form, SR, level="sections")
