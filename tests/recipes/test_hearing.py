"""What a network hears: its hidden units as features of segments."""

import numpy as np
import pytest

import mimikit_nb as mnb
from mimikit_nb.audio.write import write
from mimikit_nb.errors import ParameterError
from mimikit_nb.recipes import hearing
from tests.analysis.sounds import SR, place

KINDS = ["noise", "low", "high"] * 6
ONSETS = [0.1 + 0.35 * i for i in range(len(KINDS))]
TRAINING = {"max_steps": 8, "batch_size": 4, "preview_every_steps": 0, "device": "cpu"}
NETWORKS = {
    "wavenet": {"residual_channels": 8, "n_layers": 4, "chunk_steps": 512},
    "sample_rnn": {"frame_sizes": (16, 4), "hidden_dim": 16, "chunk_steps": 256},
    "freqnet": {"n_fft": 256, "hop_length": 128, "residual_channels": 8, "n_layers": 2},
}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heard")
    y = place(list(zip(ONSETS, KINDS, strict=True)), 6.6)
    write(folder / "hits.wav", y, SR)
    return mnb.build_corpus(folder / "hits.wav", folder / "c.h5", sample_rate=SR)


@pytest.fixture(scope="module", params=NETWORKS)
def checkpoint(request, corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / request.param
    run = mnb.train(corpus, request.param, folder, **TRAINING, **NETWORKS[request.param])
    return mnb.load_checkpoint(run.folder)


def test_frames_cover_the_recording(checkpoint, corpus):
    track = mnb.learned_features(checkpoint, corpus)
    assert track.values.dtype == np.float16 and np.isfinite(track.values).all()
    assert len(track) * track.hop_length >= corpus.n_samples > (len(track) - 1) * track.hop_length
    assert 0.01 < track.hop_length / SR < 0.03
    again = mnb.learned_features(checkpoint, corpus.signal[0], SR)
    assert np.array_equal(again.values, track.values)


def test_lanes_side_by_side_hear_what_one_after_the_other_hears(checkpoint, corpus, monkeypatch):
    lanes = mnb.learned_features(checkpoint, corpus).values.astype(float)
    monkeypatch.setattr(hearing, "_LANES", 1)
    alone = mnb.learned_features(checkpoint, corpus).values.astype(float)
    error = np.abs(lanes - alone).mean() / alone.std()
    assert error < (0.02 if checkpoint.network().is_recurrent else 2e-3)


def test_segments_are_sorted_by_what_a_network_hears(checkpoint, corpus):
    times = [(start, start + 0.25) for start in ONSETS]
    learned = mnb.learned_features(checkpoint, corpus)
    families = mnb.cluster(corpus, segments=times, n_clusters=3, features=learned)
    if not checkpoint.network().is_recurrent:  # those need more than eight steps to tell them apart
        assert all(len(set(families.labels[i::3].tolist())) == 1 for i in range(3))
    mixed = mnb.cluster(corpus, segments=times, n_clusters=3, features=["mfcc", learned])
    assert mixed.features.shape[1] > families.features.shape[1] == 20


def test_features_can_be_kept_as_a_track(checkpoint, corpus, tmp_path):
    track = mnb.learned_features(checkpoint, corpus)
    corpus.write_feature("heard", track.values, track.hop_length, overwrite=True)
    assert np.array_equal(corpus.tracks["heard"].values, track.values)


def test_a_moment_is_too_short(checkpoint):
    with pytest.raises(ParameterError, match="at least"):
        mnb.learned_features(checkpoint, np.zeros(100, np.float32), SR)


def test_samples_need_a_rate(checkpoint):
    with pytest.raises(ParameterError, match="sr"):
        mnb.learned_features(checkpoint, np.zeros(SR, np.float32))
