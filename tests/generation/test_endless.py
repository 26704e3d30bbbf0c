"""Sound without an end: remembered, extended, recorded, killed."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile as sf
import torch

import mimikit_nb as mnb
from mimikit_nb.audio.files import load
from mimikit_nb.corpus.bank import read_bank
from mimikit_nb.errors import CheckpointError, ParameterError
from mimikit_nb.generation.controls import Controls
from mimikit_nb.generation.curves import Curve, RandomWalk
from mimikit_nb.generation.end_state import SUFFIX, EndState
from mimikit_nb.generation.record import open_sink, record, reopen_sink
from mimikit_nb.generation.sound import SoundStream
from mimikit_nb.progress import Progress
from tests.generation.test_stream import RATE, make_network, make_prompt

WALK = RandomWalk(low=0.5, high=1.5, speed=3.0, seed=1)


@pytest.fixture(params=["samples", "frames"])
def network(request):
    return make_network(request.param)


def make_stream(network, numbers=(1, 2, 3), controls=None, n_channels: int = 1) -> SoundStream:
    prompts = [make_prompt(seed=i, n_channels=n_channels) for i in numbers]
    controls = controls or Controls([0.5 * i for i in numbers])
    return SoundStream.from_prompts(network, prompts, n_channels, numbers, controls)


def test_a_stream_goes_on_where_it_was_remembered(network, tmp_path):
    controls = Controls(WALK)
    whole = make_stream(network, controls=controls, n_channels=2).take(3000)
    stopped = make_stream(network, controls=controls, n_channels=2)
    first = stopped.take(1234)
    for i, state in enumerate(stopped.end_states()):
        state.save(tmp_path / f"{i}.safetensors")
    states = [EndState.load(tmp_path / f"{i}.safetensors") for i in range(3)]
    resumed = SoundStream.from_end_states(network, states, controls)
    np.testing.assert_array_equal(np.concatenate([first, resumed.take(1766)], -1), whole)
    alone = SoundStream.from_end_states(network, states[2:], controls)
    np.testing.assert_array_equal(alone.take(1766), whole[2:, :, 1234:])


def test_each_stream_of_a_batch_is_what_it_would_be_alone(network):
    together = make_stream(network).take(2000)
    for i in (1, 2, 3):
        np.testing.assert_array_equal(make_stream(network, (i,)).take(2000)[0], together[i - 1])


def test_states_of_another_network_are_refused():
    state = make_stream(make_network("samples"), (1,)).end_states()
    with pytest.raises(CheckpointError, match="another network"):
        SoundStream.from_end_states(make_network("frames"), state, Controls())


def test_streams_that_stopped_at_different_times_dont_go_on_together():
    network = make_network("samples")
    first, second = make_stream(network, (1,)), make_stream(network, (2,))
    second.take(1000)
    with pytest.raises(CheckpointError, match="one by one"):
        SoundStream.from_end_states(
            network, [*first.end_states(), *second.end_states()], Controls()
        )


@pytest.mark.parametrize("out", ["folder", "bank.h5"])
def test_recorded_sound_is_what_the_stream_gives(network, tmp_path, out):
    expected = make_stream(network)
    prompts = expected.prompts
    expected = np.concatenate([prompts, expected.take(4000)], -1)
    stream = make_stream(network)
    made = record(stream, open_sink(tmp_path / out, stream), 0.2)
    sounds = made.paths if out == "folder" else made.paths * 3
    assert len(sounds) == 3
    assert made.seconds == expected.shape[-1] / RATE - 0.3
    states = list(made.states)
    resumed = SoundStream.from_end_states(network, states, Controls([0.5, 1.0, 1.5]))
    again = record(resumed, reopen_sink(sounds, resumed), 0.3)
    assert again.audio.shape == expected.shape
    np.testing.assert_allclose(again.audio, expected.clip(-1, 1), atol=2**-23)


def test_what_was_written_behind_the_end_state_is_written_again(tmp_path):
    network, path = make_network("samples"), tmp_path / "a.wav"
    stream = make_stream(network, (1,))
    sink = open_sink(path, stream)
    made = record(stream, sink, 0.1)
    states = [made.states[0]]
    with open(path, "ab") as file:
        file.write(b"rubbish" * 100)
    resumed = SoundStream.from_end_states(network, states, Controls(0.5))
    again = record(resumed, reopen_sink([path], resumed), 0.1)
    whole = make_stream(network, (1,))
    expected = np.concatenate([whole.prompts, whole.take(1600)], -1)
    np.testing.assert_allclose(again.audio, expected, atol=2**-23)


def test_one_file_for_several_sounds_is_refused(tmp_path):
    stream = make_stream(make_network("samples"))
    with pytest.raises(ParameterError, match="3 sounds"):
        open_sink(tmp_path / "a.wav", stream)


@pytest.mark.parametrize("way", ["interrupt", "stop"])
def test_endless_sound_ends_when_it_is_told_to_and_is_kept(way, tmp_path):
    stream = make_stream(make_network("samples"), (1,))

    def interrupt(progress: Progress) -> None:
        assert progress.total == float("inf")
        if progress.done > 0.3:
            progress.cancel()
            if way == "interrupt":
                raise KeyboardInterrupt

    made = record(stream, open_sink(tmp_path / "a.wav", stream), None, interrupt)
    assert 0.3 < made.seconds - made.prompt_end_seconds < 0.4
    assert load(made.paths[0]).shape[-1] == round(made.seconds * RATE)
    assert made.states[0].facts["n_samples"] == round(made.seconds * RATE)


def test_what_ends_within_a_block_goes_on_from_the_state_before(tmp_path):
    network = make_network("samples")
    stream = make_stream(network, (1,))
    sink = open_sink(tmp_path / "a.wav", stream)
    append, blocks = sink.append, []

    def failing(y: np.ndarray) -> None:
        blocks.append(y)
        if len(blocks) == 8:
            raise KeyboardInterrupt
        append(y)

    sink.append = failing
    with pytest.raises(KeyboardInterrupt):
        record(stream, sink, 1.0)
    state = EndState.load(sink.states[0])
    assert state.facts["n_samples"] <= load(sink.paths[0]).shape[-1] < stream.n_samples
    resumed = SoundStream.from_end_states(network, [state], Controls(0.5))
    again = record(resumed, reopen_sink(sink.paths, resumed), 0.3)
    whole = make_stream(network, (1,))
    expected = np.concatenate([whole.prompts, whole.take(RATE)], -1)
    np.testing.assert_allclose(again.audio, expected[..., : again.audio.shape[-1]], atol=2**-23)


# -- through the public functions -----------------------------------------------------------------

SETTINGS = {"frame_sizes": (8, 4, 4), "hidden_dim": 16, "chunk_steps": 64, "batch_size": 4}


@pytest.fixture
def run(tiny_corpus, tmp_path):
    return mnb.train(
        tiny_corpus,
        "sample_rnn",
        tmp_path / "run",
        max_steps=1,
        preview_every_steps=0,
        device="cpu",
        **SETTINGS,
    )


def test_a_sound_in_memory_and_its_files_are_extended_alike(run, tmp_path):
    options = {"temperature": [WALK, 0.7], "n": 2, "prompt_seconds": 0.2}
    whole = mnb.generate(run.folder, seconds=0.5, **options)
    first = mnb.generate(run.folder, seconds=0.2, **options)
    more = mnb.extend(first, seconds=0.3)
    np.testing.assert_array_equal(more.audio, whole.audio)
    paths = first.save(tmp_path / "sounds")
    alone = mnb.extend(paths[1], seconds=0.3)
    np.testing.assert_allclose(alone.audio[0], whole.audio[1], atol=2**-23)
    assert mnb.read_recall(paths[1])["seed"] == 1


def test_functions_of_ones_own_are_asked_for_again(run, tmp_path):
    made = mnb.generate(
        run.folder,
        seconds=0.1,
        temperature=lambda t: 1.0 + t,
        out=tmp_path / "a.wav",
        prompt_seconds=0.2,
    )
    with pytest.raises(ParameterError, match="give it again"):
        mnb.extend(made, seconds=0.1)
    again = mnb.extend(made, seconds=0.1, temperature=lambda t: 1.0 + t)
    whole = mnb.generate(run.folder, seconds=0.2, temperature=lambda t: 1.0 + t, prompt_seconds=0.2)
    np.testing.assert_allclose(again.audio, whole.audio, atol=2**-23)


def test_sound_without_an_end_needs_a_place(run):
    with pytest.raises(ParameterError, match="out="):
        mnb.generate(run.folder, seconds=None)


def test_nothing_is_overwritten(run, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"mine")
    with pytest.raises(mnb.MimikitError, match="exists"):
        mnb.generate(run.folder, seconds=0.1, out=tmp_path / "a.wav", prompt_seconds=0.2)
    assert (tmp_path / "a.wav").read_bytes() == b"mine"


def test_a_sound_without_its_end_state_cant_be_extended(run, tmp_path):
    made = mnb.generate(run.folder, seconds=0.1, out=tmp_path / "a.wav", prompt_seconds=0.2)
    made.paths[0].with_suffix(SUFFIX).unlink()
    with pytest.raises(ParameterError, match="no end state"):
        mnb.extend(made)


ENDLESS = """
import sys
import torch
import mimikit_nb as mnb
torch.set_num_threads(1)
run, out = sys.argv[1:]
mnb.generate(run, n=2, prompt_seconds=0.2, seconds=None, out=out,
             progress=lambda now: print(now.done, flush=True))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("out", ["folder", pytest.param("bank.h5", marks=pytest.mark.long)])
def test_a_kill_loses_at_most_a_second_and_the_sound_goes_on(run, tmp_path, out):
    out = tmp_path / out
    command = [sys.executable, "-c", ENDLESS, str(run.folder), str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        begin, written, done = None, [], 0.0
        while begin is None or time.monotonic() < begin + 2.0:
            done = float(process.stdout.readline())
            begin = begin or time.monotonic()
            written.append((time.monotonic(), done))
        process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        rest = process.stdout.read().split()
        done = float(rest[-1]) if rest and rest[-1] else done
    a_second_before = max(d for t, d in written if t < killed - 1.5)
    if out.suffix:
        kept = read_bank(out, "sound_002")[0].shape[-1] / 22050 - 0.2
        paths = [out]
    else:
        paths = sorted(out.glob("*.wav"))
        kept = min(sf.info(path).duration for path in paths) - 0.2
        assert kept >= done - 0.051
    assert kept >= a_second_before
    states = [EndState.load(path) for path in sorted(tmp_path.rglob("*.state.safetensors"))]
    before = [state.facts["n_samples"] for state in states]  # one may be older, at some instants
    seconds = max(before) / 22050 + 0.1
    whole = mnb.generate(run.folder, n=2, prompt_seconds=0.2, seconds=seconds).audio
    for i, path in enumerate(paths):
        again = mnb.extend(path, seconds=0.3).audio
        n = before[i] + round(0.3 * 22050)
        assert again.shape[-1] == n
        expected = whole if out.suffix else whole[i : i + 1]
        np.testing.assert_allclose(again, expected[..., :n], atol=2**-23)


# -- functions of time ----------------------------------------------------------------------------


def test_curves_are_straight_between_their_points():
    curve = Curve(points=((0, 1.0), (10, 2.0), (10, 0.5), (20, 0.5)))
    assert [curve(t) for t in (-1, 0, 5, 10, 15, 99)] == [1.0, 1.0, 1.5, 0.5, 0.5, 0.5]
    wave = Curve(points=((0, 0.0), (1, 1.0), (2, 0.0)), period_seconds=2.0)
    assert wave(100.5) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "bad", [{"points": ((1, 1.0), (0, 1.0))}, {"points": ()}, {"points": ((0, 1),), "period": 1}]
)
def test_impossible_curves_are_refused(bad):
    with pytest.raises(mnb.MimikitError):
        Curve(**bad)


def test_walks_stay_within_their_bounds_and_are_the_same_whenever_asked():
    walk = RandomWalk(low=0.4, high=1.2, start=0.5, speed=0.5, seed=3)
    times = np.arange(0, 300, 0.05)
    values = np.array([walk(t) for t in times])
    assert values[0] == pytest.approx(0.5)
    assert 0.4 <= values.min() < 0.5
    assert 1.1 < values.max() <= 1.2
    assert np.abs(np.diff(values)).max() < 0.8 * 0.5 * 5 * 0.05  # no jumps
    fresh = RandomWalk(**walk.to_dict())
    assert [fresh(t) for t in times[::-500]] == list(values[::-500])


def test_functions_of_time_survive_the_recall_data():
    controls = Controls(temperature=[WALK, 1.0])
    again = Controls(**controls.to_dict())
    assert torch.equal(again.at(7.3, 2)["temperature"], controls.at(7.3, 2)["temperature"])
    assert again.of(0).to_dict() == Controls(temperature=WALK).to_dict()
