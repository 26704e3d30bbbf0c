"""Set a part of a corpus aside, so that a network can be judged on what it never heard."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..errors import ParameterError

Segment = tuple[int, int]
"First sample of a stretch, and the first sample after it."


class Split(NamedTuple):
    """Stretches to train on, and stretches held out; none crosses the border of two files.

    Attributes
    ----------
    train, held_out : list of (start, stop)
        In samples of the corpus, in order.
    """

    train: list[Segment]
    held_out: list[Segment]


def split_segments(
    segments: Sequence[Segment], held_out: float, seed: int, sample_rate: int
) -> Split:
    """Draw which stretches to hold out.

    Files are cut into blocks, of half the share to hold out but at most 30 s and (where there is
    enough) at least 2 s, and blocks are drawn until the share is met as nearly as they can: in a
    corpus of many short files whole files, in a long recording a few stretches. No block is
    shorter than 0.05 s on purpose; of a smaller share nothing is held out.

    Parameters
    ----------
    segments : sequence of (start, stop)
        The files.
    held_out : float in [0, 0.5]
        Share of the samples to hold out.
    seed : int >= 0
        Draws the blocks.
    sample_rate : int > 0
        In Hz.

    Returns
    -------
    Split
        Together they cover everything once. The part to train on is never empty.
    """
    if not 0 <= held_out <= 0.5:
        raise ParameterError(f"held_out is {held_out}; the share must lie in 0 to 0.5.")
    total = sum(stop - start for start, stop in segments)
    target = round(held_out * total)
    longest = min(max(target // 2, min(target, 2 * sample_rate)), 30 * sample_rate)
    longest = max(longest, sample_rate // 20, 1)
    blocks = [block for segment in segments for block in _cut(segment, longest)]
    chosen, n_chosen = set[Segment](), 0
    for index in np.random.default_rng(seed).permutation(len(blocks)):
        length = blocks[index][1] - blocks[index][0]
        is_nearer = n_chosen + length - target <= target - n_chosen  # to the target, with it
        if is_nearer and len(chosen) < len(blocks) - 1:
            chosen.add(blocks[index])
            n_chosen += length
    borders = {start for start, _ in segments}
    parts = ([b for b in blocks if b not in chosen], [b for b in blocks if b in chosen])
    return Split(*(_joined(part, borders) for part in parts))


def joined_short(segments: Sequence[Segment], short: int) -> list[Segment]:
    """Join stretches that follow each other without a gap where one of the two is short.

    Parameters
    ----------
    segments : sequence of (start, stop)
        Stretches, in order.
    short : int >= 0
        Samples; a shorter stretch is joined to its neighbours.

    Returns
    -------
    list of (start, stop)
        Stretches that cover the same samples.
    """
    joined = list(segments[:1])
    for before, (start, stop) in itertools.pairwise(segments):
        if before[1] == start and min(before[1] - before[0], stop - start) < short:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return joined


def _cut(segment: Segment, longest: int) -> list[Segment]:
    start, stop = segment
    n_blocks = -(-(stop - start) // longest)
    edges = [start + (stop - start) * i // n_blocks for i in range(n_blocks + 1)]
    return list(itertools.pairwise(edges))


def _joined(blocks: list[Segment], borders: set[int]) -> list[Segment]:
    """Join neighbours within a file."""
    joined: list[Segment] = []
    for start, stop in blocks:
        if joined and joined[-1][1] == start and start not in borders:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return joined
