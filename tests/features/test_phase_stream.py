"""Phases as frames arrive: alike in any batch, seamless behind a real sound."""

from __future__ import annotations

import logging

import pytest
import torch

from mimikit_nb.engine.build import CompilerError
from mimikit_nb.errors import ParameterError
from mimikit_nb.features import phase_kernel, phase_stream
from mimikit_nb.features.phase_stream import PhaseStream
from mimikit_nb.features.spectral import MagnitudeConfig

RATE = 22050


@pytest.fixture
def feature():
    return MagnitudeConfig(n_fft=512, hop_length=128).build(RATE)


@pytest.mark.parametrize("n_fft", [512, 302])
def test_a_row_has_the_same_samples_in_any_batch(music, n_fft):
    feature = MagnitudeConfig(n_fft=n_fft, hop_length=100).build(RATE)
    y = torch.from_numpy(music[:9000]).view(3, 3000)
    x = feature.forward(y)
    together = feature.inverse_stream(3).push(x)
    for row in range(3):
        assert torch.equal(
            feature.inverse_stream(1).push(x[row : row + 1]), together[row : row + 1]
        )


def test_the_same_values_give_the_same_samples(music, feature):
    x = feature.forward(torch.from_numpy(music[None, :5000]))
    assert torch.equal(feature.inverse_stream(1).push(x), feature.inverse_stream(1).push(x))


def test_later_values_do_not_change_earlier_samples(music, feature):
    x = feature.forward(torch.from_numpy(music[None, :8000]))
    changed = torch.cat([x[:, :20], 3 * x[:, 20:]], 1)
    y, other = feature.inverse_stream(1).push(x), feature.inverse_stream(1).push(changed)
    n = 20 * feature.axis.hop_length
    assert torch.equal(y[:, :n], other[:, :n])
    assert not torch.equal(y[:, n:], other[:, n:])


@pytest.mark.parametrize("center", [False, True])
def test_behind_a_sound_it_goes_on_with_its_phases(music, center):
    """What a primed stream gives is the sound itself where frames of both overlap."""
    feature = MagnitudeConfig(n_fft=512, hop_length=128, center=center).build(RATE)
    y = torch.from_numpy(music[None, 40_000:60_000])
    n_prompt = 60
    prompt = y[:, : feature.axis.n_samples(n_prompt)]
    stream = feature.inverse_stream(1)
    stream.prime(prompt)
    found = stream.push(feature.forward(y)[:, n_prompt : n_prompt + 30])
    start = n_prompt * feature.axis.hop_length - feature.axis.padding
    expected = y[:, start : start + found.shape[1]]
    first = slice(0, feature.axis.hop_length)
    error = (found - expected)[:, first].norm() / expected[:, first].norm()
    unprimed = feature.inverse_stream(1)
    unprimed.push(feature.forward(y)[:, :n_prompt])
    other = unprimed.push(feature.forward(y)[:, n_prompt : n_prompt + 30])
    assert error < 0.2
    assert error < 0.5 * (other - expected)[:, first].norm() / expected[:, first].norm()


def test_the_memory_does_not_grow(feature):
    stream = feature.inverse_stream(2)
    x = torch.rand(2, 4, feature.kind.dim)
    stream.push(x)
    sizes = {
        name: value.shape for name, value in vars(stream).items() if isinstance(value, torch.Tensor)
    }
    for _ in range(5):
        stream.push(x)
    assert sizes
    assert sizes == {n: v.shape for n, v in vars(stream).items() if isinstance(v, torch.Tensor)}


def test_no_values_give_no_samples(feature):
    stream = feature.inverse_stream(2)
    assert stream.flush().shape == (2, 0)
    assert stream.push(torch.zeros(2, 0, feature.kind.dim)).shape == (2, 0)


def both_streams(feature, n_rows):
    """A stream in C, and one in torch."""
    parts = feature.stft, feature.axis, feature.to_magnitude, n_rows
    return PhaseStream(*parts), PhaseStream(*parts, is_compiled=False)


@pytest.mark.parametrize("window", ["hann", "blackman"])
@pytest.mark.parametrize("hop_length", [128, 100, 200, 256])  # 4, 6, 3 and 2 open frames
def test_in_c_a_frame_is_what_it_is_in_torch(music, hop_length, window):
    feature = MagnitudeConfig(n_fft=512, hop_length=hop_length, window=window).build(RATE)
    y = torch.from_numpy(music[40_000:60_000]).view(2, -1)
    x = feature.forward(y)
    compiled, eager = both_streams(feature, 2)
    assert compiled.push(x[:, :10]).shape == (2, 10 * hop_length)
    for k in range(10, 14):
        eager.load_state(compiled.state())
        found, expected = compiled.push(x[:, k : k + 1]), eager.push(x[:, k : k + 1])
        assert compiled._kernel is not None and eager._kernel is None
        assert (found - expected).norm() < 1e-3 * expected.norm()
        for name, value in eager.state().items():
            assert (compiled.state()[name] - value).float().norm() <= 1e-2 * value.float().norm()


def test_in_c_the_sound_is_as_near_to_its_magnitudes_as_in_torch(music, feature):
    ratios = []  # of single excerpts they scatter by a tenth: each stream goes its own way
    for start in range(0, 100_000, 15_000):
        x = feature.forward(torch.from_numpy(music[None, start : start + 40_000]))
        errors = []
        for stream in both_streams(feature, 1):
            found = feature.forward(torch.cat([stream.push(x), stream.flush()], 1))
            errors.append(float((found - x).norm() / x.norm()))
        ratios.append(errors[0] / errors[1])
    assert sum(ratios) / len(ratios) < 1.1


def test_silence_stays_silence_in_c(feature):
    stream = feature.inverse_stream(1)
    assert not stream.push(torch.zeros(1, 20, feature.kind.dim)).any()
    assert stream._kernel is not None


def test_what_a_stream_remembers_does_not_change_later(music, feature):
    x = feature.forward(torch.from_numpy(music[None, :5000]))
    stream = feature.inverse_stream(1)
    stream.push(x[:, :8])
    state = stream.state()
    expected = stream.push(x[:, 8:])
    stream.load_state(state)
    assert torch.equal(stream.push(x[:, 8:]), expected)


def test_a_stream_of_rows_goes_on_behind_sounds(music, feature):
    y = torch.from_numpy(music[:40_000]).view(4, -1)
    x = feature.forward(y[:, 2000:])
    together = feature.inverse_stream(4)
    together.prime(y[:, :2000])
    found = together.push(x)
    for row in range(4):
        alone = feature.inverse_stream(1)
        alone.prime(y[row : row + 1, :2000])
        assert torch.equal(alone.push(x[row : row + 1]), found[row : row + 1])


def test_without_a_compiler_torch_takes_over_and_says_so(music, feature, monkeypatch, caplog):
    def fails(*args):
        raise CompilerError("There is no C compiler.")

    monkeypatch.setattr(phase_kernel, "build_library", fails)
    phase_stream._checked_kernel.cache_clear()
    x = feature.forward(torch.from_numpy(music[None, :5000]))
    with caplog.at_level(logging.WARNING):
        streams = [feature.inverse_stream(1) for _ in range(2)]
        sounds = [stream.push(x) for stream in streams]
    phase_stream._checked_kernel.cache_clear()
    assert torch.equal(sounds[0], both_streams(feature, 1)[1].push(x))
    assert ["no C compiler" in record.message for record in caplog.records] == [True]


def test_a_kernel_that_is_wrong_is_not_used(feature, monkeypatch, caplog):
    phase_stream._checked_kernel.cache_clear()
    monkeypatch.setattr(phase_kernel.PhaseKernel, "add_frames", lambda *args: torch.ones(1, 128))
    with caplog.at_level(logging.WARNING):
        assert phase_stream._checked_kernel(feature.stft, 6) is None
    phase_stream._checked_kernel.cache_clear()
    assert "differ from torch's" in caplog.text


def test_peaks_that_phases_add_up_to_stay_within_full_scale(music, feature):
    x = feature.forward(torch.from_numpy(music[None, :8000]))
    peak = feature.inverse_stream(1).push(20 * x).abs().max()
    assert 0.95 < peak < 1.0


def test_below_the_knee_samples_stay_as_they_are_and_above_they_keep_their_order():
    y = torch.linspace(-3, 3, 2001)[None]
    bent = phase_stream.within_full_scale(y)
    assert torch.equal(bent[y.abs() <= 0.8], y[y.abs() <= 0.8])
    assert (bent.diff() > 0).all()
    assert bent.abs().max() < 1.0


def test_another_number_of_rows_is_refused(music, feature):
    y = torch.from_numpy(music[:8000]).view(2, 4000)
    one, two = feature.inverse_stream(1), feature.inverse_stream(2)
    two.prime(y)
    for given, give in (
        (feature.forward(y), one.push),
        (y, one.prime),
        (two.state(), one.load_state),
    ):
        with pytest.raises(ParameterError, match="1 rows and was given 2"):
            give(given)


def test_a_state_of_other_frames_is_refused(music, feature):
    left = feature.inverse_stream(1)
    left.prime(torch.from_numpy(music[None, :8000]))
    other = {name: value[..., : value.shape[-1] // 2] for name, value in left.state().items()}
    with pytest.raises(ParameterError, match="other frames"):
        feature.inverse_stream(1).load_state({**left.state(), "y": other["y"]})
    with pytest.raises(ParameterError, match="other frames"):
        feature.inverse_stream(1).load_state({**left.state(), "S": other["S"]})
