"""What happens to a corpus when the power fails, the disk is full, or there is no permission."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mimikit_nb.audio.write import SoundWriter, write
from mimikit_nb.corpus import add_files, build_corpus, open_corpus
from mimikit_nb.errors import CorpusError

# Builds, lengthens and labels a corpus again and again, and says where it is.
BUSY = """
import sys, itertools
from mimikit_nb.corpus import add_files, build_corpus
a, b, path = sys.argv[1:]
say = lambda *what: print(*what, flush=True)
for i in itertools.count():
    corpus = build_corpus(a, path, overwrite=True, progress=say)
    corpus.write_labels("first", [0], [10], ["x"])
    say("labelled")
    add_files(path, b, progress=say)
    say("added")
"""


def _kill_while_busy(folder: Path, path: Path, n_lines: int) -> None:
    command = [sys.executable, "-c", BUSY, str(folder / "a.wav"), str(folder / "b.wav"), str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(n_lines):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)


def _check_killed(tmp_path: Path, music: np.ndarray, n_kills: int, seed: int) -> None:
    write(tmp_path / "a.wav", music[:66150], 22050, "FLOAT")
    write(tmp_path / "b.wav", music[66150:], 22050, "FLOAT")
    path = tmp_path / "out" / "c.h5"
    build_corpus(tmp_path / "a.wav", path)
    rng = random.Random(seed)
    for _ in range(n_kills):
        _kill_while_busy(tmp_path, path, rng.randrange(1, 40))
        corpus = open_corpus(path)
        assert len(corpus.files) in (1, 2)
        np.testing.assert_array_equal(corpus.signal[0], music[: corpus.n_samples])
        assert all(list(track.label) == ["x"] for track in corpus.tracks.values())
    build_corpus(tmp_path / "a.wav", path, overwrite=True)
    assert os.listdir(path.parent) == ["c.h5"]  # nothing is left of those that were killed


def test_a_killed_build_leaves_the_old_corpus_or_the_new_one(tmp_path, music):
    _check_killed(tmp_path, music, n_kills=2, seed=0)


@pytest.mark.long
def test_twenty_killed_builds_leave_the_old_corpus_or_the_new_one(tmp_path, music):
    _check_killed(tmp_path, music, n_kills=20, seed=1)


FULL = """
import os
import numpy as np
from mimikit_nb.audio import write
from mimikit_nb.corpus import add_files, build_corpus, open_corpus
from mimikit_nb.errors import CorpusError
noise = np.random.default_rng(0).uniform(-0.5, 0.5, 22050)
write("a.wav", noise[:6000], 22050, "PCM_16")
corpus = build_corpus("a.wav", "c.h5")
write("b.wav", np.tile(noise, 9), 22050, "PCM_16")
before = open("c.h5", "rb").read()
for work in (
    lambda: add_files("c.h5", "b.wav"),
    lambda: build_corpus("b.wav", "d.h5"),
    lambda: build_corpus("b.wav", "c.h5", overwrite=True),
    lambda: corpus.write_feature("f", np.zeros(300_000), 1),
):
    try:
        work()
    except CorpusError as error:
        print(error)
assert open("c.h5", "rb").read() == before
print(sorted(os.listdir()), open_corpus("c.h5").n_samples)
"""


def test_a_full_disk_is_an_error_and_nothing_is_lost(on_full_disk):
    done = on_full_disk(FULL)
    lines = done.stdout.splitlines()
    assert len(lines) == 5, done.stdout + done.stderr
    assert all("can't be written" in line and "No space left" in line for line in lines[:4])
    assert lines[4] == "['a.wav', 'b.wav', 'c.h5'] 6000"


def test_a_read_only_folder_is_an_error_and_nothing_is_lost(as_somebody_else, tone):
    folder, without_rights = as_somebody_else
    write(folder / "a.wav", tone, 22050)
    write(folder / "b.wav", 0.5 * tone, 22050)
    corpus = build_corpus(folder / "a.wav", folder / "c.h5")
    folder.chmod(0o555)
    with without_rights():
        assert open_corpus(corpus.path).hash == corpus.hash
        with pytest.raises(CorpusError, match=r"can't be written to: Permission denied"):
            build_corpus(folder / "a.wav", folder / "d.h5")
        with pytest.raises(CorpusError, match="can't be written"):
            build_corpus(folder / "a.wav", folder / "new" / "d.h5")
        with pytest.raises(CorpusError, match="can't be written"):
            add_files(corpus.path, folder / "b.wav")
        with pytest.raises(CorpusError, match="can't be written"):
            corpus.write_labels("a", [0], [1], [0])
    assert open_corpus(corpus.path).hash == corpus.hash


def test_an_unreadable_file_is_refused_and_the_rest_is_built(as_somebody_else, tone):
    folder, without_rights = as_somebody_else
    folder.chmod(0o777)
    write(folder / "a.wav", tone, 22050)
    write(folder / "locked.wav", tone, 22050).chmod(0)
    with without_rights():
        corpus = build_corpus(folder, folder / "c.h5")
    assert "permission" in corpus.report.refused[0].reason


HOUR = """
import resource, sys, time
from mimikit_nb.corpus import build_corpus, open_corpus
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
corpus = build_corpus(sys.argv[1], sys.argv[2])
start = time.perf_counter()
open_corpus(sys.argv[2])
print(corpus.duration_seconds, peak() - before, time.perf_counter() - start)
"""


@pytest.mark.long
def test_an_hour_of_stereo_is_built_in_bounded_memory_and_opens_at_once(tmp_path, music):
    stereo = np.stack([music, music[::-1]])
    with SoundWriter(tmp_path / "hour.flac", 44100, 2, "PCM_16") as writer:
        for _ in range(1200):
            writer.write(stereo)
    command = [sys.executable, "-c", HOUR, str(tmp_path / "hour.flac"), str(tmp_path / "c.h5")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, megabytes, opening = map(float, done.stdout.split())
    assert seconds == pytest.approx(3600, abs=1)
    assert megabytes < 500
    assert opening < 1
