"""Ingest speed in times real time, its memory, and how fast a large corpus opens."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.write import SoundWriter
from mimikit_nb.corpus import open_corpus

MINUTES = 10

BUILD = """
import json, resource, sys, time
from mimikit_nb.corpus import build_corpus
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.perf_counter()
build_corpus(sys.argv[1], sys.argv[2], sample_rate=22050)
seconds = time.perf_counter() - start
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([seconds, (after - before) / 1024]))
"""


@pytest.mark.benchmark
@pytest.mark.parametrize("extension", [".wav", ".flac", ".mp3"])
def test_ingest(tmp_path, extension, capsys):
    minute = demo_music(44100, seconds=60.0)
    (tmp_path / "sounds").mkdir()
    with SoundWriter(tmp_path / "sounds" / f"long{extension}", 44100, 2) as writer:
        for _ in range(MINUTES):
            writer.write(np.stack([minute, minute[::-1]]))
    command = [sys.executable, "-c", BUILD, str(tmp_path / "sounds"), str(tmp_path / "c.h5")]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, megabytes = json.loads(printed)
    start = time.perf_counter()
    corpus = open_corpus(tmp_path / "c.h5")
    opened = time.perf_counter() - start
    assert corpus.duration_seconds == pytest.approx(60 * MINUTES, rel=0.01)
    with capsys.disabled():
        print(
            f"\n{extension}: {60 * MINUTES / seconds:.0f} x real time (44.1 to 22.05 kHz, stereo), "
            f"{megabytes:.0f} MB above the interpreter's own; opens in {1000 * opened:.0f} ms"
        )
