"""What the clustering view looks like: settings, map, waveform, families, exports.

Main name: :class:`ClusterPanel`.
"""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import numpy as np

from ...analysis import Clustering
from ...analysis.describe import DEFAULT_CHAIN, FEATURES
from ...analysis.methods import METHODS
from ...errors import ParameterError
from ..forms.controls import explain
from ..player.marks import CLUSTER, PALETTE
from .base_panel import WRAPPED, AnalysisPanel
from .cluster_model import ClusterModel, ClusterSettings, as_marks, in_words
from .parts import MOST_DRAWN, player_of
from .sound_map import SoundMap, colour_of_cluster

GIVEN = "as given"
MOST_ROWS = 40  # clusters with a row of their own


class ClusterPanel(AnalysisPanel[ClusterModel, Clustering]):
    """All widgets of a clustering view.

    Parameters
    ----------
    model : ClusterModel
        Whose clusters are shown.
    """

    nothing = "There are no clusters yet; press Cluster."

    def __init__(self, model: ClusterModel) -> None:
        kinds = [f"{CLUSTER}{i}" for i in range(len(PALETTE))]
        super().__init__(model, player_of(model, spectrogram=False, kinds=kinds), 0.2, "clusters")
        self._drawn: Clustering | None = None
        self.map = SoundMap(self._play_one)
        self.map.observe(lambda _: self._do(lambda: None), names=["selection"])
        self.exports.formats.value = ("audacity", "csv", "bounce")
        self.rows = W.VBox()
        self.boxes: list[Any] = []
        self._make_settings()
        self._make_edits()
        self._begin(self._parts())

    # -- parts --------------------------------------------------------------------------------

    def _parts(self) -> list[W.Widget]:
        return [
            W.HBox([self.n_clusters, self.method], layout=WRAPPED),
            self.features,
            W.HBox([self.analyse, self.stop], layout=WRAPPED),
            self.status,
            self.bar,
            W.HTML(
                '<span class="mnb-note">Like sounds lie near each other. Hover or click to hear '
                "one; drag around some to select them.</span>"
            ),
            self.map,
            W.HBox([self.hover, self.play, self.be_silent, self.gap], layout=WRAPPED),
            W.HBox([self.name, self.assign], layout=WRAPPED),
            W.HTML("<h3>Clusters</h3>"),
            self.rows,
            W.HBox(list(self.edits.values()), layout=WRAPPED),
            self.player.widget,
            W.HTML("<h3>Export</h3>"),
            self.exports.widget,
        ]

    def _make_settings(self) -> None:
        settings = self.session.settings or self.model.settings
        self.n_clusters = W.BoundedIntText(
            value=settings.n_clusters or 0,
            min=0,
            max=1000,
            description="clusters",
            layout=W.Layout(width="180px"),
        )
        explain(self.n_clusters, "How many; 0: as many as the sounds suggest.")
        self.method = W.Dropdown(
            options=["auto", *METHODS],
            value=settings.method,
            description="method",
            layout=W.Layout(width="240px"),
        )
        explain(self.method, "How segments are sorted.")
        given = self.model.features
        chain = dict(DEFAULT_CHAIN) if given is DEFAULT_CHAIN else {}
        self.features = W.SelectMultiple(
            options=[*([] if chain else [GIVEN]), *FEATURES],
            value=tuple(chain) or (GIVEN,),
            rows=len(FEATURES) + (not chain),
            description="features",
            layout=W.Layout(width="300px"),
        )
        explain(self.features, "What sounds are compared by; Ctrl and click takes several.")
        self.analyse = self._button(
            "Cluster",
            "Sort the segments with these settings.",
            lambda: self.model.analyse(self.settings()),
            "success",
        )

    def _make_edits(self) -> None:
        self.hover = W.Checkbox(value=True, description="hover plays", indent=False)
        self.hover.layout.width = "120px"
        self.hover.observe(
            lambda change: setattr(self.map, "hover_plays", change["new"]), names="value"
        )
        self.play = self._button(
            "Play selection",
            "Hear the selected segments one after the other.",
            self._play_selection,
        )
        self.name = W.Text(
            placeholder="name of a cluster", description="name", layout=W.Layout(width="280px")
        )
        self.assign = self._button(
            "Give to cluster", "Put the selection into the cluster of that name.", self._assign
        )
        joins = "Join the clusters that are ticked, under the first name."
        self.edits = {
            "Merge": self._button("Merge", joins, self._merge),
            "Split": self._button(
                "Split", "Split the clusters that are ticked in two.", self._split
            ),
            "Undo": self.undo,
            "Redo": self.redo,
        }

    # -- doing --------------------------------------------------------------------------------

    def settings(self) -> ClusterSettings:
        """What stands in the fields."""
        names = [name for name in self.features.value if name != GIVEN]
        if not names and GIVEN not in self.features.value:
            raise ParameterError("Choose at least one feature to compare sounds by.")
        weights = tuple((name, float(DEFAULT_CHAIN.get(name, 1.0))) for name in names)
        return ClusterSettings(
            int(self.n_clusters.value) or None,
            self.method.value,
            weights or None,
            self.model.settings.seed,
        )

    def _play_one(self, index: int) -> None:
        self.turns.play([self.result().segments[index]])

    def _play_selection(self) -> None:
        found = self.result()
        if not self.map.selection:
            raise ParameterError("Nothing is selected; drag around some points of the map.")
        self.turns.play([found.segments[i] for i in self.map.selection], float(self.gap.value))

    def _play_cluster(self, label: int) -> None:
        found = self.result()
        self.map.selection = np.flatnonzero(found.labels == label).tolist()
        self._play_selection()

    def _assign(self) -> None:
        if not self.map.selection:
            raise ParameterError("Nothing is selected; drag around some points of the map.")
        self.session.edit(self.result().assign(self.map.selection, self.name.value.strip()))

    def _ticked(self) -> list[int]:
        return [label for label, box in enumerate(self.boxes) if box.value]

    def _merge(self) -> None:
        ticked = self._ticked()
        if len(ticked) < 2:
            raise ParameterError("Tick at least two clusters to join them.")
        self.session.edit(self.result().merge(ticked))

    def _split(self) -> None:
        found, names = self.result(), [self.result().names[label] for label in self._ticked()]
        if not names:
            raise ParameterError("Tick a cluster to split it.")
        for name in names:
            found = found.split(found.names.index(name))
        self.session.edit(found)

    def _rename(self, label: int, name: str) -> None:
        found = self.result()
        if name.strip() and found.names[label] != name.strip():
            self.session.edit(found.rename({label: name.strip()}))

    # -- showing ------------------------------------------------------------------------------

    def _enable(self, is_busy: bool, is_nothing: bool) -> None:
        self.analyse.disabled = is_busy
        for name in ("Merge", "Split"):
            self.edits[name].disabled = is_busy or is_nothing
        self.play.disabled = self.assign.disabled = is_nothing or not self.map.selection

    def _draw(self, now: Clustering) -> None:
        if now is self._drawn:
            return
        before, self._drawn = self._drawn, now
        if before is None or len(before) != len(now):
            self.map.selection = []
        self.map.show(now)
        self.player.segments = as_marks(now) if len(now) <= MOST_DRAWN else []
        rows = [self._row(now, label) for label in range(min(now.n_clusters, MOST_ROWS))]
        self.boxes = [row.children[0] for row in rows]
        self.rows.children = rows

    def _row(self, now: Clustering, label: int) -> Any:
        """One cluster: tick, colour, name, number of segments, play."""
        tick = W.Checkbox(indent=False, layout=W.Layout(width="24px"))
        explain(tick, "Tick for Merge or Split.")
        colour = W.HTML(
            f'<span style="display:inline-block;width:14px;height:14px;border-radius:7px;'
            f'background:{colour_of_cluster(label)}"></span>'
        )
        name = W.Text(
            value=now.names[label], continuous_update=False, layout=W.Layout(width="200px")
        )
        explain(name, "Name of the cluster.")
        name.observe(
            lambda change: self._do(lambda: self._rename(label, change["new"])), names="value"
        )
        n = int((now.labels == label).sum())
        count = W.HTML(f"{n} segment{'' if n == 1 else 's'}", layout=W.Layout(width="110px"))
        play = self._button(
            "Play", "Hear its segments one after the other.", lambda: self._play_cluster(label)
        )
        return W.HBox([tick, colour, name, count, play], layout=W.Layout(align_items="center"))

    def _facts(self) -> list[str]:
        now, n = self.session.history.now, len(self.map.selection)
        facts = [] if now is None else [in_words(now)]
        return [*facts, f"{n} selected"] if n else facts
