"""The clustering view: families of like sounds on a map to play, to lasso, to name.

::

    app = cluster("recording.wav", segments=found)
    app.run()       # shows the view; a headless run clusters here and now
    app.value       # the clusters as edited, in a later cell

Main names: :func:`cluster`, :class:`ClusterView`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from ...analysis import Clustering, Segmentation
from ...analysis import cluster as cluster_samples
from ...analysis.clustering import Features, Segments
from ...analysis.describe import DEFAULT_CHAIN
from ...arguments import Count, PathArg, Rate, Seed, checked
from ...recipes.analysing import Recording
from ...recipes.analysing import segment as segment_recording
from ...runtime import is_headless
from ..pictures import Picture, waveform
from ..player.marks import CLUSTER, PALETTE
from .base_app import AnalysisView
from .sound_map import draw_map


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


@checked
def cluster(
    sound: Recording,
    sr: Rate | None = None,
    segments: Segments = None,
    n_clusters: Count | None = None,
    method: str = "auto",
    features: Features = DEFAULT_CHAIN,
    seed: Seed = 0,
    *,
    out: PathArg = Path("outputs/clusters"),
    headless: bool | None = None,
) -> ClusterView:
    """Sort the segments of a recording by eye, ear and hand.

    Parameters
    ----------
    sound : np.ndarray [shape=(N,) or (C, N)], Corpus or path
        The recording.
    sr : int > 0, optional
        Rate of samples in Hz; files and corpora know theirs.
    segments, n_clusters, method, features, seed : optional
        What the view begins with, as :func:`mimikit_nb.cluster` takes it.
    out : str or Path, default "outputs/clusters"
        Folder that exports go to.
    headless : bool, optional
        Whether to show pictures instead of widgets; found out if None.

    Returns
    -------
    ClusterView
        ``.run()`` shows the view, or clusters in a headless run; ``.value`` is the
        :class:`~mimikit_nb.analysis.Clustering` as it is now.

    Raises
    ------
    ParameterError
        If the sound can't be used.
    AudioError
        If the file can't be read.
    """
    is_still = is_headless() if headless is None else headless
    settings = ClusterSettings(n_clusters, method, None, seed)
    return ClusterView(sound, sr, segments, features, settings, Path(out), is_still)


class ClusterView(AnalysisView[Clustering, ClusterSettings]):
    """Clusters of segments and the view onto them; made by :func:`cluster`."""

    def __init__(
        self,
        sound: Recording,
        sr: int | None,
        segments: Segments,
        features: Features,
        settings: ClusterSettings,
        out: Path,
        headless: bool,
    ) -> None:
        super().__init__(sound, sr, settings, out, headless, segments_key(segments))
        self.segments, self.features = segments, features
        if not headless:
            from .cluster_panel import ClusterPanel

            self.panel = ClusterPanel(self)
            self.widget = self.panel.widget

    def analyse(self, settings: ClusterSettings, foreground: bool | None = None) -> None:
        """Begin a clustering of the same segments."""
        features: Features = self.features
        if settings.features is not None:
            features = dict(settings.features)

        def work(tell: Callable[[float], None]) -> Clustering:
            segments, known = self.segments, self.session.found
            if known is not None:
                segments = known.segmentation
            elif segments is None and self.borders:
                segments = segment_recording(self.sound)
            return cluster_samples(
                *(self.y, self.sample_rate, segments, settings.n_clusters),
                *(settings.method, features, settings.seed),
                progress=tell,
            )

        self.session.start(work, settings, foreground)

    def picture(self) -> Picture:
        """The map, in the colours of the clusters."""
        return draw_map(self.value)

    def waveform_picture(self) -> Picture:
        """The recording with its segments in the colours of their clusters."""
        marks = as_marks(self.value)
        return waveform(self.y, self.sample_rate, segments=marks, title=repr(self))

    def table(self) -> Any:
        """The clusters as a table: name, segments, seconds together, a typical length."""
        import pandas as pd

        found = self.value
        seconds = np.array([stop - start for start, stop in found.segments])
        rows = []
        for label, name in enumerate(found.names):
            members = seconds[found.labels == label]
            rows.append(
                {
                    "cluster": name,
                    "segments": len(members),
                    "seconds": round(float(members.sum()), 2),
                    "typical_seconds": round(float(np.median(members)), 3),
                }
            )
        return pd.DataFrame(rows, columns=["cluster", "segments", "seconds", "typical_seconds"])

    def __repr__(self) -> str:
        now = self.session.history.now
        return f"ClusterView({'nothing yet' if now is None else in_words(now)})"


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
