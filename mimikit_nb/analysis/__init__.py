"""Segments and clusters: from a recording to its parts, and to families of like sounds.

==================  ==============================================================
segmentation        ``segment``, ``Segmentation``: events, sections, levels
clustering          ``cluster``, ``Clustering``: families of like segments
methods             k-means, agglomerative, spectral, HDBSCAN ... under one interface
editing             ``split``, ``merge``: segments changed by hand
gmeans              ``GMeans``: centroids trained by gradient, also on streams
core_neighbours     ``QCluster``: clusters that grow from dense places
export, cue         segments as files for other programs
read_labels         ``read_labels``, ``read_cues``: those files read back
tracks              ``write_track``, ``read_track``: segments as labels of a corpus
analysis            ``Analysis``: one reading of a recording, all levels
frames, onsets      mel levels and envelope; where sounds begin and end
sections            boundaries, by ``change_points`` or ``novelty``
describe, kernels   what sounds are like; how alike distributions of sounds are
coverage            the objective of GMeans
spacing             candidates that keep their distance
==================  ==============================================================
"""

from .analysis import Analysis
from .clustering import Clustering, cluster
from .core_neighbours import QCluster
from .gmeans import GMeans
from .read_labels import read_cues, read_labels
from .segmentation import Novelty, Segmentation, segment
from .tracks import read_track, write_track

__all__ = [
    "Analysis",
    "Clustering",
    "GMeans",
    "Novelty",
    "QCluster",
    "Segmentation",
    "cluster",
    "read_cues",
    "read_labels",
    "read_track",
    "segment",
    "write_track",
]
