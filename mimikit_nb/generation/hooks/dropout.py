"""Let parts of spectra, or of other vectors, fall out while a network plays: :class:`Dropout`."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor

from ...config import field
from ...engine.stages import State
from ...errors import ParameterError
from ...features.base import Continuous
from ...networks.base import Network
from .base import HOOKS, HookConfig, Step


@HOOKS.register
class Dropout(HookConfig):
    """Parts of the frames that a network reads or plays become 0 at random, each by itself.

    For networks that draw spectra or vectors. Bins of a spectrum fall silent, and what stays is
    as loud as it was; components of latent frames become those of the corpus' mean. What falls
    out of the output is missing from the sound *and* from what is read next.

    What it did to a FreqNet on magnitudes that had been trained for 90 steps on a piano (six
    prompts, 3 s each; the sound was at -32.4 dB, and another seed moves its mean log-mel spectrum
    by 1.1 dB): input dropout of 0.1, 0.3 and 0.6 lets it sink to -39, -43 and -45 dB and moves
    the spectrum by 5, 7 and 9 dB; output dropout of the same rates to -39, -45 and -51 dB, and by
    5, 10 and 15 dB.

    Examples
    --------
    >>> thin = mnb.hooks.Dropout(output_rate=0.3)
    >>> changed = mnb.generate("runs/first", corpus, seconds=1.0, hooks=[thin])
    """

    kind: Literal["dropout"] = "dropout"
    "Name of the hook."
    input_rate: float = field(0.0, ge=0, le=1)
    "Share of the bins or components that the network doesn't hear of its own last frame."
    output_rate: float = field(0.0, ge=0, le=1)
    "Share of the bins or components that fall out of each new frame."

    is_plain_torch: ClassVar[bool] = True

    def memory(self, network: Network, state: State) -> State:
        """Nothing; says what network it can't be used with."""
        self.n_uniforms(network)
        return {}

    def n_uniforms(self, network: Network) -> int:
        """Two for each bin or component: one as it is read, one as it is played."""
        kinds = [network.io.kind(name) for name in network.io.autoregressive]
        dims = [kind.dim for kind in kinds if isinstance(kind, Continuous)]
        if not dims:
            raise ParameterError(
                "Dropout needs a network that draws spectra or vectors (as FreqNet does); this one "
                "draws classes."
            )
        return 2 * max(dims)

    def inputs(self, values: Tensor, step: Step) -> Tensor | None:
        """Frames with holes, of what the network drew itself."""
        if step.name not in step.state["out"] or not self.input_rate:
            return None
        return self._thinned(values, step, 0, self.input_rate)

    def samples(self, values: Tensor, step: Step) -> Tensor | None:
        """Drawn frames with holes."""
        if step.name not in step.state["in"] or not self.output_rate:
            return None
        return self._thinned(values, step, 1, self.output_rate)

    @staticmethod
    def _thinned(values: Tensor, step: Step, half: int, rate: float) -> Tensor | None:
        if not values.is_floating_point():
            return None
        assert step.u is not None
        first = half * (step.u.shape[1] // 2)
        u = step.u[:, first : first + values.shape[1]]
        return torch.where(u < rate, torch.zeros_like(values), values)
