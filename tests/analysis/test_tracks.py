from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mimikit_nb.analysis import Segmentation, cluster, read_track, segment, write_track
from mimikit_nb.audio.write import write
from mimikit_nb.corpus.build import build_corpus
from mimikit_nb.corpus.store import Corpus
from mimikit_nb.errors import CorpusError, ParameterError

from .sounds import SR, in_sections


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """Two recordings: low hits, noise."""
    (tmp_path / "takes").mkdir()
    for name, kind in (("a", "low"), ("b", "noise")):
        write(tmp_path / "takes" / f"{name}.wav", in_sections([kind], 2.0), SR)
    return build_corpus(tmp_path / "takes", tmp_path / "corpus.h5")


def segments_of(corpus: Corpus) -> Segmentation:
    return segment(corpus.signal, SR, borders=[file.start for file in corpus.files[1:]])


def test_what_is_written_is_read_back(corpus: Corpus) -> None:
    found = segments_of(corpus)
    assert write_track(found, corpus, "events") == "events"
    again = read_track(corpus, "events")
    assert np.array_equal(again.starts, found.starts) and again.labels == found.labels


def test_clusters_are_kept_by_their_names(corpus: Corpus) -> None:
    families = cluster(corpus.signal, SR, segments_of(corpus), 2).rename({0: "one", 1: "two"})
    write_track(families, corpus, "clusters")
    assert set(read_track(corpus, "clusters").labels) == {"one", "two"}


def test_no_event_goes_across_two_recordings(corpus: Corpus) -> None:
    border = corpus.files[1].start
    found = segments_of(corpus)
    assert not ((found.starts < border) & (found.stops > border)).any()


def test_stretches_are_cut_where_a_recording_ends(corpus: Corpus) -> None:
    border = corpus.files[1].start
    found = Segmentation(
        SR, corpus.n_samples, np.array([0, border - 10]), np.array([100, border + 10]), ("x", "y")
    )
    write_track(found, corpus, "hand")
    track = corpus.tracks["hand"]
    assert track.start.tolist() == [0, border - 10, border]
    assert track.stop.tolist() == [100, border, border + 10]
    assert track.label.tolist() == ["x", "y", "y"]


def test_a_track_is_not_replaced_by_chance(corpus: Corpus) -> None:
    found = segments_of(corpus)
    write_track(found, corpus, "events")
    other = found.with_labels(["x"] * len(found))
    with pytest.raises(CorpusError, match="overwrite"):
        write_track(other, corpus, "events")
    write_track(other, corpus, "events", overwrite=True)
    assert set(read_track(corpus, "events").labels) == {"x"}


def test_the_next_free_name_is_taken_unless_the_same_is_there(corpus: Corpus) -> None:
    found = segments_of(corpus)
    other = found.with_labels(["x"] * len(found))
    names = [write_track(f, corpus, "e", numbered=True) for f in (found, found, other, other)]
    assert names == ["e", "e", "e_002", "e_002"]


def test_segments_of_another_sound_are_refused(corpus: Corpus, hits: np.ndarray) -> None:
    with pytest.raises(ParameterError, match="belong to"):
        write_track(segment(hits, SR), corpus, "events")


def test_values_are_no_segments(corpus: Corpus) -> None:
    corpus.write_feature("loudness", np.zeros(10, np.float32), 256)
    with pytest.raises(CorpusError, match="values"):
        read_track(corpus, "loudness")
