"""Latent frames of a recording as a track, so that segments can be compared by them by name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from ..analysis.clustering import Features
from ..analysis.describe import Link
from ..corpus.tracks import FeatureTrack
from ..errors import FeatureError, ParameterError
from ..features.latent import LatentConfig

NAME = "latent"
N_COMPONENTS = 8
"Few, since all of them count alike once segments are compared."


def with_latents(features: Features, y: np.ndarray, sr: int) -> Features:
    """Features to compare by, the name "latent" replaced by a track of ``y [C, N]``."""
    if isinstance(features, str):
        features = [features]
    if isinstance(features, Mapping):
        return {_resolved(link, y, sr): weight for link, weight in features.items()}
    if isinstance(features, list | tuple):
        return [_resolved(link, y, sr) for link in features]
    return features


def _resolved(link: Link, y: np.ndarray, sr: int) -> Link:
    return latent_track(y, sr) if isinstance(link, str) and link == NAME else link


def latent_track(y: np.ndarray, sr: int) -> FeatureTrack:
    """Principal components of a recording's log magnitudes, fitted to itself.

    Parameters
    ----------
    y : np.ndarray [shape=(C, N)]
        The recording; channels are mixed.
    sr : int > 0
        Rate in Hz.

    Raises
    ------
    ParameterError
        If it is silent, or shorter than two frames.
    """
    feature = LatentConfig(unit_frames=1, n_components=N_COMPONENTS).build(sr)
    n_samples = y.shape[-1]

    def sound(start: int, stop: int) -> torch.Tensor:
        return torch.from_numpy(np.mean(y[:, start:stop], axis=0, dtype=np.float32))

    try:
        feature.fit([(n_samples, sound)])
    except FeatureError as error:
        raise ParameterError(str(error)) from error
    values = torch.cat(list(feature.grid_blocks(n_samples, sound)))
    axis = feature.frame_axis
    return FeatureTrack.of(values.numpy(), axis.hop_length, axis.frame_length, False)
