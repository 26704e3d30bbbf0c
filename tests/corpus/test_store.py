import pickle
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from mimikit_nb.corpus import Corpus, open_corpus
from mimikit_nb.errors import CorpusError, ParameterError


def test_the_signal_is_mapped_and_read_only(tiny_corpus):
    assert isinstance(tiny_corpus.signal, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        tiny_corpus.signal[0, 0] = 1.0


def test_a_corpus_says_what_it_is(tiny_corpus):
    assert repr(tiny_corpus) == "Corpus('corpus.h5': 0:06 min, 2 files, 1 channel(s) at 22050 Hz)"


def test_a_corpus_can_be_pickled_for_other_processes(tiny_corpus):
    again = pickle.loads(pickle.dumps(tiny_corpus))
    assert len(pickle.dumps(tiny_corpus)) < 1000
    np.testing.assert_array_equal(again.signal, tiny_corpus.signal)


def test_positions_find_their_file(tiny_corpus):
    first, second = tiny_corpus.files
    assert tiny_corpus.file_at(0) == tiny_corpus.file_at(first.stop - 1) == first
    assert tiny_corpus.file_at(first.stop) == tiny_corpus.file_at(second.stop - 1) == second
    for outside in (-1, tiny_corpus.n_samples):
        with pytest.raises(ParameterError, match="outside"):
            tiny_corpus.file_at(outside)


def test_many_processes_read_while_one_writes_a_track(tiny_corpus):
    code = (
        "import sys\n"
        "from mimikit_nb.corpus import open_corpus\n"
        "for _ in range(20):\n"
        "    print(open_corpus(sys.argv[1]).signal[0, ::1000].sum())\n"
    )
    command = [sys.executable, "-c", code, str(tiny_corpus.path)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for i in range(5):
        tiny_corpus.write_labels(f"track_{i}", [0], [10], [i])
    sums = {line for reader in readers for line in reader.communicate()[0].splitlines()}
    assert [reader.returncode for reader in readers] == [0, 0]
    assert sums == {str(tiny_corpus.signal[0, ::1000].sum())}
    assert len(tiny_corpus.tracks) == 5


def test_a_missing_corpus(tmp_path):
    with pytest.raises(CorpusError, match=r"no corpus .*build_corpus"):
        open_corpus(tmp_path / "c.h5")
    with pytest.raises(CorpusError, match="is a folder, not a corpus"):
        open_corpus(tmp_path)


@pytest.mark.parametrize("content", [b"", b"RIFF....WAVE", b"\x89HDF\r\n\x1a\n", bytes(5000)])
def test_a_foreign_file(tmp_path, content):
    (tmp_path / "c.h5").write_bytes(content)
    with pytest.raises(CorpusError, match=r"not a corpus|damaged|truncated"):
        open_corpus(tmp_path / "c.h5")


def test_an_hdf5_file_of_another_program(tmp_path):
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["signal"] = np.zeros((1, 10), np.float32)
    with pytest.raises(CorpusError, match="another program"):
        open_corpus(tmp_path / "c.h5")


@pytest.mark.parametrize("share", [0.01, 0.5, 0.999])
def test_a_truncated_corpus(tiny_corpus: Corpus, share):
    content = tiny_corpus.path.read_bytes()
    cut = tiny_corpus.path.with_name("cut.h5")
    cut.write_bytes(content[: int(share * len(content))])
    with pytest.raises(CorpusError, match=r"truncated.*Copy it again"):
        open_corpus(cut)


def test_a_corpus_of_a_newer_format(tiny_corpus):
    with h5py.File(tiny_corpus.path, "r+") as file:
        file.attrs["format_version"] = 99
    with pytest.raises(CorpusError, match=r"format 99.*Update mimikit_nb"):
        open_corpus(tiny_corpus.path)


@pytest.mark.parametrize("part", ["signal", "files", "report"])
def test_a_corpus_that_lacks_a_part(tiny_corpus, part):
    with h5py.File(tiny_corpus.path, "r+") as file:
        del file[part]
    with pytest.raises(CorpusError, match="damaged"):
        open_corpus(tiny_corpus.path)


def test_a_signal_that_cannot_be_mapped(tiny_corpus):
    with h5py.File(tiny_corpus.path, "r+") as file:
        signal = file["signal"][:]
        del file["signal"]
        file.create_dataset("signal", data=signal, compression="gzip")
    with pytest.raises(CorpusError, match="contiguous"):
        open_corpus(tiny_corpus.path)


def test_a_corpus_may_be_moved(tiny_corpus, tmp_path):
    (tmp_path / "other").mkdir()
    moved = shutil.copy(tiny_corpus.path, tmp_path / "other" / "renamed.h5")
    assert open_corpus(moved).hash == tiny_corpus.hash
