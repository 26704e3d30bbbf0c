from __future__ import annotations

import pytest
import torch

from mimikit_nb.io.digest import digest_of

TENSORS = {"a": torch.arange(6.0), "b": torch.ones(2, 3, dtype=torch.int64)}


def test_the_order_and_the_layout_of_tensors_count_for_nothing() -> None:
    strided = torch.stack([torch.arange(6.0), torch.zeros(6)], 1)[:, 0]
    assert not strided.is_contiguous()
    assert digest_of("x", {"b": TENSORS["b"], "a": strided}) == digest_of("x", TENSORS)


@pytest.mark.parametrize(
    "other",
    [
        {"a": TENSORS["a"] + 1e-6},
        {"a": TENSORS["a"].reshape(2, 3)},
        {"a": TENSORS["a"].view(torch.int32)},
        {"c": torch.zeros(0)},
    ],
)
def test_values_shapes_types_and_names_count(other: dict[str, torch.Tensor]) -> None:
    assert digest_of("x", TENSORS | other) != digest_of("x", TENSORS)


def test_the_text_counts() -> None:
    assert digest_of("x", TENSORS) != digest_of("y", TENSORS)
