"""Configs: validated, written and read back, kinds by registry."""

from __future__ import annotations

from typing import Literal

import pytest
from pydantic import TypeAdapter, ValidationError, field_validator

from mimikit_nb.config import Config, Registry, describe, did_you_mean, field, load_yaml, shown
from mimikit_nb.errors import ConfigError


class ShapeConfig(Config):
    """Base of shapes."""

    kind: str
    "Name."


SHAPES: Registry[ShapeConfig] = Registry("shape")
AnyShape = SHAPES.annotate(ShapeConfig)


@SHAPES.register
class CircleConfig(ShapeConfig):
    """A circle."""

    kind: Literal["circle"] = "circle"
    "Name."
    radius: float = field(1.0, gt=0, le=10, unit="m", scale="log")
    "Half its width."


@SHAPES.register
class BoxConfig(ShapeConfig):
    """A box."""

    kind: Literal["box"] = "box"
    "Name."
    sides: tuple[int, int] = (1, 2)
    "Width and height."


class PictureConfig(Config):
    """Shapes by name."""

    shapes: dict[str, AnyShape]
    "Shapes."
    title: str = "Größe"
    "Title."


def test_an_unknown_field_is_refused_and_the_nearest_offered():
    with pytest.raises(
        ConfigError, match=r"CircleConfig has no field 'radios'. Did you mean 'radius'\?"
    ):
        CircleConfig(radios=2)


def test_a_value_outside_its_range_is_named_with_the_limit():
    with pytest.raises(ConfigError, match=r"radius = 11: .*less than or equal to 10"):
        CircleConfig(radius=11)


def test_a_missing_value_is_named():
    with pytest.raises(ConfigError, match="needs a value for 'shapes'"):
        PictureConfig()


def test_all_complaints_are_made_at_once():
    with pytest.raises(ConfigError, match=r"radius = 0.*no field 'colour'"):
        CircleConfig(radius=0, colour="red")


def test_a_config_is_frozen():
    with pytest.raises(Exception, match="frozen"):
        CircleConfig().radius = 2


def test_replace_checks_like_the_constructor():
    circle = CircleConfig().replace(radius=2)
    assert circle.radius == 2
    with pytest.raises(ConfigError, match="radius"):
        circle.replace(radius=-1)


def test_a_config_survives_yaml(tmp_path):
    picture = PictureConfig(shapes={"a": {"kind": "circle", "radius": 3}, "b": "box"})
    assert picture.shapes["b"] == BoxConfig()
    path = tmp_path / "picture.yaml"
    text = picture.to_yaml(path)
    assert PictureConfig.from_yaml(text) == PictureConfig.from_yaml(path) == picture
    assert "Größe" in path.read_text(encoding="utf-8")


def test_members_of_a_family_keep_their_own_fields_in_a_dict():
    picture = PictureConfig(shapes={"a": CircleConfig(radius=3)})
    assert picture.to_dict()["shapes"]["a"] == {"kind": "circle", "radius": 3.0}


def test_an_unknown_kind_is_refused_and_the_nearest_offered():
    with pytest.raises(ConfigError, match=r"Unknown shape kind 'circel'. Did you mean 'circle'\?"):
        SHAPES.parse("circel")
    with pytest.raises(ConfigError, match="Unknown shape kind None"):
        PictureConfig(shapes={"a": {"radius": 2}})


def test_a_kind_is_registered_once():
    with pytest.raises(ConfigError, match="registered twice"):
        SHAPES.register(BoxConfig)
    assert set(SHAPES.kinds) == {"circle", "box"}


@pytest.mark.parametrize(
    "text", ["- a\n- b", "just words", "", "a: [", "a: !!python/object:os.system {}"]
)
def test_yaml_that_is_no_mapping_is_refused(text):
    with pytest.raises(ConfigError, match=r"mapping|Can't read"):
        load_yaml(text)


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml"):
        CircleConfig.from_yaml(tmp_path / "none.yaml")


def test_nothing_near_lists_everything():
    assert did_you_mean("zzz", ["b", "a"]) == "Known: a, b."


def test_fields_carry_what_a_form_needs():
    schema = CircleConfig.model_json_schema()["properties"]["radius"]
    assert schema["unit"] == "m"
    assert schema["scale"] == "log"
    assert schema["description"] == "Half its width."
    assert schema["maximum"] == 10


class EvenConfig(Config):
    """An even number."""

    number: int = 0
    "Number."

    @field_validator("number")
    @classmethod
    def _check(cls, number: int) -> int:
        if number % 2:
            raise ValueError("odd numbers don't fit")
        return number


def test_our_own_reasons_stand_in_a_message_as_they_are():
    with pytest.raises(ConfigError) as error:
        EvenConfig(number=3)
    assert str(error.value) == "number = 3: odd numbers don't fit."


@pytest.mark.parametrize(
    ("declared", "value", "words"),
    [
        (int, "x", "must be a whole number"),
        (int, 1.5, "must be a whole number, got a number with a fractional part"),
        (float, "x", "must be a number"),
        (bool, "x", "must be true or false"),
        (str, 1, "must be text"),
        (list, 1, "must be a list"),
        (dict, 1, "must be a mapping of names to values"),
        (Literal["a", "b"], "c", "must be 'a' or 'b'"),
        (tuple[int, int], [1], "must be given"),
    ],
)
def test_what_a_value_must_be_is_said_in_plain_words(declared, value, words):
    with pytest.raises(ValidationError) as error:
        TypeAdapter(declared).validate_python(value)
    assert describe(error.value.errors()[0]) == words


def test_a_value_in_a_message_is_short_whatever_it_is():
    nested: list[object] = []
    for _ in range(10**5):
        nested = [nested]
    cyclic: list[object] = []
    cyclic.append(cyclic)
    values = [nested, cyclic, 10**5000, "x" * 10**6, list(range(10**6)), {"a": "b" * 10**6}]
    assert all(len(shown(value)) < 300 for value in values)
    assert shown("a") == "'a'" and shown([1, 2.5, None]) == "[1, 2.5, None]"
    with pytest.raises(ConfigError) as error:
        CircleConfig(radius="x" * 10**6)
    assert len(str(error.value)) < 400
