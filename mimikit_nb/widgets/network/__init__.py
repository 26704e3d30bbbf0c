"""Pictures of networks."""

from .tier_picture import tiers

__all__ = ["tiers"]
