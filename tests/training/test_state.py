import pytest
import torch

from mimikit_nb.errors import CheckpointError
from mimikit_nb.networks.base import detach_state
from mimikit_nb.training import TrainConfig
from mimikit_nb.training.optimizer import build_optimizer
from mimikit_nb.training.state import GROUPS, Counters, TrainingState, first_rows

from .conftest import IO, NETWORK

CPU = torch.device("cpu")


def make_state(seed: int = 0, with_ema: bool = True) -> TrainingState:
    torch.manual_seed(seed)
    network = NETWORK.build(IO)
    optimizer = build_optimizer(network, TrainConfig())
    return TrainingState(network, optimizer, Counters(batch_size=2), with_ema)


def learn(state: TrainingState) -> float:
    """One step on random classes, which draws from torch's random numbers."""
    x = torch.randint(0, 256, (2, 17))
    outputs, after = state.network({"signal": x[:, :-1]}, state.carried)
    loss = state.network.heads["signal"].loss(outputs["signal"], x[:, 1:]).mean()
    loss.backward()
    state.optimizer.step()
    state.optimizer.zero_grad()
    state.counters.step += 1
    state.update_ema(0.9)
    state.carried = detach_state(after)
    return loss.item()


def in_groups(tensors):
    groups = {group: {} for group in GROUPS}
    for path, value in tensors.items():
        group, _, name = path.partition("/")
        groups[group][name] = value.clone()
    return groups


def test_restored_state_goes_on_bit_for_bit():
    state = make_state()
    for _ in range(3):
        learn(state)
    stored = in_groups(state.to_tensors())
    expected = [learn(state) for _ in range(3)]
    other = make_state(seed=1)
    learn(other)
    other.restore(stored)
    assert [learn(other) for _ in range(3)] == expected
    for (name, a), b in zip(state.to_tensors().items(), other.to_tensors().values(), strict=True):
        assert torch.equal(a, b), name


def test_making_the_optimizers_buffers_changes_nothing():
    torch.manual_seed(0)
    plain = NETWORK.build(IO)
    state = make_state(0)
    for a, b in zip(plain.parameters(), state.network.parameters(), strict=True):
        assert torch.equal(a, b)
        assert b.grad is None
    assert all(values["step"] == 0 for values in state.optimizer.state.values())
    assert {id(p) for p in state.optimizer.state} == {
        id(p) for p in state.network.parameters() if p.requires_grad
    }


def test_average_moves_slowly_towards_the_weights():
    state = make_state()
    before = [p.clone() for p in state.ema.parameters()]
    learn(state)
    for mean, old, new in zip(
        state.ema.parameters(), before, state.network.parameters(), strict=True
    ):
        torch.testing.assert_close(mean, old + (1 - 2 / 11) * (new - old))
    assert not any(p.requires_grad for p in state.ema.parameters())


def test_counters_survive():
    counters = Counters(batch_size=3, step=2**40, rate_factor=0.1 + 0.2, loss_sums={"a/b": 1 / 3})
    counters.anchor = counters.anchor._replace(sequence=2**50)
    back = Counters.from_tensors(counters.to_tensors())
    assert back == counters
    assert isinstance(back.step, int)


def test_first_rows_keep_the_clock():
    state = make_state().network.init_state(4)
    half = first_rows(state, 2)
    assert half["t"].shape == state["t"].shape
    assert half["in"]["signal"].shape[0] == 2
    assert half["tiers"]["0"]["rnn"].shape[0] == 2


def test_checkpoint_of_another_network_is_refused():
    stored = in_groups(make_state().to_tensors())
    stored["network"].popitem()
    with pytest.raises(CheckpointError, match="doesn't fit"):
        make_state().restore(stored)
