"""The laws of design section 4.4, for every registered network with every kind of variables."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.engine.stages import EagerExecutor, clone_state, run_stages
from mimikit_nb.generation.controls import Controls
from mimikit_nb.generation.stream import ValueStream, read_prompt_steps
from mimikit_nb.networks import NETWORKS
from mimikit_nb.networks.base import Network
from mimikit_nb.networks.losses import loss_terms
from tests.contracts.catalog import (
    CASES,
    FEW_CASES,
    IOS,
    TINY,
    make_network,
    random_inputs,
    random_values,
)

ATOL = 1e-4
ALL_CASES = [
    pytest.param(case, id="-".join(case), marks=() if case in FEW_CASES else pytest.mark.thorough)
    for case in CASES
]


@pytest.fixture(params=ALL_CASES)
def network(request) -> Network:
    return make_network(*request.param)


def assert_equal(a, b, atol: float = ATOL) -> None:
    assert a.keys() == b.keys()
    for name in a:
        torch.testing.assert_close(a[name], b[name], atol=atol, rtol=0)


def run_steps(network: Network, inputs, state=None):
    state = network.init_state(next(iter(inputs.values())).shape[0]) if state is None else state
    outputs = []
    for t in range(next(iter(inputs.values())).shape[1]):
        out, state = network.step({name: x[:, t] for name, x in inputs.items()}, state)
        outputs.append(out)
    return {name: torch.stack([out[name] for out in outputs], 1) for name in outputs[0]}, state


def test_every_registered_network_is_in_the_catalog():
    assert set(NETWORKS.kinds) == set(TINY)


@torch.no_grad()
def test_outputs_have_one_parameter_vector_per_step_and_target(network):
    outputs, _ = network(random_inputs(network.io))
    assert outputs.keys() == network.io.targets.keys()
    for name, head in network.heads.items():
        assert outputs[name].shape == (2, 32, head.n_params)


@torch.no_grad()
def test_future_input_never_changes_past_output(network):
    inputs, others = random_inputs(network.io), random_inputs(network.io, seed=1)
    changed = {name: torch.cat([x[:, :20], others[name][:, 20:]], 1) for name, x in inputs.items()}
    outputs, _ = network(inputs)
    changed_outputs, _ = network(changed)
    assert_equal(
        {n: y[:, :20] for n, y in outputs.items()},
        {n: y[:, :20] for n, y in changed_outputs.items()},
        1e-6,
    )
    assert any((outputs[n][:, 20:] != changed_outputs[n][:, 20:]).any() for n in outputs)


@torch.no_grad()
def test_steps_equal_forward(network):
    inputs = random_inputs(network.io, n_steps=41)
    outputs, state = network(inputs)
    stepped, stepped_state = run_steps(network, inputs)
    assert_equal(outputs, stepped)
    assert torch.equal(state["t"], stepped_state["t"])
    more = random_inputs(network.io, n_steps=17, seed=1)
    assert_equal(
        run_steps(network, more, clone_state(state))[0], run_steps(network, more, stepped_state)[0]
    )


@pytest.mark.parametrize("case", ALL_CASES)
@settings(max_examples=5, deadline=None)
@given(lengths=st.lists(st.integers(1, 19), min_size=2, max_size=5))
def test_any_split_into_chunks_gives_the_same_result(case, lengths):
    network = make_network(*case)
    inputs = random_inputs(network.io, n_steps=sum(lengths))
    with torch.no_grad():
        whole, _ = network(inputs)
        state, chunks, start = None, [], 0
        for length in lengths:
            out, state = network(
                {n: x[:, start : start + length] for n, x in inputs.items()}, state
            )
            chunks.append(out)
            start += length
    assert_equal(whole, {name: torch.cat([chunk[name] for chunk in chunks], 1) for name in whole})


@torch.no_grad()
def test_forward_leaves_the_given_state_as_it_was(network):
    _, state = network(random_inputs(network.io, n_steps=11))
    before = clone_state(state)
    network(random_inputs(network.io, n_steps=21, seed=1), state)
    flat, flat_before = _flatten(state), _flatten(before)
    assert_equal(flat, flat_before, 0)


@torch.no_grad()
def test_batch_items_are_independent(network):
    inputs = random_inputs(network.io, batch_size=3)
    outputs, _ = network(inputs)
    for row in range(3):
        alone, _ = network({name: x[row : row + 1] for name, x in inputs.items()})
        assert_equal({n: y[row : row + 1] for n, y in outputs.items()}, alone)


@torch.no_grad()
def test_input_beyond_the_receptive_field_has_no_influence(network):
    if network.is_recurrent:
        assert network.receptive_field >= network.chunk_multiple
        return
    n = network.receptive_field
    inputs, others = (
        random_inputs(network.io, n_steps=n + 5),
        random_inputs(network.io, n_steps=n + 5, seed=1),
    )
    changed = {name: torch.cat([others[name][:, :5], x[:, 5:]], 1) for name, x in inputs.items()}
    outputs, changed_outputs = network(inputs)[0], network(changed)[0]
    assert_equal(
        {k: y[:, -1] for k, y in outputs.items()},
        {k: y[:, -1] for k, y in changed_outputs.items()},
        1e-6,
    )
    assert any((outputs[k][:, -2] != changed_outputs[k][:, -2]).any() for k in outputs)


def test_reading_leaves_the_state_that_forward_leaves(network):
    inputs, state = random_inputs(network.io, n_steps=37), network.init_state(2)
    with torch.no_grad():
        expected, found = (
            _flatten(s) for s in (network(inputs, state)[1], network.read(inputs, state))
        )
    for name, value in expected.items():
        if not name.startswith(("in.", "out.")):  # what the next step reads anew
            torch.testing.assert_close(found[name], value, rtol=0, atol=0)


def test_a_long_prompt_leaves_what_reading_all_of_it_leaves(network):
    """Even where only its end is read."""
    n = network.receptive_field + 2 * network.chunk_multiple + 3
    prompt = random_inputs(network.io, n_steps=n)
    found, stages = read_prompt_steps(network, prompt), network.stages()
    with torch.no_grad():
        _, expected = network({name: x[:, :-1] for name, x in prompt.items()})
        expected["in"] = {name: x[:, -1].clone() for name, x in prompt.items()}
        for k in range(2 * network.chunk_multiple):
            for state in (expected, found):
                run_stages(stages, state)
            assert_equal(found["out"], expected["out"], 1e-4)
            following = random_inputs(network.io, n_steps=1, seed=k)
            for state in (expected, found):
                for name, x in following.items():
                    state["in"][name].copy_(x[:, 0])


def test_every_trainable_parameter_gets_a_gradient(network):
    network.train()
    inputs = random_inputs(network.io)
    targets = random_values(network.io, network.io.targets, 2, 32, seed=1)
    loss = sum(
        head.loss(network(inputs)[0][name], targets[name]).mean()
        for name, head in network.heads.items()
    )
    loss.backward()
    without = [n for n, p in network.named_parameters() if p.requires_grad and p.grad is None]
    assert not without


def test_one_batch_overfits(network):
    network.train()
    inputs = random_inputs(network.io, n_steps=16)
    targets = random_values(network.io, network.io.targets, 2, 16, seed=1)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)

    def loss():
        return sum(loss_terms(network.io, network.heads, network(inputs)[0], targets).values())

    first = loss().item()
    for _ in range(100):
        optimizer.zero_grad()
        value = loss()
        value.backward()
        optimizer.step()
    assert loss().item() < first - 0.35 * abs(first)


def make_stream(
    network: Network, seeds=(3, 4), batch_seed: int = 0, rows=slice(None), **options
) -> ValueStream:
    prompt = {n: x[rows] for n, x in random_inputs(network.io, len((3, 4)), 13, batch_seed).items()}
    fixed = [n for n, v in network.io.inputs.items() if v.role == "fixture"]
    track = {n: x[rows] for n, x in random_values(network.io, fixed, 2, 64, seed=7).items()}

    def fixtures(step: int, n: int):
        return {name: x[:, step : step + n] for name, x in track.items()}

    return ValueStream(
        network.folded(),
        prompt,
        seeds,
        options.pop("controls", Controls()),
        fixtures,
        make_executor=lambda stages, state: EagerExecutor(stages),
        **options,
    )


def test_same_seed_gives_the_same_values_whatever_the_chunks(network):
    whole = make_stream(network).pull(40)
    again = make_stream(network, chunk_steps=17)
    parts = [again.pull(n) for n in (17, 6, 1, 16)]
    assert_equal(whole, {name: torch.cat([part[name] for part in parts], 1) for name in whole}, 0)
    assert all(torch.isfinite(x.float()).all() for x in whole.values())


def test_a_generated_row_is_what_it_would_be_alone(network):
    both = make_stream(network).pull(24)
    alone = make_stream(network, seeds=(4,), rows=slice(1, 2)).pull(24)
    for name, values in alone.items():
        torch.testing.assert_close(both[name][1:].float(), values.float(), atol=1e-4, rtol=1e-4)


def test_generation_continues_what_forward_predicts_for_the_prompt(network):
    """Greedy draws are the means of teacher-forced outputs over prompt and draws."""
    stream = make_stream(network, controls=Controls(temperature=0.0))
    drawn = stream.pull(8)
    prompt = random_inputs(network.io, 2, 13)
    inputs = {
        name: torch.cat([prompt[name], drawn[name][:, :-1]], 1)
        if name in drawn
        else torch.cat([prompt[name][:, :13], stream_fixture(network, name)[:, :7]], 1)
        for name in network.io.inputs
    }
    if any(v.role == "fixture" for v in network.io.inputs.values()):
        return  # fixtures of the last prompt step are replaced by the first fed ones
    with torch.no_grad():
        outputs, _ = network(inputs)
    for name, values in drawn.items():
        if network.io.variables[name].role == "autoregressive" and values.dim() == 2:
            assert torch.equal(outputs[name][:, 12:].argmax(-1), values)


def stream_fixture(network: Network, name: str):
    return random_values(network.io, [name], 2, 64, seed=7)[name]


def test_modes_are_restored_after_an_aborted_generation(network):
    network.train()
    stream = make_stream(network)

    def failing(time_seconds: float) -> float:
        raise RuntimeError("stop")

    stream.controls = Controls(temperature=failing)
    with pytest.raises(RuntimeError, match="stop"):
        stream.pull(4)
    assert network.training
    assert torch.is_grad_enabled()
    assert all(p.requires_grad for n, p in network.named_parameters() if not n.endswith("initial"))


def test_the_state_does_not_grow(network):
    stream = make_stream(network)
    stream.pull(8)
    sizes = {name: x.shape for name, x in _flatten(stream.state).items()}
    for _ in range(3):
        stream.pull(16)
    assert sizes == {name: x.shape for name, x in _flatten(stream.state).items()}


def _flatten(state, prefix: str = ""):
    flat = {}
    for key, value in state.items():
        flat.update(
            _flatten(value, f"{prefix}{key}.")
            if isinstance(value, dict)
            else {f"{prefix}{key}": value}
        )
    return flat


def test_catalog_io_names_are_unique():
    assert len({io.to_yaml() for io in IOS.values()}) == len(IOS)
