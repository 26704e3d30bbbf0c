"""The training view."""

from .app import train

__all__ = ["train"]
