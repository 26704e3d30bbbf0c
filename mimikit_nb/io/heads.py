"""Configs of input modules, output heads and loss terms; the modules stand in ``networks``."""

from __future__ import annotations

from typing import Literal

from ..config import Config, Registry, field


class InputConfig(Config):
    """Base of the configs of input modules."""

    kind: str
    "Name of the input module."


class HeadConfig(Config):
    """Base of the configs of output heads."""

    kind: str
    "Name of the head."

    @property
    def own_controls(self) -> dict[str, float]:
        """Controls that only some heads read, each with the number that holds if none is given."""
        return {}


INPUTS: Registry[InputConfig] = Registry("input")
HEADS: Registry[HeadConfig] = Registry("head")
AnyInput = INPUTS.annotate(InputConfig)
AnyHead = HEADS.annotate(HeadConfig)


@INPUTS.register
class LinearInputConfig(InputConfig):
    """Values as they are (classes scaled to [-1, 1]), through a linear layer."""

    kind: Literal["linear"] = "linear"
    "Name of the input module."


@INPUTS.register
class EmbeddingInputConfig(InputConfig):
    """A learned vector per class."""

    kind: Literal["embedding"] = "embedding"
    "Name of the input module."
    dim: int | None = field(None, ge=1)
    "Length of the vectors; what the network finds fitting if not given."


@HEADS.register
class CategoricalHeadConfig(HeadConfig):
    """Logits over the classes of a discrete feature."""

    kind: Literal["categorical"] = "categorical"
    "Name of the head."


@HEADS.register
class LogisticMixtureHeadConfig(HeadConfig):
    """Mixture of logistics over values in [-1, 1] (Salimans et al., PixelCNN++, 2017)."""

    kind: Literal["logistic_mixture"] = "logistic_mixture"
    "Name of the head."
    n_components: int = field(10, ge=1, le=100)
    "Logistics in the mixture."


@HEADS.register
class MagnitudeHeadConfig(HeadConfig):
    """Regression of non-negative magnitudes, with a learned spread per bin."""

    kind: Literal["magnitude"] = "magnitude"
    "Name of the head."


@HEADS.register
class MagnitudeMixtureHeadConfig(HeadConfig):
    """Classes of frames, learned from what is heard, and magnitudes given the class."""

    kind: Literal["magnitude_mixture"] = "magnitude_mixture"
    "Name of the head."
    codebook_size: int = field(128, ge=1, le=4096, scale="power_of_two")
    "Classes of frames."


@HEADS.register
class GaussianHeadConfig(HeadConfig):
    """Mean and spread of a vector of any sign."""

    kind: Literal["gaussian"] = "gaussian"
    "Name of the head."


@HEADS.register
class GaussianMixtureHeadConfig(HeadConfig):
    """Mixture of Gaussians over vectors of any sign; a vector is drawn as a whole."""

    kind: Literal["gaussian_mixture"] = "gaussian_mixture"
    "Name of the head."
    n_components: int = field(16, ge=1, le=512, scale="power_of_two")
    "Gaussians in the mixture."


@HEADS.register
class FlowHeadConfig(HeadConfig):
    """Flow matching: a small network moves noise to a vector, drawn as a whole."""

    kind: Literal["flow"] = "flow"
    "Name of the head."
    width: int = field(256, ge=8, le=4096, scale="power_of_two")
    "Units of the network that moves the noise."
    n_blocks: int = field(3, ge=1, le=16)
    "Its residual blocks."
    n_steps: int = field(5, ge=1, le=100)
    "Steps from noise to a vector: more are more exact, and slower."
    draws: int = field(2, ge=1, le=64)
    "Noises that a vector is learned with in each training step."
    n_classes: int = field(0, ge=0, le=4096, scale="power_of_two")
    "Classes of vectors, found in the recording, one of which is drawn first (0: none)."
    class_weight: float = field(0.1, ge=0)
    "Weight of the class in the loss."
    alike: float = field(0.0, ge=0, le=1)
    "Share of what counts as right in training that goes to classes that sound alike."
    n_units: int = field(0, ge=0, le=65536, scale="power_of_two")
    "Vectors that are remembered to play near to; of a longer recording in pieces (0: none)."
    recorded: float = field(0.15, ge=0, le=1)
    "Between new frames (0) and recorded ones (1), if vectors are remembered."
    follow: float = field(0.5, ge=0, le=1e6, unit="s")
    "How long one passage of the recording may be followed, if vectors are remembered."
    join: float = field(0.3, ge=0, le=100)
    "How much it counts that a recorded vector joins well what was played last."

    @property
    def own_controls(self) -> dict[str, float]:
        """Both controls of heads that remember the recording."""
        return {"recorded": self.recorded, "follow": self.follow} if self.n_units else {}


@HEADS.register
class UnitsHeadConfig(HeadConfig):
    """A choice among all vectors of the recording, which are played as they are."""

    kind: Literal["units"] = "units"
    "Name of the head."
    n_units: int = field(8192, ge=1, le=65536, scale="power_of_two")
    "Most vectors of the recording that are remembered."
    width: int = field(128, ge=1, le=4096, scale="power_of_two")
    "Length of the keys by which vectors are found."
    n_near: int = field(32, ge=1, le=512, scale="power_of_two")
    "Vectors nearest to the true next one that count as right in training."
    sharpness: float = field(4.0, ge=0, le=100)
    "How much more the nearest of them count."
    join: float = field(0.2, ge=0, le=100)
    "How much it counts that a vector joins well what was played last."
    stay: float = field(0.5, ge=0, le=1)
    "Probability of going on with what follows in the recording, while that may be followed."
    follow: float = field(0.2, ge=0, le=1e6, unit="s")
    "How long one passage of the recording may be followed."

    @property
    def own_controls(self) -> dict[str, float]:
        """How long passages are followed; all is recorded."""
        return {"follow": self.follow}


LossKind = Literal["nll", "l1", "l2", "log_l1", "spectral_convergence"]


class LossTerm(Config):
    """One term of a variable's loss."""

    kind: LossKind = "nll"
    "What is measured: 'nll' is the head's own loss (cross-entropy for classes, say)."
    weight: float = field(1.0, ge=0)
    "Factor of the term in the sum."
