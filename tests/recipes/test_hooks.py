"""Hooks and fitted initial states through the public functions: files, recall data, extending."""

import numpy as np
import pytest
import torch

import mimikit_nb as mnb
from mimikit_nb.errors import CheckpointError, ParameterError
from mimikit_nb.generation.engine_options import EngineOptions
from mimikit_nb.generation.initial_state import InitialStateFit, fit_initial_state
from tests.contracts.catalog import make_network as catalog_network
from tests.contracts.catalog import random_inputs
from tests.generation.ensemble.networks import make_run

EAGER = {"engine": EngineOptions(backend="eager")}
hooks = mnb.hooks


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "runs" / "a", "sample_rnn")


@pytest.fixture
def other(tmp_path):
    return make_run(tmp_path / "runs" / "b", "wavenet", seed=1)


def make(run, *given_hooks, seconds=0.1, **options):
    options = {"prompt_seconds": 0.05, "seed": 3, **EAGER, **options}
    return mnb.generate(run, seconds=seconds, hooks=given_hooks, **options)


def test_recall_data_names_all_hooks_with_their_settings(run, tmp_path):
    look = hooks.On("logits", lambda x, step: None)
    out = make(run, hooks.RepetitionPenalty(strength=2), look)
    said = mnb.read_recall(out.save(tmp_path / "out")[0])["hooks"]
    assert said[0] == {"kind": "repetition_penalty", "strength": 2.0, "seconds": 0.05}
    assert said[1]["kind"] == "own"
    assert "On('logits'" in said[1]["repr"]
    assert "hooks" not in make(run).recall[0]


def test_a_file_made_with_hooks_is_extended_exactly(run, tmp_path):
    given_hooks = (hooks.RepetitionPenalty(strength=9), hooks.FreezeTier(from_seconds=0.12))
    whole = make(run, *given_hooks, seconds=0.2)
    path = make(run, *given_hooks).save(tmp_path / "out")[0]
    longer = mnb.extend(path, 0.1, **EAGER).audio
    np.testing.assert_allclose(longer, np.clip(whole.audio, -1, 1), atol=1e-6)
    assert not np.array_equal(longer, make(run, seconds=0.2).audio)


def test_own_hooks_must_be_given_again_or_taken_away(run, tmp_path):
    louder = hooks.On("logits", lambda x, step: 3 * x)
    path = make(run, louder).save(tmp_path / "out")[0]
    with pytest.raises(ParameterError, match=r"On\('logits'.*give all hooks again"):
        mnb.extend(path, 0.1, **EAGER)
    whole = make(run, louder, seconds=0.2).audio
    longer = mnb.extend(make(run, louder), 0.1, hooks=[louder], **EAGER)
    np.testing.assert_array_equal(longer.audio, whole)
    without = mnb.extend(make(run, louder), 0.1, hooks=[], **EAGER)
    n = make(run).audio.shape[-1]
    np.testing.assert_array_equal(without.audio[..., :n], whole[..., :n])
    assert not np.array_equal(without.audio, whole)
    assert without.recall[0]["hooks"] == []
    assert without.recall[0]["changes"] == [{"from_sample": n, "hooks": []}]


def test_blended_logits_lie_between_those_of_both_networks(run, other):
    def logits_of(*given_hooks, **options):
        seen = []
        look = hooks.On("logits", lambda x, step: seen.append(x.clone()))
        make(*given_hooks[:1], *given_hooks[1:], look, seconds=0.001, **options)
        return seen[0]  # the first step: all have read the same

    a, b = logits_of(run), logits_of(other)
    blend = logits_of(run, hooks.BlendLogits(checkpoint=str(other), weight=0.25))
    torch.testing.assert_close(blend, 0.75 * a + 0.25 * b, atol=1e-5, rtol=1e-4)
    swapped = logits_of(other, hooks.BlendLogits(checkpoint=str(run), weight=0.75))
    torch.testing.assert_close(swapped, blend, atol=1e-5, rtol=1e-4)


def test_a_blend_reads_all_of_a_long_prompt(run):
    """A recurrent network remembers more than its receptive field; blended with itself it does."""
    blend = make(run, hooks.BlendLogits(checkpoint=str(run), weight=0.5), prompt_seconds=0.3)
    np.testing.assert_array_equal(blend.audio, make(run, prompt_seconds=0.3).audio)


def test_a_moving_blend_begins_with_one_network_and_ends_with_the_other(run, other):
    curve = mnb.Curve(points=[(0.04, 0.0), (0.05, 1.0)])
    moving = make(run, hooks.BlendLogits(checkpoint=str(other), weight=curve), seconds=0.2)
    n = moving.audio.shape[-1] - moving.continuation.shape[-1] + int(0.04 * 8000)
    np.testing.assert_array_equal(moving.audio[..., :n], make(run, seconds=0.2).audio[..., :n])
    assert not np.array_equal(moving.audio, make(run, seconds=0.2).audio)


def test_a_blended_sound_goes_on_with_the_same_checkpoint_only(run, other, tmp_path):
    blend = hooks.BlendLogits(checkpoint=str(other), weight=0.5)
    whole = make(run, blend, seconds=0.2).audio
    made = make(run, blend)
    np.testing.assert_array_equal(mnb.extend(made, 0.1, **EAGER).audio, whole)
    with pytest.raises(ParameterError, match="can't be added, changed or taken"):
        mnb.extend(made, 0.1, hooks=[], **EAGER)
    changed = {**made.recall[0]["hooks"][0], "checkpoint": str(run)}
    with pytest.raises(CheckpointError, match="isn't the checkpoint"):
        make(run, hooks.BlendLogits(**changed))


def test_networks_that_predict_something_else_cannot_be_blended(run, tmp_path):
    spectra = make_run(tmp_path / "runs" / "c", "freqnet")
    with pytest.raises(ParameterError, match="don't predict the same"):
        make(run, hooks.BlendLogits(checkpoint=str(spectra)))
    with pytest.raises(ParameterError, match="one BlendLogits"):
        make(run, *[hooks.BlendLogits(checkpoint=str(run))] * 2)
    with pytest.raises(ParameterError, match="is 2 at 0 s"):
        make(run, hooks.BlendLogits(checkpoint=str(run), weight=2.0))


# -- the initial state ------------------------------------------------------------------------

FIT = InitialStateFit(steps=10, learning_rate=0.1)


def prompt_loss(network, prompt, state):
    n = (prompt["signal"].shape[1] - 1) // network.chunk_multiple * network.chunk_multiple
    with torch.no_grad():
        out, _ = network({name: x[:, :n] for name, x in prompt.items()}, state)
    return network.heads["signal"].loss(out["signal"], prompt["signal"][:, 1 : n + 1]).mean(1)


def test_fitting_lowers_the_loss_of_every_prompt_and_touches_nothing_else():
    network = catalog_network("sample_rnn-0", "mu_law").folded()
    prompt, state = random_inputs(network.io, 3, 65), network.init_state(3)
    weights = {name: x.clone() for name, x in network.state_dict().items()}
    fitted = fit_initial_state(network, prompt, state, FIT)
    before, after = (prompt_loss(network, prompt, s) for s in (state, fitted))
    assert (after < before).all()
    assert all(torch.equal(x, weights[name]) for name, x in network.state_dict().items())
    assert all(
        torch.equal(x, y)
        for x, y in zip(
            network.memory_of(state).values(),
            network.memory_of(network.init_state(3)).values(),
            strict=True,
        )
    )
    assert not any(x.requires_grad for x in network.memory_of(fitted).values())
    alone = fit_initial_state(
        network, {"signal": prompt["signal"][1:2]}, network.init_state(1), FIT
    )
    for name, x in network.memory_of(alone).items():
        torch.testing.assert_close(x[0], network.memory_of(fitted)[name][1], atol=1e-4, rtol=1e-3)


def test_a_fitted_state_changes_what_comes_next_and_is_said(run):
    settings = {"steps": 5, "learning_rate": 0.5}

    def make_fitted(seconds=0.1, fit=settings, **options):
        return make(
            run,
            *looks,
            seconds=seconds,
            prompt_seconds=0.005,
            optimise_initial_state=fit,
            **options,
        )

    seen = []
    looks = [hooks.On("logits", lambda x, step: seen.append(x.clone()))]
    first = {}
    for fit in (settings, False):
        seen.clear()
        make_fitted(0.001, fit)
        first[bool(fit)] = seen[0]
    assert (first[True] - first[False]).abs().max() > 1e-6
    looks = []
    fitted = make_fitted(n=2)
    assert fitted.recall[0]["optimise_initial_state"] == {**settings, "max_seconds": 0.1}
    np.testing.assert_array_equal(make_fitted(seed=4).audio[0], fitted.audio[1])
    longer = mnb.extend(fitted, 0.1, **EAGER).audio
    np.testing.assert_array_equal(longer, make_fitted(0.2, n=2).audio)


def test_networks_without_recurrent_memory_are_refused(other, run):
    with pytest.raises(ParameterError, match="WaveNet has no recurrent memory"):
        make(other, optimise_initial_state=True)
    with pytest.raises(ParameterError, match="must be True or False, a mapping"):
        make(run, optimise_initial_state="yes")
