"""Players that never normalise, say what is wrong, and stay small."""

import base64
import io
import re

import numpy as np
import pytest
import soundfile

from mimikit_nb.audio.meters import measure
from mimikit_nb.errors import AudioError, ParameterError
from mimikit_nb.evaluation.detectors import REMEDIES
from mimikit_nb.generation.output import Generated
from mimikit_nb.widgets.player import listen
from mimikit_nb.widgets.player.cards import encode_preview


def decoded(content: bytes) -> tuple[np.ndarray, int]:
    y, sr = soundfile.read(io.BytesIO(content), dtype="float32", always_2d=True)
    return y.T, sr


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.003])
@pytest.mark.parametrize("sr", [8000, 22050, 37800, 44100, 96000])
def test_a_preview_has_the_level_of_the_sound(gain, sr):
    t = np.arange(2 * sr) / sr
    y = gain * np.stack([np.sin(2 * np.pi * 440 * t), np.sin(2 * np.pi * 660 * t)])
    content, seconds = encode_preview(y.astype(np.float32), sr)
    heard, rate = decoded(content)
    middle = heard[:, rate // 2 : 3 * rate // 2]
    assert len(heard) == 2 and seconds == pytest.approx(2.0, abs=0.01)
    assert 20 * np.log10(middle.std() / (gain / np.sqrt(2))) == pytest.approx(0, abs=0.5)


def test_silence_plays_and_reads_as_silence():
    card = listen(np.zeros((1, 22050), np.float32), 22050).cards[0]
    heard, _ = decoded(card.preview)
    assert np.abs(heard).max() < 1e-4
    assert card.flags == {"silent"} and "digital silence" in card.facts


def test_sound_beyond_full_scale_is_clipped_and_flagged(music):
    card = listen(music * 20, 22050).cards[0]
    assert "clipped" in card.flags
    assert f'title="{REMEDIES["clipped"]}">clipped<' in card.to_html()
    assert np.abs(decoded(card.preview)[0]).max() < 2  # 16 before; MP3 rounds corners upwards


def test_not_a_number_is_flagged_and_played_as_silence(music):
    music = music.copy()
    music[::2] = np.nan
    card = listen(music, 22050, picture=False).cards[0]
    assert "nonfinite" in card.flags
    assert np.isfinite(decoded(card.preview)[0]).all()


def test_only_what_comes_after_the_prompt_is_judged(music):
    y = music.copy()
    y[22050:] = 0
    made = Generated(np.stack([y[None], music[None]]), 22050, 1.0, [{}, {}])
    silent, sounding = listen(made, title="net").cards
    assert (silent.title, silent.flags, sounding.title) == ("net 1", {"silent"}, "net 2")
    assert sounding.levels == measure(music[22050:], 22050)
    assert "new from 1.0 s" in sounding.facts


def test_a_saved_sound_remembers_where_its_prompt_ended(music, tmp_path):
    made = Generated(music[None, None], 22050, 1.5, [{"prompt_end_seconds": 1.5}])
    (path,) = made.save(tmp_path, "take")
    card = listen(path).cards[0]
    assert card.prompt_end_seconds == 1.5 and card.title == "take_001.wav"


def test_long_sounds_are_cut_to_the_most_bytes_and_it_is_said(music):
    listening = listen(music, 22050, max_bytes=20_000, picture=False)
    card = listening.cards[0]
    assert len(card.preview) <= 20_000 and 1 < card.preview_seconds < 5
    assert f"the first {card.preview_seconds:.0f} s of 6 s" in listening._repr_html_()


def test_many_sounds_share_the_bytes(music, monkeypatch):
    monkeypatch.setattr("mimikit_nb.widgets.player.cards.MOST_BYTES_TOGETHER", 60_000)
    many = listen({str(i): music for i in range(3)}, 22050, picture=False)
    assert sum(len(card.preview) for card in many.cards) <= 60_000


def test_names_are_escaped(tone):
    html = listen({"<img src=x onerror=alert(1)>\"'": tone}, 22050)._repr_html_()
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;" in html


def test_the_html_holds_everything_itself(tone):
    html = listen(tone, 22050, prompt_end_seconds=0.2)._repr_html_()
    assert re.findall(r'(?:src|href)="(.{5})', html) == ["data:"] * 2
    audio = re.search(r"data:audio/mpeg;base64,([^\"]+)", html)[1]
    assert len(decoded(base64.b64decode(audio))[0][0]) >= 22050
    assert "://" not in html


def test_without_a_picture_a_strip_marks_the_prompt(tone):
    html = listen(tone, 22050, prompt_end_seconds=0.25, picture=False)._repr_html_()
    assert "width:25.0%" in html and "image/png" not in html


def test_a_list_may_mix_files_and_be_empty(tone, tmp_path):
    soundfile.write(tmp_path / "a.wav", tone, 22050)
    both = listen([tmp_path / "a.wav", tone], 22050)
    assert [card.title for card in both.cards] == ["a.wav", "sound"]
    assert "a.wav: 1.0 s" in repr(both) and set(both.flags) == {"a.wav", "sound"}
    assert "No sounds yet" in listen([])._repr_html_()


def test_bad_sounds_are_refused(tone, tmp_path):
    with pytest.raises(ParameterError, match="must end before"):
        listen(tone, 22050, prompt_end_seconds=1.0)
    with pytest.raises(ParameterError, match="sample rate"):
        listen(tone)
    with pytest.raises(ParameterError, match="max_bytes"):
        listen(tone, 22050, max_bytes=10)
    with pytest.raises(AudioError):
        listen(tmp_path / "none.wav")
