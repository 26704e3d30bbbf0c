"""The one mechanism that checks arguments of public functions."""

import inspect
import itertools
import math
import ntpath
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mimikit_nb import paths
from mimikit_nb.arguments import (
    MOST_ITEMS,
    PathArg,
    Paths,
    Seconds,
    Seed,
    SoundCount,
    Whole,
    checked,
    checked_with,
)
from mimikit_nb.errors import ParameterError
from mimikit_nb.paths import as_path


@checked
def play(
    path: PathArg,
    n: SoundCount = 1,
    seconds: Seconds | None = 1.0,
    *,
    seed: Seed | Sequence[Seed] = 0,
    loop: bool = False,
    kind: Literal["a", "b"] = "a",
    weights: Mapping[str, float] | None = None,
    progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Arguments as they arrive."""
    return dict(locals())


@checked_with(play)
def play_all(paths: Paths, **options: Any) -> Any:
    """Arguments as they arrive."""
    return paths, options


@pytest.mark.parametrize(
    ("given", "arrives"),
    [
        ({"n": 2.0}, {"n": 2}),
        ({"n": np.int64(3)}, {"n": 3}),
        ({"n": np.array(3)}, {"n": 3}),
        ({"n": torch.tensor(3)}, {"n": 3}),
        ({"seconds": 2}, {"seconds": 2.0}),
        ({"seconds": np.float32(0.5)}, {"seconds": 0.5}),
        ({"seconds": None}, {"seconds": None}),
        ({"seed": np.arange(3)}, {"seed": [0, 1, 2]}),
        ({"seed": (i for i in (5, 6))}, {"seed": [5, 6]}),
        ({"loop": np.bool_(True)}, {"loop": True}),
        ({"weights": {"x": 1}}, {"weights": {"x": 1.0}}),
        ({"path": b"a.wav"}, {"path": Path("a.wav")}),
    ],
)
def test_what_is_harmless_is_converted(given, arrives):
    found = play(**{"path": "a.wav", **given})
    for name, value in arrives.items():
        assert found[name] == value and type(found[name]) is type(value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"n": 2.5}, "play(n=2.5): n must be a whole number from 1 to 10,000."),
        ({"n": True}, "n must be a whole number"),
        ({"n": "3"}, "play(n='3'): n must be a whole number"),
        ({"n": None}, "n must be a whole number"),
        ({"n": math.inf}, "n must be a whole number"),
        ({"n": 10**5000}, "n must be a whole number"),
        ({"seconds": 0}, "seconds must be a number above 0, up to 100,000,000 or None."),
        ({"seconds": math.nan}, "seconds must be"),
        ({"seconds": 10**400}, "seconds must be"),
        ({"seed": [1, "x"]}, "each item a whole number"),
        ({"seed": itertools.count()}, f"it has more than {MOST_ITEMS} items"),
        ({"seed": 2**70}, "seed must be"),
        ({"loop": "yes"}, "loop must be True or False."),
        ({"kind": "c"}, "kind must be 'a' or 'b'."),
        ({"weights": {"x": "y"}}, "weights must be a mapping of text to a number or None."),
        ({"progress": 3}, "progress must be a function or None."),
        ({"path": ""}, "path must be a path: it is empty"),
        ({"path": "a\0"}, "it holds a NUL character"),
        ({"path": "a" * 300}, "a name in it has more than 255 bytes"),
        ({"path": 3}, "path must be a path."),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(given, words):
    with pytest.raises(ParameterError) as refused:
        play(**{"path": "a.wav", **given})
    assert words in str(refused.value)


def test_missing_and_unknown_arguments_are_named():
    with pytest.raises(ParameterError, match=r"play: missing a required argument: 'path'"):
        play()
    with pytest.raises(ParameterError, match=r"unexpected keyword argument 'sede'.*'seed'"):
        play("a.wav", sede=3)


def test_options_of_another_function_are_checked_and_shown_as_ones_own():
    assert play_all(["a", Path("b")], n=2.0) == ([Path("a"), Path("b")], {"n": 2})
    with pytest.raises(ParameterError, match=r"play_all\(loop=3\): loop must be True or False"):
        play_all("a", loop=3)
    with pytest.raises(ParameterError, match=r"'lop'.*'loop'"):
        play_all("a", lop=True)
    assert {"paths", "n", "seed", "kind"} <= inspect.signature(play_all).parameters.keys()
    assert "path" not in inspect.signature(play_all).parameters


def test_an_error_inside_the_function_is_left_alone():
    @checked
    def fails(n: SoundCount) -> None:
        raise TypeError("of its own")

    with pytest.raises(TypeError, match="of its own"):
        fails(1)


def test_values_that_cannot_be_shown_are_refused_all_the_same():
    class Bad:
        def __repr__(self) -> str:
            raise RuntimeError

    loop: list[Any] = []
    loop.append(loop)
    for value in (Bad(), loop, {"a": loop}, np.zeros(10**6)):
        with pytest.raises(ParameterError, match="n must be a whole number") as refused:
            play("a", n=value)
        assert len(str(refused.value)) < 500


@given(st.integers() | st.floats() | st.booleans() | st.text(max_size=5))
def test_a_whole_number_is_taken_or_refused_and_nothing_else(value):
    kind = Whole(-5, 5)
    try:
        read = kind.read(value)
    except ValueError:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        assert not (is_number and -5 <= value <= 5 and value == int(value))
    else:
        assert type(read) is int and read == value and -5 <= read <= 5


def test_home_and_environment_are_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TAKES", "sounds")
    monkeypatch.chdir(tmp_path)
    assert as_path("~/a.wav") == tmp_path / "a.wav"
    assert as_path("$TAKES/a.wav") == Path("sounds/a.wav")
    assert as_path("${TAKES}.wav") == Path("sounds.wav")
    assert as_path("a/../b") == Path("a/../b")
    assert as_path("$NOBODY_SET_THIS/a") == Path("$NOBODY_SET_THIS/a")


def test_a_file_whose_name_holds_a_dollar_is_that_file(monkeypatch, tmp_path):
    monkeypatch.setenv("TAKES", "sounds")
    monkeypatch.chdir(tmp_path)
    Path("$TAKES.wav").touch()
    assert as_path("$TAKES.wav") == Path("$TAKES.wav")


@pytest.mark.parametrize("text", ["./~/a.wav", "./~", "./~root/a.wav", "./~backup.wav"])
def test_a_name_with_a_tilde_stays_that_name_however_often_it_is_read(text, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", "/elsewhere")
    monkeypatch.chdir(tmp_path)
    read = as_path(text)
    assert read == as_path(read) == as_path(str(read)) == tmp_path / text


def test_a_user_that_does_not_exist_has_no_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ParameterError, match=r"no user 'nobody here'; write \./~nobody here for"):
        as_path("~nobody here/c.h5")
    assert as_path("~backup.wav") == tmp_path / "~backup.wav"


def test_windows_writes_its_variables_with_percent_signs(monkeypatch):
    monkeypatch.setenv("TAKES", "D:\\takes")
    names = ("PathLike", "fsdecode", "fsencode")
    windows = {name: getattr(os, name) for name in names} | {"name": "nt", "path": ntpath}
    monkeypatch.setattr(paths, "os", SimpleNamespace(**windows))
    monkeypatch.setattr(paths, "Path", PureWindowsPath)
    for text in ("%TAKES%\\a.wav", "$TAKES\\a.wav", "${TAKES}\\a.wav"):
        assert as_path(text) == PureWindowsPath("D:/takes/a.wav")
    assert as_path("50% $.wav") == PureWindowsPath("50% $.wav")


def test_a_percent_sign_is_a_character_elsewhere(monkeypatch):
    monkeypatch.setenv("TAKES", "sounds")
    assert as_path("%TAKES%.wav") == Path("%TAKES%.wav")


def test_any_name_of_the_file_system_is_a_path():
    name = os.fsdecode(b"caf\xe9.wav")
    assert os.fsencode(as_path(name)) == b"caf\xe9.wav"
    assert as_path(b"caf\xe9.wav") == Path(name)
