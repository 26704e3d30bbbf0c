"""The evaluation view, and pictures of scores."""

from .app import evaluate
from .score_pictures import curves_picture, scatter_picture

__all__ = ["curves_picture", "evaluate", "scatter_picture"]
