"""Sound that was made is the same thing in memory and in files, of networks and of scores."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.audio.files import load
from mimikit_nb.generation.made import MadeSound
from mimikit_nb.generation.record import open_sink, record, reopened
from mimikit_nb.generation.sound import generate
from tests.generation.test_stream import RATE, make_network, make_stream

Make = Callable[[Path | None], MadeSound]
STEP = 2**-22  # of files with 24 bits


def tone(prompt, sample_rate, n_samples, rng):
    return 0.3 * np.sin(2 * np.pi * 300 * np.arange(n_samples) / sample_rate)


def by_network(out: Path | None) -> MadeSound:
    stream = make_stream(make_network("samples"))
    return generate(stream, 0.3) if out is None else record(stream, open_sink(out, stream), 0.3)


def by_score(out: Path | None) -> MadeSound:
    score = [{"generator": tone, "seconds": 0.4}, {"generator": "silence", "seconds": 0.2}]
    return mnb.ensemble(score, sample_rate=RATE, stems=True, out=out)


@pytest.fixture(params=[by_network, by_score])
def make(request: pytest.FixtureRequest) -> Make:
    return request.param


def test_it_is_the_same_in_memory_and_in_files(make: Make, tmp_path: Path) -> None:
    here, there = make(None), make(tmp_path)
    assert not here.is_stored and there.is_stored
    assert not here.paths and all(path.parent == tmp_path for path in there.paths)
    assert (here.sample_rate, here.seconds) == (there.sample_rate, there.seconds) and here.seconds
    np.testing.assert_allclose(there.audio, here.audio, atol=STEP)


@pytest.mark.parametrize("is_stored", [False, True])
def test_it_is_saved_wherever_it_is_and_says_where(
    make: Make, is_stored: bool, tmp_path: Path
) -> None:
    made = make(tmp_path / "first" if is_stored else None)
    before = made.audio
    paths = made.save(tmp_path / "kept", "mine")
    assert paths == made.paths and {path.parent for path in paths} == {tmp_path / "kept"}
    assert paths[0].name == "mine_001.wav"
    assert "seed" in mnb.read_recall(paths[0])
    first = before.reshape(-1, *before.shape[-2:])[0]
    np.testing.assert_allclose(load(paths[0], None), first, atol=STEP)
    assert made.save(tmp_path / "kept")[0].name in ("sound_001.wav", "ensemble_001.wav")
    np.testing.assert_allclose(made.audio, before, atol=STEP)


def test_sounds_of_a_network_are_found_again_in_their_files(tmp_path: Path) -> None:
    made = by_network(tmp_path)
    again = reopened(*made.paths)
    assert again.recall[1]["seed"] == made.recall[1]["seed"] == 2
    assert again.seconds == made.seconds and again.prompt_end_seconds == made.prompt_end_seconds
    np.testing.assert_array_equal(again.continuation, made.continuation)
    facts = [[state.facts["n_samples"] for state in sound.states] for sound in (made, again)]
    assert facts[0] == facts[1] == 2 * [made.audio.shape[-1]]


def test_sounds_in_a_bank_are_sounds_like_others(tmp_path: Path) -> None:
    here, there = by_network(None), by_network(tmp_path / "a.h5")
    np.testing.assert_allclose(there.audio, here.audio, atol=STEP)
    paths = there.save(tmp_path)
    assert [path.name for path in paths] == ["sound_001.wav", "sound_002.wav"]
    np.testing.assert_allclose(reopened(*paths).audio, here.audio, atol=STEP)
