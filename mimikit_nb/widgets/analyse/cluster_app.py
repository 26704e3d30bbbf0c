"""The clustering view: families of like sounds on a map to play, to lasso, to name.

::

    app = cluster("recording.wav", segments=found)
    app.run()       # shows the view; a headless run clusters here and now
    app.value       # the clusters as edited, in a later cell

Main names: :func:`cluster`, :class:`ClusterView`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ...analysis import Clustering
from ...analysis.clustering import Features, Segments
from ...analysis.describe import DEFAULT_CHAIN
from ...arguments import Count, PathArg, Rate, Seed, checked
from ...recipes.analysing import Recording
from ...runtime import is_headless
from ..pictures import Picture, waveform
from .base_app import AnalysisView
from .cluster_model import ClusterModel, ClusterSettings, as_marks, in_words
from .cluster_panel import ClusterPanel
from .sound_map import draw_map


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


class ClusterView(AnalysisView[Clustering, ClusterSettings], ClusterModel):
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
        super().__init__(sound, sr, segments, features, settings, out)
        self.headless = headless
        if not headless:
            self.panel = ClusterPanel(self)
            self.widget = self.panel.widget

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
