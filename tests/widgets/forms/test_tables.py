"""Tables of settings."""

from mimikit_nb.training.config import TrainConfig
from mimikit_nb.widgets.forms import settings_table


def test_every_setting_has_its_value_unit_and_meaning():
    table = settings_table(TrainConfig(max_steps=7)).frame.set_index("setting")
    assert list(table.index) == list(TrainConfig.model_fields)
    assert table.value["max_steps"] == "7" and table.unit["max_steps"] == "steps"
    assert table.meaning.str.len().min() > 10


def test_meanings_are_shown_in_full():
    table = settings_table(TrainConfig())
    longest = max(table.frame.meaning, key=len)
    assert len(longest) > 60 and longest in repr(table)
    assert longest.replace(">", "&gt;") in table._repr_html_()
