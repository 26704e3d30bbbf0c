"""Output banks: several growing sounds in one file."""

import numpy as np
import pytest

from mimikit_nb.corpus.bank import OutputBank, bank_sounds, read_bank
from mimikit_nb.errors import CorpusError


def noise(n: int) -> np.ndarray:
    return np.random.default_rng(n).uniform(-1, 1, (2, 1, n)).astype(np.float32)


def test_sounds_grow_and_can_be_read_meanwhile(tmp_path):
    path, y = tmp_path / "bank.h5", noise(3000)
    bank = OutputBank(path, 1000, 1, [{"seed": 1}, {"seed": 2}])
    assert bank.names == ["sound_001", "sound_002"]
    for start in range(0, 3000, 700):
        bank.append(y[..., start : start + 700])
        bank.sync()
        np.testing.assert_array_equal(read_bank(path, "sound_002")[0], y[1, :, : start + 700])
    bank.close()
    assert bank_sounds(path) == {"sound_001": {"seed": 1}, "sound_002": {"seed": 2}}


def test_later_sounds_stand_beside_earlier_ones_and_earlier_ones_go_on(tmp_path):
    path, y = tmp_path / "bank.h5", noise(100)
    for _ in range(2):
        bank = OutputBank(path, 1000, 1, [{}, {}])
        bank.append(y)
        bank.close()
    assert list(bank_sounds(path)) == [f"sound_{i:03d}" for i in (1, 2, 3, 4)]
    bank = OutputBank(path, 1000, 1, names=["sound_003", "sound_001"], n_samples=60)
    bank.append(y[..., 60:])
    bank.close()
    found = [read_bank(path, f"sound_{i:03d}")[0] for i in (1, 2, 3)]
    np.testing.assert_array_equal(found[2][:, :60], y[0, :, :60])
    np.testing.assert_array_equal(found[2][:, 60:], y[0, :, 60:])
    np.testing.assert_array_equal(found[1], y[1])
    assert found[0].shape == (1, 100)


def test_other_files_are_left_alone(tmp_path, tiny_corpus):
    before = tiny_corpus.path.read_bytes()
    with pytest.raises(CorpusError, match="no output bank"):
        OutputBank(tiny_corpus.path, 1000, 1, [{}])
    assert tiny_corpus.path.read_bytes() == before
    (tmp_path / "text.h5").write_text("text")
    with pytest.raises(CorpusError, match=r"text\.h5"):
        OutputBank(tmp_path / "text.h5", 1000, 1, [{}])
    with pytest.raises(CorpusError):
        bank_sounds(tmp_path / "nothing.h5")
