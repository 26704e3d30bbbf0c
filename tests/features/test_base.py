"""The laws that every feature keeps, whatever its frames."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.errors import ConfigError, FeatureError
from mimikit_nb.features.base import FEATURES, Continuous, Discrete, Feature, FeatureConfig
from mimikit_nb.features.labels import LabelConfig, ValuesConfig
from mimikit_nb.features.latent import LatentConfig
from mimikit_nb.features.learned import LearnedFeature
from mimikit_nb.features.spectral import MagnitudeConfig, MelConfig, MFCCConfig
from mimikit_nb.features.waveform import LinearQuantConfig, MuLawConfig, SamplesConfig

RATE = 16000


@st.composite
def frames(draw):
    n_fft = draw(st.integers(32, 96))
    return {
        "n_fft": n_fft,
        "win_length": draw(st.none() | st.integers(16, n_fft)),
        "hop_length": draw(st.integers(1, 120)),
        "center": draw(st.booleans()),
        "window": draw(st.sampled_from(["hann", "hamming", "blackman"])),
    }


scales = st.sampled_from(["linear", "log1p"])
CONFIGS = {
    "mu_law": st.builds(MuLawConfig, q_levels=st.integers(2, 300)),
    "linear_quantized": st.builds(LinearQuantConfig, q_levels=st.integers(2, 300)),
    "samples": st.just(SamplesConfig()),
    "magnitude": st.builds(lambda f, s: MagnitudeConfig(**f, scale=s), frames(), scales),
    "mel": st.builds(lambda f, s: MelConfig(**f, scale=s, n_mels=4), frames(), scales),
    "mfcc": st.builds(lambda f: MFCCConfig(**f, n_mels=6, n_mfcc=4), frames()),
    "latent": st.builds(
        LatentConfig,
        n_fft=st.integers(32, 64),
        hop_length=st.integers(4, 16),
        unit_frames=st.integers(1, 3),
        n_components=st.just(5),
        unit_components=st.just(8),
    ),
}
OF_TRACKS = {"label", "cluster_label", "segment_label", "values"}  # see test_labels
ALL = pytest.mark.parametrize("kind", CONFIGS)


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 2 * torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) - 1


def built(config: FeatureConfig) -> Feature:
    """The feature, one with weights fitted to noise."""
    feature = config.build(RATE)
    if isinstance(feature, LearnedFeature):
        sound = noise(2000, seed=1)
        feature.fit([(2000, lambda start, stop: sound[start:stop])])
    return feature


def test_every_feature_is_tested():
    assert set(FEATURES.kinds) == set(CONFIGS) | OF_TRACKS


@ALL
@settings(max_examples=25, deadline=None)
@given(data=st.data(), n_samples=st.integers(0, 700))
def test_values_are_as_many_and_of_the_kind_that_a_feature_says(kind, data, n_samples):
    feature = built(data.draw(CONFIGS[kind]))
    x = feature.forward(noise(2, 3, n_samples))
    n_frames = feature.axis.n_frames(n_samples)
    if isinstance(feature.kind, Discrete):
        assert x.dtype == torch.int64
        assert x.shape == (2, 3, n_frames)
        assert ((x >= 0) & (x < feature.kind.n_classes)).all()
    else:
        assert x.dtype == torch.float32
        assert x.shape == (2, 3, n_frames, feature.kind.dim)
        assert torch.isfinite(x).all()


@ALL
@settings(max_examples=25, deadline=None)
@given(data=st.data(), first=st.integers(0, 20), n=st.integers(1, 20))
def test_a_window_gives_the_same_values_as_the_whole(kind, data, first, n):
    feature = built(data.draw(CONFIGS[kind]))
    axis = feature.axis
    whole = noise(1, axis.padding + axis.n_samples(first + n) + 50)
    start = first * axis.hop_length
    window = whole[:, start : start + (n - 1) * axis.hop_length + axis.frame_length]
    expected = feature.frames(whole)[:, first : first + n]
    torch.testing.assert_close(feature.frames(window), expected, atol=1e-4, rtol=1e-4)


@ALL
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_row_of_a_batch_is_what_it_is_alone(kind, data):
    feature = built(data.draw(CONFIGS[kind]))
    y = noise(3, 500)
    together = feature.forward(y)
    for row in range(3):
        torch.testing.assert_close(feature.forward(y[row]), together[row], atol=1e-5, rtol=1e-5)


@ALL
@settings(max_examples=10, deadline=None)
@given(data=st.data(), n_frames=st.integers(0, 8))
def test_an_inverse_has_the_length_that_the_axis_says(kind, data, n_frames):
    config = data.draw(CONFIGS[kind])
    feature = built(config)
    x = feature.forward(noise(2, feature.axis.n_samples(n_frames)))[:, :n_frames]
    try:
        y = feature.inverse(x)
    except FeatureError as error:
        overlap = (getattr(config, "win_length", None) or getattr(config, "n_fft", 0)) // 2
        assert kind == "mfcc" or (config.hop_length > overlap and "overlap" in str(error))
    else:
        assert y.shape == (2, feature.axis.n_samples(n_frames))
        assert torch.isfinite(y).all()


@ALL
@settings(max_examples=10, deadline=None)
@given(data=st.data(), parts=st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_a_streaming_inverse_gives_the_same_samples_in_any_chunks(kind, data, parts):
    feature = built(data.draw(CONFIGS[kind]))
    n_frames, hop = sum(parts), feature.axis.hop_length
    x = feature.forward(noise(2, feature.axis.n_samples(n_frames)))[:, :n_frames]
    try:
        whole, chunked = feature.inverse_stream(2), feature.inverse_stream(2)
    except FeatureError:
        return
    blocks = []
    for chunk in x.split(parts, 1):
        blocks.append(chunked.push(chunk))
        n_out = sum(block.shape[1] for block in blocks)
        n_in = sum(parts[: len(blocks)])
        assert n_out == max(0, n_in * hop - feature.axis.padding)
    y = torch.cat([whole.push(x), whole.flush()], 1)
    assert torch.equal(torch.cat([*blocks, chunked.flush()], 1), y)
    assert y.shape[1] == feature.axis.n_samples(n_frames)


@ALL
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_a_config_builds_the_same_feature_after_a_trip_through_yaml(kind, data):
    config = data.draw(CONFIGS[kind])
    assert FEATURES.parse(type(config).from_yaml(config.to_yaml()).to_dict()) == config


def test_a_feature_without_an_inverse_says_so():
    mfcc = MFCCConfig().build(RATE)
    with pytest.raises(FeatureError, match="MFCC has no inverse"):
        mfcc.inverse(torch.zeros(1, 20))
    with pytest.raises(FeatureError, match="MFCC has no streaming inverse"):
        mfcc.inverse_stream(1)


def test_a_feature_that_cannot_be_computed_from_another_says_so():
    with pytest.raises(FeatureError, match="MuLaw can't be computed from the values of Samples"):
        MuLawConfig().build(RATE).from_values(SamplesConfig().build(RATE), torch.zeros(1, 1))


def test_the_base_builds_nothing():
    with pytest.raises(FeatureError, match="builds no feature"):
        FeatureConfig(kind="any").build(RATE)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        (LabelConfig(n_classes=3), Discrete(3)),
        (ValuesConfig(dim=2), Continuous(2)),
        (MagnitudeConfig(n_fft=32, hop_length=8), Continuous(17, high=16.0)),
    ],
)
def test_kinds_are_values_that_compare(config, kind):
    assert config.build(RATE).kind == kind


def test_an_unknown_feature_is_refused():
    with pytest.raises(ConfigError, match="Did you mean 'mu_law'"):
        FEATURES.parse("mulaw")
