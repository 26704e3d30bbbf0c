"""What each measure is: formula, range, and how to read it; and the table beside real audio.

Everything that the table of an evaluation holds stands here once, for documents and views.

Main names: :data:`MEASURES`, :class:`Measure`, :func:`explain`, :func:`beside`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas


class Measure(NamedTuple):
    """One column of the table in words."""

    about: str
    formula: str
    range: str
    reading: str


_LIKE_REAL = "real excerpts' values are best; more is further away"

MEASURES: dict[str, Measure] = {
    "novelty": Measure(
        "novelty",
        "mean over time of min(1, d / d_real); d = 1 - correlation of 0.8 s with the nearest place",
        "0 to 1",
        "0 copies, real excerpts 0.8 or so; noise is new too, so read it beside the fidelity",
    ),
    "longest_copy_seconds": Measure(
        "novelty",
        "longest stretch whose patches follow one passage of the corpus (correlation > 0.85)",
        "0 s to the sound's length",
        "what is longer than in real excerpts is flagged; hear it beside the original",
    ),
    "same_recording_seconds": Measure(
        "novelty",
        "longest part of it whose waveform is the corpus' (correlation > 0.995 in half a second)",
        "0 s to the longest copy",
        "near 0 for a passage that is played again, as long as the copy for a cut-out",
    ),
    "recorded_share": Measure(
        "novelty",
        "share of the latent frames in passages of 0.3 s or more that follow the corpus",
        "0 to 1",
        "of networks on latent frames, where copies escape the spectra; music that repeats itself "
        "isn't at 0 either",
    ),
    "longest_run_seconds": Measure(
        "novelty",
        "longest passage of latent frames that follows the corpus frame by frame",
        "0 s to the sound's length",
        "the longest phrase that is known by heart",
    ),
    "entropy": Measure(
        "novelty",
        "entropy of the seconds of the corpus visited up to the end / highest possible",
        "0 to 1",
        "near 0: trapped in one place; near 1: wanders; its curve shows when a trap begins",
    ),
    "repeat_rate": Measure(
        "novelty",
        "share of the time in seconds of the corpus first visited more than 2 s before",
        "0 to 1",
        "high with a low entropy: it goes round in circles",
    ),
    "coverage": Measure(
        "novelty",
        "seconds of the corpus visited / seconds that could be",
        "0 to 1",
        "of one sound; by_checkpoint has that of all its sounds: low if they keep to few places",
    ),
    "fidelity": Measure(
        "fidelity",
        "mean over the five distances of (far - d) / (far - real), cut to 0 ... 1; far: the nearer "
        "of noise and silence, real: median of real excerpts",
        "0 to 1",
        "1 is as near as real audio, 0 as far as noise",
    ),
    "log_mel_distance": Measure(
        "fidelity",
        "root mean square over 64 bands of the differences of mean and deviation in time",
        "0 dB upwards",
        f"timbre and level; {_LIKE_REAL}",
    ),
    "frechet_distance": Measure(
        "fidelity",
        "sqrt((|m - m_c|^2 + tr(C + C_c - 2 (C C_c)^(1/2))) / 64) of 20 MFCC",
        "0 dB upwards",
        f"timbres and how they vary together; {_LIKE_REAL}",
    ),
    "kernel_distance": Measure(
        "fidelity",
        "sqrt(E k(x, x') + E k(z, z') - 2 E k(x, z)) of half-seconds of MFCC, Gaussian kernels",
        "0 to 1.42",
        f"mixtures of timbres too; {_LIKE_REAL}",
    ),
    "pitch_distance": Measure(
        "fidelity",
        "Hellinger distance of the pitch classes, sqrt(1 - sum(sqrt(p q)))",
        "0 to 1",
        f"which of the twelve tones sound; {_LIKE_REAL}",
    ),
    "rhythm_distance": Measure(
        "fidelity",
        "root mean square difference of the autocorrelations of onset strength, 0.1 to 2 s",
        "0 to 2",
        f"tempo and metre; {_LIKE_REAL}",
    ),
    "frechet_mfcc": Measure(
        "all sounds of a checkpoint",
        "as frechet_distance, of the frames of all sounds together",
        "0 dB upwards",
        "beside as many real excerpts; its interval comes from drawing the sounds again",
    ),
    "frechet_log_mel": Measure(
        "all sounds of a checkpoint",
        "the same of 64 log-mel bands",
        "0 dB upwards",
        "hears pitch and fine structure too",
    ),
    "kernel_mfcc": Measure(
        "all sounds of a checkpoint",
        "as kernel_distance, of pairs of half-seconds from different sounds",
        "0 to 1.42",
        "further if all sounds are alike: a network that always plays the same",
    ),
    "kernel_log_mel": Measure(
        "all sounds of a checkpoint",
        "the same of 64 log-mel bands",
        "0 to 1.42",
        "hears pitch and fine structure too",
    ),
    "spectral_convergence": Measure(
        "fidelity",
        "|S - P| / |S| of magnitudes, P predicted from the real past, of what was held out",
        "0 upwards",
        "0 perfect, 1 silence; below previous_step_convergence it has learned to predict",
    ),
    "previous_step_convergence": Measure(
        "fidelity",
        "the same for a network that always predicts that nothing changes",
        "0 upwards",
        "what the spectral convergence has to be compared with",
    ),
    "loss": Measure("fidelity", "training loss", "by network", "lower predicts better"),
    "held_out_loss": Measure(
        "fidelity",
        "loss on what was held out",
        "by network",
        "rises while the loss falls: it learns by heart",
    ),
    "level_db": Measure(
        "health", "95th percentile of the RMS of 20 ms", "dB full scale", "near the corpus' own"
    ),
    "sounding_share": Measure(
        "health", "share of 20 ms frames above silence", "0 to 1", "below 0.02: silent"
    ),
    "silent_tail_seconds": Measure(
        "health", "silence up to the end", "0 s to the length", "more than half: silent"
    ),
    "noise_share": Measure(
        "health",
        "share of the audible time that is steady, unpitched, flat in spectrum",
        "0 to 1",
        "above 0.5: noise",
    ),
    "coloured_noise_share": Measure(
        "health",
        "the same for steady noise of any colour",
        "0 to 1",
        "above 0.5, and more than the corpus has: noise",
    ),
    "frozen_seconds": Measure(
        "health",
        "longest stretch whose bands move by less than 0.5 dB",
        "0 s to the length",
        "more than 30 % of the sound: stuck",
    ),
    "loop_seconds": Measure(
        "health",
        "longest stretch that repeats a passage about four times or more",
        "0 s to the length",
        "more than 30 % of the sound: stuck",
    ),
    "clipped_share": Measure(
        "health", "samples in runs of three at full scale", "0 to 1", "above 0.0005: clipped"
    ),
    "flat_top_share": Measure(
        "health",
        "samples in runs of three at the sound's own peak",
        "0 to 1",
        "above 0.01: clipped",
    ),
    "dc": Measure("health", "largest mean of a channel", "0 to 1", "above 0.05: offset"),
    "drift_db": Measure(
        "health",
        "rise of the level from beginning to end, where a line explains 60 % of it",
        "dB, with sign",
        "beyond 20 dB to either side, and the corpus' own level_range_db: drifting",
    ),
    "level_range_db": Measure(
        "health",
        "loudest tenth of the sound less the quietest",
        "0 dB upwards",
        "what real excerpts have is what a drift is compared with",
    ),
    "clicks_per_second": Measure(
        "health",
        "20 ms frames in which a single jump stands far above everything around it",
        "0 to 50 per second",
        "above 5: clicks",
    ),
}
"By column of the table. Limits of health rise to what 98 % of the corpus' own excerpts keep."


def explain(columns: Sequence[str] | None = None) -> pandas.DataFrame:
    """Say what measures are.

    Parameters
    ----------
    columns : sequence of str, optional
        Which ones; all if not given.

    Returns
    -------
    pandas.DataFrame
        ``about`` (novelty, fidelity, health), ``formula``, ``range``, ``reading``, by name.
    """
    import pandas as pd

    wanted = MEASURES if columns is None else {c: MEASURES[c] for c in columns if c in MEASURES}
    return pd.DataFrame(wanted.values(), index=[*wanted], columns=Measure._fields)


def beside(
    values: Mapping[str, float],
    real: Mapping[str, Sequence[float]],
    planted: Mapping[str, Mapping[str, float]],
    name: str = "this",
) -> pandas.DataFrame:
    """Measures beside what real excerpts and planted failures score.

    Parameters
    ----------
    values : mapping of str to float
        The measures.
    real : mapping of str to sequence of float
        Of each, what real excerpts score; what isn't there is left out.
    planted : mapping of str to mapping
        By case, what it scores.
    name : str, default "this"
        Column of the values.

    Returns
    -------
    pandas.DataFrame
        Rows: the measures; columns: ``name``, real_5%, real_50%, real_95%, and the cases.
    """
    import pandas as pd

    rows = {}
    for measure, scores in real.items():
        finite = np.asarray(scores, float)
        finite = finite[np.isfinite(finite)]
        low, middle, high = np.percentile(finite, [5, 50, 95]) if len(finite) else [np.nan] * 3
        cases = {case: found.get(measure, np.nan) for case, found in planted.items()}
        here = {name: values.get(measure, np.nan)}
        rows[measure] = here | {"real_5%": low, "real_50%": middle, "real_95%": high} | cases
    return pd.DataFrame.from_dict(rows, orient="index")
