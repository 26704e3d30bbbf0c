"""Variables and specs: what fits together and what doesn't."""

from __future__ import annotations

from fractions import Fraction

import pytest

from mimikit_nb.errors import ConfigError
from mimikit_nb.features.base import Discrete
from mimikit_nb.features.labels import LabelConfig
from mimikit_nb.features.spectral import MagnitudeConfig, MelConfig
from mimikit_nb.features.waveform import MuLawConfig
from mimikit_nb.io.heads import CategoricalHeadConfig, EmbeddingInputConfig, LossTerm
from mimikit_nb.io.variable import IOSpec, VariableConfig

MU_LAW = VariableConfig(feature=MuLawConfig())
MAGNITUDE = VariableConfig(feature=MagnitudeConfig(scale="log1p"))


def test_roles_say_what_is_read_and_what_is_predicted():
    io = IOSpec(
        variables={
            "signal": MAGNITUDE,
            "mel": VariableConfig(feature=MelConfig(), role="fixture", source="computed:signal"),
            "label": VariableConfig(
                feature=LabelConfig(n_classes=4), role="auxiliary", source="track:notes"
            ),
        }
    )
    assert set(io.inputs) == {"signal", "mel"}
    assert set(io.targets) == {"signal", "label"}
    assert set(io.autoregressive) == {"signal"}
    assert io.kind("signal").dim == 1025
    assert io.kind("label") == Discrete(4)
    assert io.step_samples == 512
    assert io.step_seconds == Fraction(512, 22050)
    assert io.variables["mel"].computed_from == "signal"


def test_a_spec_survives_yaml():
    io = IOSpec(
        sample_rate=16000,
        channels="mix",
        variables={
            "signal": VariableConfig(
                feature=MuLawConfig(q_levels=64),
                input=EmbeddingInputConfig(dim=8),
                head=CategoricalHeadConfig(),
                losses=(LossTerm(), LossTerm(kind="l1", weight=0.5)),
            ),
            "mel": VariableConfig(feature=MelConfig(), role="fixture", sample_rate=8000),
        },
    )
    assert IOSpec.from_yaml(io.to_yaml()) == io


def test_something_must_be_generated():
    with pytest.raises(ConfigError, match="At least one variable must be autoregressive"):
        IOSpec(variables={"mel": VariableConfig(feature=MelConfig(), role="fixture")})


def test_autoregressive_variables_have_one_frame_rate():
    with pytest.raises(ConfigError, match="one frame rate"):
        IOSpec(variables={"a": MU_LAW, "b": MAGNITUDE})


def test_one_frame_rate_may_come_from_different_sample_rates():
    half = VariableConfig(feature=MagnitudeConfig(n_fft=1024, hop_length=256), sample_rate=11025)
    io = IOSpec(sample_rate=22050, variables={"full": MAGNITUDE, "half": half})
    assert io.step_seconds == Fraction(512, 22050)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"feature": MuLawConfig(), "source": "microphone"}, "give 'signal', 'track:<name>'"),
        ({"feature": MuLawConfig(), "source": "track:"}, "give 'signal', 'track:<name>'"),
        ({"feature": MuLawConfig(), "source": "track:notes"}, "doesn't fit the source"),
        ({"feature": LabelConfig(n_classes=2)}, "doesn't fit the source 'signal'"),
        ({"feature": MelConfig(), "source": "computed:signal"}, "can't be computed from another"),
    ],
)
def test_sources_that_do_not_fit_are_refused(values, message):
    with pytest.raises(ConfigError, match=message):
        VariableConfig(**values)


def computed(feature, source="signal"):
    return VariableConfig(feature=feature, role="fixture", source=f"computed:{source}")


def test_only_what_is_generated_can_be_computed_from():
    with pytest.raises(ConfigError, match="which is not autoregressive"):
        IOSpec(variables={"signal": MAGNITUDE, "mel": computed(MelConfig(), "other")})


@pytest.mark.parametrize(
    "signal", [MU_LAW, VariableConfig(feature=MagnitudeConfig(n_fft=1024, hop_length=512))]
)
def test_a_variable_that_cannot_be_computed_is_refused(signal):
    with pytest.raises(ConfigError, match="'mel' can't be computed from 'signal'"):
        IOSpec(variables={"signal": signal, "mel": computed(MelConfig())})
