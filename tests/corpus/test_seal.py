"""The checksum behind a corpus: damage is found before HDF5 reads it."""

import shutil

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mimikit_nb.corpus import open_corpus
from mimikit_nb.corpus.layout import read_header
from mimikit_nb.corpus.seal import is_damaged, unseal
from mimikit_nb.errors import CorpusError


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 2**40), length=st.integers(1, 64), byte=st.integers(0, 255))
def test_changed_bytes_outside_the_signal_are_found(tiny_corpus, tmp_path, place, length, byte):
    whole = bytearray(tiny_corpus.path.read_bytes())
    _, start = read_header(tiny_corpus.path)
    outside = [*range(start), *range(start + tiny_corpus.signal.nbytes, len(whole))]
    changed = whole.copy()
    for position in outside[place % len(outside) :][:length]:
        changed[position] = byte
    path = tmp_path / "changed.h5"
    path.write_bytes(changed)
    if changed == whole:
        assert open_corpus(path).hash == tiny_corpus.hash
        return
    n_seal = 36  # where the checksum itself lies, anything else is a corpus without one
    if changed[:-n_seal] == whole[:-n_seal] and changed[-n_seal:][:8] != whole[-n_seal:][:8]:
        return
    with pytest.raises(CorpusError):
        open_corpus(path)


def test_the_signal_is_not_summed_up_and_tracks_are(tiny_corpus):
    tiny_corpus.write_labels("a", [0], [10], ["x"])
    tiny_corpus.write_feature("f", np.arange(5.0), 100)
    tiny_corpus.remove_track("a")
    assert not is_damaged(tiny_corpus.path)
    _, start = read_header(tiny_corpus.path)
    with open(tiny_corpus.path, "rb+") as file:
        file.seek(start)
        file.write(b"\1\2\3\4")
    assert not is_damaged(tiny_corpus.path) and list(tiny_corpus.tracks) == ["f"]


def test_corpora_without_a_checksum_and_those_that_others_changed_are_read(tiny_corpus, tmp_path):
    path = tmp_path / "old.h5"
    shutil.copy(tiny_corpus.path, path)
    unseal(path)
    assert path.stat().st_size < tiny_corpus.path.stat().st_size
    assert open_corpus(path).hash == tiny_corpus.hash
    shutil.copy(tiny_corpus.path, path)
    with h5py.File(path, "r+") as file:  # as another program would
        file.attrs["note"] = "x" * 1000
    assert open_corpus(path).hash == tiny_corpus.hash
    open_corpus(path).write_labels("a", [0], [10], ["x"])
    assert list(open_corpus(path).tracks) == ["a"] and not is_damaged(path)
