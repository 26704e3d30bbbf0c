import math

import pytest
import torch

from mimikit_nb.checkpoint import average_checkpoints, export, load_checkpoint
from mimikit_nb.errors import CheckpointError, ParameterError

from .conftest import CONFIG


@pytest.fixture
def pair(tmp_path, make_file):
    return [
        load_checkpoint(
            make_file(tmp_path / f"{seed}.safetensors", seed=seed, step=10 * seed, rights=f"{seed}")
        )
        for seed in (1, 2)
    ]


def test_weights_are_averaged_by_their_shares(pair):
    average = average_checkpoints(pair, weights=[1, 3]).weights()
    a, b = (c.weights() for c in pair)
    for name in a:
        torch.testing.assert_close(average[name], 0.25 * a[name] + 0.75 * b[name])


def test_a_single_checkpoint_stays_as_it_is(pair):
    assert average_checkpoints(pair[:1]).hash == pair[0].hash


def test_origins_are_kept(pair, tmp_path):
    average = average_checkpoints(pair)
    assert average.step == 20
    assert average.rights == ["1", "2"]
    assert average.corpus_hash == "c0ffee"
    assert [p["hash"] for p in average.header.parents] == [c.hash for c in pair]
    loaded = load_checkpoint(export(average, tmp_path / "average"))
    assert loaded.hash == average.hash
    assert loaded.header.parents == average.header.parents
    assert not loaded.network().training


def test_networks_that_differ_can_not_be_averaged(pair, tmp_path, make_file):
    path = make_file(tmp_path / "other.safetensors", network=CONFIG.replace(residual_conv=False))
    with pytest.raises(CheckpointError, match="configuration or variables"):
        average_checkpoints([pair[0], load_checkpoint(path)])


@pytest.mark.parametrize("weights", [[1], [0, 0], [1, -1], [1, math.nan], [1, math.inf]])
def test_impossible_shares(pair, weights):
    with pytest.raises(ParameterError, match=r"weights|Weights"):
        average_checkpoints(pair, weights)


def test_nothing_to_average():
    with pytest.raises(ParameterError, match="no checkpoints"):
        average_checkpoints([])


def test_an_average_like_an_ema_weighs_later_checkpoints_more(make_file, tmp_path):
    steps = (30, 10, 20)
    made = [load_checkpoint(make_file(tmp_path / f"{s}.safetensors", s, seed=s)) for s in steps]
    shares = [parent["weight"] for parent in average_checkpoints(made, "ema").header.parents]
    assert shares[1] / shares[2] == shares[2] / shares[0] == pytest.approx(0.7)
    assert sum(shares) == pytest.approx(1)
    assert average_checkpoints(made, "uniform").hash == average_checkpoints(made).hash
    with pytest.raises(ParameterError, match="ema"):
        average_checkpoints(made, "best")
