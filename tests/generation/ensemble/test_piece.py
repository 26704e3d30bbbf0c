"""Pieces: exact, reproducible, without clicks, whatever takes turns."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import yaml

import mimikit_nb as mnb
from mimikit_nb.audio.meters import measure
from mimikit_nb.engine.stages import EagerExecutor
from mimikit_nb.errors import ConfigError, ParameterError
from mimikit_nb.generation.ensemble import blend, checkpoints
from tests.generation.ensemble.networks import make_checkpoint, make_run

SCORES = Path(__file__).parents[3] / "notebooks" / "scores"


def sine(prompt, sample_rate, n_samples, rng, frequency=330.0, level=0.2):
    start = rng.uniform(0, 2 * np.pi)
    return level * np.sin(start + 2 * np.pi * frequency * np.arange(n_samples) / sample_rate)


def soft(prompt, sample_rate, n_samples, rng):
    return sine(prompt, sample_rate, n_samples, rng, 500.0, 0.02)


@pytest.fixture(autouse=True)
def _plain_steps(request, monkeypatch):
    """Tiny networks take longer to compile than to run."""
    if "compiled" not in request.node.name:
        for module in (blend, checkpoints):
            monkeypatch.setattr(module, "compile_stages", lambda stages, _: EagerExecutor(stages))


@pytest.fixture(scope="module")
def networks():
    return {kind: make_checkpoint(kind) for kind in ("sample_rnn", "wavenet", "freqnet")}


def dialogue(networks):
    return [
        {"generator": networks["sample_rnn"], "seconds": [0.05, 0.1], "prompt_seconds": 0.2},
        {"generator": networks["freqnet"], "seconds": 0.1, "prompt_seconds": 0.2},
        {"generator": {"region": [1.0, 2.0]}, "seconds": 0.25},
        {"generator": sine, "seconds": 0.2},
    ]


def test_same_seed_same_piece_another_seed_another_piece(networks, tiny_corpus):
    score = dialogue(networks)
    a, b, c = (mnb.ensemble(score, tiny_corpus, seconds=0.5432, seed=s) for s in (1, 1, 2))
    assert a.sample_rate == 22050
    assert a.audio.shape == (1, round(0.5432 * 22050)) and a.audio.dtype == np.float32
    assert np.isfinite(a.audio).all()
    np.testing.assert_array_equal(a.audio, b.audio)
    assert not np.array_equal(a.audio, c.audio)
    assert (
        a.turns[0].stop == a.turns[1].start and round(a.turns[-1].stop * 22050) == a.audio.shape[1]
    )


def test_what_comes_before_a_changed_turn_stays(networks, tiny_corpus):
    score = dialogue(networks)
    changed = [*score[:2], {**score[2], "generator": {"region": [3.0, 4.0]}}, score[3]]
    a, b = mnb.ensemble(score, tiny_corpus), mnb.ensemble(changed, tiny_corpus)
    n = round(a.turns[2].start * a.sample_rate)
    np.testing.assert_array_equal(a.audio[:, :n], b.audio[:, :n])
    assert not np.array_equal(a.audio[:, n : n + 2000], b.audio[:, n : n + 2000])


def test_turns_that_overrun_are_shortened_and_short_lists_are_repeated():
    long = mnb.ensemble([{"generator": sine, "seconds": 9}], seconds=0.5, sample_rate=8000)
    assert long.audio.shape == (1, 4000) and np.abs(long.audio[:, -200:]).max() > 0.1
    again = mnb.ensemble([{"generator": sine, "seconds": 0.2}], seconds=0.5, sample_rate=8000)
    assert [round(t.stop, 3) for t in again.turns] == [0.2, 0.4, 0.5]


@pytest.mark.parametrize("shape", ["aligned", "equal_power"])
def test_seams_make_no_jumps_larger_than_the_material(shape):
    score = [{"generator": sine, "seconds": [0.2, 0.3], "crossfade": shape}]
    out = mnb.ensemble(score, seconds=4, sample_rate=8000)
    largest = 0.2 * 2 * np.pi * 330 / 8000
    assert np.abs(np.diff(out.audio)).max() < largest * (1.02 if shape == "aligned" else 1.5)


def test_aligned_tones_keep_their_level_through_the_seam():
    score = [{"generator": sine, "seconds": 0.25, "crossfade_seconds": 0.1}]
    out = mnb.ensemble(score, seconds=3, sample_rate=8000).audio[0, 1000:-1000]
    rms = np.sqrt(np.convolve(out**2, np.ones(400) / 400, "valid"))
    assert 20 * np.log10(rms.max() / rms.min()) < 1.0


def test_matched_turns_are_equally_loud():
    score = [
        {"generator": sine, "seconds": 1.0},
        {"generator": soft, "seconds": 1.0, "level": "match", "crossfade_seconds": 0.02},
    ]
    out = mnb.ensemble(score, sample_rate=8000)
    a, b = (measure(out.audio[:, i * 8000 : (i + 1) * 8000], 8000).lufs for i in (0, 1))
    assert abs(a - b) < 1.0
    plain = mnb.ensemble([score[0], {**score[1], "level": "as_is"}], sample_rate=8000)
    assert measure(plain.audio[:, 8400:], 8000).lufs < a - 10


def test_gain_fades_and_silence():
    score = [
        {"generator": sine, "seconds": 0.5, "gain_db": -20, "fade_in_seconds": 0.2},
        {"generator": "silence", "seconds": 0.5},
    ]
    y = mnb.ensemble(score, sample_rate=8000).audio[0]
    assert abs(np.abs(y[2000:4000]).max() - 0.02) < 1e-3
    assert np.abs(y[:160]).max() < 0.005 and np.abs(y[4600:]).max() == 0


def test_rates_and_channels_may_differ(tiny_corpus):
    slow = make_checkpoint("sample_rnn", 8000)
    score = [{"generator": slow, "seconds": 0.2}, {"generator": {"region": [0.0]}, "seconds": 0.2}]
    out = mnb.ensemble(score, tiny_corpus, sample_rate=16000, n_channels=2)
    assert out.audio.shape == (2, 6400) and out.sample_rate == 16000


def test_resampling_adds_no_delay(tiny_corpus):
    position = 1.0
    score = [{"generator": {"region": [position]}, "seconds": 0.5}]
    out = mnb.ensemble(score, tiny_corpus, sample_rate=44100).audio[0, 4000:-4000:2]
    first = round(position * 22050) + 2000
    wanted = tiny_corpus.signal[0, first : first + len(out)]
    error = np.sqrt(np.mean((out - wanted) ** 2) / np.mean(wanted**2))
    assert error < 0.02


def test_the_prompt_is_what_sounded_last():
    heard = []

    def listen(prompt, sample_rate, n_samples, rng):
        heard.append(prompt.copy())
        return np.zeros(n_samples)

    score = [{"generator": sine, "seconds": 0.5}, {"generator": listen, "prompt_seconds": 0.3}]
    out = mnb.ensemble(score, seconds=0.8, sample_rate=8000)
    np.testing.assert_array_equal(heard[0], out.audio[:, 1600:4000])


def test_a_prompt_may_come_from_the_corpus_and_be_noisy(tiny_corpus):
    heard = []

    def listen(prompt, sample_rate, n_samples, rng):
        heard.append(prompt.copy())
        return np.zeros(n_samples)

    event = {"generator": listen, "prompt": {"corpus": 1.0}, "prompt_seconds": 0.5, "seconds": 0.1}
    mnb.ensemble([event, {**event, "prompt_noise": 0.1}], tiny_corpus)
    wanted = tiny_corpus.signal[:, 22050 : 22050 + 11025]
    np.testing.assert_array_equal(heard[0], wanted)
    ratio = np.std(heard[1] - wanted) / np.sqrt(np.mean(wanted**2))
    assert 0.08 < ratio < 0.12


def test_parallel_voices_are_mixed_and_hear_each_other():
    heard = []

    def listen(prompt, sample_rate, n_samples, rng):
        heard.append(prompt.copy())
        return np.zeros(n_samples)

    below = {"generator": listen, "prompt": {"voice": 0}, "prompt_seconds": 0.1, "seconds": 0.25}
    voices = [[{"generator": sine, "seconds": 5}], ["silence", below]]
    out = mnb.ensemble([{"parallel": voices, "seconds": 3}], seconds=3, sample_rate=8000)
    assert np.abs(heard[0]).max() > 0.15
    assert {t.voice for t in out.turns} == {(), (0, 0), (0, 1)}
    assert out.audio.shape == (1, 24000) and np.abs(out.audio).max() > 0.19


def test_compiled_averages_are_those_of_the_plain_steps(networks, monkeypatch):
    spec = {"average": [networks["sample_rnn"], networks["wavenet"]], "weights": [0.8, 0.2]}
    score = [{"generator": spec, "seconds": 0.05, "prompt_seconds": 0.1, "temperature": 0}]
    compiled = mnb.ensemble(score, sample_rate=8000).audio
    monkeypatch.setattr(blend, "compile_stages", lambda stages, _: EagerExecutor(stages))
    np.testing.assert_allclose(mnb.ensemble(score, sample_rate=8000).audio, compiled, atol=1e-4)


def test_a_network_is_compiled_once_for_all_its_turns(networks, monkeypatch):
    made = []

    def make(stages, state):
        made.append(EagerExecutor(stages))
        return made[-1]

    monkeypatch.setattr(checkpoints, "compile_stages", make)
    turn = {"generator": networks["sample_rnn"], "seconds": 0.05, "prompt_seconds": 0.1, "seed": 1}
    score = [turn, {"generator": "silence", "seconds": 0.1}, turn]
    twice = mnb.ensemble(score, sample_rate=8000)
    assert len(made) == 1
    monkeypatch.setattr(checkpoints, "reusing", lambda make: make)
    np.testing.assert_array_equal(mnb.ensemble(score, sample_rate=8000).audio, twice.audio)
    assert len(made) == 3


def test_averages_of_networks(networks):
    rnn, other = networks["sample_rnn"], make_checkpoint("sample_rnn", seed=4)
    wavenet, freqnet = networks["wavenet"], networks["freqnet"]
    turn = {"seconds": 0.05, "prompt_seconds": 0.1, "seed": 3}

    def play(spec):
        return mnb.ensemble([{"generator": spec, **turn}], sample_rate=8000).audio

    alone = play(rnn)
    np.testing.assert_allclose(play({"average": [rnn, wavenet], "weights": [1, 0]}), alone)
    assert not np.allclose(play({"average": [rnn, wavenet], "weights": [0.5, 0.5]}), alone)
    np.testing.assert_allclose(play({"average": [rnn, rnn]}), alone, atol=1e-6)
    np.testing.assert_allclose(
        play({"average": [rnn, freqnet], "weights": [0.5, 0.5]}),
        (alone + play(freqnet)) / 2,
        atol=1e-5,
    )
    mean = play({"average": [rnn, other], "of": "weights"})
    np.testing.assert_array_equal(mean, play(mnb.average_checkpoints([rnn, other])))
    with pytest.raises(ParameterError, match="Average their sounds"):
        play({"average": [rnn, freqnet], "of": "logits"})


def test_weights_move_over_time(networks):
    rnn, wavenet = networks["sample_rnn"], networks["wavenet"]
    curves = [
        {"kind": "curve", "points": [[0, 1], [0.05, 1], [0.0501, 0]]},
        {"kind": "curve", "points": [[0, 0], [0.05, 0], [0.0501, 1]]},
    ]
    turn = {"seconds": 0.2, "prompt_seconds": 0.2, "seed": 3}
    score = [{"generator": {"average": [rnn, wavenet], "weights": curves}, **turn}]
    moved = mnb.ensemble(score, sample_rate=8000).audio[0]
    alone = mnb.ensemble([{"generator": rnn, **turn}], sample_rate=8000).audio[0]
    np.testing.assert_allclose(moved[:400], alone[:400])
    assert not np.allclose(moved[800:], alone[800:])


def test_turns_hand_over_at_an_onset():
    def clicks(prompt, sample_rate, n_samples, rng):
        y = 1e-4 * rng.standard_normal(n_samples)
        t = np.arange(1600) / sample_rate
        for start in range(2000, n_samples - 1600, 4000):
            y[start : start + 1600] += 0.5 * np.exp(-20 * t) * np.sin(2 * np.pi * 800 * t)
        return y

    score = [{"generator": clicks, "seconds": 3, "until": "onset"}, {"generator": soft}]
    out = mnb.ensemble(score, sample_rate=8000)
    assert abs(out.turns[0].stop - (2000 + 5 * 4000) / 8000) < 0.03
    with pytest.raises(ParameterError, match="onset, section, stuck"):
        mnb.ensemble([{"generator": sine, "until": "tired"}], sample_rate=8000)


def test_an_endless_score_streams_and_any_iterable_plays():
    events = ({"generator": sine, "seconds": 0.1} for _ in itertools.count())
    piece = mnb.stream_ensemble(events, sample_rate=8000)
    blocks = list(itertools.islice(piece, 40))
    assert piece.n_samples == sum(b.shape[1] for b in blocks) > 8000
    with pytest.raises(ParameterError, match="no end"):
        mnb.ensemble([{"repeat": sine}])


def test_stems_add_up_and_a_saved_piece_leads_back_to_its_score(tmp_path, tiny_corpus):
    score = [{"generator": {"region": [0, 1]}, "seconds": 0.3}, {"generator": "silence"}]
    out = mnb.ensemble(score, tiny_corpus, seconds=0.7, seed=5, stems=True)
    np.testing.assert_allclose(sum(out.stems.values()), out.audio, atol=1e-6)
    paths = out.save(tmp_path / "out")
    assert [p.suffix for p in paths] == [".wav", ".yaml", ".txt", ".csv", ".wav", ".wav"]
    lines = paths[3].read_text().splitlines()
    assert lines[1] == "R1,region 0 s,0:00.000000,0:00.300000,0:00.300000" and len(lines) == 3
    np.testing.assert_array_equal(mnb.ensemble(paths[0], tiny_corpus, 0.7, 5).audio, out.audio)
    recall = mnb.read_recall(paths[0])
    again = mnb.ensemble(recall["ensemble"], tiny_corpus, recall["seconds"], recall["seed"])
    np.testing.assert_array_equal(again.audio, out.audio)
    np.testing.assert_array_equal(mnb.ensemble(paths[1], tiny_corpus, 0.7, seed=5).audio, out.audio)
    assert out.save(tmp_path / "out")[0].name == "ensemble_002.wav"


@pytest.mark.parametrize("spec", [{"avrage": ["a"]}, 3, {"region": [0, 1], "stop": 2}])
def test_what_names_no_generator_is_refused(spec, tiny_corpus):
    with pytest.raises(ConfigError):
        mnb.ensemble([{"generator": spec}], tiny_corpus)


def test_regions_and_prompts_outside_the_corpus_are_refused(tiny_corpus):
    with pytest.raises(ParameterError, match="outside the corpus"):
        mnb.ensemble([{"generator": {"region": [50]}}], tiny_corpus)
    with pytest.raises(ParameterError, match="needs a corpus"):
        mnb.ensemble([{"generator": {"region": [0]}}])
    with pytest.raises(ParameterError, match="outside the corpus"):
        mnb.ensemble([{"generator": sine, "prompt": {"corpus": 99}}], tiny_corpus)


def hurried(value, key=""):
    """A score with all its times a twentieth as long."""
    if isinstance(value, dict):
        return {k: hurried(v, k if k != "choice" else key) for k, v in value.items()}
    if key == "points":
        return [[seconds / 20, weight] for seconds, weight in value]
    if isinstance(value, list):
        return [hurried(v, key) for v in value]
    return value / 20 if key.endswith("seconds") else value


@pytest.mark.parametrize(
    ("title", "n_turns", "generators"),
    [
        ("dialogue", 4, {"sample_rnn", "freqnet"}),
        ("interrupted", 2, {"nearest", "sample_rnn"}),
        ("slow_average", 1, {"average"}),
    ],
)
def test_the_example_scores_play(title, n_turns, generators, tmp_path, tiny_corpus, monkeypatch):
    for i, name in enumerate(["run_001", "run_002", "run_003", "run_004"]):
        make_run(tmp_path / "runs/sample_rnn" / name, "sample_rnn", seed=i)
    make_run(tmp_path / "runs/freqnet/run_001", "freqnet")
    monkeypatch.chdir(tmp_path)
    score = yaml.safe_load((SCORES / f"{title}.yaml").read_text())
    assert mnb.Score(SCORES / f"{title}.yaml").to_list()  # as it stands
    out = mnb.ensemble(hurried(score), tiny_corpus, seconds=0.6, sample_rate=8000)
    assert out.audio.shape == (1, 4800) and np.abs(out.audio).max() > 0.001
    assert len(out.turns) >= n_turns
    played = {g for g in generators for turn in out.turns if g in turn.generator}
    assert played == generators, [turn.generator for turn in out.turns]
