"""Forms without a browser: what is typed or set is read back as a config."""

from typing import Literal

import pytest
from ipywidgets import DOMWidget

from mimikit_nb.config import Config, field
from mimikit_nb.errors import ConfigError
from mimikit_nb.features.waveform import MuLawConfig
from mimikit_nb.networks.presets import PRESETS, find_preset
from mimikit_nb.recipes.training import plan
from mimikit_nb.training.config import TrainConfig
from mimikit_nb.widgets.forms.form import form
from mimikit_nb.widgets.forms.slider import Scale, scale_of
from mimikit_nb.widgets.train.settings import TrainingSettings
from mimikit_nb.widgets.train.settings_form import settings_form
from tests.widgets.page import parts_of, text_of


class Inner(Config):
    """Inside."""

    level: float = field(0.5, ge=0, le=1)
    "How much."


class Everything(Config):
    """One field of each sort."""

    kind: Literal["everything"] = "everything"
    "Fixed."
    count: int = field(8, ge=1, le=4096, unit="samples", scale="power_of_two")
    "How many."
    rate: float = field(1e-3, gt=0, le=1, scale="log")
    "How fast."
    limit: int | None = field(None, ge=1)
    "At most."
    sizes: tuple[int, ...] = field((4, 2), min_length=1)
    "Each."
    mode: Literal["soft", "hard"] = "soft"
    "Which."
    is_on: bool = True
    "Whether."
    inner: Inner = Inner()
    "More."


@pytest.fixture
def edited():
    return form(Everything(), headless=False)


def choose_preset(edited, name):
    chooser = next(p for p in parts_of(edited.widget) if getattr(p, "description", "") == "preset")
    chooser.value = name


def type_in(edited, text, *names):
    edited.control(*names).text.value = text


def test_what_is_typed_is_read(edited):
    for name, text in {"count": "64", "rate": "2e-4", "limit": "7", "sizes": "8, 4 2"}.items():
        type_in(edited, text, name)
    type_in(edited, "0.25", "inner", "level")
    edited.control("mode").dropdown.value = "hard"
    edited.control("is_on").box.value = False
    assert edited.value == Everything(
        count=64,
        rate=2e-4,
        limit=7,
        sizes=(8, 4, 2),
        mode="hard",
        is_on=False,
        inner=Inner(level=0.25),
    )
    type_in(edited, "", "limit")
    assert edited.value.limit is None


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("count", "0", "greater than or equal to 1"),
        ("count", "many", "whole number"),
        ("count", "", "whole number"),
        ("rate", "2", "less than or equal to 1"),
        ("sizes", "4, x", "whole number"),
        ("sizes", "", "at least 1 item"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(edited, name, text, words):
    seen = []
    edited.observe(lambda change: seen.append(change["new"]), names="value")
    type_in(edited, text, name)
    control = edited.control(name)
    assert words in edited.problems[name]
    assert words in control.message.value
    assert control.message.layout.display == ""
    assert not edited.is_valid
    assert not seen  # the last good value holds
    edited.reset()
    type_in(edited, "16" if name != "rate" else "0.5", name)
    assert edited.is_valid
    assert control.message.layout.display == "none"


def test_complaints_about_several_fields_stand_at_the_one_they_name():
    network = form(find_preset("sample_rnn")[0], headless=False)
    type_in(network, "16, 7, 8", "frame_sizes")
    assert "isn't a multiple" in network.problems["frame_sizes"]
    training = form(TrainConfig(), headless=False)
    type_in(training, "", "max_steps")
    assert "no end" in training.problems["max_steps"]
    type_in(training, "3", "max_minutes")
    assert training.is_valid
    assert training.value.max_minutes == 3


def test_sliders_and_texts_follow_each_other(edited):
    count = edited.control("count")
    count.slider.value = 1.0
    assert count.text.value == "4096"
    assert edited.value.count == 4096
    count.text.value = "1"
    assert count.slider.value == 0
    count.text.value = "100"  # not a power of two, but allowed
    assert edited.value.count == 100


def test_reset_presets_and_setting_from_outside(edited):
    edited.value = Everything(count=32)
    assert edited.control("count").text.value == "32"
    edited.reset()
    assert edited.value == Everything()
    chosen = form(Everything(), presets={"big": Everything(count=4096)}, headless=False)
    choose_preset(chosen, "big")
    assert chosen.value.count == 4096
    with pytest.raises(ConfigError, match="holds a config"):
        edited.value = 3


def test_yaml_out_and_in(edited, tmp_path):
    type_in(edited, "64", "count")
    path = tmp_path / "config.yaml"
    text = edited.to_yaml(path)
    other = form(Everything(), headless=False)
    other.from_yaml(path)
    assert other.value == edited.value
    assert other.control("count").text.value == "64"
    with pytest.raises(ConfigError, match="no field"):
        other.from_yaml(text + "wrong: 1\n")
    assert other.value == edited.value


def test_headless_is_the_config_passed_in():
    config = Everything(count=2)
    still = form(config, headless=True)
    assert still.widget is None
    assert still.value is config


@pytest.mark.parametrize("name", [f"{kind}/{size}" for kind in PRESETS for size in PRESETS[kind]])
def test_every_preset_has_a_form(name):
    network, training = find_preset(name)
    for config in (network, TrainConfig(**training), network.default_io(22050)):
        made = form(config, headless=False)
        assert made.control().read() == config
        assert made.problems == {}


def tooltip_of(control):
    return getattr(control, "tooltip", None) or control.description_tooltip


def test_every_control_has_a_name_and_says_what_it_is_for(edited):
    for name, child in edited.control().children.items():
        if name == "inner":
            continue
        control = next(w for w in parts_of(child.widget) if getattr(w, "description", ""))
        assert control.description == name.replace("_", " ")
        assert tooltip_of(control) == Everything.model_fields[name].description
        assert isinstance(control, DOMWidget)


@pytest.mark.parametrize("kind", ["linear", "log", "power_of_two"])
def test_scales_are_inverted(kind):
    scale = Scale(1.0, 4096.0, kind, True)
    for value in (1, 2, 64, 4096):
        assert scale.value(scale.position(value)) == value
    assert scale.value(0) == 1
    assert scale.value(1) == 4096
    assert scale.position(-5) == 0


def test_sliders_stand_where_they_are_of_use():
    fields = TrainConfig.model_fields
    assert scale_of(fields["warmup_steps"]) is None  # 0 to a million, evenly
    assert scale_of(fields["max_minutes"]) is None  # no end
    assert scale_of(fields["batch_size"]).kind == "power_of_two"
    assert scale_of(fields["learning_rate"]).low == pytest.approx(1e-6)


def test_another_kind_brings_its_own_fields_and_sound():
    settings = settings_form(plan("sample_rnn/tiny"), None, headless=False)
    network = settings.control("network")
    assert "frame_sizes" in network.children
    network.dropdown.value = "freqnet"
    assert "frame_sizes" not in network.children
    assert settings.value.network.kind == "freqnet"
    assert settings.value.feature.kind == "latent"
    assert settings.control("feature").dropdown.value == "latent"
    settings.control("feature").children["n_fft"].text.value = "1024"
    assert settings.value.feature.n_fft == 1024


def test_sizes_keep_the_kind_and_the_budget():
    settings = settings_form(plan("wavenet", max_steps=123), None, headless=False)
    choose_preset(settings, "tiny")
    network, training = find_preset("wavenet/tiny")
    assert settings.value.network == network
    assert settings.value.training.chunk_steps == training["chunk_steps"]
    assert settings.value.training.max_steps == 123


def test_settings_become_the_plan_they_came_from():
    base = plan("sample_rnn/tiny", 22050, q_levels=64, channels="mix", max_steps=9)
    settings = TrainingSettings.of(base)
    assert settings.plan(base, 22050) == base
    changed = settings.replace(feature=MuLawConfig(q_levels=32).to_dict())
    assert changed.plan(base, 16000).io.variables["signal"].feature.q_levels == 32
    base = plan("freqnet/tiny")
    settings = TrainingSettings.of(base)
    assert settings.plan(base, 22050) == base
    samples = settings.replace(feature=MuLawConfig().to_dict()).plan(base, 22050)
    assert samples.io.variables["signal"].head is None  # that of frames wouldn't fit
    assert changed.plan(base, 16000).io.sample_rate == 16000


def test_facts_are_shown_and_errors_said():
    seen = form(Everything(), facts=lambda c: {"double <b>": str(2 * c.count)}, headless=False)
    assert "<b>16</b>" in text_of(seen.widget)
    assert "&lt;b&gt;" in text_of(seen.widget)
    type_in(seen, "32", "count")
    assert "<b>64</b>" in text_of(seen.widget)

    def fail(_):
        raise ConfigError("too <big>")

    assert "too &lt;big&gt;" in text_of(form(Everything(), facts=fail, headless=False).widget)
