import numpy as np
import pytest

from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.meters import measure
from mimikit_nb.errors import ParameterError


def test_the_piece_is_the_same_bit_for_bit():
    np.testing.assert_array_equal(demo_music(seconds=8.0), demo_music(seconds=8.0))
    assert not np.array_equal(demo_music(seconds=8.0), demo_music(seconds=8.0, seed=1))


@pytest.mark.parametrize("sample_rate", [8000, 22050])
def test_it_can_be_played_in_public(sample_rate):
    y = demo_music(sample_rate)
    levels = measure(y, sample_rate)
    assert y.shape == (40 * sample_rate,)
    assert y.dtype == np.float32
    assert 0.6 < levels.peak <= 0.8 + 1e-6
    assert -24 < levels.lufs < -14
    assert levels.silence_share < 0.05
    assert abs(levels.dc) < 0.005
    assert levels.n_clipped == 0
    assert abs(y[0]) < 1e-3 > abs(y[-1])  # neither begins nor ends with a click


def test_it_grows_from_strings_alone_to_everybody_and_stays_in_one_key():
    import librosa

    y = demo_music()
    quarters = y.reshape(4, -1)
    levels = [measure(quarter, 22050).lufs for quarter in quarters]
    assert levels[0] < levels[1] < levels[3]
    low = [np.abs(librosa.stft(quarter))[3:11].mean() for quarter in quarters]  # 32 to 118 Hz
    assert low[2] > 5 * low[0]  # kick and bass
    chroma = librosa.feature.chroma_stft(y=y[: 20 * 22050], sr=22050).mean(axis=1)
    in_key = chroma[[0, 2, 4, 5, 7, 9, 10]].mean()  # D minor
    assert in_key > 1.5 * chroma[[1, 3, 6, 8, 11]].mean()
    assert len(librosa.onset.onset_detect(y=y, sr=22050)) > 80


@pytest.mark.parametrize("seconds", [0.001, 0.5, 45.0])
def test_any_length(seconds):
    y = demo_music(8000, seconds=seconds)
    assert len(y) == round(8000 * seconds)
    assert np.isfinite(y).all()


@pytest.mark.parametrize("wrong", [{"sample_rate": 100}, {"seconds": 0.0}, {"seed": -1}])
def test_values_outside_their_range(wrong):
    with pytest.raises(ParameterError, match=str(next(iter(wrong)))):
        demo_music(**wrong)
