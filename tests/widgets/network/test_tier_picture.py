"""Picture of tiers: every tier is named, with what it reads and how far it sees."""

import pytest

from mimikit_nb.errors import ParameterError
from mimikit_nb.networks.sampler_transformer import SamplerTransformerConfig
from mimikit_nb.networks.wavenet import FreqNetConfig
from mimikit_nb.widgets.network import tiers
from tests.spectra import magnitude_io


def words(picture) -> str:
    (axis,) = picture.figure.axes
    return "\n".join(text.get_text() for text in axis.texts)


def test_each_tier_says_its_frames_and_its_reach():
    config = SamplerTransformerConfig(frame_sizes=(32, 8, 4), n_layers=(2, 1), windows=(5,))
    picture = tiers(config, config.default_io(8000))
    assert picture.png().startswith(b"\x89PNG")
    assert "frames of 32; 2 layers look at 5 each\n20 ms, together 36 ms" in words(picture)
    assert "frames of 8; 1 layer looks at 5\n5 ms" in words(picture)
    assert "frames of 4\n0.5 ms" in words(picture)


def test_frames_of_a_spectrum_are_called_frames():
    config = SamplerTransformerConfig(frame_sizes=(1,), sample_layers=2)
    picture = tiers(config, magnitude_io(22050))
    assert picture.figure.axes[0].get_xlabel() == "frames back from the predicted one"
    assert "1.49 s, together 2.95 s" in words(picture)


def test_other_networks_are_refused_by_name():
    config = FreqNetConfig()
    with pytest.raises(ParameterError, match="freqnet"):
        tiers(config, config.default_io(22050))


def test_a_context_is_described_beside_the_slowest_tier():
    config = SamplerTransformerConfig(context={"frame_size": 2048, "window": 100, "refresh": 10})
    text = words(tiers(config, config.default_io(20480)))
    assert text.count("context") == 1 and "context of 10 s, each 1 s" in text
