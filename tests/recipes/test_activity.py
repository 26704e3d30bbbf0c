"""What a layer did while it played, as numbers, as a picture and as sound."""

import h5py
import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.errors import ParameterError
from mimikit_nb.widgets import pictures
from tests.generation.ensemble.networks import make_run

RATE = 8000


T = np.arange(64)


@pytest.fixture
def activity():
    """Units that share a slow and a quick movement, and one that sleeps."""
    slow, quick = np.sin(2 * np.pi * T / 64), np.sin(2 * np.pi * T / 8)
    values = np.stack([5 * slow, -slow + 7, 0.1 * slow, quick, 3 - 2 * quick, np.ones(64)])
    return mnb.hooks.Activity(values, 16.0, 0.0, "here")


def sounding(y: np.ndarray) -> np.ndarray:
    """Frequencies that sound, in Hz."""
    size = np.abs(np.fft.rfft(y * np.hanning(len(y))))
    return np.fft.rfftfreq(len(y), 1 / RATE)[size > 0.3 * size.max()]


def test_voices_are_what_units_do_together_the_slowest_first(activity):
    slow, quick = activity.voices()
    assert abs(np.corrcoef(slow, np.sin(2 * np.pi * T / 64))[0, 1]) > 0.999
    assert abs(np.corrcoef(quick, np.sin(2 * np.pi * T / 8))[0, 1]) > 0.999
    assert slow.std() == pytest.approx(1)  # three units do it,
    assert quick.std() == pytest.approx((2 / 3) ** 0.5)  # and two the other
    assert activity.voices(1).shape == (1, 64)


def test_a_voice_points_to_where_its_peaks_are():
    pulse = -1.0 * (T % 16 == 0)
    (voice,) = mnb.hooks.Activity(pulse[None], 16.0, 0.0, "here").voices()
    assert voice[0] == voice.max() > abs(voice.min())


def test_the_largest_units_come_in_the_order_of_how_often_they_were():
    values = np.eye(5)[:, [1, 1, 4, 1, 4, 0]]
    assert mnb.hooks.Activity(values, 1.0, 0.0, "x").largest(2) == [1, 4]
    assert mnb.hooks.Activity(values, 1.0, 0.0, "x").largest(9) == [1, 4, 0]


def test_a_voice_sounds_while_it_is_above_its_mean():
    late = (T >= 48) * 1.0
    y = mnb.hooks.Activity(late[None], 16.0, 0.0, "here").sound(RATE)
    assert y.shape == (4 * RATE,)
    assert np.abs(y).max() == pytest.approx(0.3)
    assert not y[: int(2.9 * RATE)].any()
    np.testing.assert_allclose(sounding(y[int(3.1 * RATE) :]), 110, atol=5)


def test_voices_sound_in_steps_of_a_pentatonic_scale_from_slow_to_quick():
    rhythms = [(T // n % 2) * 1.0 for n in (32, 16, 8, 4, 2, 1)]
    activity = mnb.hooks.Activity(np.stack(rhythms), 16.0, 0.0, "here")
    heard = sounding(activity.sound(RATE))
    for semitones in (0, 3, 5, 7, 10, 12):
        assert np.abs(heard - 110 * 2 ** (semitones / 12)).min() < 2


def test_what_never_moves_is_silent():
    still = mnb.hooks.Activity(np.full((3, 10), 0.1), 10.0, 0.0, "here")
    assert len(still.voices()) == 0
    assert not still.sound(RATE).any()


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "run", "sample_rnn")


def test_a_record_is_read_and_heard_beside_its_sound(run, tmp_path):
    path = str(tmp_path / "inside.h5")
    record = mnb.hooks.Record(path=path, place="tiers.0.up")
    made = mnb.generate(run, prompt_seconds=0.2, seconds=0.5, n=2, seed=1, hooks=[record])
    for row in (0, 1):
        activity = mnb.hooks.read_activity(path, row)
        with h5py.File(path) as file:
            assert activity.values.shape == file[f"tiers.0.up_00{row + 1}"].shape
        both = activity.beside(made, row)
        np.testing.assert_array_equal(both[0], made.audio[row, 0])
        prompt = round(made.prompt_end_seconds * made.sample_rate)
        assert not both[1, : prompt - 1].any()
        assert both.shape == (2, made.audio.shape[-1]) and both[1, prompt:].any()
    assert activity.place == "tiers.0.up"
    with pytest.raises(ParameterError, match="There are 2 sounds"):
        activity.beside(made, 2)
    with pytest.raises(ParameterError, match="no row 2"):
        mnb.hooks.read_activity(path, 2)


def test_places_are_listed_with_their_size_and_how_often_they_speak(run):
    table = mnb.hooks.list_places(run).set_index("place")
    network = mnb.load_checkpoint(run).network()
    assert set(table.index) == set(mnb.hooks.find_modules(network))
    ms = float(table.loc["tiers.0.up", "every"].removesuffix(" ms"))
    watched = mnb.hooks.find_modules(network)["tiers.0.up"]
    assert ms == pytest.approx(1000 * watched.period / network.io.sample_rate, rel=0.01)
    assert table.loc["tiers.0.up", "values"] == np.prod(watched.shape)


def test_the_picture_has_a_row_for_each_voice_over_the_seconds_of_the_record(activity):
    picture = pictures.activity(activity, activity)
    first, second, _ = picture.figure.axes
    for axis in (first, second):
        (image,) = axis.images
        assert image.get_array().shape == (2, 64)
        assert image.get_extent() == [0.0, 4.0, 0, 2]
        assert axis.get_title() == "here"
    assert picture.png().startswith(b"\x89PNG")


def test_decisions_are_drawn_as_probabilities_in_the_order_in_which_classes_came():
    logits = np.log(np.array([[0.1, 0.1, 0.8], [0.7, 0.1, 0.1], [0.2, 0.8, 0.1]]))
    picture = pictures.decisions(mnb.hooks.Activity(logits, 1.0, 0.0, "here"))
    axis = picture.figure.axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["1", "2", "0"]
    rows = axis.images[0].get_array()
    np.testing.assert_allclose(rows, [[0.7, 0.1, 0.1], [0.2, 0.8, 0.1], [0.1, 0.1, 0.8]])
    few = pictures.decisions(mnb.hooks.Activity(logits[:, [0, 0, 1]], 1.0, 0.0, "here"), 1)
    assert few.figure.axes[0].images[0].get_array().shape == (1, 3)
