"""Tracks of a corpus as fixtures: what a network is told beside the sound.

Main name: :func:`conditioned`.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..corpus.store import Corpus
from ..corpus.tracks import LabelTrack
from ..errors import ConfigError
from ..features.labels import ClusterLabelConfig, SegmentLabelConfig, ValuesConfig
from ..io.variable import IOSpec, VariableConfig


def conditioned(io: IOSpec, corpus: Corpus, tracks: str | Sequence[str]) -> IOSpec:
    """Add tracks of a corpus to what a network reads.

    Parameters
    ----------
    io : IOSpec
        What it reads and writes.
    corpus : Corpus
        Whose tracks.
    tracks : str or list of str
        Their names; the fixtures are called the same.

    Returns
    -------
    IOSpec
        With a fixture per track. A track whose labels return is read as clusters, one where
        (nearly) every stretch has a label of its own as segments, values as values.

    Raises
    ------
    ConfigError
        If a variable is called so already.
    CorpusError
        If there is no such track.
    """
    added = {}
    for name in [tracks] if isinstance(tracks, str) else tracks:
        if name in io.variables:
            raise ConfigError(f"There is a variable {name!r} already; give the track another name.")
        added[name] = track_variable(corpus, name)
    return io.replace(variables={**io.variables, **added}) if added else io


def track_variable(corpus: Corpus, track: str) -> VariableConfig:
    """Fixture that reads a track of a corpus."""
    found = corpus.tracks[track]
    feature: ClusterLabelConfig | SegmentLabelConfig | ValuesConfig
    if not isinstance(found, LabelTrack):
        feature = ValuesConfig(dim=1 if found.values.ndim == 1 else found.values.shape[1])
    elif 2 * len(found.classes) > len(found):
        feature = SegmentLabelConfig.of(found)
    else:
        feature = ClusterLabelConfig.of(found)
    return VariableConfig(feature=feature, role="fixture", source=f"track:{track}")
