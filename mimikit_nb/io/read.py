"""From positions in a corpus to the batches that a network reads and predicts.

The samples that all variables need are copied from the mapped signal once, into one buffer;
features are computed from it on the device. Nothing is decoded, and no worker process is
needed. Main names: :class:`Origin`, :class:`Reader`, :func:`read_batch`, :func:`read_prompt`,
:func:`span_samples`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..errors import ParameterError, PromptError
from ..features.augment import Augmentation
from ..features.base import Feature
from ..features.labels import Label, Values
from ..features.resample import margin, read_between
from .align import Span, align
from .gather import MIX, Origin, Source, gather
from .learning import CorpusValues
from .variable import IOSpec

__all__ = [
    "MIX",
    "Batch",
    "Origin",
    "Reader",
    "Source",
    "compute",
    "gather",
    "read_batch",
    "read_prompt",
    "span_samples",
]

Tensors = dict[str, Tensor]


class Batch(NamedTuple):
    """What a network reads and what it should predict, by variable.

    Attributes
    ----------
    inputs, targets : dict of Tensor [shape=(B, T) int64 or (B, T, dim) float32]
        Item ``t`` belongs to step ``t`` of every variable.
    """

    inputs: Tensors
    targets: Tensors


class Window(NamedTuple):
    """Samples from an origin, ``[start, stop)``."""

    start: int
    stop: int


def span_samples(io: IOSpec, n_steps: int, sample_rate: int | None = None) -> int:
    """Corpus samples that ``n_steps`` from an origin look at, targets included.

    Parameters
    ----------
    io : IOSpec
        The variables.
    n_steps : int > 0
        Steps from the origin.
    sample_rate : int, optional
        Rate of the corpus; that of ``io`` if not given.
    """
    rate = sample_rate or io.sample_rate
    spans = align(io, 0, n_steps)
    last = max(
        _core(span, rate, is_signal=io.variables[n].source == "signal").stop
        for n, span in spans.items()
    )
    return last + _grid(io, io.variables, rate) - 1  # rows begin at the next place of the grid


def read_batch(
    io: IOSpec,
    corpus: Source,
    origins: Sequence[Origin],
    start_step: int,
    n_steps: int,
    device: torch.device | str = "cpu",
    names: Iterable[str] | None = None,
) -> Batch:
    """One batch; see :meth:`Reader.read`, which is faster where tracks are read again and again."""
    return Reader(io, corpus, device, names).read(origins, start_step, n_steps)


class Reader:
    """Reads batches of a network's variables from a corpus.

    Parameters
    ----------
    io : IOSpec
        The variables.
    corpus : Corpus
        Where they are read from. Tracks are read once.
    device : device, default "cpu"
        Where features are computed and batches stay.
    names : iterable of str, optional
        Variables to read; all of them if not given.
    values : mapping of CorpusValues, optional
        Values of learned features all over the corpus, by variable; those that aren't given, or
        are to be augmented, are computed from the samples.
    """

    def __init__(
        self,
        io: IOSpec,
        corpus: Source,
        device: torch.device | str = "cpu",
        names: Iterable[str] | None = None,
        values: Mapping[str, CorpusValues] | None = None,
    ) -> None:
        self.io, self.device = io, torch.device(device)
        self.values = values or {}
        self.sample_rate = corpus.sample_rate
        self.signal = np.asarray(corpus.signal)
        self.names = set(io.variables if names is None else names)
        self._tracks = {
            v.source: corpus.tracks[v.source.removeprefix("track:")]
            for name, v in io.variables.items()
            if name in self.names and v.source.startswith("track:")
        }

    def read(
        self,
        origins: Sequence[Origin],
        start_step: int,
        n_steps: int,
        augmentation: Augmentation | None = None,
    ) -> Batch:
        """Batch of ``n_steps`` steps from ``start_step`` on, a row per origin.

        Parameters
        ----------
        origins : sequence of Origin
            Where the rows begin; step 0 reads the item there, of learned features the one at
            the next place of their grid.
        start_step : int >= 0
            First step, counted from the origins.
        n_steps : int > 0
            Steps T.
        augmentation : Augmentation, optional
            How each row is changed; tracks follow a row's speed.

        Returns
        -------
        Batch
            Inputs and targets.

        Raises
        ------
        ParameterError
            If a row would read outside the corpus. Only centred features may, by half a frame:
            they find silence there.
        """
        spans = {n: s for n, s in align(self.io, start_step, n_steps).items() if n in self.names}
        origins = _on_grid(origins, _grid(self.io, spans, self.sample_rate))
        self._check(
            origins, spans, 1.0 if augmentation is None else float(augmentation.speed.max())
        )
        ready = self.values if augmentation is None else {}
        values = {
            name: ready[name].items(origins, span.first, span.n_frames).to(self.device)
            for name, span in spans.items()
            if name in ready
        }
        unread = {name: span for name, span in spans.items() if name not in values}
        values |= self._read_signal(origins, unread, augmentation)
        values |= {
            name: self._read_track(name, origins, span, augmentation)
            for name, span in spans.items()
            if self.io.variables[name].source in self._tracks
        }
        return self._split(values)

    def _read_signal(
        self, origins: Sequence[Origin], spans: dict[str, Span], augmentation: Augmentation | None
    ) -> Tensors:
        """Items of the variables computed from the sound."""
        spans = {name: s for name, s in spans.items() if self.io.variables[name].source == "signal"}
        if not spans:
            return {}
        windows = [_window(span, self.sample_rate) for span in spans.values()]
        start, stop = min(w.start for w in windows), max(w.stop for w in windows)
        y = self._samples(origins, start, stop, augmentation)
        return {
            name: _at_steps(self._frames(self.io.features[name], y, start, span), span)
            for name, span in spans.items()
        }

    def _samples(
        self, origins: Sequence[Origin], start: int, stop: int, augmentation: Augmentation | None
    ) -> Tensor:
        """Samples ``[B, stop - start]`` of all rows on the device, augmented."""
        pin_memory = self.device.type == "cuda"
        if augmentation is None:
            y = gather(self.signal, origins, start, stop, pin_memory)
            return y.to(self.device, non_blocking=True)
        edge, place = augmentation.margin, augmentation.place(start)
        whole = np.floor(place).astype(np.int64)
        length = math.ceil((stop - start) * float(augmentation.speed.max())) + 1
        moved = [Origin(o.sample + int(w), o.channel) for o, w in zip(origins, whole, strict=True)]
        y = gather(self.signal, moved, -edge, length + edge, pin_memory).to(
            self.device, non_blocking=True
        )
        return augmentation.apply(y, edge + place - whole, stop - start)

    def _frames(self, feature: Feature, y: Tensor, start: int, span: Span) -> Tensor:
        """Items of a window from the samples ``y``, of which the first is ``start``."""
        return feature.frames(
            _cut(y, start, self.sample_rate, span.axis.sample_rate, span.start, span.stop)
        )

    def _read_track(
        self, name: str, origins: Sequence[Origin], span: Span, augmentation: Augmentation | None
    ) -> Tensor:
        """Items of a variable that a track holds."""
        track, feature = self._tracks[self.io.variables[name].source], self.io.features[name]
        places = _places(span, self.sample_rate)
        if augmentation is not None:
            places = np.floor(augmentation.place(places)).astype(np.int64)
        position = np.array([origin.sample for origin in origins])[:, None] + places
        if isinstance(feature, Label):
            items = feature.at(track.start, track.stop, track.label, position)
        elif isinstance(feature, Values):
            items = feature.at(track.values, track.axis(self.sample_rate), position)
        else:
            raise ParameterError(
                f"Variable {name!r} reads a track as {self.io.variables[name].feature.kind!r}; "
                "tracks are read as labels or 'values'."
            )
        return torch.from_numpy(items).to(self.device)

    def _split(self, values: Tensors) -> Batch:
        """Inputs and targets of the items that were read, and of those computed from them."""
        inputs, targets = {}, {}
        for name, variable in self.io.variables.items():
            if name in values and variable.role == "autoregressive":
                inputs[name], targets[name] = values[name][:, :-1], values[name][:, 1:]
            elif name in values:
                (inputs if variable.is_input else targets)[name] = values[name]
        for name, variable in self.io.variables.items():
            if variable.computed_from in inputs and name in self.names:
                group = inputs if variable.is_input else targets
                group[name] = compute(self.io, name, group[variable.computed_from])
        return Batch(inputs, targets)

    def _check(self, origins: Sequence[Origin], spans: dict[str, Span], speed: float) -> None:
        """Raise a ParameterError if a row doesn't lie in the corpus."""
        n_channels, n_samples = self.signal.shape
        for channel in {origin.channel for origin in origins}:
            if not MIX <= channel < n_channels:
                raise ParameterError(
                    f"Channel {channel} doesn't exist; the corpus has {n_channels} "
                    "(and -1 is their mix)."
                )
        samples = [origin.sample for origin in origins]
        for name, span in spans.items():
            core = _core(span, self.sample_rate, self.io.variables[name].source == "signal")
            if span.axis.center:
                places = _places(span, self.sample_rate)
                core = Window(int(places[0]), int(places[-1]) + 1)
            first, last = (
                min(samples) + core.start,
                max(samples) + math.ceil((core.stop - 1) * speed),
            )
            if first < 0 or last >= n_samples:
                raise ParameterError(
                    f"Variable {name!r} needs the samples {first} to {last} of the corpus, "
                    f"which has 0 to {n_samples - 1}; choose other origins or fewer steps."
                )


def _grid(io: IOSpec, names: Iterable[str], sample_rate: int) -> int:
    """Corpus samples from one place where rows of the named variables may begin to the next."""
    features = [io.learned[name] for name in names if name in io.learned]
    return math.lcm(*(f.grid for f in features if f.axis.sample_rate == sample_rate))


def _on_grid(origins: Sequence[Origin], grid: int) -> Sequence[Origin]:
    """The origins, each at the next place of the grid."""
    if grid == 1:
        return origins
    return [Origin(-(-o.sample // grid) * grid, o.channel) for o in origins]


def compute(io: IOSpec, name: str, x: Tensor) -> Tensor:
    """Values of a computed variable from those of the variable it is computed from."""
    source = io.variables[name].computed_from
    return io.features[name].from_values(io.features[source], x)  # type: ignore[index]


def read_prompt(
    io: IOSpec,
    y: Tensor | np.ndarray,
    sample_rate: int,
    fixtures: Mapping[str, Tensor] | None = None,
) -> Tensors:
    """Inputs of a network for a prompt.

    Parameters
    ----------
    io : IOSpec
        The variables.
    y : Tensor or array [shape=(B, samples)]
        The prompt.
    sample_rate : int
        Its rate in Hz.
    fixtures : dict of Tensor [shape=(B, at least T, ...)], optional
        Values of the fixtures that aren't computed, step by step.

    Returns
    -------
    dict of Tensor [shape=(B, T, ...)]
        ``T`` is the number of items that fit into the prompt. Fixtures that are neither
        computed nor given are left out.

    Raises
    ------
    PromptError
        If not even one item fits, or a fixture is shorter than the prompt.
    """
    y = torch.as_tensor(y)
    inputs = {}
    for name in io.autoregressive:
        feature = io.features[name]
        inputs[name] = feature.forward(_at_rate(y, sample_rate, feature.axis.sample_rate))
    n_steps = min(x.shape[1] for x in inputs.values())
    if n_steps < 1:
        needed = max(io.features[name].axis.n_samples(1) for name in io.autoregressive)
        raise PromptError(
            f"The prompt has {y.shape[-1]} samples at {sample_rate} Hz; this network reads "
            f"at least {needed} at {io.sample_rate} Hz. Use a longer prompt."
        )
    for name, x in (fixtures or {}).items():
        if x.shape[1] < n_steps:
            raise PromptError(f"The fixture {name!r} has {x.shape[1]} steps, the prompt {n_steps}.")
        inputs[name] = x
    inputs = {name: x[:, :n_steps] for name, x in inputs.items()}
    computed = [name for name, v in io.inputs.items() if v.computed_from]
    return inputs | {n: compute(io, n, inputs[io.variables[n].computed_from]) for n in computed}  # type: ignore[index]


def _at_rate(y: Tensor, from_rate: int, to_rate: int) -> Tensor:
    """A whole sound at another rate; silence is assumed around it."""
    n = (y.shape[-1] * to_rate - 1) // from_rate + 1  # positions before the end
    edge = margin(from_rate / to_rate)
    if from_rate != to_rate:
        y = torch.nn.functional.pad(y, (edge, edge))
    return _cut(y, -edge, from_rate, to_rate, 0, n) if from_rate != to_rate else y


def _cut(y: Tensor, first: int, from_rate: int, to_rate: int, start: int, stop: int) -> Tensor:
    """Samples ``[start, stop)`` at ``to_rate`` of ``y``, which begins with sample ``first``."""
    if from_rate == to_rate:
        return y[..., start - first : stop - first]
    position = torch.arange(start, stop, device=y.device) * from_rate
    whole = torch.div(position, to_rate, rounding_mode="floor")
    fraction = (position - whole * to_rate).to(torch.float64) / to_rate
    return read_between(y, whole - first, fraction, from_rate / to_rate)


def _core(span: Span, rate: int, is_signal: bool) -> Window:
    """Samples at ``rate`` between the first and the last that a span looks at."""
    if not is_signal:
        places = _places(span, rate)
        return Window(int(places[0]), int(places[-1]) + 1)
    own = span.axis.sample_rate
    return Window(span.start * rate // own, (span.stop - 1) * rate // own + 1)


def _window(span: Span, rate: int) -> Window:
    """Samples at ``rate`` that computing a span takes: its own and the resampler's margins."""
    core, own = _core(span, rate, is_signal=True), span.axis.sample_rate
    edge = 0 if own == rate else margin(rate / own)
    return Window(core.start - edge, core.stop + edge)


def _places(span: Span, rate: int) -> np.ndarray:
    """The sample at ``rate`` that is current at the time of each step's item ``[T]``."""
    return span.frames * (span.axis.hop_length * rate) // span.axis.sample_rate


def _at_steps(x: Tensor, span: Span) -> Tensor:
    """Items of each step from the items ``[B, n, ...]`` of a window."""
    return x if span.is_plain else x.index_select(1, torch.from_numpy(span.index).to(x.device))
