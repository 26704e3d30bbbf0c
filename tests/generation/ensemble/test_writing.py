"""Pieces written while they are played: whole at any instant, stems as long as the mix."""

import itertools

import numpy as np
import pytest
import soundfile

import mimikit_nb as mnb
from mimikit_nb.generation.ensemble.score import Score

RATE = 8000


def tone(prompt, sample_rate, n_samples, rng):
    return 0.3 * np.sin(2 * np.pi * 300 * np.arange(n_samples) / sample_rate)


def hiss(prompt, sample_rate, n_samples, rng):
    return 0.05 * rng.standard_normal(n_samples)


def test_what_is_written_is_what_would_be_in_memory(tmp_path):
    score = [{"generator": g, "seconds": 0.4} for g in (tone, hiss, tone)]
    made = mnb.ensemble(score, seconds=1.0, sample_rate=RATE, stems=True)
    out = mnb.ensemble(score, seconds=1.0, sample_rate=RATE, stems=True, out=tmp_path / "a")
    assert [p.suffix for p in out.paths] == [".wav", ".yaml", ".txt", ".csv", ".wav", ".wav"]
    y, rate = soundfile.read(out.paths[0], always_2d=True)
    assert (rate, out.seconds) == (RATE, 1.0) and out.turns == made.turns
    np.testing.assert_allclose(y.T, made.audio, atol=2**-22)
    for path, stem in zip(out.paths[4:], made.stems.values(), strict=True):
        np.testing.assert_allclose(soundfile.read(path, always_2d=True)[0].T, stem, atol=2**-22)
    assert mnb.read_recall(out.paths[0])["seconds"] == 1.0
    assert out.paths[2].read_text().count("\n") == 3 == out.paths[3].read_text().count("\n") - 1
    assert mnb.ensemble(score, seconds=0.2, sample_rate=RATE, out=tmp_path / "a").paths[0].name == (
        "ensemble_002.wav"
    )


@pytest.mark.parametrize("way", ["interrupt", "stop"])
def test_an_endless_score_is_written_until_it_is_told_to_end(way, tmp_path):
    def interrupt(progress):
        heard.append(soundfile.info(tmp_path / "ensemble_001.wav").duration)  # whole at any time
        labels.append((tmp_path / "ensemble_001.txt").read_text().count("\n"))
        if progress.done > 3:
            progress.cancel()
            if way == "interrupt":
                raise KeyboardInterrupt

    heard, labels = [], []
    score = [{"repeat": [{"generator": tone, "seconds": 0.3}, {"generator": hiss, "seconds": 0.2}]}]
    out = mnb.ensemble(score, sample_rate=RATE, out=tmp_path, progress=interrupt)
    assert out.seconds == heard[-1] > 3 and heard == sorted(heard)
    assert labels[-1] >= 10 and out.turns[-1].stop == out.seconds
    assert Score(out.paths[1]).is_endless


def test_a_failure_leaves_what_was_written(tmp_path):
    def stop(progress):
        if progress.done > 0.5:
            raise RuntimeError("enough")

    events = ({"generator": tone, "seconds": 0.3} for _ in itertools.count())
    with pytest.raises(RuntimeError, match="enough"):
        mnb.ensemble(events, sample_rate=RATE, out=tmp_path, progress=stop)
    assert soundfile.info(tmp_path / "ensemble_001.wav").duration > 0.5
    assert (tmp_path / "ensemble_001.csv").read_text().count("\n") >= 2
