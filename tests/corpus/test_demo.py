import numpy as np
import pytest

from mimikit_nb.audio.demo import demo_music
from mimikit_nb.audio.write import write
from mimikit_nb.corpus import build_corpus, demo_corpus
from mimikit_nb.errors import CorpusError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MIMIKIT_NB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_it_is_the_embedded_music_made_once(cache):
    corpus = demo_corpus(8000)
    np.testing.assert_array_equal(corpus.signal[0], demo_music(8000))
    assert corpus.duration_seconds == 40.0
    assert corpus.path.parent == cache
    before = corpus.path.stat().st_mtime_ns
    assert demo_corpus(8000).path.stat().st_mtime_ns == before
    assert len(corpus.report.accepted) == 1
    assert corpus.rights


def test_every_rate_has_its_own(cache):
    assert demo_corpus(8000).hash != demo_corpus(11025).hash


def test_a_damaged_cache_is_made_again(cache):
    path = demo_corpus(8000).path
    path.write_bytes(path.read_bytes()[:1000])
    assert demo_corpus(8000).duration_seconds == 40.0


def test_a_cache_that_cannot_be_written_is_not_needed(as_somebody_else, monkeypatch):
    folder, without_rights = as_somebody_else
    folder.chmod(0o555)
    monkeypatch.setenv("MIMIKIT_NB_CACHE", str(folder / "cache"))
    monkeypatch.setattr("tempfile.tempdir", None)
    with without_rights():
        assert demo_corpus(8000).duration_seconds == 40.0


def test_a_place_of_ones_own(tmp_path, cache):
    corpus = demo_corpus(8000, tmp_path / "mine" / "demo.h5")
    assert corpus.path == tmp_path / "mine" / "demo.h5"
    assert demo_corpus(8000, corpus.path).hash == corpus.hash
    assert not cache.exists()


def test_another_corpus_is_not_overwritten(tmp_path, tone):
    write(tmp_path / "a.wav", tone, 22050)
    other = build_corpus(tmp_path, tmp_path / "other.h5")
    with pytest.raises(CorpusError, match="another corpus"):
        demo_corpus(path=other.path)
    (tmp_path / "text.h5").write_text("mine")
    with pytest.raises(CorpusError, match="not a corpus"):
        demo_corpus(path=tmp_path / "text.h5")
    assert (tmp_path / "text.h5").read_text() == "mine"
