from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.analysis.frames import analyse_frames
from mimikit_nb.analysis.onsets import find_onsets, onset_strength, otsu_threshold, snap_to_zero
from mimikit_nb.analysis.spacing import strongest_spaced

from .sounds import SR, place


def test_a_bass_drum_under_noise_is_an_onset() -> None:
    noise = 0.05 * np.random.default_rng(0).standard_normal(3 * SR)
    high = np.diff(noise, n=2, append=[0, 0])  # hardly anything below 1 kHz
    y = high.astype(np.float32) + place([(1.0, "low"), (2.0, "low")], 3.0)
    found = find_onsets(y, analyse_frames(y, SR))
    strongest = np.sort(found.starts[np.argsort(-found.salience)[:2]]) / SR
    assert np.abs(strongest - [1, 2]).max() < 0.03


def test_steady_sound_has_no_strength(tone: np.ndarray) -> None:
    strength = onset_strength(analyse_frames(tone, SR))
    assert strength[6:-6].max() < 0.5


def test_candidates_keep_their_distance(hits: np.ndarray) -> None:
    found = find_onsets(hits, analyse_frames(hits, SR))
    assert (np.diff(found.starts) >= round(0.03 * SR)).all()


def test_a_slow_attack_begins_where_it_leaves_the_silence() -> None:
    t = np.arange(SR) / SR
    swell = np.sin(2 * np.pi * 300 * t) * np.clip(t / 0.12, 0, 1) ** 2
    y = np.concatenate([np.zeros(SR // 2), swell]).astype(np.float32)
    found = find_onsets(y, analyse_frames(y, SR))
    first = found.starts[np.argmax(found.salience)] / SR
    assert 0.49 < first < 0.55


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 4000), min_size=1, max_size=20), st.integers(0, 2**32 - 1))
def test_snapped_positions_are_zero_crossings_nearby(places: list[int], seed: int) -> None:
    y = np.random.default_rng(seed).standard_normal(4001)
    snapped = snap_to_zero(y, np.array(places), 1000, seconds=0.02)
    for before, after in zip(places, snapped, strict=True):
        assert abs(after - before) <= 20
        assert before == 0 or after == 0 or y[after - 1] * y[after] <= 0 or _no_crossing(y, before)


def _no_crossing(y: np.ndarray, place: int) -> bool:
    part = y[max(0, place - 20) : place + 21]
    return not (np.signbit(part[1:]) != np.signbit(part[:-1])).any()


def test_otsu_separates_two_groups() -> None:
    values = np.concatenate([np.linspace(2, 3, 20), np.linspace(20, 30, 10)])
    assert 3 < otsu_threshold(values, 1.5) < 20
    assert otsu_threshold(np.array([5.0]), 1.5) == 1.5


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 100), st.integers(0, 9)), max_size=30),
    st.integers(0, 20),
)
def test_spacing_keeps_the_strongest(items: list[tuple[int, int]], gap: int) -> None:
    positions = np.array([p for p, _ in items], float)
    strength = np.array([s for _, s in items], float)
    kept = strongest_spaced(positions, strength, gap)
    chosen = positions[kept]
    assert (np.diff(chosen) >= gap).all()
    for i in set(range(len(items))) - set(kept.tolist()):  # whatever went had a stronger neighbour
        near = np.abs(chosen - positions[i]) < gap
        assert (strength[kept][near] >= strength[i]).any()
