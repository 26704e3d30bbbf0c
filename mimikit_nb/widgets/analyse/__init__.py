"""The views of segments and of clusters, and their pictures."""

from .cluster_app import cluster
from .levels import draw_levels
from .segment_app import segment
from .sound_map import draw_map

__all__ = ["cluster", "draw_levels", "draw_map", "segment"]
