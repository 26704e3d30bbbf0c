"""The index of a corpus: everything that scoring needs, made once.

Between the corpus and :mod:`.scoring`. An hour of corpus takes well under a minute and some
50 MB; the signal itself is read in blocks. It can be kept in a file beside the corpus, if told.

Main names: :class:`CorpusIndex`, :func:`index_of`.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ..audio.atomic import replacing
from ..audio.names import in_utf8
from ..audio.targets import FileKind, begins_with, check_target
from ..errors import CorpusError, ParameterError
from .calibration import Calibration, calibrate
from .detectors import QUIET_CORPUS_DB
from .distances import SpectralStatistics
from .fingerprints import Feature, Fingerprint
from .health import SILENCE_DB, measure_health
from .measures import References
from .music import PitchAndRhythm

FORMAT = "mimikit_nb corpus index 3"
INDEX = FileKind(
    "an index of a corpus", begins_with(rb".{8}\{.*\"mimikit_nb corpus index \d", 2**20)
)


class CorpusLike(Protocol):
    """What is needed of a corpus."""

    @property
    def signal(self) -> np.ndarray:
        """Samples ``[C, N]``, in memory or mapped."""

    @property
    def sample_rate(self) -> int:
        """In Hz."""


@dataclass(frozen=True)
class CorpusIndex:
    """Everything that scoring needs of a corpus.

    Attributes
    ----------
    references : References
        What sounds are compared with.
    calibration : Calibration
        What real audio scores.
    signature : str
        What it was made from; tells whether a file still fits its corpus.

    Examples
    --------
    >>> index = CorpusIndex.build(corpus)                         # doctest: +SKIP
    >>> scores = [score(y, 22050, index) for y in outputs]        # doctest: +SKIP
    """

    references: References
    calibration: Calibration
    signature: str

    @classmethod
    def build(
        cls,
        corpus: CorpusLike,
        *,
        held_out: list[tuple[int, int]] | None = None,
        excerpt_seconds: float = 10.0,
        feature: Feature = "bands",
        seed: int = 0,
        cache: str | Path | None = None,
    ) -> CorpusIndex:
        """Index of a corpus, or the one kept in a file if that still fits.

        Parameters
        ----------
        corpus : Corpus
            With ``signal [C, N]`` and ``sample_rate``.
        held_out : list of (start, stop), optional
            Samples that were held out of training (``corpus.split(...).held_out``): nothing can
            be copied from there, and real audio is taken from there first.
        excerpt_seconds : float > 0, default 10
            Length of the real excerpts: best that of the sounds to score.
        feature : {"bands", "timbre", "tones"}
            What neighbours are near in: everything, timbre more than pitch, or tones whatever
            plays them. Copies are found by everything in any case.
        seed : int
            Of the calibration.
        cache : path, optional
            File to keep the index in. Without it nothing is written.

        Returns
        -------
        CorpusIndex
            The index.

        Raises
        ------
        CorpusError
            If the corpus is shorter than 2 s, or the file at ``cache`` isn't an index.
        """
        if excerpt_seconds <= 0:
            raise ParameterError(f"excerpt_seconds is {excerpt_seconds}; it must be above 0.")
        signature = _signature(corpus, held_out or [], excerpt_seconds, seed, feature)
        path = None if cache is None else Path(cache)
        if path is not None and path.exists():
            kept = cls.load(path, corpus.signal)
            if kept.signature == signature:
                return kept
        references = _references(corpus, held_out or [], feature)
        calibration = calibrate(corpus.signal, references, excerpt_seconds, held_out or [], seed)
        index = cls(references, calibration, signature)
        if path is not None:
            index.save(path)
        return index

    def save(self, path: str | Path) -> None:
        """Write the index to a file, whole or not at all; an older one is replaced."""
        r = self.references
        tensors = {
            "movement": r.fingerprint.movement,
            "is_held_out": r.is_held_out,
            "bands": r.spectra.bands,
            "pitch_classes": r.music.pitch_classes,
            "rhythm": r.music.rhythm,
        } | ({} if r.neighbours is None else {"neighbours": r.neighbours.movement})
        header = {
            "sample_rate": r.sample_rate,
            "seconds": r.seconds,
            "silence_db": r.silence_db,
            "feature": r.feature,
            "hop_seconds": r.fingerprint.hop_seconds,
            "frame_rate": r.spectra.frame_rate,
            "calibration": self.calibration.to_dict(),
            "signature": self.signature,
        }
        check_target(Path(path), INDEX, overwrite=True, error=CorpusError)
        with replacing(Path(path)) as temporary:
            tensors = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
            save_file(tensors, temporary, {"format": FORMAT, "header": json.dumps(header)})

    @classmethod
    def load(cls, path: str | Path, signal: np.ndarray | None = None) -> CorpusIndex:
        """Read an index from a file.

        Parameters
        ----------
        path : path
            Written by :meth:`save`.
        signal : np.ndarray [shape=(C, N)], optional
            Of the corpus; without it a copy isn't told from a reprise.

        Returns
        -------
        CorpusIndex
            The index.

        Raises
        ------
        CorpusError
            If it can't be read, or is something else.
        """
        try:
            with in_utf8(path) as text, safe_open(text, framework="numpy") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != FORMAT:
                    raise CorpusError(
                        f"{path} isn't an index of a corpus of this version; choose another file, "
                        "or remove it to make the index anew."
                    )
                tensors = {name: file.get_tensor(name) for name in file.keys()}
                header: dict[str, Any] = json.loads(metadata["header"])
        except (OSError, SafetensorError, KeyError, ValueError, RecursionError) as error:
            raise CorpusError(f"Can't read the index {path}: {error}.") from error
        try:
            return cls._from(tensors, header, signal)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise CorpusError(
                f"The index {path} is damaged ({error!r}); remove it to make it anew."
            ) from error

    @classmethod
    def _from(
        cls, tensors: dict[str, np.ndarray], header: dict[str, Any], signal: np.ndarray | None
    ) -> CorpusIndex:
        """An index from what its file holds."""
        rate, hop_seconds, other = header["sample_rate"], header["hop_seconds"], None
        if "neighbours" in tensors:
            other = Fingerprint.of_movement(tensors["neighbours"], hop_seconds)
        references = References(
            sample_rate=rate,
            seconds=header["seconds"],
            fingerprint=Fingerprint.of_movement(tensors["movement"], hop_seconds),
            is_held_out=tensors["is_held_out"],
            spectra=SpectralStatistics(tensors["bands"], rate, header["frame_rate"]),
            music=PitchAndRhythm(tensors["pitch_classes"], tensors["rhythm"]),
            silence_db=header["silence_db"],
            signal=signal,
            feature=header["feature"],
            neighbours=other,
        )
        return cls(references, Calibration.from_dict(header["calibration"]), header["signature"])


def _references(
    corpus: CorpusLike, held_out: list[tuple[int, int]], feature: Feature
) -> References:
    signal, sample_rate = corpus.signal, corpus.sample_rate
    seconds = signal.shape[1] / sample_rate
    if seconds < 2:
        raise CorpusError(f"The corpus lasts {seconds:.2f} s; at least 2 s can be compared with.")
    spectra = SpectralStatistics.of(signal, sample_rate)
    middle = signal[:, : min(signal.shape[1], 30 * sample_rate)]
    level_db = measure_health(middle, sample_rate).level_db
    references = References(
        sample_rate=sample_rate,
        seconds=seconds,
        fingerprint=(fingerprint := Fingerprint.of(signal, sample_rate)),
        is_held_out=np.zeros(fingerprint.n_patches, bool),
        spectra=spectra,
        music=PitchAndRhythm.of(signal, sample_rate, spectra),
        silence_db=min(SILENCE_DB, level_db - QUIET_CORPUS_DB),
        signal=signal,
        feature=feature,
        neighbours=None if feature == "bands" else Fingerprint.of(signal, sample_rate, feature),
    )
    for start, stop in held_out:
        touching = references.patches_touching(start / sample_rate, stop / sample_rate)
        np.logical_or(references.is_held_out, touching, out=references.is_held_out)
    return references


def _signature(
    corpus: CorpusLike,
    held_out: list[tuple[int, int]],
    excerpt_seconds: float,
    seed: int,
    feature: Feature = "bands",
) -> str:
    """What an index was made from, in a line."""
    content = getattr(corpus, "hash", None) or _digest(corpus.signal)
    spans = [[int(start), int(stop)] for start, stop in held_out]
    shape = [*corpus.signal.shape, corpus.sample_rate]
    return json.dumps([content, shape, spans, excerpt_seconds, seed, feature])


def _digest(signal: np.ndarray) -> str:
    """Digest of a signal that brings none: of a thousand of its samples."""
    import hashlib

    places = np.linspace(0, signal.shape[1] - 1, 1000).astype(int)
    return hashlib.sha256(np.ascontiguousarray(signal[:, places]).tobytes()).hexdigest()


_RECENT: OrderedDict[str, CorpusIndex] = OrderedDict()
_N_RECENT = 2


def index_of(corpus: CorpusLike | CorpusIndex) -> CorpusIndex:
    """Index of a corpus, made at the first call and kept in memory for the next ones.

    Parameters
    ----------
    corpus : Corpus or CorpusIndex
        An index is returned as it is.

    Returns
    -------
    CorpusIndex
        With default settings; the two used last are kept.
    """
    if isinstance(corpus, CorpusIndex):
        return corpus
    signature = _signature(corpus, [], 10.0, 0)
    if signature not in _RECENT:
        _RECENT[signature] = CorpusIndex.build(corpus)
        while len(_RECENT) > _N_RECENT:
            _RECENT.popitem(last=False)
    _RECENT.move_to_end(signature)
    return _RECENT[signature]
