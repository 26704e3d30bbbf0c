"""How well a network predicts what it did not learn, heard rather than counted.

Main name: :func:`convergence`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from ..checkpoint import Checkpoint
from ..corpus.store import Corpus
from ..errors import CorpusError, ParameterError, PromptError
from ..features.base import Discrete
from ..features.stft import STFT
from ..io.read import Origin, Reader, span_samples

_SECONDS, _N_EXCERPTS = 2.0, 4


def convergence(
    checkpoint: Checkpoint, corpus: Corpus, held_out: list[tuple[int, int]]
) -> dict[str, float]:
    """Spectral convergence of the teacher-forced output on what was held out.

    The network reads real sound and says at each step what it takes for likeliest to come next;
    with ``S`` the magnitudes of the real sound and ``P`` those of the predictions it is
    ``|S - P| / |S|`` (Frobenius norms). Of a network of frames the same is said for a prediction
    that nothing changes; of one of samples it means nothing, for a sample's delay has the same
    magnitudes.

    Parameters
    ----------
    checkpoint : Checkpoint
        The network.
    corpus : Corpus
        Where it reads.
    held_out : list of (start, stop)
        In samples; without any, the corpus itself is read.

    Returns
    -------
    dict of str to float >= 0
        ``spectral_convergence``: 0 for perfect predictions, 1 for silence;
        ``previous_step_convergence``. NaN if nothing can be read.
    """
    nothing = dict.fromkeys(("spectral_convergence", "previous_step_convergence"), float("nan"))
    network = checkpoint.network()
    name = next(iter(network.io.autoregressive))
    batch = _read(network, corpus, held_out)
    if batch is None:
        return nothing
    with torch.inference_mode():
        outputs, _ = network(batch.inputs)
        predicted, real = network.heads[name].mean(outputs[name]), batch.targets[name]
        if not isinstance(network.io.kind(name), Discrete) and real.shape[-1] > 1:
            previous = real.roll(1, dims=1)
            return {
                "spectral_convergence": _distance(predicted, real),
                "previous_step_convergence": _distance(previous[:, 1:], real[:, 1:]),
            }
        inverse = network.io.features[name].inverse
        predicted, real = (_magnitudes(inverse(x)) for x in (predicted, real))
        return nothing | {"spectral_convergence": _distance(predicted, real)}


def _read(network: Any, corpus: Corpus, held_out: list[tuple[int, int]]) -> Any:
    """A batch of stretches from the parts that are long enough; None if there is none."""
    io, rate = network.io, corpus.sample_rate
    parts = held_out or corpus.segments
    longest = max((stop - start for start, stop in parts), default=0)
    n_steps = round(_SECONDS / float(io.step_seconds))
    try:
        while n_steps and span_samples(io, n_steps, rate) > longest:
            n_steps //= 2
        n_steps -= n_steps % network.chunk_multiple
        if n_steps < 1:
            return None
        return Reader(io, corpus).read(_origins(parts, span_samples(io, n_steps, rate)), 0, n_steps)
    except (CorpusError, ParameterError, PromptError, KeyError):  # tracks that are gone
        return None


def _distance(predicted: torch.Tensor, real: torch.Tensor) -> float:
    difference = torch.linalg.vector_norm(real - predicted)
    return float(difference / torch.linalg.vector_norm(real).clamp_min(1e-9))


def _origins(parts: list[tuple[int, int]], n_samples: int) -> list[Origin]:
    """Places spread over the parts that are long enough."""
    rooms = [(start, stop) for start, stop in parts if stop - start >= n_samples]
    chosen = np.linspace(0, len(rooms) - 1, min(_N_EXCERPTS, len(rooms))).astype(int)
    return [Origin(rooms[i][0], -1) for i in sorted(set(chosen.tolist()))]


def _magnitudes(y: torch.Tensor) -> torch.Tensor:
    y = torch.atleast_2d(y).flatten(0, -2)
    return STFT(512, 128, 512).magnitude(F.pad(y, (256, 256), mode="reflect"))
