"""Phases as frames arrive: alike in any batch, seamless behind a real sound."""

from __future__ import annotations

import pytest
import torch

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
