import functools
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mimikit_nb.engine import build, compile_stages, native
from mimikit_nb.engine import compile as compile_module
from mimikit_nb.engine.constants import Constants, pack, panel_rows
from mimikit_nb.engine.native import NativeExecutor
from mimikit_nb.engine.program import lower_step, trace_step
from mimikit_nb.engine.stages import Stage

from .steps import generation_step


@given(n=st.integers(1, 600), width=st.sampled_from([1, 2, 4, 8]))
def test_panels_cover_all_outputs(n, width) -> None:
    padded = -(-n // 16) * 16
    sizes = panel_rows(padded, width)
    assert sum(sizes) == padded
    assert all(size % 16 == 0 and size <= 16 * width for size in sizes)


@settings(deadline=None)
@given(n=st.integers(1, 20), k=st.integers(1, 9), seed=st.integers(0, 99))
def test_pairs_read_as_floats_are_near_the_weights(n, k, seed) -> None:
    w = torch.randn(n, k, generator=torch.Generator().manual_seed(seed))
    packed, _ = pack(w, "bf16", 1)
    words = packed.view(torch.int32).view(-1, -(-k // 2), 16).transpose(1, 2).flatten(0, 1)[:n]
    low, high = (words << 16).view(torch.float32), words.view(torch.float32)
    tolerance = 2.0**-8 * w.abs() + 1e-30
    assert ((low - w[:, 0::2]).abs() <= tolerance[:, 0::2]).all()
    assert ((high[:, : k // 2] - w[:, 1::2]).abs() <= tolerance[:, 1::2]).all()


def test_equal_constants_are_stored_once() -> None:
    constants, x = Constants(), torch.arange(5.0)
    assert constants.add(x) == constants.add(x)
    assert constants.add(x) != constants.add(x[1:])
    assert torch.equal(constants.block()[:20].view(torch.float32), x)


@pytest.fixture
def _emulated_amx(monkeypatch) -> None:
    header = Path(__file__).parent / "amx_emulation.h"
    compiled = functools.partial(build.build_library, extra_flags=(f'-DAMX_EMULATION="{header}"',))
    monkeypatch.setattr(native, "build_library", compiled)
    monkeypatch.setattr(compile_module, "amx_is_permitted", lambda: True)


@pytest.mark.usefixtures("_emulated_amx")
@pytest.mark.parametrize("layout", ["f32", "bf16", "int8", "dot", "amx"])
def test_products_are_as_exact_as_their_weights(layout) -> None:
    generator = torch.Generator().manual_seed(0)
    shapes = [
        (rows, k, n) for rows in (1, 2, 8, 9, 32, 33) for k, n in ((1, 16), (33, 40), (70, 200))
    ]
    weights = [torch.randn(n, k, generator=generator) for _, k, n in shapes]
    state = {"t": torch.zeros(1, dtype=torch.int64)}
    state |= {f"x{i}": torch.randn(m, k, generator=generator) for i, (m, k, _) in enumerate(shapes)}
    state |= {f"y{i}": torch.zeros(m, n) for i, (m, _, n) in enumerate(shapes)}

    def products(state) -> None:
        for i, w in enumerate(weights):
            state[f"y{i}"].copy_(torch.nn.functional.linear(state[f"x{i}"], w, w[:, 0]))

    NativeExecutor(lower_step(trace_step([Stage(1, products)], state), layout)).run(state, 1)
    error = {"f32": 2.0**-22, "bf16": 2.0**-8, "int8": 2.0**-7, "dot": 2.0**-7, "amx": 2.0**-7}[
        layout
    ]
    for i, w in enumerate(weights):
        x, y = state[f"x{i}"], state[f"y{i}"]
        largest = w.abs().amax(1) if layout == "int8" else w.abs()
        limit = error * (
            x.abs().sum(1, keepdim=True) * largest if layout == "int8" else x.abs() @ w.abs().T
        )
        expected = x.double() @ w.double().T + w[:, 0]
        assert ((y - expected).abs() <= limit + 1e-5).all(), shapes[i]


@pytest.mark.usefixtures("_emulated_amx")
def test_batches_with_bf16_weights_take_the_matrix_unit() -> None:
    stages, state = generation_step("wavenet-0", batch_size=9)
    executor = compile_stages(stages, state, backend="c", weights="bf16")
    kernels = {
        s.kernel for _, body in executor.program.stages for s in body if hasattr(s, "kernel")
    }
    assert kernels == {"amx"}
