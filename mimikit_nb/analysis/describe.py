"""What stretches of sound are like: numbers per segment, from a chain of features to choose.

Each feature turns the frames of a segment into a few numbers; a chain of them, each with a
weight, is standardised over the segments and put side by side. Main names: :func:`describe`,
:data:`FEATURES`, :func:`discriminate`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import scipy.fft
import scipy.linalg

from ..audio.spectrum import power_spectra
from ..config import did_you_mean
from ..corpus.tracks import FeatureTrack
from ..errors import ParameterError
from ..progress import Progress, Watch
from .frames import Frames
from .kernels import principal_components

N_MFCC = 20
QUIET_DB = 40.0
Link = str | FeatureTrack
"A feature of a chain: by name, or as a track of values over the recording."
Chain = Link | Sequence[Link] | Mapping[Link, float]
N_TRACK_DIMS = 20
N_REGISTERS = 4
SOUND_CHAIN: Mapping[Link, float] = {"mfcc": 0.6, "shape": 1.0, "envelope": 1.0}
"There are thrice as many cepstral numbers (quantiles) as cepstra: hence their smaller weight."
DEFAULT_CHAIN: Mapping[Link, float] = {**SOUND_CHAIN, "registers": 1.0}
"For families of sounds it also matters which register rings on, and which is gone at once."


class Stretch:
    """The frames of a segment, and what the features have in common.

    Parameters
    ----------
    levels : np.ndarray [shape=(n, n_mels)]
        Mel levels in dB, :data:`~mimikit_nb.analysis.onsets.FLOOR_DB` at the least.
    cepstra : np.ndarray [shape=(n, n_mfcc)]
        Their cosine transform.
    y : np.ndarray [shape=(n_samples,)]
        The samples.
    sample_rate : int
        Rate of the samples in Hz.
    """

    def __init__(
        self, levels: np.ndarray, cepstra: np.ndarray, y: np.ndarray, sample_rate: int
    ) -> None:
        self.levels, self.cepstra, self.y, self.sample_rate = levels, cepstra, y, sample_rate
        self.power = 10 ** (levels / 10)
        self.energy = self.power.sum(axis=1)
        loudness = 10 * np.log10(self.energy)
        self.is_audible = loudness > loudness.max() - QUIET_DB
        weight = 10 ** ((loudness - loudness.max()) / 20)
        self.weight = weight / weight.sum()


def _mfcc(stretch: Stretch) -> np.ndarray:
    """Timbre: quantiles of the cepstra, without the level, while the sound is audible."""
    cepstra = stretch.cepstra[stretch.is_audible, 1:]
    return np.percentile(cepstra, [10, 50, 90], axis=0).ravel()


def _shape(stretch: Stretch) -> np.ndarray:
    """Centroid, spread and flatness of the spectrum: their means and how much they move."""
    bands = np.linspace(0, 1, stretch.levels.shape[1])
    power, energy = stretch.power, stretch.energy
    centroid = power @ bands / energy
    spread = np.sqrt((power * (bands - centroid[:, None]) ** 2).sum(axis=1) / energy)
    flatness = stretch.levels.mean(axis=1) - 10 * np.log10(power.mean(axis=1))
    shape = np.stack([centroid, spread, flatness / 30], axis=1)
    return np.concatenate([stretch.weight @ shape, shape[stretch.is_audible].std(axis=0)])


def _envelope(stretch: Stretch) -> np.ndarray:
    """How the energy comes and goes: rise, middle and decay, length, how peaked."""
    energy = stretch.energy
    share = np.cumsum(energy) / energy.sum()
    reached = np.searchsorted(share, [0.1, 0.5, 0.9])
    times = np.log10(1 + np.append(reached, stretch.is_audible.sum()))
    return np.append(times, [np.argmax(energy) / 20, energy.max() / energy.mean() / 10])


def _registers(stretch: Stretch) -> np.ndarray:
    """Four registers from low to high: share of the energy of each, and when it comes."""
    power = stretch.power.reshape(len(stretch.power), N_REGISTERS, -1).sum(axis=2)
    energy = power.sum(axis=0)
    share = np.log10(energy / energy.sum() + 1e-5)
    frame = np.arange(len(power)) @ power / energy
    return np.concatenate([share, np.log10(1 + frame)])


def _chroma(stretch: Stretch) -> np.ndarray:
    """Pitch classes: share of the energy of each of the twelve, from 60 Hz to 5 kHz."""
    n_fft = 2 ** int(np.ceil(np.log2(0.18 * stretch.sample_rate)))
    hop_length = n_fft // 2
    hertz = np.fft.rfftfreq(n_fft, 1 / stretch.sample_rate)
    heard = (hertz > 60) & (hertz < 5000)
    pitch_class = np.round(12 * np.log2(hertz[heard] / 440)).astype(int) % 12
    whole = np.pad(stretch.y, (0, -len(stretch.y) % hop_length))  # its end counts, too
    power = sum(block.sum(axis=0) for block in power_spectra(whole[None], n_fft, hop_length))
    folded = np.bincount(pitch_class, power[heard], minlength=12)
    return folded / max(folded.sum(), 1e-20)


FEATURES: dict[str, Callable[[Stretch], np.ndarray]] = {
    "mfcc": _mfcc,
    "shape": _shape,
    "envelope": _envelope,
    "registers": _registers,
    "chroma": _chroma,
}
"Features by name; a chain names some of them, with a weight each."


def describe(
    y: np.ndarray,
    frames: Frames,
    starts: np.ndarray,
    stops: np.ndarray,
    chain: Chain = DEFAULT_CHAIN,
    progress: Watch | None = None,
) -> np.ndarray:
    """Describe each segment by the features of a chain.

    Parameters
    ----------
    y : np.ndarray [shape=(N,)]
        Mono recording.
    frames : Frames
        Its analysis.
    starts, stops : np.ndarray [shape=(n,), dtype=int64]
        First sample of each segment, and the first after it.
    chain : name, track, list of them or dict of float, optional
        Names out of :data:`FEATURES` and tracks of features (what a network hears, say), with
        weights if it is a dict. Of a track its means in the segments count, along their
        directions of most variance.
    progress : Progress or callable, optional
        Told how far it is.

    Returns
    -------
    np.ndarray [shape=(n, D), dtype=float64]
        Features with mean 0 and standard deviation 1 (or the weight) over the segments.

    Raises
    ------
    ParameterError
        If a feature is unknown or the chain is empty.
    """
    weights, progress = _weights(chain), Progress.of(progress)
    names = [link for link in weights if isinstance(link, str)]
    edges = [np.clip(np.round(x / frames.axis.hop_length), 0, len(frames)) for x in (starts, stops)]
    rows = []
    for start, stop, a, b in zip(starts, stops, *(e.astype(int) for e in edges), strict=True):
        a = min(a, len(frames) - 1)
        b = min(max(b, a + 2), len(frames))
        a = max(0, min(a, b - 2))
        levels = np.maximum(frames.levels[1][a:b].astype(np.float64), -80)
        cepstra = scipy.fft.dct(levels, axis=1, norm="ortho")[:, :N_MFCC]
        stretch = Stretch(levels, cepstra, y[start:stop], frames.sample_rate)
        rows.append([FEATURES[name](stretch) for name in names])
        if len(rows) % 256 == 0:
            progress.tell(len(rows), len(starts))
    if not rows:
        return np.zeros((0, 1))
    named = dict(zip(names, zip(*rows, strict=True), strict=True))
    blocks = [
        w
        * (
            standardise(np.stack(named[link]))
            if isinstance(link, str)
            else _of_track(link, starts, stops)
        )
        for link, w in weights.items()
    ]
    return np.hstack(blocks)


def _of_track(track: FeatureTrack, starts: np.ndarray, stops: np.ndarray) -> np.ndarray:
    """Means of a track in segments, in few dimensions, as varied as standardised ones."""
    values = track.values.reshape(len(track), -1)
    first = np.clip(starts // track.hop_length, 0, len(track) - 1)
    last = np.clip(-(-stops // track.hop_length), first + 1, len(track))
    means = [values[a:b].mean(axis=0, dtype=np.float64) for a, b in zip(first, last, strict=True)]
    places = principal_components(standardise(np.stack(means)), N_TRACK_DIMS)
    spread = np.sqrt(places.var(axis=0).sum() / N_TRACK_DIMS)
    scaled: np.ndarray = places / max(float(spread), 1e-12)
    return scaled


def _weights(chain: Chain) -> dict[Link, float]:
    """Chain as weights by link."""
    if isinstance(chain, str | FeatureTrack):
        chain = [chain]
    weights = dict(chain) if isinstance(chain, Mapping) else dict.fromkeys(chain, 1.0)
    if not weights:
        raise ParameterError(f"The chain of features is empty; name some of {list(FEATURES)}.")
    for name, weight in weights.items():
        if isinstance(name, str) and name not in FEATURES:
            raise ParameterError(f"Unknown feature {name!r}. {did_you_mean(name, FEATURES)}")
        if not weight > 0:
            called = name if isinstance(name, str) else "track"
            raise ParameterError(f"The weight of {called!r} is {weight}; it must be above 0.")
    return weights


def standardise(features: np.ndarray) -> np.ndarray:
    """Features with mean 0 and standard deviation 1 over the rows; constant ones become 0."""
    centred = features - features.mean(axis=0)
    deviation = centred.std(axis=0)
    scale = np.where(deviation > 1e-9 * (1 + np.abs(features).max(axis=0)), deviation, np.inf)
    scaled: np.ndarray = centred / scale
    return scaled


def discriminate(features: np.ndarray, groups: np.ndarray, n_dims: int = 10) -> np.ndarray:
    """Rotate features towards what differs between groups and is alike within them.

    A regularised linear discriminant analysis whose groups are stretches of time: sounds that
    follow each other in one section belong together, so what varies among them
    matters less than what changes from section to section.

    Parameters
    ----------
    features : np.ndarray [shape=(n, D)]
        One row per sound.
    groups : np.ndarray [shape=(n,), dtype=int]
        Group of each row.
    n_dims : int > 0, default 10
        Dimensions to keep.

    Returns
    -------
    np.ndarray [shape=(n, <= n_dims)]
        Standardised so that the scatter within groups is about 1 in each dimension.
    """
    x = standardise(features)
    spread, axes = np.linalg.eigh(np.cov(x.T))
    keep = np.argsort(-spread)[: min(30, max(1, int((spread > 1e-9).sum())))]
    x = x @ axes[:, keep]
    n_groups = int(groups.max()) + 1
    counts = np.bincount(groups, minlength=n_groups)
    means = np.zeros((n_groups, x.shape[1]))
    np.add.at(means, groups, x)
    inside = x - (means / np.maximum(counts, 1)[:, None])[groups]
    within = inside.T @ inside / max(1, len(x) - int((counts > 0).sum()))
    within += (0.5 * np.trace(within) / len(within) + 1e-9) * np.eye(len(within))
    ratio, axes = scipy.linalg.eigh(np.atleast_2d(np.cov(x.T)), within)
    kept: np.ndarray = x @ axes[:, np.argsort(-ratio)[:n_dims]]
    return kept
