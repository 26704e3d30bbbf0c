"""What the clustering view looks like: settings, map, waveform, families, exports.

It holds widgets and no clustering; everything it shows is read from the
:class:`~.session.Session`. Main name: :class:`ClusterPanel`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import numpy as np

from ..analysis import Clustering
from ..analysis.describe import DEFAULT_CHAIN, FEATURES
from ..analysis.methods import METHODS
from ..errors import ParameterError
from .clustering import ClusterSettings, as_marks, in_words
from .controls import STYLE, button, explain
from .exporting import ExportPanel
from .marks import CLUSTER, PALETTE
from .session_parts import MOST_DRAWN, player_of, status_html
from .soundmap import SoundMap, colour_of_cluster
from .trainer import in_plain_words
from .turns import Turns

if TYPE_CHECKING:
    from .clustering import ClusterView

GIVEN = "as given"
MOST_ROWS = 40  # clusters with a row of their own


class ClusterPanel:
    """All widgets of a clustering view.

    Parameters
    ----------
    view : ClusterView
        Whose clusters are shown.
    """

    def __init__(self, view: ClusterView) -> None:
        self.view, self.session = view, view.session
        self._complaint, self._lock = "", threading.RLock()
        self._drawn: Clustering | None = None
        kinds = [f"{CLUSTER}{i}" for i in range(len(PALETTE))]
        self.player = player_of(view, spectrogram=False, kinds=kinds)
        self.turns = Turns(lambda: self.player)
        self.map = SoundMap(self._play_one)
        self.map.observe(lambda _: self._do(lambda: None), names=["selection"])
        self._make_settings()
        self._make_edits()
        self.exports = ExportPanel(self, view.out, view.corpus, "clusters", self._do)
        self.exports.formats.value = ("audacity", "csv", "bounce")
        self.status = W.HTML()
        self.bar = W.FloatProgress(min=0.0, max=1.0, layout=W.Layout(width="98%"))
        explain(self.bar, "Share of the clustering that is done.")
        self.rows = W.VBox()
        self.boxes: list[Any] = []
        self.widget = self._arrange()
        self.session.listen(self.refresh)
        self.refresh()

    # -- parts --------------------------------------------------------------------------------

    def _arrange(self) -> Any:
        wrapped = W.Layout(flex_flow="row wrap", align_items="center")
        parts = [
            W.HTML(STYLE),
            W.HBox([self.n_clusters, self.method], layout=wrapped),
            self.features,
            W.HBox([self.analyse, self.stop], layout=wrapped),
            self.status,
            self.bar,
            W.HTML(
                '<span class="mnb-note">Like sounds lie near each other. Hover or click to hear '
                "one; drag around some to select them.</span>"
            ),
            self.map,
            W.HBox([self.hover, self.play, self.be_silent, self.gap], layout=wrapped),
            W.HBox([self.name, self.assign], layout=wrapped),
            W.HTML("<h3>Clusters</h3>"),
            self.rows,
            W.HBox(list(self.edits.values()), layout=wrapped),
            self.player.widget,
            W.HTML("<h3>Export</h3>"),
            self.exports.widget,
        ]
        box = W.VBox(parts, layout=W.Layout(max_width="900px"))
        box.add_class("mnb-view")
        return box

    def _make_settings(self) -> None:
        settings = self.session.settings or self.view.settings
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
        given = self.view.features
        chain = dict(DEFAULT_CHAIN) if given is DEFAULT_CHAIN else {}
        self.features = W.SelectMultiple(
            options=[*([] if chain else [GIVEN]), *FEATURES],
            value=tuple(chain) or (GIVEN,),
            rows=len(FEATURES) + (not chain),
            description="features",
            layout=W.Layout(width="300px"),
        )
        explain(self.features, "What sounds are compared by; Ctrl and click takes several.")
        self.analyse = button("Cluster", "Sort the segments with these settings.", "success")
        self.analyse.on_click(lambda _: self._do(lambda: self.view.analyse(self.settings())))
        self.stop = button("Stop", "End the clustering; what was found before stays.", "danger")
        self.stop.on_click(lambda _: self._do(self.session.stop))

    def _make_edits(self) -> None:
        self.hover = W.Checkbox(value=True, description="hover plays", indent=False)
        self.hover.layout.width = "120px"
        self.hover.observe(
            lambda change: setattr(self.map, "hover_plays", change["new"]), names="value"
        )
        self.play = button("Play selection", "Hear the selected segments one after the other.")
        self.play.on_click(lambda _: self._do(self._play_selection))
        self.be_silent = button("Be silent", "Stop playing.")
        self.be_silent.on_click(lambda _: self._do(self.turns.stop))
        self.gap = W.BoundedFloatText(
            value=0.2, min=0.0, max=10.0, step=0.1, description="gap, s",
            layout=W.Layout(width="160px"),
        )  # fmt: skip
        explain(self.gap, "Silence between two segments.")
        self.name = W.Text(
            placeholder="name of a cluster", description="name", layout=W.Layout(width="280px")
        )
        self.assign = button("Give to cluster", "Put the selection into the cluster of that name.")
        self.assign.on_click(lambda _: self._do(self._assign))
        actions: dict[str, tuple[Callable[[], None], str]] = {
            "Merge": (self._merge, "Join the clusters that are ticked, under the first name."),
            "Split": (self._split, "Split the clusters that are ticked in two."),
            "Undo": (self.session.history.undo, "Take back the last change."),
            "Redo": (self.session.history.redo, "Take it back again."),
        }
        self.edits = {}
        for name, (action, help_) in actions.items():
            made = button(name, help_)
            made.on_click(lambda _, action=action: self._do(action))
            self.edits[name] = made

    # -- doing --------------------------------------------------------------------------------

    def _do(self, action: Callable[[], None]) -> None:
        """Do what a button says; what goes wrong is said in the view."""
        self._complaint = ""
        try:
            action()
        except Exception as error:
            self._complaint = in_plain_words(error)
        self.refresh()

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
            self.view.settings.seed,
        )

    def result(self) -> Clustering:
        """The clusters as they are now."""
        now = self.session.history.now
        if now is None:
            raise ParameterError("There are no clusters yet; press Cluster.")
        return now

    def kept(self) -> None:
        """They were written."""
        self.session.keep()

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

    def refresh(self) -> None:
        """Show everything as it is now; the job's painter and a button may both ask."""
        with self._lock:
            self._show()

    def _show(self) -> None:
        session, history = self.session, self.session.history
        is_busy, nothing = session.is_busy, history.now is None
        self.analyse.disabled, self.stop.disabled = is_busy, not is_busy
        self.edits["Undo"].disabled = is_busy or not history.can_undo
        self.edits["Redo"].disabled = is_busy or not history.can_redo
        for made in (self.edits["Merge"], self.edits["Split"], self.exports.export):
            made.disabled = is_busy or nothing
        self.play.disabled = self.assign.disabled = nothing or not self.map.selection
        self.bar.value = session.share
        self.bar.layout.display = "" if is_busy else "none"
        self.status.value = status_html(session, self._facts(), self._complaint)
        if history.now is not None and not is_busy and history.now is not self._drawn:
            self._draw(history.now)

    def _draw(self, now: Clustering) -> None:
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
        play = button("Play", "Hear its segments one after the other.")
        play.on_click(lambda _: self._do(lambda: self._play_cluster(label)))
        return W.HBox([tick, colour, name, count, play], layout=W.Layout(align_items="center"))

    def _facts(self) -> list[str]:
        now, n = self.session.history.now, len(self.map.selection)
        facts = [] if now is None else [in_words(now)]
        return [*facts, f"{n} selected"] if n else facts
