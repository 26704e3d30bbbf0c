"""Heads that remember a recording: what they play of it, and for how long."""

import numpy as np
import pytest
import torch
from torch import Tensor

from mimikit_nb.errors import ConfigError
from mimikit_nb.features.spectral import MagnitudeConfig
from mimikit_nb.io.heads import FlowHeadConfig, UnitsHeadConfig
from mimikit_nb.io.variable import IOSpec, VariableConfig
from mimikit_nb.networks.base import build_heads
from mimikit_nb.networks.flow_head import FlowHead
from mimikit_nb.networks.layers.kmeans import fit_centroids, nearest_centroid
from mimikit_nb.networks.unit_memory import UnitMemory
from mimikit_nb.networks.units_head import UnitsHead
from tests.networks.test_joint_heads import CENTRES, SPREAD, draw, targets, trained

DIM, STRIDE, N_STEPS = 6, 2, 60


def repeating(n_repeats: int = 6, length: int = 40, noise: float = 0.02) -> np.ndarray:
    """A recording that repeats itself, hardly changed."""
    rng = np.random.default_rng(0)
    once = rng.standard_normal((length, DIM))
    whole = np.tile(once, (n_repeats, 1)) + noise * rng.standard_normal((n_repeats * length, DIM))
    return whole.astype(np.float32)


def varied(n: int = 100) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((n, DIM)).astype(np.float32)


def memory_of(*stretches: np.ndarray, n_units: int = 1000, n_near: int = 4) -> UnitMemory:
    memory = UnitMemory(n_units, DIM, step_seconds=0.1, n_near=n_near)
    memory.fill(stretches, STRIDE)
    return memory


def controls(n: int, temperature: float = 1.0, recorded: float = -1.0, follow: float = -1.0):
    values = {"temperature": temperature, "recorded": recorded, "follow": follow}
    return {name: torch.full((n,), value) for name, value in values.items()}


class Proposing(FlowHead):
    """A flow whose draws are given as parameters."""

    def __init__(self, memory: UnitMemory, **options) -> None:
        super().__init__(DIM, DIM, 8, 1, memory=memory, **options)

    def _moved(self, x: Tensor, params: Tensor, told: Tensor | float = 0.0) -> Tensor:
        return params


def play(head: Proposing, follow: float, recorded: float = 1.0) -> Tensor:
    """Values ``[N_STEPS, D]`` of a head whose proposals always go on with the recording."""
    state, last, drawn = head.init_state(1), head.memory.units[:1], []
    u = torch.full((1, head.n_uniforms), 0.5)
    for _ in range(N_STEPS):
        following = (head.memory.nearest(last) + STRIDE) % len(head.memory)
        last = head.sample(
            head.memory.unit(following),
            u,
            controls(1, recorded=recorded, follow=follow),
            {**state, "last": last},
        )
        drawn.append(last)
    return torch.cat(drawn)


def longest_passage(drawn: Tensor, memory: UnitMemory) -> int:
    """Most values on end that sound like values on end of the recording."""
    is_alike = torch.cdist(drawn, memory.units) <= memory.square_radius.sqrt()
    run, longest = torch.zeros(len(memory)), 0
    for row in is_alike:
        before = torch.cat([torch.zeros(STRIDE), run[:-STRIDE]]) * memory.has_before
        run = torch.where(row, before + 1, 0)
        longest = max(longest, int(run.max()))
    return longest


# -- the memory ------------------------------------------------------------------------------------


def test_a_unit_knows_whether_something_comes_before_it():
    memory = memory_of(varied(10), varied(7))
    expected = [False] * 2 + [True] * 8 + [False] * 2 + [True] * 5
    assert memory.has_before.tolist() == expected


def test_of_a_long_recording_evenly_spaced_pieces_are_kept():
    long = np.arange(3000, dtype=np.float32)[:, None].repeat(DIM, 1) / 3000
    memory = memory_of(long, n_units=600)
    assert 300 <= len(memory) <= 600
    kept = memory.units[:, 0]
    assert kept.min() < 0.1
    assert kept.max() > 0.9
    gaps = (kept[memory.has_before] - kept[torch.where(memory.has_before)[0] - STRIDE]) * 3000
    torch.testing.assert_close(gaps, torch.full_like(gaps, STRIDE), atol=3.0, rtol=0)


def test_nearest_units_at_other_places_leave_the_surroundings_out():
    memory = memory_of(repeating(3, noise=0.0))
    distance = (memory.near - torch.arange(len(memory))[:, None]).abs()
    assert (distance > 2 * STRIDE).all()
    assert (distance[:, 0] % 40 == 0).all()  # the same place in another repeat


def test_the_same_moment_in_another_channel_is_no_other_place():
    mono, stereo = memory_of(varied()), UnitMemory(1000, DIM, step_seconds=0.1, n_near=4)
    stereo.fill([varied(), varied()], STRIDE, n_channels=2)
    assert float(stereo.square_radius) == pytest.approx(float(mono.square_radius))
    apart = (stereo.near % 100 - torch.arange(200)[:, None] % 100).abs()
    assert (apart > 2 * STRIDE).all()


def test_a_memory_of_any_size_is_loaded_exactly():
    memory, other = memory_of(repeating()), UnitMemory(1000, DIM, 0.1, 4)
    state = memory.state_dict()
    assert state["units"].dtype == torch.float16
    other.load_state_dict(state)
    assert other.stride == STRIDE
    for (name, a), (_, b) in zip(memory.named_buffers(), other.named_buffers(), strict=True):
        assert torch.equal(a, b), name
    with pytest.raises(RuntimeError, match="size mismatch"):
        UnitMemory(10, DIM, 0.1, 4).load_state_dict(state)


def test_centroids_are_where_the_vectors_are():
    centres = torch.tensor([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])
    x = (centres[:, None] + 0.1 * torch.randn(3, 200, 2)).flatten(0, 1)
    found = fit_centroids(x, 3)
    assert sorted(nearest_centroid(centres, found).tolist()) == [0, 1, 2]
    assert torch.cdist(centres, found).amin(1).max() < 0.05
    assert torch.equal(found, fit_centroids(x, 3))


# -- a flow whose draws are replaced by units ------------------------------------------------------


def test_recorded_units_are_played_exactly():
    head = Proposing(memory_of(varied()))
    drawn = play(head, follow=10.0)
    assert (drawn[:, None] == head.memory.units).all(-1).any(-1).all()


def test_without_recorded_frames_the_flow_is_itself():
    torch.manual_seed(0)
    plain = FlowHead(4, DIM, 16, 1)
    head = FlowHead(4, DIM, 16, 1, memory=memory_of(varied()))
    torch.nn.init.normal_(plain.velocity.output.weight)
    head.load_state_dict(plain.state_dict(), strict=False)
    h, u = torch.randn(5, 4), torch.rand(5, DIM)
    state = {**head.init_state(5), "last": torch.randn(5, DIM)}
    drawn = head.sample(h, u, controls(5, recorded=0.0), state)
    assert torch.equal(drawn, plain.sample(h, u, controls(5)))


def test_between_are_mixtures_of_proposal_and_unit():
    head = Proposing(memory_of(varied()))
    proposal, u = torch.randn(1, DIM), torch.rand(1, DIM)
    low, half, high = (
        head.sample(
            proposal,
            u,
            controls(1, recorded=recorded, follow=1.0),
            {**head.init_state(1), "last": torch.zeros(1, DIM)},
        )
        for recorded in (0.0, 0.5, 1.0)
    )
    torch.testing.assert_close(half, (low + high) / 2)
    assert torch.equal(low, proposal)


@pytest.mark.parametrize("n_most", [1, 3, 8])
@pytest.mark.parametrize("join", [0.0, 0.3])
def test_no_passage_is_followed_for_longer_wherever_it_repeats(n_most, join):
    head = Proposing(memory_of(repeating()), join=join)
    assert longest_passage(play(head, follow=0.1 * n_most), head.memory) == n_most


def test_a_passage_goes_on_where_nothing_limits_it():
    head = Proposing(memory_of(repeating()))
    assert longest_passage(play(head, follow=1000.0), head.memory) > N_STEPS // 2
    assert longest_passage(play(head, follow=0.0), head.memory) == 1


def test_the_head_has_numbers_of_its_own():
    memory = memory_of(repeating())
    drawn = play(Proposing(memory, recorded=0.0, follow=0.3), follow=-1.0, recorded=-1.0)
    asked = play(Proposing(memory), follow=0.3, recorded=0.0)
    assert torch.equal(drawn, asked)


def test_with_classes_draws_have_the_same_modes():
    torch.manual_seed(0)
    head = FlowHead(2, 2, 64, 2, n_steps=8, n_classes=4)
    head.prepare([targets(torch.randint(2, (2000,))).numpy()], 1)
    trained(head, 2e-2)
    for given in (0, 1):
        drawn = draw(head, given)
        mode = torch.cdist(drawn, CENTRES[given]).argmin(-1)
        for k in (0, 1):
            of_mode = drawn[mode == k]
            assert len(of_mode) / len(drawn) == pytest.approx(0.5, abs=0.06)
            torch.testing.assert_close(of_mode.mean(0), CENTRES[given, k], atol=0.1, rtol=0)
            torch.testing.assert_close(of_mode.std(0), torch.full((2,), SPREAD), atol=0.15, rtol=0)


def test_the_class_that_goes_on_with_a_passage_gets_less_likely_once_it_has_gone_on_too_long():
    recording, n_most = varied(), 5
    head = FlowHead(DIM, DIM, 8, 1, n_classes=50, memory=UnitMemory(1000, DIM, 0.1))
    head.prepare([recording], STRIDE)
    head = head.eval()
    head.fold()
    state, given = head.init_state(1), torch.tensor([0.1 * n_most])
    for played, k in enumerate(range(0, 8 * STRIDE, STRIDE), start=1):
        last = {**state, "last": head.memory.units[k : k + 1]}
        excess = head._class_excess(head.memory.listen(last, given).excess)[0]
        next_class = int(head.classes.nearest(head.memory.units[k + STRIDE]))
        assert excess[next_class] == max(0, played - n_most)
        assert (excess > 0).sum() == (played > n_most)


# -- a choice among units --------------------------------------------------------------------------


def choose(head: UnitsHead, n_steps: int = N_STEPS, seed: int = 0, **options) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    state, last, drawn = head.init_state(1), head.memory.units[:1], []
    for _ in range(n_steps):
        h, u = torch.randn(1, 4, generator=generator), torch.rand(1, 2, generator=generator)
        last = head.sample(head(h), u, controls(1, **options), {**state, "last": last})
        drawn.append(last)
    return torch.cat(drawn)


@torch.no_grad()
def test_what_is_chosen_are_units_of_the_recording():
    head = UnitsHead(4, DIM, memory_of(varied()), width=8)
    drawn = choose(head, follow=1.0)
    assert (drawn[:, None] == head.memory.units).all(-1).any(-1).all()
    assert torch.equal(drawn, choose(head, follow=1.0))


@torch.no_grad()
@pytest.mark.parametrize("n_most", [1, 3])
def test_staying_follows_the_recording_as_long_as_it_may(n_most):
    head = UnitsHead(4, DIM, memory_of(repeating()), width=8, stay=1.0)
    assert longest_passage(choose(head, follow=0.1 * n_most), head.memory) == n_most


@torch.no_grad()
def test_choices_follow_the_probabilities():
    torch.manual_seed(0)
    head = UnitsHead(4, DIM, memory_of(varied(12)), width=8, join=0.0, stay=0.0)
    h, n = torch.randn(1, 4).expand(20_000, 4), 20_000
    state = {**head.init_state(n), "last": torch.full((n, DIM), 50.0)}
    drawn = head.sample(head(h), torch.rand(n, 2), controls(n, follow=1.0), state)
    share = torch.bincount(head.memory.nearest(drawn), minlength=12) / n
    logits = (head(h[:1]) @ head.keys().T)[0].masked_fill(~head.memory.has_before, -torch.inf)
    torch.testing.assert_close(share, logits.softmax(-1), atol=0.02, rtol=0)


def test_the_head_learns_to_ask_for_what_sounds_like_the_next_unit():
    torch.manual_seed(0)
    head = UnitsHead(DIM, DIM, memory_of(repeating(3)), width=16)
    units, n = head.memory.units, len(head.memory) - STRIDE
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-2)
    for _ in range(150):
        j = torch.randint(n, (64,))
        optimizer.zero_grad()
        head.loss(head(units[j]), units[j + STRIDE]).mean().backward()
        optimizer.step()
    head.eval()
    asked = (head(units[:n]) @ head.keys().T).argmax(-1)
    is_right = (units[asked] - units[STRIDE:]).square().sum(-1) < 0.1
    assert is_right.float().mean() > 0.9
    folded = head.loss(head(units[:8]), units[:8])
    head.fold()
    assert torch.equal(head.loss(head(units[:8]), units[:8]), folded)


@pytest.mark.parametrize("head", [UnitsHeadConfig(), FlowHeadConfig(n_units=8)])
def test_a_feature_that_is_not_learned_from_the_recording_is_refused(head):
    variable = VariableConfig(feature=MagnitudeConfig(n_fft=32, hop_length=16), head=head)
    with pytest.raises(ConfigError, match="learned from it"):
        build_heads(IOSpec(sample_rate=8000, variables={"signal": variable}), 4)
