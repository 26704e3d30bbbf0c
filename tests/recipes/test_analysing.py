"""Segments and clusters by their public names."""

import inspect

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.audio.write import write
from mimikit_nb.errors import ParameterError
from mimikit_nb.progress import Progress, Stopped
from tests.analysis.sounds import SR, in_sections, place

ONSETS = [0.2, 0.71, 1.3, 1.62, 2.4, 3.05]


@pytest.fixture(scope="module")
def hits() -> np.ndarray:
    return place(list(zip(ONSETS, ["noise", "low", "high"] * 2, strict=True)), 3.6)


def test_events_sections_and_seconds(hits):
    found = mnb.segment(hits, SR)
    np.testing.assert_allclose(found.onsets_seconds, ONSETS, atol=0.01)
    assert len(found.labels) == len(found.segments) == len(ONSETS)
    assert np.asarray(found.novelty).ndim == 1 and len(found.novelty) > 100
    form = in_sections(["low", "noise", "high"])
    sections = mnb.segment(form, SR, level="sections", n_segments=3)
    np.testing.assert_allclose(sections.boundaries_seconds, [4, 8], atol=0.3)
    assert 4 <= len(mnb.segment(form, SR, level=2.0)) <= 7


def test_clusters_of_segments_of_times_and_of_nothing(hits):
    found = mnb.segment(hits, SR)
    families = mnb.cluster(hits, SR, segments=found, n_clusters=3)
    labels = np.asarray(families.labels)
    assert labels.shape == (6,) and len(set(labels.tolist())) == 3
    assert labels[:3].tolist() == labels[3:].tolist()
    times = [(start, start + 0.25) for start in ONSETS]
    assert len(mnb.cluster(hits, SR, times, 3, method="agglomerative").labels) == 6
    assert len(mnb.cluster(hits, SR).labels) == 6


@pytest.mark.parametrize("features", ["latent", ["latent"], {"latent": 1.0, "envelope": 0.2}])
def test_latent_frames_are_compared_by_name(hits, features):
    segments = mnb.segment(hits, SR)
    families = mnb.cluster(hits, SR, segments=segments, n_clusters=3, features=features)
    labels = np.asarray(families.labels).tolist()
    assert len(set(labels)) == 3 and labels[:3] == labels[3:]


def test_silence_has_no_latent_frames():
    with pytest.raises(ParameterError, match="no sound to fit latent frames to"):
        mnb.cluster(np.zeros(SR), SR, [(0.0, 0.2), (0.3, 0.5)], 2, features=["latent"])


def test_files_and_corpora_are_taken_as_they_are(hits, tmp_path):
    (tmp_path / "takes").mkdir()
    write(tmp_path / "takes" / "a.wav", hits, SR)
    write(tmp_path / "takes" / "b.wav", hits, SR)
    alone = mnb.segment(tmp_path / "takes" / "a.wav")
    np.testing.assert_allclose(alone.onsets_seconds, ONSETS, atol=0.01)
    corpus = mnb.build_corpus(tmp_path / "takes", tmp_path / "c.h5", sample_rate=SR)
    found = mnb.segment(corpus)
    assert len(found) == 2 * len(ONSETS)
    assert corpus.files[1].start in mnb.segment(corpus, level="sections").starts
    families = mnb.cluster(corpus, segments=found, n_clusters=3)
    mnb.write_track(families, corpus, "clusters")
    assert mnb.read_track(corpus, "clusters").labels == families.named_labels


def test_progress_grows_and_can_end_the_analysis(hits):
    shares: list[float] = []
    mnb.segment(hits, SR, level="sections", progress=lambda now: shares.append(now.share))
    assert shares == sorted(shares) and 0 < shares[0] and shares[-1] == 1.0

    def stop(progress: Progress) -> None:
        if progress.share > 0.3:
            progress.cancel()

    with pytest.raises(Stopped):
        mnb.segment(hits, SR, progress=stop)
    with pytest.raises(Stopped):
        mnb.cluster(hits, SR, progress=stop)


def test_samples_need_a_rate(hits):
    with pytest.raises(ParameterError, match="sr"):
        mnb.segment(hits)


def test_the_signatures_begin_as_they_are_documented():
    first = list(inspect.signature(mnb.segment).parameters)[:5]
    assert first == ["y", "sr", "level", "n_segments", "threshold"]
    first = list(inspect.signature(mnb.cluster).parameters)[:5]
    assert first == ["y", "sr", "segments", "n_clusters", "method"]
