"""Still pictures: made without pyplot, saved without replacing, honest about levels."""

import sys

import numpy as np
import pandas as pd
import pytest

from mimikit_nb.checkpoint.run import Run
from mimikit_nb.errors import ParameterError
from mimikit_nb.widgets.files import free_path
from mimikit_nb.widgets.pictures import corpus_overview, loss_curves, spectrograms, waveform
from mimikit_nb.widgets.player.marks import prompt_entries

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_picture_shows_itself_and_leaves_nothing_open(tone):
    picture = waveform(
        tone, 22050, points=[(0.5, "here")], prompt_end_seconds=0.25, title="a $tone"
    )
    assert picture._repr_png_().startswith(PNG)
    assert "a $tone" in picture.title and "peak -6.0 dBFS" in picture.title
    plt = sys.modules.get("matplotlib.pyplot")
    assert plt is None or not plt.get_fignums()


def test_saving_makes_the_folder_and_never_replaces(tone, tmp_path):
    picture = waveform(tone, 22050, spectrogram=False)
    first = picture.save(tmp_path / "deep" / "tone.png")
    second = picture.save(tmp_path / "deep" / "tone.png")
    assert first.name == "tone.png" and second.name == "tone_002.png"
    assert first.read_bytes().startswith(PNG)


def test_a_place_that_cannot_hold_a_picture_is_an_error(tone, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ParameterError, match=r"a\.png can't be written: .*Choose another folder"):
        waveform(tone, 22050).save(tmp_path / "file" / "a.png")


def test_free_path_takes_the_first_free_number(tmp_path):
    assert free_path(tmp_path / "a.b.png").name == "a.b.png"
    for name in ("a.b.png", "a.b_002.png"):
        (tmp_path / name).touch()
    assert free_path(tmp_path / "a.b.png").name == "a.b_003.png"


def test_prompt_and_continuation_meet_where_the_prompt_ends():
    prompt, new = prompt_entries(1.0, 3.0)
    assert (prompt["start"], prompt["stop"], new["start"], new["stop"]) == (0.0, 1.0, 1.0, 3.0)
    assert prompt_entries(None, 3.0) == []
    with pytest.raises(ParameterError, match="lasts 3 s"):
        prompt_entries(4.0, 3.0)


def test_spectrograms_share_one_scale_of_colours_and_of_time(tone):
    picture = spectrograms({"loud": tone, "soft": tone[:11025] / 100}, 22050, 0.25)
    images = [axis.get_images()[0] for axis in picture.figure.axes]
    assert len({image.get_clim() for image in images}) == 1
    assert images[0].get_array().max() > images[1].get_array().max()
    assert {axis.get_xlim() for axis in picture.figure.axes} == {(0.0, 1.0)}
    with pytest.raises(ParameterError, match="no sounds"):
        spectrograms({}, 22050)


@pytest.mark.parametrize("n_rows", [1, 3, 200])
def test_losses_of_any_length_are_drawn(n_rows):
    steps = np.arange(n_rows) * 10
    table = pd.DataFrame({"step": steps, "loss": 5.0 - steps / 1000})
    table["held_out_loss"] = table.loss.where(table.index % 3 == 0)
    picture = loss_curves({"a": table, "b": table.drop(columns="held_out_loss")})
    both, one = (axis.get_legend().get_texts() for axis in picture.figure.axes)
    assert [text.get_text() for text in both] == ["training", "held out"]
    assert [text.get_text() for text in one] == ["training"]
    assert picture.png().startswith(PNG)


def test_a_run_without_rows_yet_can_be_drawn(tmp_path):
    assert loss_curves(Run(tmp_path)).png().startswith(PNG)


def test_metrics_that_are_none_are_refused():
    with pytest.raises(ParameterError, match="lack loss"):
        loss_curves(pd.DataFrame({"step": [1]}))
    with pytest.raises(ParameterError, match="no metrics"):
        loss_curves({})


def test_the_overview_names_every_file_of_a_corpus(tiny_corpus):
    picture = corpus_overview(tiny_corpus)
    words = {text.get_text() for axis in picture.figure.axes for text in axis.texts}
    assert {"a.wav", "b.wav"} <= words
    assert "2 files" in picture.title and "0:06 min" in picture.title
