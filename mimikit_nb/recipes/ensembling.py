"""Several generators take turns by a score: :func:`ensemble`, :func:`stream_ensemble`."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import numpy as np

from ..arguments import ChannelCount, PathArg, Rate, Seconds, Seed, checked
from ..corpus.store import Corpus, open_corpus
from ..errors import ParameterError
from ..evaluation.fingerprints import HOP_SECONDS, PATCH_FRAMES
from ..evaluation.scoring import score as score_samples
from ..evaluation.stuck import band_levels, longest_frozen_run, longest_loop
from ..generation.ensemble.piece import Ensemble, Piece, collect, finished
from ..generation.ensemble.room import Room
from ..generation.ensemble.score import Score
from ..generation.ensemble.studio import Rule, Studio, needed
from ..generation.ensemble.writing import write_piece
from ..progress import Watch
from ..units import seconds_to_samples

_DEFAULT_RATE = 22050


@checked
def ensemble(
    score: Any,
    corpus: Corpus | PathArg | None = None,
    seconds: Seconds | None = None,
    seed: Seed = 0,
    *,
    sample_rate: Rate | None = None,
    n_channels: ChannelCount | None = None,
    stems: bool = False,
    out: PathArg | None = None,
    progress: Watch | None = None,
) -> Ensemble:
    """Let networks and other generators take turns, each prompted by what sounded before.

    Parameters
    ----------
    score : list, iterable, str, Path or Score
        Events and patterns, a YAML or JSON file, or any iterable of events; see
        :class:`~mimikit_nb.generation.ensemble.score.Score`.
    corpus : Corpus or path, optional
        Where prompts and regions come from; the first turn continues a passage of it. Without
        one it continues silence.
    seconds : float > 0, optional
        Exact length. A turn that would go beyond is shortened; a list that is shorter is
        repeated. Without it the piece is as long as its score.
    seed : int >= 0, default 0
        The same seed makes the same piece, sample by sample.
    sample_rate, n_channels : int, optional
        Of the piece; the corpus' own if not given, else the first generator's and 1.
    stems : bool, default False
        Whether to keep every generator's part.
    out : str or Path, optional
        Folder to write to while it is made, in constant memory: mix, stems, score and turns.
        Nothing is lost by a kill, and a score without an end is played until it is interrupted.
    progress : Progress or callable, optional
        Told the seconds of sound done and wanted; a function is called with it, and what it raises
        ends the sound.


    Returns
    -------
    Ensemble
        ``.audio [C, samples]``, ``.sample_rate``, ``.turns``, ``.save(folder)``, and the ``.paths``
        of what was written (with ``out`` the sound lies there, and is read when it is asked for).

    Raises
    ------
    ConfigError
        If the score has an event that isn't one; the message names it.
    ParameterError
        If the score has no end and no ``seconds`` are given, or a number is out of its range.

    Examples
    --------
    >>> turns = [
    ...     {"generator": "runs/first", "seconds": [0.5, 1], "temperature": 0.9},
    ...     {"generator": "nearest_neighbour", "seconds": 1, "level": "match"},
    ... ]
    >>> mix = mnb.ensemble(turns, corpus, seed=1)
    >>> [turn.generator for turn in mix.turns]
    ['runs/first 4', 'nearest_neighbour']
    """
    piece = stream_ensemble(
        score, corpus, seconds, seed, sample_rate=sample_rate, n_channels=n_channels
    )
    if out is not None:
        return write_piece(piece, out, stems=stems, progress=progress)
    if seconds is None and piece.score.is_endless:
        raise ParameterError(
            "The score has no end; say how long the piece is (seconds=...), write it to a folder "
            "(out=...), or take blocks from stream_ensemble()."
        )
    return finished(piece, *collect(piece, stems, progress))


@checked
def stream_ensemble(
    score: Any,
    corpus: Corpus | PathArg | None = None,
    seconds: Seconds | None = None,
    seed: Seed = 0,
    *,
    sample_rate: Rate | None = None,
    n_channels: ChannelCount | None = None,
    keep: bool = False,
    earlier: Piece | None = None,
) -> Piece:
    """Play a score block by block, in constant memory; it may have no end.

    Parameters
    ----------
    score, corpus, seconds, seed, sample_rate, n_channels : optional
        See :func:`ensemble`.
    keep : bool, default False
        Whether what is played is kept in memory, to be the ``earlier`` version of another piece.
    earlier : Piece, optional
        A version that was kept, with the same corpus, rate and seed: its turns up to the first
        that changed are taken over sample by sample, and only what follows is generated.

    Returns
    -------
    Piece
        Iterating gives blocks ``[C, n]``; ``.parts`` are the generators' parts of the latest one.

    Examples
    --------
    >>> turns = [{"repeat": [{"generator": "nearest_neighbour", "seconds": 1}], "times": None}]
    >>> piece = mnb.stream_ensemble(turns, corpus)
    >>> next(iter(piece)).shape[0]
    1
    """
    score = score if isinstance(score, Score) else Score(score)
    if corpus is not None and not isinstance(corpus, Corpus):
        corpus = open_corpus(corpus)
    rules: dict[str, Rule] = {
        "stuck": _when_stuck,
        "novelty_below": partial(_when_known, corpus),
    }
    studio = Studio(corpus, rules) if earlier is None else earlier.room.studio
    studio.forget()
    rate = sample_rate or (corpus.sample_rate if corpus is not None else _first_rate(score, studio))
    channels = n_channels or (corpus.n_channels if corpus is not None else 1)
    n_samples = None if seconds is None else seconds_to_samples(seconds, rate)
    room = Room(studio, rate, channels, seed, keep)
    if earlier is not None:
        _check_alike(earlier.room, room, corpus)
    return Piece(score, room, n_samples, earlier)


def _check_alike(earlier: Room, room: Room, corpus: Corpus | None) -> None:
    """Only a version that was kept, in the same surroundings, can be gone on from."""
    known, given = earlier.studio.corpus, corpus
    pairs = {
        "corpus": (known and known.hash, given and given.hash),
        "sample_rate": (earlier.sample_rate, room.sample_rate),
        "n_channels": (earlier.n_channels, room.n_channels),
        "seed": (earlier.seed, room.seed),
        "keep": (earlier.keeps, True),
    }
    for name, (before, now) in pairs.items():
        if before != now:
            raise ParameterError(
                f"The earlier version had {name} = {before}, not {now}; nothing of it can be taken "
                "over. Leave out earlier=..."
            )


def _first_rate(score: Score, studio: Studio) -> int:
    """Rate of the first generator that has one."""
    if not score.is_list:
        return _DEFAULT_RATE
    for event in itertools.islice(score.events(np.random.default_rng(0)), 1000):
        rate = studio.sample_rate(event.generator)
        if rate is not None:
            return rate
    return _DEFAULT_RATE


def _when_stuck(y: np.ndarray, sample_rate: int) -> int | None:
    """A second after the sound began to stand still or to go round in circles."""
    levels = band_levels(y, sample_rate)
    runs = [run for run in (longest_frozen_run(levels), longest_loop(levels)) if run.seconds]
    if not runs:
        return None
    return round((min(run.start_seconds for run in runs) + 1) * sample_rate)


def _when_known(
    corpus: Corpus | None, y: np.ndarray, sample_rate: int, level: float = 0.3
) -> int | None:
    """Where the novelty, as a mean over a second, falls below a level: 0 is a copy, 1 is new."""
    if not 0 <= level <= 1:
        raise ParameterError(f"novelty_below is {level}; it must be from 0 to 1.")
    found = score_samples(y, sample_rate, needed(corpus, "The rule novelty_below"))
    times, distance = found.details.times_seconds, found.details.distance
    if len(times) < 2:
        return None
    novelty = np.clip(np.nan_to_num(distance, nan=1.0) / found.calibration.real_distance, 0, 1)
    n = max(1, round(1.0 / float(times[1] - times[0])))
    means = np.convolve(np.pad(novelty, (n - 1, 0), constant_values=1.0), np.ones(n) / n, "valid")
    below = np.flatnonzero(means < level)
    return (
        round(float(times[below[0]] + PATCH_FRAMES * HOP_SECONDS) * sample_rate)
        if len(below)
        else None
    )
