"""What the tests of the evaluation share."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from mimikit_nb.evaluation.index import CorpusIndex

from .sounds import SR, plucked


@pytest.fixture(scope="session")
def music() -> np.ndarray:
    """Ten seconds of music, mono."""
    return plucked(10, seed=0)


@pytest.fixture(scope="session")
def corpus() -> SimpleNamespace:
    """A minute of music that never repeats, as a corpus."""
    return SimpleNamespace(signal=plucked(60, seed=1)[None], sample_rate=SR)


@pytest.fixture(scope="session")
def index(corpus: SimpleNamespace) -> CorpusIndex:
    """Index of the corpus."""
    return CorpusIndex.build(corpus)
