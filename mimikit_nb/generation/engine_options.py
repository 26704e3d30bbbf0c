"""How the steps of generation are compiled. Main name: :class:`EngineOptions`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..config import Config, field
from ..engine import compile_stages
from ..engine.compile import Backend, Weights
from ..engine.stages import Executor, Stage, State


class EngineOptions(Config):
    """How the steps of generation are compiled.

    What smaller weights change, on networks trained for two minutes on a piano at 16 kHz: the
    head parameters relative to their spread (root mean square, teacher-forced), and the log-mel
    spectra of 5 s of sound, beside what another seed changes (FreqNet drew magnitudes then).

    ===========  ======  ======  ========  ========  ==========
    network      parameters      log-mel spectra
    -----------  --------------  ------------------------------
    ..           bf16    int8    bf16      int8      other seed
    ===========  ======  ======  ========  ========  ==========
    sample_rnn   0.13 %  0.71 %  0.62 dB   0.23 dB   0.38 dB
    wavenet      0.09 %  0.25 %  0.23 dB   0.24 dB   0.34 dB
    freqnet      0.15 %  0.41 %  0.05 dB   0.06 dB   0.58 dB
    ===========  ======  ======  ========  ========  ==========

    With float32 each sound of a batch is, to the last bit, what it would be alone. With bf16,
    batches of eight and more also round what is multiplied, so that it is only nearly so.
    """

    backend: Backend | Literal["auto"] = "auto"
    "What runs the steps: compiled code, or the plain stages; 'auto': the fastest that works."
    weights: Weights = "f32"
    "How weights are stored: float32 as trained, or smaller: faster, and a little less exact."
    check_steps: int = field(32, ge=0, le=10_000, unit="steps")
    "Steps of a new program that are compared with the plain stages before it is used; 0: none."

    def compile(self, stages: Sequence[Stage], state: State) -> Executor:
        """See :func:`mimikit_nb.engine.compile_stages`."""
        return compile_stages(stages, state, self.backend, self.weights, self.check_steps)
