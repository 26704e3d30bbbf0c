"""Presets: every size of every network can be built and trained."""

import pytest

from mimikit_nb.errors import ConfigError
from mimikit_nb.networks import NETWORKS
from mimikit_nb.networks.presets import PRESETS, SIZES, find_preset
from mimikit_nb.training.config import TrainConfig


def test_every_network_comes_in_all_sizes():
    assert PRESETS.keys() == NETWORKS.kinds.keys()
    assert all(tuple(sizes) == SIZES for sizes in PRESETS.values())


@pytest.mark.parametrize("name", [f"{kind}/{size}" for kind in PRESETS for size in SIZES])
def test_a_preset_is_valid(name):
    config, training = find_preset(name)
    TrainConfig(**training)
    if not name.endswith("gpu"):
        network = config.build(config.default_io(22050))
        assert sum(p.numel() for p in network.parameters()) > 1000


def test_unknown_presets_name_the_known_ones():
    with pytest.raises(ConfigError, match="laptop"):
        find_preset("wavenet/lapptop")
    with pytest.raises(ConfigError, match="sample_rnn"):
        find_preset("samplernn")
