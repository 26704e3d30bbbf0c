"""Two checkpoints side by side."""

import pytest

from mimikit_nb.checkpoint import average_checkpoints, compare, load_checkpoint


def test_the_distance_of_weights_and_what_differs_are_told(make_file, tmp_path):
    a = load_checkpoint(make_file(tmp_path / "a.safetensors", 5, 0, metrics={"loss": 2.0}))
    b = load_checkpoint(
        make_file(tmp_path / "b.safetensors", 9, 1, training={"batch_size": 4, "seed": 1})
    )
    table = compare(a, b)
    assert list(table.loc["step"]) == [5, 9] and list(table.loc["loss"]) == [2.0, None]
    assert list(table.loc["training.batch_size"]) == [2, 4]
    assert not any(name.startswith("network.") for name in table.index)
    assert table.b["distance"] > 0.5
    assert compare(a, a).b["distance"] == 0


def test_an_average_lies_half_way(make_file, tmp_path):
    a, b = (load_checkpoint(make_file(tmp_path / f"{s}.safetensors", seed=s)) for s in (0, 1))
    whole, half = compare(a, b).b, compare(a, average_checkpoints([a, b])).b
    assert half["distance"] == pytest.approx(whole["distance"] / 2, rel=1e-4)
