"""Configs as something to edit: fields, controls, sections, whole forms."""

from .tables import settings_table

__all__ = ["settings_table"]
