import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mimikit_nb.errors import TrainingError
from mimikit_nb.features.augment import AugmentConfig
from mimikit_nb.features.spectral import MagnitudeConfig
from mimikit_nb.io.read import read_batch
from mimikit_nb.io.variable import IOSpec, VariableConfig
from mimikit_nb.networks.wavenet import FreqNetConfig
from mimikit_nb.training.batches import (
    Anchor,
    BatchPlan,
    draw_changes,
    fitting_chunks,
    held_out_chunks,
    plan_batches,
)
from mimikit_nb.training.config import TrainConfig

lengths = st.lists(st.integers(1, 400), min_size=1, max_size=5).filter(lambda ls: max(ls) >= 60)


def as_segments(lengths):
    """Segments one after the other, with a gap between them."""
    starts = np.cumsum([0, *(length + 3 for length in lengths[:-1])]).tolist()
    return [(start, start + length) for start, length in zip(starts, lengths, strict=True)]


def make_plan(lengths, n_chunks=3, seed=0, channels=(0,)):
    return BatchPlan(as_segments(lengths), channels, n_chunks * 20, 10, n_chunks, seed)


@given(lengths, st.integers(0, 3), st.integers(1, 9), st.integers(0, 300))
def test_sequences_lie_within_one_segment(lengths, seed, batch_size, step):
    plan = make_plan(lengths, seed=seed)
    for origin in plan.chunk(step, Anchor(0, 0, batch_size)).origins:
        assert any(a <= origin.sample and origin.sample + 60 <= b for a, b in as_segments(lengths))


@given(lengths, st.integers(1, 9), st.integers(0, 300))
def test_rows_go_on_together_and_begin_together(lengths, batch_size, step):
    plan, anchor = make_plan(lengths), Anchor(0, 0, batch_size)
    chunk, next_chunk = plan.chunk(step, anchor), plan.chunk(step + 1, anchor)
    assert chunk.is_first == (chunk.start_step == 0) == plan.begins_round(step)
    if not next_chunk.is_first:
        assert next_chunk.origins == chunk.origins
        assert next_chunk.start_step == chunk.start_step + 10


@given(lengths, st.integers(1, 9), st.integers(0, 300))
def test_plan_is_a_function_of_the_step(lengths, batch_size, step):
    anchor = Anchor(0, 0, batch_size)
    used = make_plan(lengths)
    for earlier in range(0, step, 7):
        used.chunk(earlier, anchor)
    assert used.chunk(step, anchor) == make_plan(lengths).chunk(step, anchor)


def sequences(plan, n, batch_size=1):
    """The first ``n`` sequences in order."""
    rounds = [plan.chunk(i * plan.n_chunks, Anchor(0, 0, batch_size)).origins for i in range(n)]
    return [origin for origins in rounds for origin in origins][:n]


def test_an_epoch_covers_the_corpus_evenly_and_each_does_it_differently():
    plan = make_plan([300, 600])
    assert plan.n_sequences == 5 + 10
    first, second = sequences(plan, 30)[:15], sequences(plan, 30)[15:]
    for epoch in (first, second):
        samples = np.array(sorted(o.sample for o in epoch))
        centres = [(np.arange(5) + 0.5) * 241 / 5, 303 + (np.arange(10) + 0.5) * 541 / 10]
        assert np.abs(samples - np.concatenate(centres)).max() <= 541 / 20 + 1
    assert first != second
    assert first != sorted(first)
    assert first != sequences(make_plan([300, 600], seed=1), 15)


def test_batches_do_not_lose_the_rest_of_an_epoch():
    plan = make_plan([300, 600])
    assert sequences(plan, 45, batch_size=4) == sequences(plan, 45)


def test_every_channel_is_learned_from():
    plan = make_plan([120], channels=(0, 1))
    assert plan.n_sequences == 4
    assert sorted(o.channel for o in sequences(plan, 4)) == [0, 0, 1, 1]


def test_halved_batches_go_on_with_their_first_rows_and_lose_nothing():
    plan = make_plan([600])
    anchor = Anchor(0, 0, 4)
    half = plan.reanchored(4, anchor, 2)  # in the middle of the second round
    assert plan.chunk(4, half).origins == plan.chunk(4, anchor).origins[:2]
    assert plan.chunk(4, half).start_step == plan.chunk(4, anchor).start_step
    rows = [plan.chunk(step, half).origins for step in (3, 6, 9)]
    assert [o for row in rows for o in row] == sequences(plan, 10)[4:10]
    again = plan.reanchored(9, half, 1)
    assert plan.chunk(9, again).origins == rows[2][:1]


def test_epochs_and_steps_agree():
    plan, anchor = make_plan([600]), Anchor(0, 0, 4)
    assert plan.epoch(0, anchor) == 0
    steps = plan.steps_of(2.0, 4)
    assert plan.epoch(steps, anchor) >= 2.0 > plan.epoch(steps - 1, anchor)


def test_corpus_shorter_than_a_sequence():
    with pytest.raises(TrainingError, match=r"has 59 samples.*needs 60.*smaller chunk_steps"):
        make_plan([59, 30])
    assert make_plan([60, 30, 20]).unused_samples == 50


@given(lengths, st.integers(1, 9))
def test_sequences_are_shortened_until_half_of_the_corpus_fits(lengths, wanted):
    segments = as_segments(lengths)
    n = fitting_chunks(segments, lambda n: n * 20, wanted)
    assert 1 <= n <= wanted

    def usable(n):
        return sum(length for length in lengths if length >= n * 20)

    assert n == 1 or usable(n) >= sum(lengths) / 2
    assert n == wanted or usable(n + 1) < sum(lengths) / 2


@given(lengths, st.integers(1, 4), st.integers(1, 6), st.integers(6, 12))
def test_held_out_chunks_stay_inside_and_within_their_number(lengths, batch_size, n_chunks, limit):
    segments = as_segments(lengths)
    chunks = held_out_chunks(segments, [0], n_chunks * 10, 10, n_chunks, batch_size, limit)
    assert len(chunks) <= limit
    for chunk in chunks:
        assert 1 <= len(chunk.origins) <= batch_size
        for origin in chunk.origins:
            start = origin.sample + chunk.start_step
            assert any(a <= start and start + 10 <= b for a, b in segments)
    if any(length >= n_chunks * 10 for length in lengths):
        assert chunks and chunks[0].is_first
    assert len({(o, c.start_step) for c in chunks for o in c.origins}) == sum(
        len(c.origins) for c in chunks
    )


def test_no_held_out_part_gives_no_chunks():
    assert held_out_chunks([], [0], 10, 10, 1, 4, 8) == []


def test_changes_belong_to_sequences_whatever_the_batch():
    config = AugmentConfig(speed=(0.8, 1.25), pitch_semitones=(-1, 1), gain_db=(-6, 0))
    whole, part = draw_changes(config, 0, range(7, 15)), draw_changes(config, 0, range(9, 11))
    for name in ("speed", "pitch_semitones", "gain_db"):
        values = getattr(whole, name)
        assert len(set(values)) == 8
        assert getattr(part, name).tolist() == values[2:4].tolist()
    assert draw_changes(config, 1, [7]).speed != whole.speed[:1]


def test_short_files_are_learned_from_across_their_borders_and_exactly(tiny_corpus):
    config = TrainConfig(batch_size=4, chunk_steps=16, held_out=0.2, seed=1)
    feature = MagnitudeConfig(n_fft=256, hop_length=128)
    io = IOSpec(
        sample_rate=tiny_corpus.sample_rate, variables={"signal": VariableConfig(feature=feature)}
    )
    network = FreqNetConfig(n_layers=1, residual_channels=8, groups=1).build(io)
    plan = plan_batches(tiny_corpus, io, config, network)
    assert plan.unused_samples == 0
    chunks = [plan.chunk(i, Anchor(0, 0, 4)) for i in range(20 * plan.n_sequences // 4)]
    origins = [o for chunk in chunks for o in chunk.origins]
    n = plan.sequence_samples
    held_out = tiny_corpus.split(0.2, config.seed).held_out
    assert not [o for o in origins for a, b in held_out if o.sample < b and a < o.sample + n]
    starts = [start for start, _ in tiny_corpus.segments]
    crossing = [o for o in origins if any(o.sample < start < o.sample + n for start in starts)]
    assert crossing
    batch = read_batch(io, tiny_corpus, crossing[:1], 0, plan.chunk_steps)
    y = tiny_corpus.signal[crossing[0].channel, crossing[0].sample : crossing[0].sample + n]
    frames = feature.build(tiny_corpus.sample_rate).forward(torch.from_numpy(np.array(y)))
    torch.testing.assert_close(batch.inputs["signal"][0], frames[:16])
    torch.testing.assert_close(batch.targets["signal"][0], frames[1:17])
