"""The views of generation: prompts chosen by hand, and networks played live."""

from .app import generate
from .live_app import live

__all__ = ["generate", "live"]
