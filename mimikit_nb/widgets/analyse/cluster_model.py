"""Families of segments that sound alike: found and edited; makes no widgets.

Main names: :class:`ClusterModel`, :class:`ClusterSettings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from ...analysis import Clustering, Segmentation
from ...analysis import cluster as cluster_samples
from ...analysis.clustering import Features, Segments
from ...progress import Progress
from ...recipes.analysing import Recording
from ...recipes.analysing import segment as segment_recording
from ..player.marks import CLUSTER, PALETTE
from .model import AnalysisModel


@dataclass(frozen=True)
class ClusterSettings:
    """How to cluster.

    Attributes
    ----------
    n_clusters : int or None
        How many; None: found from the data.
    method : str
        How.
    features : tuple of (str, float), or None
        Names and weights of the features; None: what was passed in.
    seed : int
        For methods that draw at random.
    """

    n_clusters: int | None = None
    method: str = "auto"
    features: tuple[tuple[str, float], ...] | None = None
    seed: int = 0


class ClusterModel(AnalysisModel[Clustering, ClusterSettings]):
    """Clusters of segments, and their edits."""

    def __init__(
        self,
        sound: Recording,
        sr: int | None,
        segments: Segments,
        features: Features,
        settings: ClusterSettings,
        out: Path,
    ) -> None:
        super().__init__(sound, sr, settings, out, segments_key(segments))
        self.segments, self.features = segments, features

    def analyse(self, settings: ClusterSettings, foreground: bool | None = None) -> None:
        """Begin a clustering of the same segments."""
        features: Features = self.features
        if settings.features is not None:
            features = dict(settings.features)

        def work(progress: Progress) -> Clustering:
            segments, known = self.segments, self.session.found
            if known is not None:
                segments = known.segmentation
            elif segments is None and self.borders:
                segments = segment_recording(self.sound)
            return cluster_samples(
                *(self.y, self.sample_rate, segments, settings.n_clusters),
                *(settings.method, features, settings.seed),
                progress=progress,
            )

        self.session.start(work, settings, foreground)


def segments_key(segments: Segments) -> str:
    """What tells segments from others."""
    if isinstance(segments, Segmentation):
        text = f"{segments.starts.tolist()} {segments.stops.tolist()}"
    else:
        text = repr(segments)
    return blake2b(text.encode(), digest_size=12).hexdigest()


def as_marks(found: Clustering) -> list[dict[str, Any]]:
    """Segments as the player takes them: named by their clusters, coloured likewise."""
    return [
        {
            "start": start,
            "stop": stop,
            "label": name,
            "kind": f"{CLUSTER}{label % len(PALETTE)}" if label >= 0 else "segment",
            "editable": False,
        }
        for (start, stop), name, label in zip(
            found.segments, found.named_labels, found.labels.tolist(), strict=True
        )
    ]


def in_words(found: Clustering) -> str:
    """Clusters in one line."""
    counts = np.bincount(found.labels[found.labels >= 0], minlength=found.n_clusters)
    named = [f"{name} {n}" for name, n in zip(found.names, counts, strict=True)]
    more = f" and {len(named) - 8} more" if len(named) > 8 else ""
    none = int((found.labels < 0).sum())
    alone = f", {none} in none" if none else ""
    return (
        f"{len(found)} segments in {found.n_clusters} clusters ({found.method}): "
        f"{', '.join(named[:8])}{more}{alone}"
    )
