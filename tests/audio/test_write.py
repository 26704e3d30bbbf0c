import struct
import wave

import numpy as np
import pytest
import soundfile as sf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mimikit_nb.audio.files import info, load
from mimikit_nb.audio.recall import read_recall, write_recall
from mimikit_nb.audio.write import SoundWriter, write
from mimikit_nb.errors import AudioError

RECALL = {
    "checkpoint": "ab12",
    "seed": 3,
    "temperature": [0.9, 1.1],
    "rights": "© me, ünïcode",
    "config": {"kind": "freqnet", "long": "x" * 5000},
}


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.opus", "a.rf64"])
def test_recall_data_comes_back_from_the_file(tmp_path, tone, name):
    path = write(tmp_path / name, tone, 48000, recall=RECALL)
    assert read_recall(path) == RECALL
    assert load(path).shape == (1, len(tone))


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    recall=st.dictionaries(
        st.text(min_size=1).filter(lambda key: key != "mimikit_nb_recall"),
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ),
    ),
    n_samples=st.integers(1, 50),
    subtype=st.sampled_from(["PCM_U8", "PCM_16", "PCM_24", "FLOAT"]),
)
def test_any_recall_data_leaves_a_valid_wav(tmp_path, recall, n_samples, subtype):
    path = tmp_path / "a.wav"
    write(path, np.zeros(n_samples), 8000, subtype, overwrite=True, recall=recall)
    assert read_recall(path) == recall
    content = path.read_bytes()
    assert struct.unpack("<I", content[4:8])[0] == len(content) - 8  # the size players go by
    assert info(path).n_samples == n_samples


def test_files_without_recall_data_say_so(tmp_path, tone):
    for name in ("a.wav", "a.flac", "a.aiff"):
        path = write(tmp_path / name, tone, 22050)
        with pytest.raises(AudioError, match="no recall data"):
            read_recall(path)
    with sf.SoundFile(tmp_path / "other.wav", "w", 22050, 1) as sound:
        sound.comment = "recorded in the kitchen"
        sound.write(tone)
    with pytest.raises(AudioError, match="no recall data"):
        read_recall(tmp_path / "other.wav")


def test_formats_that_cannot_carry_recall_data_are_refused_before_writing(tmp_path, tone):
    with pytest.raises(AudioError, match="can't carry recall data"):
        write(tmp_path / "a.aiff", tone, 22050, recall=RECALL)
    with pytest.raises(AudioError, match="not a WAV"):
        write_recall(write(tmp_path / "b.aiff", tone, 22050), RECALL)
    with pytest.raises(AudioError, match="JSON"):
        write(tmp_path / "c.wav", tone, 22050, recall={"x": float("nan")})
    assert not (tmp_path / "c.wav").exists()


def test_nothing_is_normalised_and_what_exceeds_full_scale_is_clipped(tmp_path):
    quiet = write(tmp_path / "quiet.wav", np.full(100, 0.001), 8000)
    np.testing.assert_allclose(load(quiet), 0.001, atol=2**-22)
    loud = write(tmp_path / "loud.wav", np.array([1.5, -1.5, 0.5]), 8000)
    np.testing.assert_allclose(load(loud), [[1.0, -1.0, 0.5]], atol=2**-22)


def test_blocks_make_the_same_sound_as_the_whole_in_a_plain_wav(tmp_path, tone):
    whole = write(tmp_path / "whole.wav", tone, 22050, recall=RECALL)
    with SoundWriter(tmp_path / "blocks.wav", 22050, recall=RECALL) as writer:
        for start in range(0, len(tone), 1000):
            writer.write(tone[None, start : start + 1000])
    np.testing.assert_array_equal(load(whole), load(tmp_path / "blocks.wav"))
    assert read_recall(tmp_path / "blocks.wav") == RECALL
    with wave.open(str(tmp_path / "blocks.wav")) as plain:  # the simplest reader there is
        assert (plain.getnframes(), plain.getsampwidth()) == (len(tone), 3)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_streamed_wavs_of_all_kinds_are_read(tmp_path, subtype, channels):
    with SoundWriter(tmp_path / "a.wav", 48000, channels, subtype) as writer:
        writer.write(np.full((channels, 10), 0.25))
    np.testing.assert_allclose(load(tmp_path / "a.wav"), 0.25, atol=2**-15)


def test_a_wav_that_would_exceed_4_gb_becomes_rf64(tmp_path):
    with SoundWriter(tmp_path / "a.wav", 48000, 2, "FLOAT", n_samples=2**29) as writer:
        writer.write(np.zeros((2, 10)))
        writer._sound.flush()
        assert writer._temporary.read_bytes()[:4] == b"RF64"


@pytest.mark.long
def test_a_wav_of_more_than_4_gb_is_whole(tmp_path):
    y = np.zeros((8, 2**22))
    y[:, -1] = 0.5
    with SoundWriter(tmp_path / "a.wav", 192000, 8, "DOUBLE", recall=RECALL) as writer:
        for _ in range(17):
            writer.write(y)
    assert info(tmp_path / "a.wav").n_samples == 17 * 2**22
    assert read_recall(tmp_path / "a.wav") == RECALL
    with sf.SoundFile(tmp_path / "a.wav") as sound:
        sound.seek(-1, sf.SEEK_END)
        np.testing.assert_array_equal(sound.read(), np.full((1, 8), 0.5))


def test_nothing_is_overwritten_unless_told(tmp_path, tone):
    path = write(tmp_path / "a.wav", tone, 22050)
    before = path.read_bytes()
    with pytest.raises(AudioError, match="exists"):
        write(path, tone[:10], 22050)
    assert path.read_bytes() == before
    write(path, tone[:10], 22050, overwrite=True)
    assert info(path).n_samples == 10


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path, tone):
    with (
        pytest.raises(AudioError, match="exists"),
        SoundWriter(tmp_path / "a.wav", 22050) as writer,
    ):
        writer.write(tone[None])
        (tmp_path / "a.wav").write_text("somebody else's")
    assert (tmp_path / "a.wav").read_text() == "somebody else's"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_error_halfway_leaves_nothing(tmp_path, tone):
    with pytest.raises(KeyError), SoundWriter(tmp_path / "a.wav", 22050) as writer:
        writer.write(tone[None])
        raise KeyError
    with pytest.raises(AudioError, match="NaN"):
        write(tmp_path / "a.wav", np.array([0.0, np.nan]), 22050)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_said(tmp_path, tone):
    with pytest.raises(AudioError, match=r"can't write '.xyz'"):
        write(tmp_path / "a.xyz", tone, 22050)
    with pytest.raises(AudioError, match="can't hold 'PCM_99'"):
        write(tmp_path / "a.wav", tone, 22050, subtype="PCM_99")
    with pytest.raises(AudioError, match="can't be written"):
        write(tmp_path / "nowhere" / "a.wav", tone, 22050)
    with (
        pytest.raises(AudioError, match="expected"),
        SoundWriter(tmp_path / "b.wav", 8000) as writer,
    ):
        writer.write(tone)


def test_a_full_disk_is_an_error_and_leaves_nothing(on_full_disk):
    done = on_full_disk(
        "import os, numpy as np\n"
        "from mimikit_nb.audio import write\n"
        "from mimikit_nb.errors import AudioError\n"
        "try:\n"
        "    write('a.wav', np.zeros(1_000_000), 44100)\n"
        "except AudioError as error:\n"
        "    print(error, os.listdir())\n"
    )
    assert "a.wav can't be written" in done.stdout, done.stderr
    assert done.stdout.endswith("[]\n")


def test_a_folder_without_permission_is_an_error(as_somebody_else, tone):
    folder, without_rights = as_somebody_else
    folder.chmod(0o555)
    with without_rights(), pytest.raises(AudioError, match="can't be written"):
        write(folder / "a.wav", tone, 22050)


@pytest.mark.parametrize("extension", [".ogg", ".flac", ".mp3"])
def test_long_sounds_are_written_at_once(tmp_path, extension):
    """libsndfile's Vorbis encoder takes a minute at once for too much and ends the process."""
    y = 0.1 * np.random.default_rng(0).standard_normal((2, 60 * 44100), np.float32)
    path = write(tmp_path / f"long{extension}", y, 44100)
    assert info(path).n_samples == pytest.approx(y.shape[1], abs=2000)
