import logging
import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mimikit_nb.engine import amx, build, compile_stages, jit, torch_executors
from mimikit_nb.engine import compile as compile_module
from mimikit_nb.engine.build import CompilerError
from mimikit_nb.engine.check import EngineMismatch, _times, check_executor
from mimikit_nb.engine.jit import NumbaExecutor
from mimikit_nb.engine.native import NativeExecutor
from mimikit_nb.engine.stages import EagerExecutor, Stage, clone_state
from mimikit_nb.engine.torch_executors import CudaGraphExecutor, TorchCompileExecutor
from mimikit_nb.errors import EngineError

from .steps import generation_step


def _sequence(state, stages, executor, n: int = 24) -> torch.Tensor:
    executor.run(state, n)
    return state["seq"]["signal"]


def test_chunks_may_have_any_length() -> None:
    stages, state = generation_step(batch_size=2, chunk_steps=24)
    _, longer = generation_step(batch_size=2, chunk_steps=40)
    longer["u"]["signal"][:, :24] = state["u"]["signal"]
    executor = compile_stages(stages, state)
    short = _sequence(state, stages, executor)
    assert torch.equal(_sequence(longer, stages, executor)[:, :24], short)


def test_the_state_it_is_compiled_with_stays_as_it_is() -> None:
    stages, state = generation_step()
    before = clone_state(state)
    compile_stages(stages, state)
    torch.testing.assert_close(state, before, rtol=0, atol=0)


def test_no_step_goes_beyond_its_chunk() -> None:
    stages, state = generation_step(chunk_steps=8)
    executor = compile_stages(stages, state)
    executor.run(state, 5)
    with pytest.raises(EngineError, match="beyond the 8"):
        executor.run(state, 4)


def test_other_states_are_refused() -> None:
    stages, state = generation_step()
    executor = compile_stages(stages, state)
    _, wider = generation_step(batch_size=2)
    with pytest.raises(EngineError, match="build it anew"):
        executor.run(wider, 1)
    with pytest.raises(EngineError, match="other tensors"):
        executor.run({**state, "more": torch.zeros(1)}, 1)


def test_one_executor_serves_two_threads() -> None:
    stages, state = generation_step("wavenet-0")
    executor = compile_stages(stages, state)
    states = [clone_state(state) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda s=s: [executor.run(s, 1) for _ in range(24)]) for s in states
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(s["seq"]["signal"], states[0]["seq"]["signal"]) for s in states)


@pytest.mark.parametrize("weights", ["bf16", "int8"])
@pytest.mark.parametrize("batch_size", [1, 3, 20])
def test_smaller_weights_change_outputs_little(weights, batch_size) -> None:
    stages, state = generation_step("sample_rnn-0", batch_size=batch_size)
    compiled = clone_state(state)
    compile_stages(stages, state, backend="c", weights=weights).run(compiled, 1)
    EagerExecutor(stages).run(state, 1)
    difference = (compiled["out"]["signal"] - state["out"]["signal"]).abs().max()
    assert 0 < difference < 0.02


def _not_in_the_engine(state) -> None:
    state["out"]["signal"].copy_(
        torch.linalg.cholesky(state["out"]["signal"][:, :1, None] ** 2 + 1)[..., 0]
    )


@pytest.fixture
def _only_c(monkeypatch) -> None:
    """Nothing between C and the plain stages, and nothing said yet."""
    monkeypatch.setattr(compile_module._Builder, "order", ["c"])
    monkeypatch.setattr(compile_module, "_said", set())


@pytest.mark.usefixtures("_only_c")
def test_what_cannot_be_compiled_runs_as_it_is_and_says_so_once(caplog) -> None:
    stages, state = generation_step()
    stages = [*stages, Stage(1, _not_in_the_engine)]
    with caplog.at_level(logging.WARNING, logger="mimikit_nb"):
        compile_stages(stages, state).run(state, 2)
        compile_stages(stages, state)
    said = [r for r in caplog.records if r.name.startswith("mimikit_nb")]
    assert len(said) == 1
    assert "cholesky" in said[0].message


def test_a_backend_that_was_asked_for_does_not_give_way() -> None:
    stages, state = generation_step()
    with pytest.raises(EngineError, match="cholesky"):
        compile_stages([*stages, Stage(1, _not_in_the_engine)], state, backend="c")


def test_replacing_a_tensor_of_the_state_is_refused() -> None:
    stages, state = generation_step()

    def replace(state) -> None:
        state["i"] = state["i"] + 0

    with pytest.raises(EngineError, match="replaced"):
        compile_stages([*stages, Stage(1, replace)], state, backend="c")


class _Wrong:
    """An executor with a fault in what it computes."""

    def __init__(self, stages) -> None:
        self.eager = EagerExecutor(stages)

    def run(self, state, n: int) -> None:
        self.eager.run(state, n)
        state["out"]["signal"].add_(0.01)


def test_a_wrong_program_is_found_out() -> None:
    stages, state = generation_step()
    check_executor(EagerExecutor(stages), stages, state)
    with pytest.raises(EngineMismatch, match="'out', 'signal'"):
        check_executor(_Wrong(stages), stages, state)


@given(st.integers(0, 10**7), st.lists(st.integers(1, 2**15), min_size=1, max_size=6))
def test_the_check_tries_every_stage_twice_however_seldom_it_is_due(start, periods):
    times = _times(start, periods, 32)
    assert times[:32] == list(range(start, start + 32))
    assert len(times) <= 32 + 6 * len(periods) and len(set(times)) == len(times)
    assert all(sum(t % period == 0 for t in times) >= 2 for period in periods)


def test_a_fault_in_a_stage_that_is_seldom_due_is_found_out() -> None:
    stages, state = generation_step()
    state["t"].fill_(1)  # at 0 every stage is due

    def drift(state) -> None:
        state["out"]["signal"].add_(0.01)

    wrong = EagerExecutor([*stages, Stage(5000, drift)])
    with pytest.raises(EngineMismatch, match="'out', 'signal'"):
        check_executor(wrong, [*stages, Stage(5000, lambda state: None)], state)


@pytest.mark.usefixtures("_only_c")
def test_a_wrong_program_gives_way(monkeypatch, caplog) -> None:
    stages, state = generation_step("wavenet-1")  # not yet in the cache, so that it is checked
    run = NativeExecutor.run

    def wrong(self, state, n: int) -> None:
        run(self, state, n)
        state["out"]["signal"].add_(0.01)

    monkeypatch.setattr(NativeExecutor, "run", wrong)
    executor = compile_stages(stages, state)
    assert isinstance(executor, EagerExecutor)
    assert "differs" in caplog.text


def _no_compiler(monkeypatch) -> None:
    def find() -> list[str]:
        raise CompilerError("There is no C compiler.")

    monkeypatch.setattr(build, "find_compiler", find)


def test_without_a_compiler_numba_runs_the_steps(monkeypatch, caplog) -> None:
    _no_compiler(monkeypatch)
    stages, state = generation_step("wavenet-0")
    compiled = clone_state(state)
    executor = compile_stages(stages, state)
    assert isinstance(executor, NumbaExecutor)
    executor.run(compiled, 24)
    EagerExecutor(stages).run(state, 24)
    torch.testing.assert_close(compiled, state, rtol=1e-4, atol=1e-4)


def test_torch_compile_is_refused_where_it_gains_nothing(monkeypatch) -> None:
    stages, state = generation_step()
    monkeypatch.setattr(torch, "compile", lambda fn, **options: fn)
    monkeypatch.setattr(
        torch_executors,
        "_seconds",
        lambda executor, state: float(isinstance(executor, TorchCompileExecutor)),
    )
    with pytest.raises(EngineError, match="faster"):
        compile_stages(stages, state, backend="torch_compile")


def test_torch_compile_is_checked(monkeypatch) -> None:
    stages, state = generation_step()

    def wrong(fn, **options):
        def run(state) -> None:
            fn(state)
            state["out"]["signal"].add_(0.01)

        return run

    monkeypatch.setattr(torch, "compile", wrong)
    with pytest.raises(EngineError, match="differs"):
        compile_stages(stages, state, backend="torch_compile")


@pytest.mark.long
def test_torch_compile_gives_the_same() -> None:
    stages, state = generation_step("wavenet-0")
    executor = TorchCompileExecutor.__new__(TorchCompileExecutor)
    executor.stages = [Stage(s.period, torch.compile(s.fn, dynamic=False)) for s in stages]
    check_executor(executor, stages, state)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_graphs_equal_eager_steps() -> None:
    stages, state = generation_step(device="cuda")
    compiled = clone_state(state)
    executor = compile_stages(stages, state)
    assert isinstance(executor, CudaGraphExecutor)
    executor.run(compiled, 24)
    EagerExecutor(stages).run(state, 24)
    torch.testing.assert_close(compiled, state, rtol=1e-4, atol=1e-4)


def test_a_state_in_another_memory_order_works() -> None:
    stages, state = generation_step(batch_size=2)
    _, turned = generation_step(batch_size=2)
    rnn = turned["tiers"]["0"]["rnn"]
    turned["tiers"]["0"]["rnn"] = rnn.transpose(0, 1).contiguous().transpose(0, 1)
    assert not turned["tiers"]["0"]["rnn"].is_contiguous()
    executor = compile_stages(stages, turned)
    for s in (state, turned):
        executor.run(s, 24)
    torch.testing.assert_close(turned, state, rtol=0, atol=0)


def _failing(*args, **options):
    raise RuntimeError("nothing works here")


def test_whatever_fails_to_compile_the_plain_stages_run(monkeypatch, caplog) -> None:
    """No compiler, a numba that breaks, a torch.compile that breaks: each is said once."""
    _no_compiler(monkeypatch)
    monkeypatch.setattr(compile_module, "_said", set())
    monkeypatch.setattr(jit, "_as_arrays", lambda block: [object()])  # numba can't type these
    monkeypatch.setattr(torch, "compile", lambda fn, **options: _failing)
    stages, state = generation_step("wavenet-0")
    with caplog.at_level(logging.WARNING, logger="mimikit_nb"):
        executors = [compile_stages(stages, state) for _ in range(2)]
    assert all(isinstance(executor, EagerExecutor) for executor in executors)
    said = [r.message for r in caplog.records if r.name.startswith("mimikit_nb")]
    assert len(said) == 3
    assert "no C compiler" in said[0]
    assert "numba can't compile" in said[1]
    assert "torch.compile failed: RuntimeError: nothing works here" in said[2]


@pytest.mark.parametrize(
    ("flags", "pays"),
    [({"avx512_bf16", "AMD"}, True), ({"avx512_bf16"}, False), ({"AMD"}, False)],
)
def test_pairs_are_multiplied_where_that_is_faster(flags, pays, monkeypatch):
    monkeypatch.setattr(amx, "has_cpu_flag", flags.__contains__)
    assert amx.pairs_pay() is pays
