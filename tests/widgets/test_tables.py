"""Tables of settings."""

from mimikit_nb.training.config import TrainConfig
from mimikit_nb.widgets.tables import settings_table


def test_every_setting_has_its_value_unit_and_meaning():
    table = settings_table(TrainConfig(max_steps=7)).set_index("setting")
    assert list(table.index) == list(TrainConfig.model_fields)
    assert table.value["max_steps"] == "7" and table.unit["max_steps"] == "steps"
    assert table.meaning.str.len().min() > 10


def test_some_settings_can_be_picked():
    table = settings_table(TrainConfig(), only=("seed", "learning_rate"))
    assert list(table.setting) == ["learning_rate", "seed"]
