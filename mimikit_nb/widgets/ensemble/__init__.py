"""The ensemble view."""

from .app import ensemble, turns_table

__all__ = ["ensemble", "turns_table"]
