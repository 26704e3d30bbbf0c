"""Score a sound against a corpus: :func:`score`."""

from __future__ import annotations

from pathlib import Path

from ..arguments import PathArg, Rate, Samples, checked
from ..audio.arrays import as_sound
from ..corpus.store import Corpus, open_corpus
from ..evaluation.index import CorpusIndex
from ..evaluation.scoring import Score
from ..evaluation.scoring import score as score_samples


@checked
def score(y: Samples, sr: Rate, corpus: Corpus | CorpusIndex | PathArg) -> Score:
    """Score one sound against a corpus: how new it is, how near, and what is wrong with it.

    Every score comes with what real excerpts of the corpus, noise, silence, a loop and a copy
    have: ``score(...).beside_real_audio()`` is the table.

    Parameters
    ----------
    y : np.ndarray [shape=(N,) or (C, N)]
        The sound, full scale at 1 (integers are scaled by their type): best the new part alone,
        without its prompt.
    sr : int > 0
        Sample rate in Hz; other rates than the corpus' are resampled.
    corpus : Corpus, path or CorpusIndex
        What to compare with. Its index is made at the first call (some seconds for a minute of
        corpus, a minute for an hour) and kept in memory.

    Returns
    -------
    Score
        ``.novelty`` and ``.fidelity`` (0 to 1), ``.longest_copy_seconds`` and
        ``.copy_position_seconds``, ``.flags`` (a set of "silent", "noise", "stuck", "clipped",
        "copy" ...), and more.

    Raises
    ------
    ParameterError
        If ``y`` isn't sound, or the rate can't be worked at.
    CorpusError
        If the corpus can't be opened, or is shorter than 2 s.

    Examples
    --------
    >>> verdict = mnb.score(made.continuation[0], made.sample_rate, corpus)
    >>> 0 <= verdict.novelty <= 1, verdict.longest_copy_seconds
    (True, 0.0)
    """
    if isinstance(corpus, str | Path):
        corpus = open_corpus(corpus)
    return score_samples(as_sound(y, nonfinite=True), sr, corpus)
