"""A sound as the view needs it: extremes, levels, clipping, spectrogram, bytes to play."""

import io
import itertools
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.errors import AudioError, ParameterError
from mimikit_nb.widgets.player.sound import BLOCK, SPECTROGRAM_ROWS, frequency_ticks, open_sound

SR = 22050


def sine(hz, seconds=1.0, amplitude=0.5, sr=SR):
    return (amplitude * np.sin(2 * np.pi * hz * np.arange(int(seconds * sr)) / sr)).astype("f4")


def read_waveform(data):
    """What waveform-data.js would read: header and pairs [shape=(bins, channels, 2)]."""
    version, eight_bit, rate, size, length, channels = struct.unpack_from("<iIiiIi", data)
    assert (version, eight_bit) == (2, 1)
    pairs = np.frombuffer(data, np.int8, offset=24).reshape(length, channels, 2)
    return rate, size, pairs


@settings(deadline=None, max_examples=40)
@given(st.integers(3, 3000), st.integers(1, 3), st.sampled_from([1, 8, 64]))
def test_waveform_bins_hold_the_extremes_of_their_samples(n_samples, n_channels, size):
    y = np.random.default_rng(n_samples).uniform(-1, 1, (n_channels, n_samples)).astype("f4")
    rate, found_size, pairs = read_waveform(open_sound(y, SR).waveform_data(size))
    assert (rate, found_size) == (SR, size)
    assert pairs.shape == (-(-n_samples // size), n_channels, 2)
    starts = np.arange(0, n_samples, size)
    low, high = (f.reduceat(y, starts, axis=1).T for f in (np.minimum, np.maximum))
    np.testing.assert_allclose(pairs / 127, np.stack([low, high], axis=2), atol=0.006)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_file_and_array_look_the_same_across_blocks(tmp_path, subtype):
    y = np.stack([sine(100, 14), sine(3, 14, 0.9)])
    assert y.shape[1] > BLOCK
    soundfile.write(tmp_path / "y.wav", y.T, SR, subtype=subtype)
    from_file, from_array = open_sound(tmp_path / "y.wav"), open_sound(y, SR)
    for size in from_array.levels:
        a, b = (read_waveform(s.waveform_data(size))[2] for s in (from_file, from_array))
        assert np.abs(a.astype(int) - b).max() <= 1
    assert from_file.name == "y.wav"
    assert from_file.duration_seconds == from_array.duration_seconds


def test_levels_grow_with_the_sound():
    assert open_sound(np.zeros(100, "f4"), SR).levels == [1]
    levels = open_sound(np.zeros((1, 2**24), "i2"), SR).levels
    assert levels[0] == 16
    assert all(b == 8 * a for a, b in itertools.pairwise(levels))


def test_gain_is_never_changed():
    quiet = open_sound(sine(440, amplitude=0.001), SR)
    assert quiet.peak_dbfs == pytest.approx(-60, abs=0.3)
    assert np.abs(read_waveform(quiet.waveform_data(64))[2]).max() <= 1
    sent, _ = soundfile.read(io.BytesIO(quiet.encode()[0]))
    assert np.abs(sent).max() == pytest.approx(0.001, abs=1e-4)


def test_silence_is_silent():
    silence = open_sound(np.zeros((2, SR), "f4"), SR)
    data, _ = silence.meter()
    assert silence.peak_dbfs == float("-inf")
    assert set(data) == {255}
    assert not silence.clips
    assert not silence.spectrogram(0, 1, 50).any()


def test_meter_follows_level_and_channel():
    y = np.stack(
        [np.concatenate([sine(440, amplitude=0.5), sine(440, amplitude=0.05)]), sine(9, 2)]
    )
    data, step = open_sound(y, SR).meter()
    levels = np.frombuffer(data, np.uint8).reshape(-1, 2) / 2
    assert step == pytest.approx(0.05, abs=0.001)
    assert len(levels) == pytest.approx(2 / step, abs=1)
    assert levels[5, 0] == pytest.approx(6, abs=0.6)
    assert levels[-5, 0] == pytest.approx(26, abs=0.6)


def test_clipping_is_found_where_it_is():
    y = sine(440, 3)
    y[SR : SR + 500] = 1.0
    ((start, stop),) = open_sound(y, SR).clips
    assert start == pytest.approx(1, abs=0.01)
    assert stop == pytest.approx(1 + 500 / SR, abs=0.01)


@pytest.mark.parametrize("hz", [110, 1000, 5000])
def test_spectrogram_shows_a_tone_at_its_pitch_and_level(hz):
    sound = open_sound(sine(hz, 2, amplitude=1.0), SR)
    image = sound.spectrogram(0.5, 1.5, 40)
    assert image.shape == (SPECTROGRAM_ROWS, 40)
    row = image[:, 20].argmax()
    pitch = 40 * (SR / 2 / 40) ** (1 - (row + 0.5) / SPECTROGRAM_ROWS)
    assert pitch == pytest.approx(hz, rel=0.15)
    assert image.max() >= 245  # 0 dBFS, but for the window between two bins


def test_spectrogram_of_a_file_equals_that_of_the_array(tmp_path):
    y = np.concatenate([sine(200, 20), sine(2000, 20)])
    soundfile.write(tmp_path / "y.wav", y, SR, subtype="FLOAT")
    from_file, from_array = open_sound(tmp_path / "y.wav"), open_sound(y, SR)
    for passage in [(0, 40, 30), (19.9, 20.1, 30)]:
        np.testing.assert_array_equal(
            from_file.spectrogram(*passage), from_array.spectrogram(*passage)
        )


def test_frequency_ticks_lie_inside_the_axis():
    for rate in (8000, 22050, 96000):
        heights = [height for _, height in frequency_ticks(rate)]
        assert heights == sorted(heights)
        assert all(0 < height < 1 for height in heights)


def test_a_playable_file_is_sent_as_it_is_and_others_as_flac(tmp_path):
    y = np.stack([sine(440), sine(220)])
    soundfile.write(tmp_path / "y.wav", y.T, SR)
    soundfile.write(tmp_path / "y.aiff", y.T, SR)
    data, mime = open_sound(tmp_path / "y.wav").encode()
    assert (data, mime) == ((tmp_path / "y.wav").read_bytes(), "audio/wav")
    for sound in (open_sound(tmp_path / "y.aiff"), open_sound(y, SR)):
        data, mime = sound.encode()
        sent, rate = soundfile.read(io.BytesIO(data))
        assert (mime, rate) == ("audio/flac", SR)
        np.testing.assert_allclose(sent.T, y, atol=1e-4)


def test_too_loud_is_cut_and_not_wrapped():
    data, _ = open_sound(sine(440, amplitude=3.0), SR).encode()
    sent, _ = soundfile.read(io.BytesIO(data))
    assert np.abs(np.diff(sent)).max() < 0.6


def test_bad_input_is_named(tmp_path):
    with pytest.raises(ParameterError, match="needs its sample rate"):
        open_sound(np.zeros(10))
    with pytest.raises(ParameterError, match="transpose"):
        open_sound(np.zeros((1000, 2)), SR)
    with pytest.raises(ParameterError, match=r"shape \(0,\)"):
        open_sound(np.zeros(0), SR)
    (tmp_path / "x.wav").write_text("no sound")
    with pytest.raises(AudioError, match=r"x\.wav.*not a sound file"):
        open_sound(tmp_path / "x.wav")
    with pytest.raises(AudioError):
        open_sound(tmp_path / "missing.wav")
