from __future__ import annotations

import numpy as np
import pytest

from mimikit_nb.analysis.describe import FEATURES, Stretch, describe, discriminate
from mimikit_nb.analysis.frames import analyse_frames
from mimikit_nb.analysis.kernels import kernel_map, principal_components, squared_distances
from mimikit_nb.corpus.tracks import FeatureTrack
from mimikit_nb.errors import ParameterError

from .sounds import SR

STARTS = np.array([4000, 15000, 28000, 35000])
STOPS = STARTS + np.array([5000, 5000, 5000, 10])


@pytest.mark.parametrize("name", FEATURES)
def test_features_are_finite_and_standardised(hits: np.ndarray, name: str) -> None:
    x = describe(hits, analyse_frames(hits, SR), STARTS, STOPS, name)
    assert len(x) == 4
    assert np.isfinite(x).all()
    assert np.allclose(x.mean(axis=0), 0)
    assert np.allclose(x.std(axis=0)[x.std(axis=0) > 0], 1)


def test_a_chain_is_its_features_side_by_side(hits: np.ndarray) -> None:
    frames = analyse_frames(hits, SR)
    parts = [describe(hits, frames, STARTS, STOPS, name) for name in ("shape", "chroma")]
    chain = describe(hits, frames, STARTS, STOPS, {"shape": 1.0, "chroma": 0.5})
    assert np.allclose(chain, np.hstack([parts[0], 0.5 * parts[1]]))


def test_chroma_hears_the_octave_as_the_same() -> None:
    t = np.arange(SR) / SR
    levels, cepstra = np.zeros((2, 40)), np.zeros((2, 20))
    a220, a440, a880, e330 = (
        FEATURES["chroma"](Stretch(levels, cepstra, np.sin(2 * np.pi * f * t), SR))
        for f in (220, 440, 880, 330)
    )
    assert a220.argmax() == a440.argmax() == a880.argmax() == 0
    assert e330.argmax() == 7


def test_a_track_of_the_recording_can_be_part_of_a_chain(hits: np.ndarray) -> None:
    frames, rng = analyse_frames(hits, SR), np.random.default_rng(0)
    values = rng.standard_normal((len(hits) // 100, 30)) * 0.1
    values[280:350] += 5.0  # during the third and the fourth segment
    track = FeatureTrack.of(values, 100, 100, False)
    alone = describe(hits, frames, STARTS, STOPS, track)
    assert alone.shape == (4, 20) and np.isclose(alone.var(axis=0).mean(), 1)
    distances = squared_distances(alone, alone)
    assert distances[2, 3] < distances[0, 2] and distances[0, 1] < distances[0, 3]
    both = describe(hits, frames, STARTS, STOPS, {"shape": 1.0, track: 0.5})
    shape = describe(hits, frames, STARTS, STOPS, "shape")
    assert np.allclose(both, np.hstack([shape, 0.5 * alone]))


@pytest.mark.parametrize(
    ("chain", "message"),
    [("mfc", "Did you mean 'mfcc'"), ([], "empty"), ({"mfcc": 0.0}, "above 0")],
)
def test_a_wrong_chain_is_refused(hits: np.ndarray, chain: object, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        describe(hits, analyse_frames(hits, SR), STARTS, STOPS, chain)


def test_discrimination_finds_what_differs_between_groups() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(6), 20)
    x = rng.standard_normal((120, 8)) * 5
    x[:, 3] = rng.standard_normal(120) + 3 * (groups % 2)
    kept = discriminate(x, groups, 1)[:, 0]
    assert abs(np.corrcoef(kept, groups % 2)[0, 1]) > 0.7


def test_the_kernel_map_is_exact_for_few_rows() -> None:
    x = np.random.default_rng(0).standard_normal((50, 4))
    phi = kernel_map(x)
    assert np.allclose((phi**2).sum(axis=1), 1, atol=1e-4)
    alike = phi @ phi.T
    order = np.argsort(squared_distances(x, x)[0])
    assert (np.diff(alike[0][order]) <= 1e-5).all()


def test_the_kernel_map_approximates_many_rows() -> None:
    x = np.random.default_rng(0).standard_normal((300, 2))
    exact, near = kernel_map(x, 300), kernel_map(x, 100)
    assert np.abs(exact @ exact.T - near @ near.T).mean() < 0.05
    assert np.isfinite(kernel_map(np.zeros((5, 3)))).all()


def test_principal_components_keep_distances() -> None:
    x = np.random.default_rng(0).standard_normal((20, 3))
    places = principal_components(x, 5)
    assert places.shape == (20, 5)
    assert np.allclose(squared_distances(places, places), squared_distances(x, x))


def test_registers_tell_where_the_energy_is_and_how_long_it_lasts() -> None:
    low = Stretch(*_levels(0, [0, -10, -20]), np.zeros(100, np.float32), 22050)
    high = Stretch(*_levels(39, [0, 0, 0]), np.zeros(100, np.float32), 22050)
    a, b = FEATURES["registers"](low), FEATURES["registers"](high)
    assert a[0] > a[3] and b[3] > b[0]
    assert b[7] > a[4]  # the high one is held


def _levels(band: int, decibels: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Levels with one loud band, and some cepstra."""
    levels = np.full((len(decibels), 40), -80.0)
    levels[:, band] = decibels
    return levels, np.zeros((len(decibels), 20))
