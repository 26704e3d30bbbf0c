"""All numbers of a training run; each field's sentence, limits and unit also make the forms."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, model_validator

from ..config import Config, field
from ..errors import ConfigError
from ..features.augment import AugmentConfig


class TrainConfig(Config):
    """How a network is trained: batches, budget, learning rate, what is written when."""

    model_config = ConfigDict(allow_inf_nan=True)  # a budget may be without limit

    batch_size: int = field(16, ge=1, le=4096, scale="power_of_two")
    "Stretches of sound that are learned from side by side."
    chunk_steps: int = field(1024, ge=1, le=1_000_000, unit="steps", scale="power_of_two")
    "Model steps that a batch is long; rounded up to what the network can read at once."
    chunks_per_sequence: int = field(8, ge=1, le=10_000)
    "Batches over which a recurrent network keeps its memory before it starts afresh."
    max_steps: int | None = field(10_000, ge=1, unit="steps")
    "Training steps after which the run is finished."
    max_epochs: float | None = field(None, gt=0, unit="epochs")
    "Passes over the corpus after which the run is finished."
    max_minutes: float | None = field(None, gt=0, unit="min")
    "Minutes of training, over all sessions of the run, after which it is finished."
    min_steps: int = field(0, ge=0, unit="steps")
    "Training steps that are done before minutes may end the run, however slow the machine is."
    learning_rate: float = field(1e-3, gt=0, le=1, scale="log")
    "Size of the optimizer's steps."
    warmup_steps: int = field(100, ge=0, le=1_000_000, unit="steps")
    "Steps over which the learning rate rises to its full size."
    decay: Literal["constant", "cosine", "linear", "inverse_sqrt"] = "constant"
    "How the learning rate falls: towards the end of the budget, or ever more slowly without end."
    decay_steps: int = field(1500, ge=1, le=10_000_000, unit="steps", scale="log")
    "Steps after which inverse_sqrt has divided the learning rate by the square root of two."
    grad_clip: float = field(1.0, ge=0, le=1000, scale="log")
    "Greatest norm of the gradients; longer ones are cut to it (0: never)."
    weight_decay: float = field(0.0, ge=0, le=1, scale="log")
    "Pull of the weights towards zero."
    ema_decay: float = field(0.999, ge=0, lt=1)
    "Memory of the weights' moving average, which previews and generation use (0: none)."
    precision: Literal["auto", "32", "bf16"] = "auto"
    "Numbers the network is computed with; auto takes bf16 where the hardware gains from it."
    threads: int | None = field(None, ge=1, le=1024)
    "Threads of the CPU to compute on; all there are if not given. Small steps gain from one."
    compile: bool = False
    "Whether torch compiles the network first; it goes on uncompiled where that fails."
    seed: int = field(0, ge=0, le=2**32 - 1)
    "Seed of the first weights, of the order of the data and of all else that is random."
    held_out: float = field(0.1, ge=0, le=0.5)
    "Share of the corpus that is never learned from, to see what the network does on new sound."
    held_out_every_steps: int = field(200, ge=0, unit="steps")
    "Steps from one look at the held-out part to the next (0: never)."
    held_out_batches: int = field(8, ge=1, le=1000, scale="log")
    "Batches that the held-out loss is measured on at most."
    checkpoint_every_steps: int = field(500, ge=1, unit="steps")
    "Steps from one checkpoint to the next; the last step is always kept."
    keep_last: int | None = field(None, ge=1)
    "Checkpoints to keep, older ones are deleted; all of them if not given."
    preview_every_steps: int = field(500, ge=0, unit="steps")
    "Steps from one sound preview to the next (0: none)."
    preview_seconds: float = field(3.0, gt=0, le=600, unit="s", scale="log")
    "Length of a sound preview."
    log_every_steps: int = field(10, ge=1, unit="steps")
    "Steps from one row of the table of losses to the next."

    augment: AugmentConfig | None = None
    "How the recordings are varied while training; not at all if not given."

    @model_validator(mode="after")
    def _check(self) -> TrainConfig:
        if self.max_steps is None and self.max_epochs is None and self.max_minutes is None:
            raise ConfigError(
                "The training has no end: give at least one of max_steps, max_epochs, max_minutes."
            )
        ends = self.max_steps is not None or self.max_epochs is not None
        if self.decay in ("cosine", "linear") and not ends:
            raise ConfigError(
                f"decay={self.decay!r} needs max_steps or max_epochs to know where it ends; "
                "minutes differ from machine to machine."
            )
        return self
