"""Ingest speed in times real time, its memory, and how fast a large corpus opens."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.files import blocks
from mimikit_nb.corpus import open_corpus
from tests.audio.encode import by_ffmpeg, by_soundfile

MINUTES = 10
ROUNDS = 5

BUILD = """
import json, re, sys, time
from pathlib import Path
from mimikit_nb.corpus import build_corpus
def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before, start = peak(), time.perf_counter()
build_corpus(sys.argv[1], sys.argv[2], sample_rate=22050)
seconds = time.perf_counter() - start
print(json.dumps([seconds, (peak() - before) / 1024]))
"""

FORMATS = {
    **{"wav": ("WAV", "PCM_24"), "aiff": ("AIFF", "PCM_24"), "w64": ("W64", "PCM_24")},
    **{"flac": ("FLAC", "PCM_24"), "ogg": ("OGG", "VORBIS"), "opus": ("OGG", "OPUS")},
    "mp3": ("MP3", "MPEG_LAYER_III"),
    **{"m4a": "aac", "webm": "libopus", "mka": "flac", "wma": "wmav2", "mov": "pcm_s16le"},
}
"What libsndfile encodes (format, encoding), and FFmpeg (codec)."


def write_minutes(path: Path, minutes: int) -> None:
    """Stereo music at 44.1 kHz (48 kHz where Opus wants it)."""
    kind = FORMATS[path.suffix[1:]]
    rate = 48000 if "OPUS" in kind or kind == "libopus" else 44100
    minute = demo_music(rate, seconds=60.0)
    y = np.stack([minute, minute[::-1]])
    if isinstance(kind, tuple):
        by_soundfile(path, y, rate, *kind, times=minutes)
    else:
        by_ffmpeg(path, y, rate, kind, times=minutes, bit_rate=160_000)


def ingest(path: Path, target: Path) -> tuple[float, float]:
    """Seconds that building a corpus takes in a process of its own, and its megabytes."""
    command = [sys.executable, "-c", BUILD, str(path), str(target)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, megabytes = json.loads(printed)
    return seconds, megabytes


@pytest.mark.benchmark
@pytest.mark.parametrize("extension", FORMATS)
def test_ingest(tmp_path, extension, capsys):
    path = tmp_path / f"long.{extension}"
    write_minutes(path, MINUTES)
    seconds, megabytes = ingest(path, tmp_path / "c.h5")
    start = time.perf_counter()
    corpus = open_corpus(tmp_path / "c.h5")
    opened = time.perf_counter() - start
    assert corpus.duration_seconds == pytest.approx(60 * MINUTES, rel=0.01)
    with capsys.disabled():
        print(
            f"\n{extension}: {60 * MINUTES / seconds:.0f} x real time (to 22.05 kHz, stereo), "
            f"{megabytes:.0f} MB above the interpreter's own; opens in {1000 * opened:.0f} ms"
        )


@pytest.mark.benchmark
@pytest.mark.parametrize("extension", [name for name, kind in FORMATS.items() if kind[0].isupper()])
def test_decoding_beside_libsndfile_alone(tmp_path, extension, capsys):
    """What looking for joined, cut and miscounted files costs, as a ratio of decoding alone."""
    path = tmp_path / f"long.{extension}"
    write_minutes(path, MINUTES)
    ways = {"here": _read_here, "libsndfile alone": _read_by_libsndfile}
    best = dict.fromkeys(ways, np.inf)
    for _ in range(ROUNDS):
        for name, read in ways.items():
            best[name] = min(best[name], _seconds(read, path))
    speeds = {name: 60 * MINUTES / seconds for name, seconds in best.items()}
    with capsys.disabled():
        said = ", ".join(f"{name} {speed:.0f} x real time" for name, speed in speeds.items())
        print(f"\n{extension}: {said}; {best['here'] / best['libsndfile alone']:.3f} of its time")


@pytest.mark.benchmark
def test_an_hour_of_m4a_takes_no_more_memory_than_ten_minutes(tmp_path, capsys):
    used = {}
    for minutes in (10, 60):
        write_minutes(tmp_path / f"{minutes}.m4a", minutes)
        used[minutes] = ingest(tmp_path / f"{minutes}.m4a", tmp_path / f"{minutes}.h5")
    with capsys.disabled():
        for minutes, (seconds, megabytes) in used.items():
            print(f"\n{minutes} min of m4a: {seconds:.1f} s, {megabytes:.0f} MB", end="")
        print()
    assert used[60][1] < used[10][1] + 50


def _read_here(path: Path) -> int:
    return sum(y.shape[1] for y in blocks(path))


def _read_by_libsndfile(path: Path) -> int:
    n_samples = 0
    with sf.SoundFile(path) as sound:
        while len(y := sound.read(2**16, dtype="float32", always_2d=True)):
            n_samples += len(np.ascontiguousarray(y.T))
    return n_samples


def _seconds(read: Callable[[Path], int], path: Path) -> float:
    start = time.process_time()  # others may be at work on this machine
    assert read(path) > 0
    return time.process_time() - start
