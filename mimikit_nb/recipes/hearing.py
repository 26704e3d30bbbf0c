"""What a trained network hears in a recording: its hidden units as a track of features.

The network reads the recording as it would read a prompt; the vectors that it makes of it on the
way, averaged over short frames, tell sounds apart by what the network has learned to expect. Main
name: :func:`learned_features`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..arguments import PathArg, Rate, Samples, checked
from ..audio.arrays import as_sound
from ..checkpoint import Checkpoint, load_checkpoint
from ..corpus.store import Corpus
from ..corpus.tracks import FeatureTrack
from ..errors import ParameterError
from ..io.read import Origin, Reader, span_samples
from ..networks.base import Network
from ..progress import Progress, Watch
from ..units import check_rate

FRAME_SECONDS = 0.02
_LANES = 16  # stretches of the recording that are read at a time
_CHUNK_SECONDS, _MOST_WARM_SECONDS = 1.0, 1.0


@checked
def learned_features(
    ck: Checkpoint | PathArg,
    y: Corpus | Samples,
    sr: Rate | None = None,
    *,
    progress: Watch | None = None,
) -> FeatureTrack:
    """Features of a recording that a network has learned, to compare its segments by.

    ``mnb.cluster(corpus, features=["mfcc", mnb.learned_features("runs/a", corpus)])`` sorts by
    both; ``corpus.write_feature(name, track.values, track.hop_length)`` keeps them.

    Parameters
    ----------
    ck : Checkpoint or path
        An auto-regressive network, trained on sounds of this kind.
    y : Corpus or np.ndarray [shape=(N,) or (C, N)]
        The recording; channels are mixed. Tracks that the network is told are read from the
        corpus.
    sr : int > 0, optional
        Rate of an array in Hz; a corpus knows its own, the network reads it at the network's.
    progress : Progress or callable, optional
        Told how far it is; a function is called with it, and what it raises ends the work.


    Returns
    -------
    FeatureTrack
        ``values [n_frames, D]`` (float16), one frame each 20 ms or each step of the network,
        whichever is longer.

    Raises
    ------
    ParameterError
        If the recording is too short, or the network isn't auto-regressive.
    CheckpointError
        If the checkpoint can't be used.
    CorpusError
        If a track that the network is told isn't there.

    Examples
    --------
    >>> heard = mnb.learned_features("runs/first", corpus)
    >>> segments = mnb.segment(corpus, n_segments=30)
    >>> found = mnb.cluster(corpus, segments=segments, n_clusters=3, features=[heard])
    >>> len(found.labels)
    30
    """
    ck = ck if isinstance(ck, Checkpoint) else load_checkpoint(ck)
    network: Any = ck.network()
    if not isinstance(network, Network):
        raise ParameterError(
            f"{type(network).__name__} isn't auto-regressive; features are read from networks "
            "that predict what comes next."
        )
    source = y if isinstance(y, Corpus) else _Samples.of(y, sr)
    plan = _Plan.of(network, source.signal.shape[-1], source.sample_rate)
    parts = list(_read(network, Reader(network.io, source), plan, Progress.of(progress)))
    values = np.zeros((plan.n_frames, parts[0][1].shape[-1]), np.float16)
    for frame, part in parts:
        values[frame : frame + len(part)] = part
    return _on_samples(values, plan, source)


@dataclass(eq=False)
class _Samples:
    """Samples that are read like a corpus."""

    signal: np.ndarray
    sample_rate: int
    tracks: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, y: np.ndarray, sr: int | None) -> _Samples:
        if sr is None:
            raise ParameterError("Samples need their rate: give sr in Hz.")
        return cls(as_sound(y), check_rate(sr, "sr"))


@dataclass(frozen=True)
class _Plan:
    """How the recording is read: as lanes side by side, each warmed up before its first frame.

    Attributes
    ----------
    frame_steps, chunk_steps : int
        Steps of a frame, and of what is read at once.
    warm_frames, lane_frames, n_frames : int
        Frames read before a lane's own, those of a lane, and all there are.
    step_samples : float
        Samples of the recording from one step to the next.
    """

    frame_steps: int
    chunk_steps: int
    warm_frames: int
    lane_frames: int
    n_frames: int
    step_samples: float

    @classmethod
    def of(cls, network: Network, n_samples: int, sample_rate: int) -> _Plan:
        io, multiple = network.io, network.chunk_multiple
        step_seconds = float(io.step_seconds)

        def steps(seconds: float) -> int:
            return max(1, round(seconds / step_seconds / multiple)) * multiple

        frame_steps = steps(FRAME_SECONDS)
        margin = (
            span_samples(io, frame_steps, sample_rate) - frame_steps * step_seconds * sample_rate
        )
        step_samples = step_seconds * sample_rate
        n_frames = int((n_samples - margin - 1) / step_samples) // frame_steps
        if n_frames < 1:
            raise ParameterError(
                f"The recording lasts {n_samples / sample_rate:.3f} s; the network needs at least "
                f"{(margin + 1 + frame_steps * step_samples) / sample_rate:.3f} s."
            )
        warm = min(network.receptive_field * step_seconds, _MOST_WARM_SECONDS)
        warm_frames = min(-(-round(warm / step_seconds) // frame_steps), n_frames - 1)
        lane_frames = -(-(n_frames - warm_frames) // _LANES)
        chunk_steps = max(1, round(_CHUNK_SECONDS / step_seconds / frame_steps)) * frame_steps
        return cls(frame_steps, chunk_steps, warm_frames, lane_frames, n_frames, step_samples)

    @property
    def first_frames(self) -> list[int]:
        """Where the lanes begin to read; the last ones may overlap."""
        last = self.n_frames - self.warm_frames - self.lane_frames
        return sorted({min(i * self.lane_frames, last) for i in range(_LANES)})

    def origin(self, frame: int) -> Origin:
        """Place of a frame in the recording, channels mixed."""
        return Origin(round(frame * self.frame_steps * self.step_samples), -1)


@torch.inference_mode()
def _read(
    network: Network, reader: Reader, plan: _Plan, progress: Progress
) -> Iterator[tuple[int, np.ndarray]]:
    """First frame and values ``[n, D]`` of every part that was read."""
    firsts = plan.first_frames
    origins = [plan.origin(frame) for frame in firsts]
    n_steps = (plan.warm_frames + plan.lane_frames) * plan.frame_steps
    state = network.init_state(len(origins))
    with _listening(network.probes()) as heard:
        for start in range(0, n_steps, plan.chunk_steps):
            n = min(plan.chunk_steps, n_steps - start)
            _, state = network(reader.read(origins, start, n).inputs, state)
            values = _pooled(heard, n // plan.frame_steps)
            frame = start // plan.frame_steps
            for first, lane in zip(firsts, values, strict=True):
                skipped = 0 if first == 0 else max(0, plan.warm_frames - frame)
                if skipped < len(lane):
                    yield first + frame + skipped, lane[skipped:]
            progress.tell(start + n, n_steps)


@contextmanager
def _listening(modules: Sequence[nn.Module]) -> Iterator[list[list[Tensor]]]:
    """What goes into some modules, a list for each that fills up."""
    heard: list[list[Tensor]] = [[] for _ in modules]
    hooks = [
        module.register_forward_pre_hook(lambda _, inputs, into=into: into.append(inputs[0]))
        for module, into in zip(modules, heard, strict=True)
    ]
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


def _pooled(heard: list[list[Tensor]], n_frames: int) -> np.ndarray:
    """Means over the frames of what was heard, side by side [shape=(B, n_frames, D)]."""
    parts = []
    for inputs in heard:
        h = torch.cat(inputs, 1)
        parts.append(h.unflatten(1, (n_frames, -1)).mean(2))
        inputs.clear()
    pooled: np.ndarray = torch.cat(parts, -1).to(torch.float16).numpy()
    return pooled


def _on_samples(values: np.ndarray, plan: _Plan, source: Any) -> FeatureTrack:
    """Frames of the network as frames of a whole number of samples, up to the recording's end."""
    exact = plan.frame_steps * plan.step_samples
    hop = max(1, round(exact))
    n = -(-source.signal.shape[-1] // hop)
    nearest = np.minimum(((np.arange(n) + 0.5) * hop / exact).astype(int), len(values) - 1)
    return FeatureTrack.of(values[nearest], hop, hop, False)
