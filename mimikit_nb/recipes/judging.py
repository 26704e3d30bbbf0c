"""Judge generated sounds by numbers, beside sounds that everybody can imagine.

Main names: :func:`judge`, :func:`corpus_profile`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..arguments import Seed, checked
from ..audio.meters import measure
from ..corpus.store import Corpus
from ..errors import ParameterError
from ..evaluation.detectors import CorpusProfile, detect
from ..evaluation.distances import SpectralStatistics, band_distance
from ..generation.output import Generated

if TYPE_CHECKING:
    import pandas

EXCERPT = "corpus (an excerpt)"
NOISE = "noise as loud as the corpus"
SILENCE = "silence"

_PROFILES: dict[str, CorpusProfile] = {}


@checked
def judge(
    sounds: Generated | Mapping[str, Generated], corpus: Corpus, seed: Seed = 0
) -> pandas.DataFrame:
    """Tabulate how loud, how healthy and how near to the corpus generated sounds are.

    Only what is new is judged, not the prompts. So that the numbers mean something, an excerpt
    of the corpus, noise and silence stand in the same table.

    Parameters
    ----------
    sounds : Generated or mapping of str to Generated
        What :func:`generate` made; by name, if it is from several networks.
    corpus : Corpus
        What to compare with.
    seed : int, default 0
        Draws the noise and the excerpt.

    Returns
    -------
    pandas.DataFrame
        One row per sound: ``sound``, ``seconds``, ``peak_dbfs``, ``lufs``, ``distance_db`` (mean
        difference of the log-mel spectra's distributions; the smaller the nearer) and ``flags``.

    Raises
    ------
    ParameterError
        If the sounds' rate isn't that of the corpus, or there are none.

    Examples
    --------
    >>> table = mnb.judge(made, corpus)
    >>> table.columns.tolist()
    ['sound', 'seconds', 'peak_dbfs', 'lufs', 'distance_db', 'flags']
    """
    import pandas as pd

    groups = {"generated": sounds} if isinstance(sounds, Generated) else dict(sounds)
    if not groups:
        raise ParameterError("There are no sounds to judge; give at least one.")
    rows = {}
    for name, made in groups.items():
        if made.sample_rate != corpus.sample_rate:
            raise ParameterError(
                f"{name} has {made.sample_rate} Hz, the corpus {corpus.sample_rate} Hz; "
                "they can be compared at the same rate only."
            )
        for i, y in enumerate(made.continuation, start=1):
            rows[f"{name} {i}" if len(made.audio) > 1 else name] = y
    n_samples = next(iter(rows.values())).shape[-1]
    rows |= _references(corpus, n_samples, seed)
    whole = SpectralStatistics.of(corpus.signal, corpus.sample_rate)
    profile = corpus_profile(corpus)
    return pd.DataFrame([_row(name, y, corpus, whole, profile) for name, y in rows.items()])


def corpus_profile(corpus: Corpus) -> CorpusProfile:
    """What is usual in a corpus, for flags that mean "worse than the corpus"; kept in memory."""
    if corpus.hash not in _PROFILES:
        profile = CorpusProfile.from_signal(corpus.signal, corpus.sample_rate)
        _PROFILES.clear()  # one corpus at a time is enough for a notebook
        _PROFILES[corpus.hash] = profile
    return _PROFILES[corpus.hash]


def _references(corpus: Corpus, n_samples: int, seed: int) -> dict[str, np.ndarray]:
    """Sounds to compare with: the corpus itself, noise of its level, silence."""
    random = np.random.default_rng(seed)
    n_samples = min(n_samples, corpus.n_samples)
    start = int(random.integers(corpus.n_samples - n_samples + 1))
    excerpt = np.array(corpus.signal[:, start : start + n_samples])
    level = float(excerpt.std()) or 1e-3
    noise = random.normal(0, level, excerpt.shape).clip(-1, 1).astype(np.float32)
    return {EXCERPT: excerpt, NOISE: noise, SILENCE: np.zeros_like(excerpt)}


def _row(
    name: str, y: np.ndarray, corpus: Corpus, whole: SpectralStatistics, profile: CorpusProfile
) -> dict[str, object]:
    rate = corpus.sample_rate
    levels = measure(y, rate)
    return {
        "sound": name,
        "seconds": round(y.shape[-1] / rate, 2),
        "peak_dbfs": round(levels.peak_dbfs, 1),
        "lufs": round(levels.lufs, 1),
        "distance_db": round(band_distance(SpectralStatistics.of(y, rate), whole), 2),
        "flags": ", ".join(sorted(detect(y, rate, profile))),
    }
