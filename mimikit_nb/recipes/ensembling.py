"""Several generators take turns by a score: :func:`ensemble`, :func:`stream_ensemble`."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from ..corpus.store import Corpus, open_corpus
from ..errors import ParameterError
from ..evaluation.stuck import band_levels, longest_frozen_run, longest_loop
from ..generation.ensemble.piece import Ensemble, Piece, Progress, collect
from ..generation.ensemble.score import Score
from ..generation.ensemble.studio import Studio
from ..generation.ensemble.voice import Room
from ..units import seconds_to_samples

_DEFAULT_RATE = 22050


def ensemble(
    score: Any,
    corpus: Corpus | str | Path | None = None,
    seconds: float | None = None,
    seed: int = 0,
    *,
    sample_rate: int | None = None,
    n_channels: int | None = None,
    stems: bool = False,
    progress: Progress | None = None,
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
    progress : callable, optional
        Called with seconds done and wanted (the latter is 0 where it isn't known).

    Returns
    -------
    Ensemble
        ``.audio [C, samples]``, ``.sample_rate``, ``.turns``, ``.save(folder)``.

    Raises
    ------
    ConfigError
        If the score has an event that isn't one; the message names it.
    ParameterError
        If the score has no end and no ``seconds`` are given, or a number is out of its range.
    """
    piece = stream_ensemble(
        score, corpus, seconds, seed, sample_rate=sample_rate, n_channels=n_channels
    )
    if seconds is None and piece.score.is_endless:
        raise ParameterError(
            "The score has no end; say how long the piece is (seconds=...), or take blocks from "
            "stream_ensemble()."
        )
    audio, parts = collect(piece, stems, progress)
    return Ensemble(audio, piece.sample_rate, piece.turns, piece.score, piece.recall(), parts)


def stream_ensemble(
    score: Any,
    corpus: Corpus | str | Path | None = None,
    seconds: float | None = None,
    seed: int = 0,
    *,
    sample_rate: int | None = None,
    n_channels: int | None = None,
) -> Piece:
    """Play a score block by block, in constant memory; it may have no end.

    Parameters
    ----------
    score, corpus, seconds, seed, sample_rate, n_channels : optional
        See :func:`ensemble`.

    Returns
    -------
    Piece
        Iterating gives blocks ``[C, n]``; ``.parts`` are the generators' parts of the latest one.
    """
    if seconds is not None and not 0 < seconds < float("inf"):
        raise ParameterError(f"seconds is {seconds}; it must be above 0, and finite.")
    if seed < 0:
        raise ParameterError(f"seed is {seed}; it must not be negative.")
    score = score if isinstance(score, Score) else Score(score)
    if corpus is not None and not isinstance(corpus, Corpus):
        corpus = open_corpus(corpus)
    studio = Studio(corpus, {"stuck": _when_stuck})
    rate = sample_rate or (corpus.sample_rate if corpus is not None else _first_rate(score, studio))
    channels = n_channels or (corpus.n_channels if corpus is not None else 1)
    n_samples = None if seconds is None else seconds_to_samples(seconds, rate)
    return Piece(score, Room(studio, rate, channels, seed), n_samples)


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
