"""The order of the data: a pure function of the step number, so that a run resumes exactly.

The corpus is learned from in *sequences*, stretches of ``chunks_per_sequence`` chunks. They lie in
one file each, but files of less than :data:`SHORT_SECONDS` are learned together with their
neighbours: a network that never heard one sound end and another begin stays where it is, once it
has died away or found a steady sound. All rows of a batch begin new sequences together, go
through their chunks step after step (a recurrent network keeps its memory meanwhile), and then
begin the next ones. A *round* is the steps from one beginning to the next. Sequences are numbered
without end; epoch ``e`` holds ``n_sequences`` of them, as much sound as the corpus has, in an
order and at places that the seed and ``e`` determine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..corpus.split import joined_short
from ..corpus.store import Corpus
from ..errors import TrainingError
from ..features.augment import Augmentation, AugmentConfig
from ..io.learning import channels_of
from ..io.read import Origin, span_samples
from ..io.variable import IOSpec
from ..networks.base import Network
from ..units import seconds_to_samples
from .config import TrainConfig

Segment = tuple[int, int]
"First sample of a stretch of the corpus, and the first sample after it."

SHORT_SECONDS = 30.0
"Shorter recordings are learned from across their borders."


class Chunk(NamedTuple):
    """What one training step reads: rows from ``origins``, from ``start_step`` on.

    ``sequences`` are the numbers of the rows' sequences.
    """

    origins: list[Origin]
    start_step: int
    is_first: bool
    sequences: range


class Anchor(NamedTuple):
    """From round ``round`` on, batches of ``batch_size`` rows start with sequence ``sequence``.

    The batch size may change while training (out of memory); rounds before the anchor are past.
    """

    round: int
    sequence: int
    batch_size: int


def fitting_chunks(
    segments: Sequence[Segment], samples_of: Callable[[int], int], n_chunks: int
) -> int:
    """Chunks of a sequence, ``n_chunks`` at most, with which half of the corpus can be used.

    Parameters
    ----------
    segments : sequence of Segment
        The part of the corpus to learn from.
    samples_of : function of int
        Samples that a sequence of so many chunks spans.
    n_chunks : int >= 1
        How many are wanted.
    """
    lengths = np.array([stop - start for start, stop in segments])
    while n_chunks > 1 and lengths[lengths >= samples_of(n_chunks)].sum() < lengths.sum() / 2:
        n_chunks -= 1
    return n_chunks


class BatchPlan:
    """Which stretches of the corpus each step learns from.

    Parameters
    ----------
    segments : sequence of Segment
        The part of the corpus to learn from, in samples.
    channels : sequence
        Channels as :class:`~mimikit_nb.io.read.Origin` takes them; each is a stream of its own.
    sequence_samples : int
        Samples that a sequence spans.
    chunk_steps, n_chunks : int
        Model steps of a chunk, chunks of a sequence.
    seed : int
        Seed of the order and of the places.

    Raises
    ------
    TrainingError
        If no segment is as long as a sequence.
    """

    def __init__(
        self,
        segments: Sequence[Segment],
        channels: Sequence[int],
        sequence_samples: int,
        chunk_steps: int,
        n_chunks: int,
        seed: int,
    ) -> None:
        self.channels, self.sequence_samples, self.seed = channels, sequence_samples, seed
        self.chunk_steps, self.n_chunks = chunk_steps, n_chunks
        rows = []  # first place, width and index of each sequence's range of places
        for start, stop in segments:
            n, places = (stop - start) // sequence_samples, stop - start - sequence_samples + 1
            rows += [(start, places, i, n) for i in range(n)]
        lengths = [stop - start for start, stop in segments]
        self.unused_samples = sum(length for length in lengths if length < sequence_samples)
        if not rows:
            longest = max(lengths, default=0)
            raise TrainingError(
                f"The longest stretch of the corpus to learn from has {longest} samples, but a "
                f"training sequence needs {sequence_samples} ({n_chunks} chunks of {chunk_steps} "
                "steps). Use longer recordings, or a smaller chunk_steps or held_out."
            )
        self._rows = np.asarray(rows, dtype=np.int64)
        self._order = lru_cache(maxsize=2)(self._make_order)

    @property
    def n_sequences(self) -> int:
        """Sequences of an epoch."""
        return len(self._rows) * len(self.channels)

    def chunk(self, step: int, anchor: Anchor) -> Chunk:
        """What the step after ``step`` steps reads."""
        round_, index = divmod(step, self.n_chunks)
        first = self._first_sequence(round_, anchor)
        sequences = range(first, first + anchor.batch_size)
        origins = [self._origin(sequence) for sequence in sequences]
        return Chunk(origins, index * self.chunk_steps, index == 0, sequences)

    def begins_round(self, step: int) -> bool:
        """Whether new sequences begin with the step after ``step`` steps."""
        return step % self.n_chunks == 0

    def epoch(self, step: int, anchor: Anchor) -> float:
        """Passes over the corpus done after ``step`` steps."""
        rounds, index = divmod(step, self.n_chunks)
        begun = self._first_sequence(rounds, anchor)
        return (begun + anchor.batch_size * index / self.n_chunks) / self.n_sequences

    def steps_of(self, epochs: float, batch_size: int) -> int:
        """Steps that ``epochs`` passes take with batches of ``batch_size``."""
        return -int(-epochs * self.n_sequences * self.n_chunks // batch_size)

    def reanchored(self, step: int, anchor: Anchor, batch_size: int) -> Anchor:
        """Anchor of smaller batches from here on; the first rows of the current round go on."""
        round_ = step // self.n_chunks
        return Anchor(round_, self._first_sequence(round_, anchor), batch_size)

    def _first_sequence(self, round_: int, anchor: Anchor) -> int:
        return anchor.sequence + (round_ - anchor.round) * anchor.batch_size

    def _origin(self, sequence: int) -> Origin:
        epoch, index = divmod(sequence, self.n_sequences)
        place, channel = self._order(epoch)
        return Origin(int(place[index]), self.channels[channel[index]])

    def _make_order(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Places and indices of the channels of an epoch's sequences, in order.

        The places of a segment are spread evenly, each moved at random within its share: an
        epoch covers the corpus, and the next one does it differently.
        """
        rng = np.random.default_rng([self.seed, epoch])
        n_channels = len(self.channels)
        start, places, index, n = np.repeat(self._rows, n_channels, axis=0).T
        share = (index + rng.random(len(index))) / n
        place = start + np.minimum((share * places).astype(np.int64), places - 1)
        channel = np.tile(np.arange(n_channels), len(self._rows))
        order = rng.permutation(len(place))
        return place[order], channel[order]


def held_out_chunks(
    segments: Sequence[Segment],
    channels: Sequence[int],
    sequence_samples: int,
    chunk_steps: int,
    n_chunks: int,
    batch_size: int,
    max_chunks: int,
) -> list[Chunk]:
    """Fixed chunks, spread over the held-out segments; none if these are too short.

    Sequences go on from chunk to chunk as in training, ``max_chunks`` chunks at most altogether.
    """
    places = [
        place
        for start, stop in segments
        for place in range(start, stop - sequence_samples + 1, sequence_samples)
    ]
    origins = [Origin(place, channel) for place in places for channel in channels]
    n_rows = min(len(origins), batch_size * (max_chunks // n_chunks))
    chosen = [origins[i * len(origins) // n_rows] for i in range(n_rows)]
    groups = [range(n_rows)[i : i + batch_size] for i in range(0, n_rows, batch_size)]
    return [
        Chunk([chosen[row] for row in group], i * chunk_steps, i == 0, group)
        for group in groups
        for i in range(n_chunks)
    ]


def plan_batches(corpus: Corpus, io: IOSpec, config: TrainConfig, network: Network) -> BatchPlan:
    """Plan of the batches that a network is trained with.

    Parameters
    ----------
    corpus : Corpus
        What is learned from; its held-out part is left out.
    io : IOSpec
        What the network reads and writes.
    config : TrainConfig
        Sizes of batch, chunk and sequence; augmentation; seed.
    network : Network
        Says what chunks it can read, and whether it keeps a memory from chunk to chunk.

    Raises
    ------
    TrainingError
        If the corpus is too short.
    """
    parts = corpus.split(config.held_out, config.seed).train
    segments = joined_short(parts, seconds_to_samples(SHORT_SECONDS, corpus.sample_rate))
    chunk_steps = _chunk_steps(config, network)
    augment = config.augment

    def samples_of(n_chunks: int) -> int:
        samples = span_samples(io, n_chunks * chunk_steps, corpus.sample_rate)
        return samples if augment is None else augment.span_samples(samples)

    wanted = config.chunks_per_sequence if network.is_recurrent else 1
    n_chunks = fitting_chunks(segments, samples_of, wanted)
    channels = channels_of(io, corpus)
    return BatchPlan(segments, channels, samples_of(n_chunks), chunk_steps, n_chunks, config.seed)


def plan_held_out(corpus: Corpus, io: IOSpec, config: TrainConfig, network: Network) -> list[Chunk]:
    """Chunks that the held-out loss is measured on; arguments as for :func:`plan_batches`."""
    segments = corpus.split(config.held_out, config.seed).held_out
    chunk_steps = _chunk_steps(config, network)

    def samples_of(n_chunks: int) -> int:
        return span_samples(io, n_chunks * chunk_steps, corpus.sample_rate)

    wanted = config.chunks_per_sequence if network.is_recurrent else 1
    n_chunks = fitting_chunks(segments, samples_of, min(wanted, config.held_out_batches))
    return held_out_chunks(
        segments,
        channels_of(io, corpus),
        samples_of(n_chunks),
        chunk_steps,
        n_chunks,
        config.batch_size,
        config.held_out_batches,
    )


def _chunk_steps(config: TrainConfig, network: Network) -> int:
    """Steps of a chunk, rounded up to what the network reads at once."""
    return -(-config.chunk_steps // network.chunk_multiple) * network.chunk_multiple


def draw_changes(config: AugmentConfig, seed: int, sequences: Sequence[int]) -> Augmentation:
    """How the rows of a batch are changed: each by its sequence's number, in every chunk alike."""
    draws = [config.draw(np.random.default_rng([seed, 1, number]), 1) for number in sequences]
    return Augmentation(
        speed=np.concatenate([draw.speed for draw in draws]),
        pitch_semitones=np.concatenate([draw.pitch_semitones for draw in draws]),
        gain_db=np.concatenate([draw.gain_db for draw in draws]),
    )
