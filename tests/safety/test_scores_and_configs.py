"""Scores, curves and configs that are none: an error of ours that says where, and always an end."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import pkgutil
import shutil
import time

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mimikit_nb as mnb
from mimikit_nb.checkpoint import Run
from mimikit_nb.config import Config
from mimikit_nb.errors import ConfigError, MimikitError, ParameterError, TrainingError
from mimikit_nb.generation.controls import Controls
from mimikit_nb.generation.ensemble.draft import Draft
from mimikit_nb.generation.ensemble.event import Event
from mimikit_nb.generation.ensemble.patterns import MOST_EVENTS, MOST_LEVELS
from mimikit_nb.generation.ensemble.score import Score
from mimikit_nb.generation.ensemble.weights import check_weights
from mimikit_nb.grids import _losses
from mimikit_nb.recipes.workspace import find_runs

SR = 8000


def event(**values):
    return [{"generator": "silence"} | values]


def nested(n, kind="repeat"):
    node = "silence"
    for _ in range(n):
        node = {kind: [node], "times": 1} if kind == "repeat" else [node]
    return [node]


def cyclic_list():
    found = ["silence"]
    found.append(found)
    return found


def cyclic_mapping():
    found = {"times": 1}
    found["repeat"] = [found]
    return [found]


def cyclic_generator():
    found = {}
    found["average"] = ["silence", found]
    return event(generator=found)


REFUSED = {
    "a list in itself": (cyclic_list(), "Event 2: it holds itself"),
    "a mapping in itself": (cyclic_mapping(), "repeat, event 1: it holds itself"),
    "a generator in itself": (cyclic_generator(), "generator, average, event 2: it holds itself"),
    "an anchor in itself": ("- &a\n  - *a\n", "holds itself"),
    "a thousand levels": (nested(1000), "deeper than"),
    "a thousand lists": (nested(1000, "list"), "deeper than"),
    "a thousand levels of text": ("[" * 1000 + "silence" + "]" * 1000, "score"),
    "ten thousand levels of text": ("[" * 10_000, "score"),
    "events in events": (
        list(
            itertools.accumulate(
                range(100),
                lambda node, _: Event(generator={"parallel": [[node]]}),
                initial=Event(generator="silence"),
            )
        )[-1:],
        "deeper than",
    ),
    "a million events": (event() * 1_000_000, "more than"),
    "too many events": (event() * (MOST_EVENTS + 1), f"more than {MOST_EVENTS} events"),
    "anchors of anchors": (
        "- &a [silence, silence, silence, silence, silence, silence, silence, silence]\n"
        + "".join(
            f"- &{name} [*{before}, *{before}, *{before}, *{before}, *{before}, *{before}]\n"
            for before, name in itertools.pairwise("abcdefghijk")
        ),
        "more than",
    ),
    "normal of one": (event(seconds={"normal": 3}), "Event 1: seconds = .*normal"),
    "normal of nothing": (event(seconds={"normal": []}), "Event 1: seconds"),
    "negative deviation": (event(seconds={"normal": [1, -1]}), "Event 1: seconds"),
    "choice of a number": (event(seconds={"choice": 2}), "Event 1: seconds"),
    "choice of texts": (event(gain_db={"choice": ["a"]}), "Event 1: gain_db"),
    "choice and normal": (event(seconds={"choice": [1], "normal": [1, 1]}), "Event 1: seconds"),
    "range of three": (event(seconds=[1, 2, 3]), "Event 1: seconds"),
    "not a number": (event(seconds=float("nan")), "Event 1: seconds"),
    "a number of 400 digits": (event(seconds=10**400), "Event 1: seconds"),
    "true seconds": (event(seconds=True), "Event 1: seconds"),
    "no seconds": (event(seconds=0), "Event 1: seconds = 0: it must be from 0.01"),
    "negative seconds": (event(seconds=-1), "Event 1: seconds"),
    "a position of normal one": (event(prompt={"corpus": {"normal": 3}}), "Event 1: prompt"),
    "a voice of text": (event(prompt={"voice": "a"}), "Event 1: prompt"),
    "an array as prompt": (event(prompt=np.zeros(9)), "Event 1: prompt"),
    "a list as rule": (event(until=["onset"]), "Event 1: until"),
    "a curve of no kind": (event(temperature={"kind": "curv", "points": []}), "'curve'"),
    "a curve of a list": (event(temperature={"kind": ["curve"]}), "Unknown control"),
    "a curve of NaN": (event(top_p={"kind": "curve", "points": [[0, float("nan")]]}), "points"),
    "times a choice of a number": (
        [{"repeat": event(), "times": {"choice": 2}}],
        "Event 1: times",
    ),
    "times true": ([{"repeat": event(), "times": True}], "Event 1: times"),
    "times negative": ([{"repeat": event(), "times": -1}], "Event 1: times"),
    "times half": ([{"repeat": event(), "times": 0.5}], "Event 1: times"),
    "one weight": ([{"choice": event(), "weights": 1}], "Event 1: weights"),
    "weights of texts": ([{"choice": event(), "weights": ["a"]}], "Event 1: weights"),
    "weights of zero": ([{"choice": event(), "weights": [0]}], "Event 1: weights"),
    "weights below zero": ([{"choice": event() * 2, "weights": [2, -1]}], "Event 1: weights"),
    "weights without end": ([{"choice": event(), "weights": [float("inf")]}], "Event 1: weights"),
    "weights of NaN": ([{"choice": event(), "weights": [float("nan")]}], "Event 1: weights"),
    "too many weights": ([{"choice": event(), "weights": [1, 1]}], "Event 1: weights"),
    "choice of nothing": ([{"choice": []}], "Event 1: the choice is empty"),
    "parallel of a number": ([{"parallel": 3}], "Event 1: parallel = 3"),
    "parallel of nothing": ([{"parallel": None}], "Event 1: parallel = None"),
    "parallel of texts": ([{"parallel": "ab"}], "Event 1: parallel"),
    "parallel of an empty voice": ([{"parallel": [event(), []]}], "Event 1, voice 2"),
    "too many voices": ([{"parallel": [event()] * 65}], "voices"),
    "a number as key": ([{1: 2, "generator": "silence"}], "keys of a mapping are names, not 1"),
    "yes as key": ("- yes: 1\n  generator: silence\n", "not True"),
    "a number as generator": ([2], "Event 1: generator = 2"),
    "nothing as generator": ([None], "Event 1: generator"),
    "an empty name": ([""], "Event 1: generator"),
    "a misspelt pattern": ([{"repaet": event()}], "repaet"),
    "a misspelt key": (event(second=2), "'seconds'"),
    "a text": ("hello there\n", "not str"),
    "a word of two lines": ("silence\nsilence\n", "not str"),
    "bytes": (b"silence", "not bytes"),
    "a date": ("- generator: silence\n  seconds: 2001-99-99\n", "Can't read the score"),
    "a wrong number": ("- !!int hello\n", "Can't read the score"),
    "python in YAML": ("- !!python/object/apply:os.getcwd []\n", "Can't read the score"),
    "tabs in YAML": ("-\tgenerator: silence\n\tseconds: 2\n", "Can't read the score"),
    "a key twice": ("- generator: silence\n  seconds: 1\n  seconds: 2\n", "'seconds' .*twice"),
    "a null byte": ("a\0b", "Can't read the score"),
    "a number": (3, "not int"),
    "no events": ([], "no events"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_score_that_is_none_is_refused_where_it_stands(what):
    source, words = REFUSED[what]
    began = time.monotonic()
    with pytest.raises(ConfigError, match=words):
        Score(source)
    assert time.monotonic() - began < 10


def test_numbers_of_numpy_are_numbers_of_a_score():
    (turn,) = event(
        seconds=np.float32(0.5),
        gain_db=[np.int64(-3), np.float64(0)],
        top_k=np.int64(5),
        seed=np.int32(7),
        prompt={"voice": np.int64(0)},
        fixtures={"speed": np.array([1.0, 2.0])},
    )
    score = Score([turn, {"repeat": event(), "times": np.int64(2)}])
    assert Score(score.to_yaml()).to_list() == score.to_list()


def test_as_many_levels_as_are_allowed_are_played():
    assert len(list(Score(nested(MOST_LEVELS // 2 - 1)).events(np.random.default_rng(0)))) == 1


def test_an_open_file_is_no_score(tmp_path):
    (tmp_path / "a.yaml").write_text("- silence\n")
    with open(tmp_path / "a.yaml") as file, pytest.raises(ConfigError, match="a file"):
        Score(file)


# -- scores without an end ------------------------------------------------------------------------

NOTHING = {
    "nothing, repeated": [{"repeat": [{"repeat": event(), "times": 0}]}],
    "nothing": [{"repeat": event(), "times": 0}],
    "empty parts": [[], []],
    "an empty part, repeated": [{"repeat": [[]]}],
    "a choice among empty parts": [{"choice": [[], []], "times": None}],
    "nothing, very often": [{"repeat": [[]], "times": 10**15}],
    "nothing, very often, often": [{"repeat": [{"repeat": [[]], "times": 10**6}], "times": 10**6}],
    "nearly never": [{"choice": [event(), []], "weights": [1e-300, 1], "times": None}],
    "times that are nearly never above 0": [{"repeat": event(), "times": {"normal": [-9, 1]}}],
}


@pytest.mark.parametrize("what", NOTHING)
def test_nothing_that_is_repeated_comes_to_an_end(tiny_corpus, what):
    for play in (
        lambda: mnb.ensemble(NOTHING[what], tiny_corpus, seconds=0.5),
        lambda: list(Score(iter(NOTHING[what] * 3)).events(np.random.default_rng(0))),
        lambda: Draft.of(NOTHING[what], seconds=2.0),
        lambda: mnb.ensemble([{"parallel": [NOTHING[what]]}], tiny_corpus, seconds=0.5),
    ):
        began = time.monotonic()
        try:
            play()
        except ConfigError as error:
            assert "without length" in str(error)
        assert time.monotonic() - began < 10


def test_an_iterable_that_gives_nothing_for_ever_is_ended():
    with pytest.raises(ConfigError, match="without length"):
        mnb.ensemble(itertools.repeat([]), seconds=0.5, sample_rate=SR)


def test_a_part_that_is_seldom_empty_is_played(tiny_corpus):
    score = [{"repeat": [{"repeat": event(seconds=0.05), "times": [0, 1]}]}]
    assert mnb.ensemble(score, tiny_corpus, seconds=0.5).audio.shape[1] == 11025


@pytest.mark.parametrize("stop", [1.000001, 1.0001])
def test_a_region_of_a_few_samples_is_refused(tiny_corpus, stop):
    with pytest.raises(ParameterError, match="at least 4"):
        mnb.ensemble(
            [{"generator": {"region": [1, stop]}, "seconds": 0.3}], tiny_corpus, seconds=0.5
        )


def test_a_region_of_four_samples_goes_round(tiny_corpus):
    stop = 1 + 4 / tiny_corpus.sample_rate
    score = [{"generator": {"region": [1, stop]}, "seconds": 0.1}]
    assert mnb.ensemble(score, tiny_corpus, seconds=0.1).audio.shape[1] == 2205


HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.sampled_from([[], {}, (), "silence", 10**400, -1, 0, 1.5, object(), np.nan, np.zeros(3)]),
)
AMOUNTS = st.one_of(
    HOSTILE,
    st.floats(0.01, 1),
    st.lists(HOSTILE, max_size=3),
    st.builds(dict, normal=st.one_of(HOSTILE, st.lists(st.floats(-1, 1), min_size=2, max_size=2))),
    st.builds(dict, choice=st.one_of(HOSTILE, st.lists(st.floats(0, 1), max_size=2))),
)
FIELDS = st.sampled_from([*Event.model_fields, "seconds", "colour"])
EVENTS = st.one_of(
    st.just("silence"),
    HOSTILE,
    st.fixed_dictionaries(
        {"generator": st.just("silence")},
        optional={"seconds": AMOUNTS, "gain_db": AMOUNTS, "prompt": AMOUNTS, "until": HOSTILE},
    ),
    st.dictionaries(FIELDS, AMOUNTS, max_size=3).map(lambda d: {"generator": "silence"} | d),
)


def patterns(parts):
    some = st.one_of(st.lists(parts, max_size=3), parts)
    times = st.one_of(st.integers(0, 3), st.none(), AMOUNTS)
    weights = st.one_of(st.none(), st.lists(st.one_of(st.floats(0, 1), HOSTILE), max_size=3))
    return st.one_of(
        st.lists(parts, max_size=3),
        st.builds(lambda a, t: {"repeat": a, "times": t}, some, times),
        st.builds(lambda a: {"shuffle": a}, some),
        st.builds(lambda a, t, w: {"choice": a, "times": t, "weights": w}, some, times, weights),
        st.builds(lambda a: {"parallel": a}, some),
    )


SCORES = st.lists(st.recursive(EVENTS, patterns, max_leaves=8), min_size=1, max_size=3)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(SCORES, st.booleans())
def test_any_score_gives_events_in_bounded_time_or_our_error(items, is_iterable):
    began = time.monotonic()
    try:
        events = Score(iter(items) if is_iterable else items).events(np.random.default_rng(0))
        drawn = [e.drawn(np.random.default_rng(1)) for e in itertools.islice(events, 50)]
    except ConfigError:
        return
    finally:
        assert time.monotonic() - began < 5
    assert all(isinstance(e.seconds, float) and 0.01 <= e.seconds <= 86400 for e in drawn)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(SCORES, st.integers(0, 3))
def test_any_score_that_is_drawn_ends_as_a_piece(items, seed):
    began = time.monotonic()
    try:
        piece = mnb.ensemble(items, seconds=0.5, seed=seed, sample_rate=SR)
    except MimikitError:
        return
    finally:
        assert time.monotonic() - began < 8
    assert piece.audio.shape == (1, SR // 2)
    assert np.isfinite(piece.audio).all()


# -- curves and walks ------------------------------------------------------------------------------


def _shown(value):
    """Name of a case, the same in every process."""
    return "function" if callable(value) else repr(value).partition(" at 0x")[0]


BAD = [None, "a", [], {}, -1, 0, np.nan, np.inf, -np.inf, 1e308, 2**70, 10**400, b"a", object()]


@pytest.mark.parametrize(
    "make",
    [
        lambda bad: mnb.Curve(points=bad),
        lambda bad: mnb.Curve(points=[[0, bad]]),
        lambda bad: mnb.Curve(points=[[bad, 1], [1, 2]]),
        lambda bad: mnb.Curve(points=[[0, 1], [1, 2]], period_seconds=bad),
        lambda bad: mnb.RandomWalk(low=bad, high=1),
        lambda bad: mnb.RandomWalk(low=-1e308, high=bad),
        lambda bad: mnb.RandomWalk(low=0, high=1, start=bad),
        lambda bad: mnb.RandomWalk(low=0, high=1, speed=bad),
        lambda bad: mnb.RandomWalk(low=0, high=1, seed=bad),
    ],
)
@pytest.mark.parametrize("bad", BAD, ids=_shown)
def test_curves_and_walks_are_finite_or_refused(make, bad):
    try:
        control = make(bad)
    except ConfigError:
        return
    values = [control(seconds) for seconds in (0.0, 0.5, 1.0, 1e6, 0.25)]
    assert np.isfinite(values).all()


@pytest.mark.parametrize("seconds", [np.nan, np.inf, 1e9, -np.inf])
def test_a_walk_has_an_end_however_late_it_is_asked(seconds):
    with pytest.raises(ParameterError, match="random walk"):
        mnb.RandomWalk(low=0, high=1)(seconds)


def test_a_walk_is_the_same_in_one_stride_and_in_many():
    at_once, in_steps = (mnb.RandomWalk(low=0, high=1, seed=3) for _ in range(2))
    values = [in_steps(second / 2) for second in range(400)]
    assert at_once(199.5) == values[-1]
    assert at_once(50.0) == values[100]


# -- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["temperature", "top_k", "top_p"])
@pytest.mark.parametrize(
    "bad", [*BAD, [np.nan], ["a"], lambda t: None, lambda t: "hot"], ids=_shown
)
def test_controls_are_numbers_within_their_range_or_refused(name, bad):
    try:
        values = Controls(**{name: bad}).at(0.0, 2)[name]
    except (ParameterError, ConfigError) as error:
        assert name in str(error) or "control" in str(error)
        return
    assert values.shape == (2,)
    assert bool(torch.isfinite(values.double()).all())


def test_half_a_class_is_no_limit_of_the_classes():
    with pytest.raises(ParameterError, match=r"top_k is 2\.5; .*a whole number"):
        Controls(top_k=2.5).at(0.0, 1)


@pytest.mark.parametrize(
    "weights", [3, "ab", ["a", 1], [None, 1], [np.nan, 1], [0, 0], [1], [-1, 2]]
)
def test_weights_of_an_average_are_numbers_or_refused(weights):
    with pytest.raises(ParameterError, match="weights"):
        check_weights(weights, 2)


@pytest.mark.parametrize(("place", "fn"), [(3, print), ("", print), ("logits", None), (None, 1)])
def test_a_hook_of_ones_own_needs_a_place_and_a_function(place, fn):
    with pytest.raises(ParameterError, match="the name of a module"):
        mnb.hooks.On(place, fn)


def every_config():
    """All config classes of the package, as importing it makes them known."""
    for module in pkgutil.walk_packages(mnb.__path__, "mimikit_nb."):
        importlib.import_module(module.name)
    found, waiting = set(), [Config]
    while waiting:
        new = [c for c in waiting.pop().__subclasses__() if c.__module__.startswith("mimikit_nb")]
        found.update(new)
        waiting += new
    return sorted(found, key=lambda c: (c.__module__, c.__name__))


@pytest.mark.parametrize("cls", every_config(), ids=lambda c: c.__name__)
def test_every_field_of_every_config_takes_or_refuses_anything(cls):
    deep = "a"
    for _ in range(2000):
        deep = [deep]
    others = [
        deep,
        cyclic_list(),
        {1: 2},
        {"kind": [1]},
        set(),
        iter("ab"),
        np.int64(3),
        1j,
        [None],
    ]
    for name, bad in itertools.product(cls.model_fields, [*BAD, *others]):
        with contextlib.suppress(MimikitError):
            assert isinstance(cls(**{name: bad}), cls)


# -- run folders that somebody edited --------------------------------------------------------------


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of two steps with its corpus beside it."""
    folder = tmp_path_factory.mktemp("trained")
    sounds = mnb.demo_recordings(folder / "sounds")
    corpus = mnb.build_corpus(sounds / "variation.flac", folder / "corpus.h5")
    settings = {"max_steps": 2, "log_every_steps": 1, "preview_every_steps": 0}
    mnb.train(corpus, "sample_rnn/tiny", folder / "run", device="cpu", **settings)
    return folder / "run"


@pytest.fixture
def run(trained, tmp_path):
    """A copy of it, to be edited."""
    return Run(shutil.copytree(trained, tmp_path / "run"))


EDITS = {
    "a section misspelt": (lambda t: t.replace("training:", "training_:"), "no section 'training'"),
    "a section left out": (lambda t: t.partition("training:")[0], "no section 'training'"),
    "a section empty": (lambda t: "corpus:\nnetwork: {}\n", "no section 'io'"),
    "a section a text": (lambda t: t.partition("corpus:")[0] + "corpus: abc\n", "'corpus'"),
    "a section a list": (lambda t: t.partition("corpus:")[0] + "corpus: [1]\n", "'corpus'"),
    "keys that are numbers": (lambda t: t.replace("training:", "training:\n  1: 2"), "'training'"),
    "half of it": (lambda t: t[: len(t) // 2], "has no section|Can't read"),
    "nothing": (lambda t: "", "config.yaml: .*not empty"),
    "a text": (lambda t: "hello there", "config.yaml: .*not str"),
    "a list": (lambda t: "- 1\n- 2\n", "config.yaml: .*not list"),
    "tabs": (lambda t: t.replace("\n  ", "\n\t"), "Can't read .*config.yaml"),
    "an open bracket": (lambda t: t + "a: [", "Can't read .*config.yaml"),
    "a python object": (lambda t: t + "x: !!python/object:os.sep {}\n", "Can't read"),
    "an alias of nothing": (lambda t: t + "x: *a\n", "Can't read"),
    "a key twice": (lambda t: t + "corpus: {}\n", "'corpus' .*twice"),
    "no corpus hash": (lambda t: t.replace("hash:", "hsh:"), "where the corpus is"),
    "no corpus path": (lambda t: t.partition("corpus:")[0] + "corpus: {hash: a}\n", "where the"),
    "Latin-1": (lambda t: ("# café\n" + t).encode("latin-1"), "config.yaml: .*UTF-8"),
    "UTF-16": (lambda t: t.encode("utf-16"), "config.yaml: .*UTF-8"),
    "zeros": (lambda t: b"\0" * 500, "config.yaml"),
    "a field of the future": (
        lambda t: t.replace("training:", "training:\n  loudness: 3"),
        "config.yaml, training: .*'loudness'",
    ),
    "a wrong value": (
        lambda t: t.replace("max_steps: 2", "max_steps: many"),
        "config.yaml, training: .*max_steps = 'many'",
    ),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edited_config_is_named_with_its_file_and_the_rest_goes_on(run, what):
    change, words = EDITS[what]
    text = change(run.config_path.read_text("utf-8"))
    run.config_path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(MimikitError, match=words):
        mnb.resume(run.folder, 3, device="cpu")
    assert mnb.load_checkpoint(run.folder).step == 2
    assert len(run.metrics) == 2
    assert list(find_runs(run.folder.parent)) == ["run"]


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace("\n", "\r\n"),
        lambda t: "\ufeff" + t,
        lambda t: "# café\n" + t,
        lambda t: t + "note: mine\n",
    ],
    ids=["CRLF", "BOM", "a comment", "a section of one's own"],
)
def test_a_config_that_reads_the_same_is_gone_on_with(run, change):
    run.config_path.write_bytes(change(run.config_path.read_text("utf-8")).encode())
    assert mnb.resume(run.folder, 3, device="cpu").metrics["step"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("network", "words"), [("{kind: sampel_rnn}", "sample_rnn"), ("{kind: [1]}", "network kind")]
)
def test_an_unknown_network_is_named_where_no_checkpoint_knows_it(run, network, words):
    shutil.rmtree(run.folder / "checkpoints")
    text = run.config_path.read_text("utf-8")
    start, stop = text.index("network:"), text.index("io:")
    run.config_path.write_text(f"{text[:start]}network: {network}\n{text[stop:]}")
    with pytest.raises(ConfigError, match=f"config.yaml, network: .*{words}"):
        mnb.resume(run.folder, 3, device="cpu")


TABLES = {
    "cut in a number": (lambda t: t[:-3], [1]),
    "cut in the header": (lambda t: t[:6], []),
    "empty": (lambda t: b"", []),
    "zeros at its end": (lambda t: t + b"\0" * 300, [1, 2]),
    "zeros between": (lambda t: t.replace(b"\n1,", b"\n\0\0,", 1), [2]),
    "a row of text": (lambda t: t + b"hello\n", [1, 2]),
    "a row too long": (lambda t: t + b",".join([b"9"] * 40) + b"\n", [1, 2]),
    "CRLF": (lambda t: t.replace(b"\n", b"\r\n"), [1, 2]),
    "an empty line": (lambda t: t + b"\n\n", [1, 2]),
}


@pytest.mark.parametrize("what", TABLES)
def test_the_whole_rows_of_a_damaged_table_are_read(run, what):
    change, steps = TABLES[what]
    run.metrics_path.write_bytes(change(run.metrics_path.read_bytes()))
    assert run.metrics["step"].tolist() == steps
    assert np.isfinite(run.metrics["loss"].to_numpy(float)).all()
    assert ("loss" in _losses(run.folder.parent)) == bool(steps)
    assert mnb.resume(run.folder, 3, device="cpu").metrics["step"].tolist() == [*steps, 3]


@pytest.mark.parametrize(
    "table", [b"name,colour\nred,1\n", b"step,step,loss\n1,1,2\n", b"\xff\xfe\n"]
)
def test_a_table_of_something_else_is_refused_and_kept(run, table):
    run.metrics_path.write_bytes(table)
    for read in (lambda: run.metrics, lambda: mnb.resume(run.folder, 3, device="cpu")):
        with pytest.raises(TrainingError, match=r"metrics.csv isn't a table of losses"):
            read()
    assert run.metrics_path.read_bytes() == table
    assert _losses(run.folder.parent) == {}


@pytest.mark.parametrize("state", ["", "[]", "3", '{"state": ["a"]}', "{", "\0"])
def test_a_damaged_state_is_still_a_word(run, state):
    (run.folder / "state.json").write_text(state)
    assert isinstance(run.state, str)
    assert isinstance(run.message, str)
    assert "Run(" in repr(run)


def test_one_broken_run_does_not_hide_the_others(run):
    broken = run.folder.parent / "broken" / "checkpoints"
    broken.mkdir(parents=True)
    (broken / "step_00000001.safetensors").symlink_to(broken / "nowhere")
    (broken.parent / "config.yaml").write_text("a: [")
    (broken.parent / "metrics.csv").write_bytes(b"\0")
    assert sorted(find_runs(run.folder.parent)) == ["broken", "run"]
    with pytest.raises(MimikitError, match="There is no checkpoint"):
        mnb.load_checkpoint(broken.parent)
