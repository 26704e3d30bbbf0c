"""Let two networks predict together: :class:`BlendLogits`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import PrivateAttr, field_validator

from ...checkpoint import load_checkpoint
from ...engine.stages import State
from ...errors import CheckpointError, ParameterError
from ...networks.base import Network
from ..curves import CONTROLS, ControlConfig
from ..ensemble.blend import Blend
from .base import HOOKS, HookConfig


@HOOKS.register
class BlendLogits(HookConfig):
    """At every step two networks read the same, and the weighted mean of their logits is drawn.

    The mean of logits is the geometric mean of the distributions: what is drawn must be likely
    to both. Networks may differ in kind, not in what they predict. For more than two, and for
    whole pieces, see ``mnb.ensemble``.
    """

    kind: Literal["blend_logits"] = "blend_logits"
    "Name of the hook."
    checkpoint: str
    "The other network: a run folder or a checkpoint."
    weight: float | CONTROLS.annotate(ControlConfig) = 0.5  # type: ignore[valid-type]
    "Share of the other network, 0 to 1: a number, or a Curve to move from one to the other."
    checkpoint_hash: str | None = None
    "The checkpoint that is meant; found out if not given."

    is_plain_torch: ClassVar[bool] = True
    _hash: str | None = PrivateAttr(None)

    @field_validator("checkpoint", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        path = getattr(value, "path", getattr(value, "folder", value))
        return str(path) if isinstance(path, Path) else path

    @property
    def facts(self) -> dict[str, Any]:
        """The config, with the checkpoint that was found."""
        return {**self.to_dict(), "checkpoint_hash": self.checkpoint_hash or self._hash}

    def network(self, network: Network) -> Network:
        """Both networks as one."""
        if isinstance(network, Blend):
            raise ParameterError(
                "There can be one BlendLogits; blend more networks by mnb.ensemble: "
                '{"generator": {"average": [...]}}.'
            )
        ck = load_checkpoint(self.checkpoint)
        if self.checkpoint_hash not in (None, ck.hash):
            raise CheckpointError(
                f"{self.checkpoint} isn't the checkpoint that the sound was blended with; put "
                "that one back in its place."
            )
        self._hash = ck.hash
        self._share(0.0)
        other = ck.network(str(next(network.parameters()).device)).folded()
        return Blend([network, other]).eval().requires_grad_(False)

    def steer(self, state: State, seconds: float) -> None:
        """Set the shares of a moment."""
        share = self._share(seconds)
        state["shares"].copy_(state["shares"].new_tensor([1 - share, share]))

    def _share(self, seconds: float) -> float:
        share = float(self.weight(seconds) if callable(self.weight) else self.weight)
        if not 0 <= share <= 1:
            raise ParameterError(
                f"The weight of BlendLogits is {share:g} at {seconds:g} s; it must be from 0 to 1."
            )
        return share
