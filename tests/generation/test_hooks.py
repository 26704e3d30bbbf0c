"""Hooks: what each does, that the engine keeps them, and that no law of generation breaks."""

import logging

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import mimikit_nb as mnb
from mimikit_nb.audio.files import load
from mimikit_nb.corpus.bank import OutputBank
from mimikit_nb.engine import compile as compile_module
from mimikit_nb.engine import compile_stages
from mimikit_nb.engine.stages import EagerExecutor
from mimikit_nb.errors import EngineError, ParameterError
from mimikit_nb.generation.controls import Controls
from mimikit_nb.generation.loop import generation_stages, generation_state
from mimikit_nb.generation.record import open_sink, record
from mimikit_nb.generation.sound import SoundStream, generate
from mimikit_nb.networks.sampler_transformer import SamplerTransformerConfig
from tests.contracts.catalog import make_network as catalog_network
from tests.generation.test_stream import RATE, make_network, make_prompt

hooks = mnb.hooks
EAGER = {"make_executor": lambda stages, state: EagerExecutor(stages)}


def make_stream(network, given_hooks, numbers=(1, 2), temperature=1.0, n_channels=1, **options):
    prompts = [make_prompt(seed=i, n_channels=n_channels) for i in numbers]
    return SoundStream.from_prompts(
        network,
        prompts,
        n_channels,
        numbers,
        Controls(temperature),
        hooks=given_hooks,
        **(options or EAGER),
    )


def make_sound(network, *given_hooks, n=900, **options):
    return make_stream(network, given_hooks, **options).take(n)


@pytest.fixture
def samples():
    return make_network("samples")


@pytest.fixture
def frames():
    return make_network("frames")


class Drift(hooks.Hook):
    """A hook as a researcher writes one: logits wander, by memory and random numbers."""

    is_plain_torch = True

    def memory(self, network, state):
        return {"place": torch.zeros(len(state["in"]["signal"]), 1)}

    def n_uniforms(self, network):
        return 1

    def logits(self, params, step):
        step.memory["place"].add_(step.u - 0.5)
        bins = torch.linspace(-1, 1, params.shape[1])
        return params + step.memory["place"] * bins


# -- the places -------------------------------------------------------------------------------


def test_a_hook_that_only_looks_changes_nothing_and_sees_every_step(samples):
    seen = {place: [] for place in ("inputs", "logits", "samples", "tiers.0.up")}
    looks = [hooks.On(p, lambda x, step, p=p: seen[p].append(x.clone()) or None) for p in seen]
    assert np.array_equal(make_sound(samples, *looks), make_sound(samples))
    drawn = torch.stack(seen["samples"], 1)
    assert len(seen["logits"]) == len(seen["inputs"]) == drawn.shape[1] >= 900
    assert torch.equal(torch.stack(seen["inputs"], 1)[:, 1:], drawn[:, :-1])
    assert len(seen["tiers.0.up"]) == pytest.approx(drawn.shape[1] / 8, abs=1)
    sound = samples.io.features["signal"].inverse(drawn)[:, :900]
    np.testing.assert_allclose(sound, make_sound(samples)[:, 0], atol=1e-6)


def test_what_a_hook_returns_is_what_goes_on(samples):
    middle = samples.io.kind("signal").n_classes // 2
    silence = hooks.On("samples", lambda x, step: torch.full_like(x, middle))
    assert np.abs(make_sound(samples, silence)).max() < 1e-3

    def only_one(logits, step):
        return torch.full_like(logits, -50.0).index_fill(1, torch.tensor([200]), 50.0)

    value = float(samples.io.features["signal"].inverse(torch.tensor([[200]])))
    np.testing.assert_allclose(make_sound(samples, hooks.On("logits", only_one)), value)


def test_the_hidden_output_of_a_module_can_be_replaced(samples):
    # Without anything from the output layers the head says its bias, whatever was read.
    seen = []
    nothing = hooks.On("output", lambda h, step: torch.zeros_like(h))
    look = hooks.On("logits", lambda x, step: seen.append(x.clone()))
    make_sound(samples, nothing, look, n=50)
    bias = samples.heads["signal"].linear.bias
    for logits in seen:
        torch.testing.assert_close(logits, bias.expand_as(logits))


def test_a_step_knows_its_time_from_the_prompts_end(samples):
    times = []
    make_sound(samples, hooks.On("logits", lambda x, step: times.append(step.seconds.clone())))
    found = torch.stack(times)[:, 0]
    torch.testing.assert_close(found, torch.arange(len(found)) / RATE)


def test_a_module_that_is_not_there_is_named_with_the_nearest(samples):
    with pytest.raises(ParameterError, match=r"'tiers.0.app'.*'tiers\.[01]\.up'"):
        make_sound(samples, hooks.On("tiers.0.app", lambda x, step: None))


def test_what_is_no_hook_is_said_so(samples):
    for wrong in ([len], hooks.RepetitionPenalty()):
        with pytest.raises(ParameterError, match=r"mnb\.hooks\.On"):
            make_stream(samples, wrong)


def test_modules_of_a_head_can_be_reached_though_they_run_in_the_draw():
    """A flow draws a class first: where all classes but one are forbidden, it draws that one."""
    network = catalog_network("latent_rnn-0", "flow_units")
    head, place = network.heads["signal"], "head_modules.signal.classes.logits"
    assert hooks.find_modules(network)[place].shape == (3,)
    for k in range(3):
        drawn = []
        only = hooks.Adjust(place=place, add=-100, units=[c for c in range(3) if c != k])
        look = hooks.On("samples", lambda x, step, drawn=drawn: drawn.append(x.clone()))
        stages = generation_stages(network, [only, look])
        state = generation_state(network, network.init_state(4), 8, False, [only, look])
        state["controls"]["recorded"].zero_()  # nothing but what the flow says
        EagerExecutor(stages).run(state, 8)  # at temperature 0
        assert (head.classes.nearest(torch.cat(drawn)) == k).all()


# -- engine -----------------------------------------------------------------------------------


def test_plain_hooks_are_compiled_and_say_the_same_as_eager_steps(samples):
    given_hooks = [
        hooks.RepetitionPenalty(strength=5),
        hooks.FreezeTier(from_seconds=0.02),
        Drift(),
    ]

    executors = []

    def compiled(stages, state):
        executors.append(compile_stages(stages, state))
        return executors[-1]

    fast = make_sound(samples, *given_hooks, n=600, make_executor=compiled)
    np.testing.assert_allclose(fast, make_sound(samples, *given_hooks, n=600), atol=1e-5)
    assert not isinstance(executors[0], EagerExecutor)


def test_python_hooks_run_eagerly_and_that_is_said_once(samples, caplog, monkeypatch):
    monkeypatch.setattr(compile_module, "_said", set())  # also when it is tried again
    kinds = []

    def note(stages, state, **options):
        executor = compile_stages(stages, state, **options)
        kinds.append(type(executor).__name__)
        return executor

    def look_here(x, step):
        return None

    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            make_sound(samples, hooks.On("logits", look_here), n=10, make_executor=note)
    said = [r.message for r in caplog.records if "look_here" in r.message]
    assert len(said) == 1
    assert "Python" in said[0]
    assert kinds == ["EagerExecutor"] * 2
    with pytest.raises(EngineError, match="look_here"):
        make_sound(
            samples,
            hooks.On("logits", look_here),
            make_executor=lambda *args: note(*args, backend="c"),
        )


def test_stop_conditions_leave_the_steps_as_they_are(samples):
    stages = []

    def note(given_stages, state):
        stages.append([(s.period, s.python) for s in given_stages])
        return EagerExecutor(given_stages)

    make_sound(samples, n=10, make_executor=note)
    stops = [hooks.StopWhenSilent(), hooks.StopWhenStuck()]
    make_sound(samples, *stops, n=10, make_executor=note)
    assert stages[0] == stages[1]
    assert not any(python for _, python in stages[1])


# -- laws -------------------------------------------------------------------------------------

SAMPLE_HOOKS = {
    "repetition_penalty": [hooks.RepetitionPenalty(strength=8)],
    "freeze_tier": [hooks.FreezeTier(from_seconds=0.02, until_seconds=0.06)],
    "drift": [Drift()],
    "stop": [hooks.StopWhenSilent(below_db=-8.0, seconds=0.05), hooks.StopWhenStuck(seconds=1.5)],
}
FRAME_HOOKS = {
    "dropout": [hooks.Dropout(input_rate=0.2, output_rate=0.3)],
    "drift": [Drift()],
    "stop": [hooks.StopWhenSilent(below_db=-10.0, seconds=0.05)],
}
LAWFUL = [("samples", k) for k in SAMPLE_HOOKS] + [("frames", k) for k in FRAME_HOOKS]


def hooks_of(kind, name):
    return {"samples": SAMPLE_HOOKS, "frames": FRAME_HOOKS}[kind][name]


@pytest.mark.parametrize(("kind", "name"), LAWFUL)
def test_a_row_with_hooks_is_what_it_would_be_alone_whatever_the_blocks(kind, name):
    network, given_hooks = make_network(kind), hooks_of(kind, name)
    together = make_sound(network, *given_hooks, numbers=(1, 2, 3))
    for i in (1, 3):
        alone = make_sound(network, *given_hooks, numbers=(i,))
        stream = make_stream(network, given_hooks, numbers=(i,))
        parts = np.concatenate([stream.take(n) for n in (1, 377, 64, 400, 58)], -1)
        np.testing.assert_array_equal(alone, parts)
        # Eager convolutions round by the size of the batch.
        end = alone.shape[-1]
        np.testing.assert_allclose(alone[0], together[i - 1, :, :end], atol=1e-4)
        assert not together[i - 1, :, end:].any()


@settings(max_examples=4, deadline=None)
@given(
    case=st.sampled_from(LAWFUL),
    first=st.integers(1, 400),
    rows=st.lists(st.integers(1, 50), min_size=1, max_size=2, unique=True),
    n_channels=st.integers(1, 2),
)
def test_a_sound_with_hooks_goes_on_exactly_where_it_stopped(case, first, rows, n_channels):
    network, given_hooks = make_network(case[0]), hooks_of(*case)
    options = {"numbers": tuple(rows), "n_channels": n_channels}
    whole = make_sound(network, *given_hooks, n=600, **options)
    stopped = make_stream(network, given_hooks, **options)
    begun = stopped.take(first)
    if len(set(stopped.lengths)) > 1 or stopped.has_ended:
        return  # sounds that ended at different times go on one by one
    resumed = SoundStream.from_end_states(
        network, stopped.end_states(), Controls(), hooks=given_hooks, **EAGER
    )
    more = resumed.take(600 - first)
    np.testing.assert_array_equal(np.concatenate([begun, more], -1), whole)


def test_another_seed_draws_other_holes(frames):
    given_hooks = [hooks.Dropout(output_rate=0.5)]
    quiet = make_sound(frames, *given_hooks, numbers=(1,), temperature=0.0)
    again = make_sound(frames, *given_hooks, numbers=(1,), temperature=0.0)
    assert np.array_equal(quiet, again)
    other = SoundStream.from_prompts(
        frames, [make_prompt(seed=1)], 1, [9], Controls(0.0), hooks=given_hooks, **EAGER
    )
    assert not np.array_equal(quiet, other.take(900))


# -- the hooks we give ------------------------------------------------------------------------


def stuck_at(class_, strength=9.0):
    """Logits that nearly always draw one class."""

    def hold(logits, step):
        held = torch.zeros_like(logits)
        held[:, class_] = strength
        return held

    return hooks.On("logits", hold)


def test_repetition_penalty_pushes_a_network_off_what_it_holds(samples):
    def share(*given_hooks):
        seen = []
        look = hooks.On("samples", lambda x, step: seen.append(x.clone()))
        make_sound(samples, stuck_at(130), *given_hooks, look, n=600)
        return (torch.stack(seen) == 130).float().mean()

    without = share()
    assert share(hooks.RepetitionPenalty(strength=6)) < 0.8 * without
    assert share(hooks.RepetitionPenalty(strength=0)) == without
    assert share(hooks.RepetitionPenalty(strength=-3)) > without


def test_repetition_penalty_is_refused_for_spectra(frames):
    with pytest.raises(ParameterError, match="draws classes"):
        make_sound(frames, hooks.RepetitionPenalty())


@pytest.mark.parametrize("kind", ["sample_rnn", "sampler_transformer"])
def test_a_frozen_tier_says_the_same_until_it_is_let_go(kind, samples):
    network = samples
    if kind == "sampler_transformer":
        config = SamplerTransformerConfig(
            frame_sizes=(8, 4, 4), hidden_dim=16, n_heads=2, windows=(4,)
        )
        network = config.build(samples.io)
    said = []
    look = hooks.On("tiers.0.up", lambda x, step: said.append(x.clone()))
    freeze = hooks.FreezeTier(tier=0, from_seconds=0.03, until_seconds=0.07)
    make_sound(network, freeze, look)
    said = torch.stack(said)  # a frame of 8 samples each: 50 are 0.05 s
    moves = (said[1:] - said[:-1]).abs().flatten(1).amax(1)
    assert (moves[32:68] == 0).all()
    assert (moves[:28] > 0).all()
    assert (moves[72:90] > 0).all()
    assert not np.array_equal(make_sound(network, freeze), make_sound(network))


def test_only_tiers_that_are_there_can_be_frozen(samples, frames):
    with pytest.raises(ParameterError, match="tiers 0 to 1"):
        make_sound(samples, hooks.FreezeTier(tier=2))
    with pytest.raises(ParameterError, match="WaveNet is none"):
        make_sound(frames, hooks.FreezeTier())


def test_dropout_silences_its_share_of_the_bins(frames):
    played, read = [], []
    looks = [
        hooks.On("samples", lambda x, step: played.append(x.clone())),
        hooks.On("inputs", lambda x, step: read.append(x.clone())),
    ]
    make_sound(frames, hooks.Dropout(output_rate=0.3), *looks, n=6000)
    assert (torch.stack(played) == 0).float().mean() == pytest.approx(
        0.3 + 0.7 * zeros_without(frames), abs=0.02
    )
    played.clear(), read.clear()
    make_sound(frames, hooks.Dropout(input_rate=0.4), *looks, n=6000)
    before, after = torch.stack(played[:-1]), torch.stack(read[1:])
    fell_out = (after == 0) & (before > 0)
    assert fell_out.float().sum() / (before > 0).float().sum() == pytest.approx(0.4, abs=0.02)
    assert torch.equal(after[after > 0], before[after > 0])


def zeros_without(frames) -> float:
    played = []
    make_sound(frames, hooks.On("samples", lambda x, step: played.append(x.clone())), n=6000)
    return float((torch.stack(played) == 0).float().mean())


# -- adjusting and transplanting ---------------------------------------------------------------


def hidden_of(network, place, *given_hooks, n=100) -> torch.Tensor:
    """What goes on behind a place, ``[B, times, values]``."""
    seen = []
    look = hooks.On(place, lambda x, step: seen.append(x.reshape(len(x), -1).clone()))
    make_sound(network, *given_hooks, look, n=n)
    return torch.stack(seen, 1)


@pytest.mark.parametrize("place", ["logits", "output", "tiers.0.up"])
def test_adjust_multiplies_and_adds_in_the_units_that_are_meant(samples, place):
    plain = hidden_of(samples, place)[:, 0]
    adjusted = hidden_of(samples, place, hooks.Adjust(place=place, factor=3, add=-2))[:, 0]
    torch.testing.assert_close(adjusted, 3 * plain - 2)
    one = hidden_of(samples, place, hooks.Adjust(place=place, add=5, units=[1]))[:, 0]
    width = hooks.find_modules(samples)[place].shape[-1] if place != "logits" else plain.shape[1]
    expected = plain.clone().unflatten(1, (-1, width))
    expected[..., 1] += 5
    torch.testing.assert_close(one, expected.flatten(1))


def test_adjust_lasts_for_the_time_that_is_given(samples):
    from_, until = 0.004, 0.008
    mute = hooks.Adjust(place="output", factor=0, from_seconds=from_, until_seconds=until)
    is_mute = (hidden_of(samples, "output", mute, n=160) == 0).all(2)[0]
    seconds = torch.arange(len(is_mute)) / RATE
    assert torch.equal(is_mute, (seconds >= from_) & (seconds < until))


def test_a_factor_of_one_changes_nothing(samples):
    np.testing.assert_array_equal(
        make_sound(samples, hooks.Adjust(place="output")), make_sound(samples)
    )


def test_adjust_refuses_units_and_places_that_are_not_there(samples):
    with pytest.raises(ParameterError, match=r"0 to 15, as 'output' has 16"):
        make_sound(samples, hooks.Adjust(place="output", units=[16]))
    with pytest.raises(ParameterError, match=r"output, "):
        make_sound(samples, hooks.Adjust(place="nowhere"))


def test_compiled_steps_serve_all_factors_and_say_the_same_as_eager_ones(samples):
    for factor in (0.5, 2.0):
        given_hooks = [hooks.Adjust(place="tiers.0.up", factor=factor, from_seconds=0.01)]
        eager = make_sound(samples, *given_hooks)
        np.testing.assert_allclose(make_sound(samples, *given_hooks, make_executor=in_c), eager)


def in_c(stages, state):
    return compile_stages(stages, state, backend="c", check_steps=0)


@pytest.fixture
def bank(samples, tmp_path):
    """What some places gave in one sound."""

    def record_at(place: str, seed: int = 7) -> str:
        path = str(tmp_path / f"{place}.h5")
        make_sound(samples, hooks.Record(path=path, place=place), numbers=(seed,))
        return path

    return record_at


@pytest.mark.parametrize("place", ["logits", "samples", "tiers.0.up", "tiers.1.up"])
def test_a_transplanted_place_gives_what_it_gave_in_the_other_sound(samples, bank, place):
    path = bank(place)
    stored = torch.from_numpy(next(iter(hooks.read_record(path).values()))[0].T)
    found = hidden_of(samples, place, hooks.Transplant(path=path, place=place))
    for row in found:
        torch.testing.assert_close(row, stored[: len(row)].to(row.dtype))


def test_transplanted_draws_are_the_other_sound(samples, bank):
    drawn = hooks.Transplant(path=bank("samples"), place="samples")
    other = make_sound(samples, numbers=(7,), n=800)
    np.testing.assert_allclose(make_sound(samples, drawn, n=800)[1, 0, 200:], other[0, 0, 200:])


def test_a_mix_lies_between_both_and_none_changes_nothing(samples, bank):
    path, place = bank("output"), "output"
    stored = torch.from_numpy(next(iter(hooks.read_record(path).values()))[0].T)
    own = hidden_of(samples, place)[:, 0]
    half = hidden_of(samples, place, hooks.Transplant(path=path, place=place, mix=0.5))[:, 0]
    torch.testing.assert_close(half, 0.5 * own + 0.5 * stored[0])
    none = hooks.Transplant(path=path, place=place, mix=0)
    np.testing.assert_array_equal(make_sound(samples, none), make_sound(samples))


def test_of_several_records_in_a_bank_the_last_one_counts(samples, bank):
    bank("samples", seed=8)
    drawn = hooks.Transplant(path=bank("samples", seed=7), place="samples")
    other = make_sound(samples, numbers=(7,), n=800)
    np.testing.assert_allclose(make_sound(samples, drawn, n=800)[1, 0, 200:], other[0, 0, 200:])


def test_behind_the_end_of_the_record_a_place_is_left_alone(samples, tmp_path):
    path = str(tmp_path / "short.h5")
    record = hooks.Record(path=path, place="output")
    generate(make_stream(samples, [record], (7,)), 0.01)
    n = next(iter(hooks.read_record(path).values()))[0].shape[1]
    seen = []
    look = hooks.On("output", lambda x, step: seen.append(x.clone()))  # before it
    make_sound(samples, look, hooks.Transplant(path=path, place="output"), n=n + 200)
    after = hidden_of(samples, "output", hooks.Transplant(path=path, place="output"), n=n + 200)
    before = torch.stack(seen, 1)
    assert not torch.equal(after[:, :n], before[:, :n])
    assert torch.equal(after[:, n:], before[:, n:])


def test_transplants_are_compiled(samples, bank):
    given_hooks = [hooks.Transplant(path=bank("tiers.0.up"), place="tiers.0.up", mix=0.7)]
    eager = make_sound(samples, *given_hooks)
    np.testing.assert_allclose(make_sound(samples, *given_hooks, make_executor=in_c), eager)


def test_what_was_not_recorded_cannot_be_transplanted(samples, frames, bank):
    path = bank("output")
    with pytest.raises(ParameterError, match=r"nothing of 'logits', row 0; it has 'output', row 0"):
        make_sound(samples, hooks.Transplant(path=path, place="logits"))
    with pytest.raises(ParameterError, match="row 3"):
        make_sound(samples, hooks.Transplant(path=path, place="output", row=3))
    with pytest.raises(ParameterError, match=r"gives 129 values in this network, but .* 256"):
        make_sound(frames, hooks.Transplant(path=bank("logits"), place="logits"))


def test_dropout_is_refused_for_classes(samples):
    with pytest.raises(ParameterError, match="draws spectra or vectors"):
        make_sound(samples, hooks.Dropout(output_rate=0.1))


def test_record_stores_what_was_there_and_changes_nothing(samples, tmp_path):
    seen, path = [], tmp_path / "inside.h5"
    look = hooks.On("tiers.1.up", lambda x, step: seen.append(x.flatten(1).clone()))
    stored = hooks.Record(path=str(path), place="tiers.1.up")
    out = generate(make_stream(samples, [stored, look]), 0.1)
    np.testing.assert_array_equal(out.audio, generate(make_stream(samples, []), 0.1).audio)
    found = hooks.read_record(path)
    assert list(found) == ["tiers.1.up_001", "tiers.1.up_002"]
    for row, (values, facts) in enumerate(found.values()):
        np.testing.assert_array_equal(values, torch.stack(seen, 2)[row])
        assert facts["row"] == row
        assert facts["times_per_second"] == pytest.approx(RATE / 4)


@pytest.mark.parametrize("place", ["logits", "samples"])
def test_record_takes_logits_and_samples_every_so_often(samples, tmp_path, place):
    seen, path = [], tmp_path / "inside.h5"
    look = hooks.On(place, lambda x, step: seen.append((int(step.state["t"]), x.clone())))
    stored = hooks.Record(path=str(path), place=place, every=5)
    generate(make_stream(samples, [stored, look]), 0.05)
    wanted = torch.stack([x.reshape(2, -1) for t, x in seen if t % 5 == 0], 2)
    for row, (values, _) in enumerate(hooks.read_record(path).values()):
        np.testing.assert_array_equal(values, wanted[row])


def test_record_refuses_what_it_cannot_store(samples, tmp_path):
    path = str(tmp_path / "inside.h5")
    with pytest.raises(ParameterError, match="every 8 steps"):
        make_sound(samples, hooks.Record(path=path, place="tiers.0.up", every=4))
    with pytest.raises(ParameterError, match=r"tiers\.0\.up, "):
        make_sound(samples, hooks.Record(path=path, place="nowhere"))


def test_a_bank_calls_its_sounds_as_it_is_told(tmp_path):
    bank = OutputBank(tmp_path / "x.h5", 100, 3, [{}, {}], stem="layer")
    bank.close()
    assert bank.names == ["layer_001", "layer_002"]


# -- stopping ---------------------------------------------------------------------------------


def silence_from(samples, seconds_of_row):
    middle, ends = samples.io.kind("signal").n_classes // 2, torch.tensor(seconds_of_row)
    return hooks.On("samples", lambda x, step: torch.where(step.seconds < ends, x, middle))


def test_each_sound_stops_when_it_is_silent_and_its_file_ends_there(samples, tmp_path):
    given_hooks = [silence_from(samples, [0.05, 0.2]), hooks.StopWhenSilent(seconds=0.1)]
    out = generate(make_stream(samples, given_hooks), 5.0)
    ends = [r["stopped"]["at_seconds"] - out.prompt_end_seconds for r in out.recall]
    assert ends == pytest.approx([0.15, 0.3], abs=0.051)
    assert out.continuation.shape[-1] == pytest.approx(0.3 * RATE, abs=0.051 * RATE)
    paths = out.save(tmp_path)
    for path, end in zip(paths, ends, strict=True):
        y = load(path, None)
        assert y.shape[1] / RATE == pytest.approx(end + out.prompt_end_seconds)
        recall = mnb.read_recall(path)
        assert recall["stopped"]["hook"]["kind"] == "stop_when_silent"
        assert [h["kind"] for h in recall["hooks"]] == ["own", "stop_when_silent"]


def test_a_recording_on_disk_ends_where_it_was_stopped(samples, tmp_path):
    given_hooks = [silence_from(samples, [0.05, 0.2]), hooks.StopWhenSilent(seconds=0.1)]
    for out in (tmp_path / "wavs", tmp_path / "bank.h5"):
        stream = make_stream(samples, given_hooks)
        made = record(stream, open_sink(out, stream), None)  # no end but that of the hooks
        alone = [
            make_stream(samples, [silence_from(samples, [s]), given_hooks[1]], (i,))
            for i, s in ((1, 0.05), (2, 0.2))
        ]
        for sound, single in zip(made.audio, alone, strict=True):
            expected = generate(single, 5.0).audio[0]
            np.testing.assert_allclose(sound[:, : expected.shape[1]], expected, atol=1e-6)
            assert not sound[:, expected.shape[1] :].any()


def test_a_stream_that_is_stopped_stops_iterating(samples):
    given_hooks = [silence_from(samples, [0.1, 0.1]), hooks.StopWhenSilent(seconds=0.1)]
    n = sum(block.shape[-1] for block in make_stream(samples, given_hooks))
    assert n / RATE == pytest.approx(0.2, abs=0.051)


def test_a_held_tone_and_a_loop_are_stuck_and_noise_is_not(samples):
    stop = hooks.StopWhenStuck(seconds=2.0)
    rng = np.random.default_rng(0)
    t = np.arange(12 * RATE) / RATE
    loop = np.tile(rng.normal(size=int(0.4 * RATE)) * np.hanning(int(0.4 * RATE)), 30)
    rows = np.stack(
        [
            0.3 * np.sin(2 * np.pi * 440 * t),
            0.3 * loop[: len(t)],
            0.3 * np.sin(2 * np.pi * 440 * t * (1 + 0.2 * np.sin(t))) * (1.2 + np.sin(3 * t)),
        ]
    )
    memory = stop.memory(samples, samples.init_state(3))
    block, when = round(0.05 * RATE), {}
    for i in range(len(t) // block):
        heard = torch.from_numpy(rows[:, i * block : (i + 1) * block]).float()
        for row in stop.audio(heard, memory).nonzero():
            when.setdefault(int(row), (i + 1) * 0.05)
    assert set(when) == {0, 1}
    assert 2.0 <= when[0] <= 3.0
    assert 2.0 <= when[1] <= 4.0
