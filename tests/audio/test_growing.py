"""WAV files that grow: whole after every block, larger than 4 GB, and cut where one says."""

import numpy as np
import pytest
import soundfile as sf

from mimikit_nb.audio import growing
from mimikit_nb.audio.containers import survey
from mimikit_nb.audio.growing import GrowingSound, write_extendable
from mimikit_nb.audio.recall import read_recall
from mimikit_nb.errors import AudioError


def noise(channels: int, n: int) -> np.ndarray:
    return np.random.default_rng(n).uniform(-1, 1, (channels, n)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_the_file_is_whole_after_every_block(tmp_path, channels):
    path, y = tmp_path / "a.wav", noise(channels, 1000)
    sound = GrowingSound(path, 8000, channels, {"seed": 3})
    for end in (333, 334, 1000):  # odd and even numbers of bytes
        sound.append(y[:, sound.n_samples : end])
        found, rate = sf.read(path, always_2d=True)
        assert rate == 8000
        np.testing.assert_allclose(found.T, y[:, :end], atol=2**-23)
        assert not survey(path).is_truncated
        assert path.stat().st_size % 2 == 0
    assert read_recall(path)["seed"] == 3


def test_it_goes_on_behind_any_sample(tmp_path):
    path, y = tmp_path / "a.wav", noise(2, 1000)
    GrowingSound(path, 8000, 2, {"seed": 3}).append(y)
    sound = GrowingSound.reopen(path, 401)
    assert sf.info(path).frames == 401
    sound.append(y[:, 401:])
    np.testing.assert_allclose(sf.read(path)[0].T, y, atol=2**-23)
    assert read_recall(path)["seed"] == 3


def test_what_exceeds_full_scale_is_clipped(tmp_path):
    sound = GrowingSound(tmp_path / "a.wav", 8000)
    sound.append(np.array([[-3.0, 3.0]], np.float32))
    np.testing.assert_allclose(sf.read(sound.path)[0], [-1, 1], atol=2**-22)


def test_beyond_the_limit_it_is_an_rf64(tmp_path, monkeypatch):
    monkeypatch.setattr(growing, "LARGEST_RIFF", 5000)
    path, y = tmp_path / "a.wav", noise(1, 3000)
    sound = GrowingSound(path, 8000, 1, {"seed": 3})
    for start in range(0, 3000, 500):
        sound.append(y[:, start : start + 500])
        kind = sf.info(path).format
        assert kind == ("WAV" if path.stat().st_size < 5000 else "RF64")
    np.testing.assert_allclose(sf.read(path)[0], y[0], atol=2**-23)
    assert read_recall(path)["seed"] == 3
    sound = GrowingSound.reopen(path, 1000)
    assert sf.info(path).format == "WAV"
    assert sf.info(path).frames == 1000


def test_six_gigabytes(tmp_path):
    """On a file with a hole, where the system has them."""
    sound = GrowingSound(tmp_path / "a.wav", 48000)
    sound.n_samples = n = 2 * 10**9
    sound.append(noise(1, 1000))
    assert sf.info(sound.path).frames == n + 1000
    with sf.SoundFile(sound.path) as file:
        file.seek(n)
        np.testing.assert_allclose(file.read(1000), noise(1, 1000)[0], atol=2**-23)
    again = GrowingSound.reopen(sound.path, n + 500)
    assert sf.info(again.path).frames == n + 500


def test_a_file_that_is_there_is_not_touched(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"mine")
    with pytest.raises(AudioError, match="exists"):
        GrowingSound(tmp_path / "a.wav", 8000)
    with pytest.raises(AudioError, match="not a WAV"):
        GrowingSound.reopen(tmp_path / "a.wav", 0)
    assert (tmp_path / "a.wav").read_bytes() == b"mine"


def test_files_of_others_and_cut_ones_are_not_extended(tmp_path):
    sf.write(tmp_path / "a.wav", np.zeros(100), 8000, "PCM_16")
    with pytest.raises(AudioError, match="another program"):
        GrowingSound.reopen(tmp_path / "a.wav", 10)
    GrowingSound(tmp_path / "b.wav", 8000).append(noise(1, 10))
    with pytest.raises(AudioError, match="shorter"):
        GrowingSound.reopen(tmp_path / "b.wav", 100)


def test_nan_is_refused_and_what_was_there_stays(tmp_path):
    sound = GrowingSound(tmp_path / "a.wav", 8000)
    sound.append(noise(1, 10))
    with pytest.raises(AudioError, match="NaN"):
        sound.append(np.array([[np.nan]]))
    assert sf.info(sound.path).frames == 10


def test_a_whole_sound_appears_or_nothing(tmp_path, on_full_disk):
    write_extendable(tmp_path / "a.wav", noise(2, 100), 8000, {"seed": 1})
    assert GrowingSound.reopen(tmp_path / "a.wav", 100).n_samples == 100
    with pytest.raises(AudioError, match=r"b\.wav: the sound contains NaN"):
        write_extendable(tmp_path / "b.wav", np.full((1, 3), np.nan), 8000)
    printed = on_full_disk("""
from pathlib import Path
import numpy as np
from mimikit_nb.audio.growing import write_extendable
from mimikit_nb.errors import AudioError
try:
    write_extendable(Path("a.wav"), np.zeros((1, 10**6)), 8000)
except AudioError as error:
    print(error, list(Path().iterdir()))
""")
    assert "a.wav can't be written" in printed.stdout, printed.stderr
    assert printed.stdout.strip().endswith("[]")


def test_a_full_disk_keeps_what_there_was(on_full_disk):
    printed = on_full_disk("""
import numpy as np
from mimikit_nb.audio.files import info
from mimikit_nb.audio.growing import GrowingSound, write_extendable
from mimikit_nb.errors import AudioError
sound = GrowingSound("a.wav", 8000)
try:
    while True:
        sound.append(np.zeros((1, 10_000)))
except AudioError as error:
    print("space" in str(error), info("a.wav").n_samples >= sound.n_samples - 10_000 > 0)
""")
    assert printed.stdout.split() == ["True", "True"], printed.stderr
