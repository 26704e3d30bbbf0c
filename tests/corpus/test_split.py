import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.corpus.split import joined_short, split_segments
from mimikit_nb.errors import ParameterError


@st.composite
def _files(draw):
    lengths = draw(st.lists(st.integers(1, 2_000_000), min_size=1, max_size=40))
    edges = np.cumsum([0, *lengths]).tolist()
    return list(itertools.pairwise(edges))


@settings(deadline=None)
@given(files=_files(), held_out=st.floats(0, 0.5), seed=st.integers(0, 100))
def test_both_parts_cover_everything_once_and_cross_no_border(files, held_out, seed):
    split = split_segments(files, held_out, seed, 22050)
    parts = sorted([*split.train, *split.held_out])
    assert parts[0][0] == 0 and parts[-1][1] == files[-1][1]
    assert all(a[1] == b[0] for a, b in itertools.pairwise(parts))
    assert split.train
    starts = [start for start, _ in files]
    for start, stop in parts:
        file = files[np.searchsorted(starts, start, side="right") - 1]
        assert file[0] <= start < stop <= file[1]
    assert split == split_segments(files, held_out, seed, 22050)


@given(seconds=st.integers(5, 4000), held_out=st.floats(0.05, 0.3), seed=st.integers(0, 5))
def test_the_share_is_met_in_one_long_recording(seconds, held_out, seed):
    total = seconds * 22050
    split = split_segments([(0, total)], held_out, seed, 22050)
    share = sum(stop - start for start, stop in split.held_out) / total
    assert abs(share - held_out) < 0.5 * held_out
    assert split.train


def test_short_files_are_held_out_whole():
    files = [(i * 20_000, (i + 1) * 20_000) for i in range(50)]
    split = split_segments(files, 0.1, 0, 22050)
    assert len(split.held_out) == 5
    assert set(split.held_out) <= set(files)


def test_the_seed_draws_the_parts_and_nothing_may_be_held_out(tiny_corpus):
    assert tiny_corpus.split(0.2, seed=1) != tiny_corpus.split(0.2, seed=2)
    assert tiny_corpus.split(0.0).held_out == []
    assert tiny_corpus.split(0.0).train == tiny_corpus.segments
    with pytest.raises(ParameterError, match=r"held_out=0\.9"):
        tiny_corpus.split(0.9)


def test_short_stretches_are_joined_to_neighbours_they_touch():
    short, long = [(0, 5), (5, 9)], [(100, 200), (200, 300)]
    assert joined_short([*short, (9, 30), (31, 35)], 10) == [(0, 30), (31, 35)]
    assert joined_short(long, 10) == long
    assert joined_short([*long, (300, 304), (304, 400)], 10) == [(100, 200), (200, 400)]
    assert joined_short([], 10) == []


@settings(deadline=None)
@given(files=_files(), held_out=st.floats(0, 0.5), short=st.integers(0, 500_000))
def test_joining_keeps_every_sample_and_what_is_held_out_apart(files, held_out, short):
    split = split_segments(files, held_out, 0, 22050)
    joined = joined_short(split.train, short)
    assert sum(b - a for a, b in joined) == sum(b - a for a, b in split.train)
    for a, b in joined:
        assert not any(a < y and x < b for x, y in split.held_out)
    assert joined_short(split.train, 0) == split.train
