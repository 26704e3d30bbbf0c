import pytest

from mimikit_nb.errors import ConfigError
from mimikit_nb.training import TrainConfig


def test_every_field_says_in_a_sentence_what_it_is():
    for name, field in TrainConfig.model_fields.items():
        assert field.description and field.description.endswith("."), name


def test_a_budget_is_needed():
    with pytest.raises(ConfigError, match="no end"):
        TrainConfig(max_steps=None)
    TrainConfig(max_steps=None, max_minutes=1)


def test_decay_needs_an_end_in_steps():
    with pytest.raises(ConfigError, match="minutes differ"):
        TrainConfig(max_steps=None, max_minutes=1, decay="cosine")
    TrainConfig(max_steps=None, max_epochs=2, decay="cosine")


def test_it_survives_yaml():
    config = TrainConfig(decay="linear", keep_last=3, learning_rate=0.1 + 0.2)
    assert TrainConfig.from_yaml(config.to_yaml()) == config
