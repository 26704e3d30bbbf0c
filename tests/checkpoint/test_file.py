import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from mimikit_nb.checkpoint.file import (
    FORMAT_VERSION,
    flatten,
    read_header,
    read_tensors,
    unflatten,
    write_file,
)
from mimikit_nb.errors import CheckpointError

keys = st.text(st.sampled_from("ab/%.é"), min_size=1, max_size=4)
trees = st.recursive(
    st.integers(0, 9).map(torch.tensor),
    lambda inner: st.dictionaries(keys, inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(keys, trees, max_size=3))
def test_unflatten_inverts_flatten(tree):
    flat = flatten(tree)
    assert all(isinstance(value, torch.Tensor) for value in flat.values())
    assert unflatten(flat) == tree


def test_header_and_tensors_come_back(tmp_path, make_file):
    path = make_file(tmp_path / "a.safetensors", step=7, metrics={"loss": 0.1 + 0.2})
    header = read_header(path)
    assert header.step == 7
    assert header.metrics == {"loss": 0.1 + 0.2}
    assert header.corpus_hash == "c0ffee"
    assert header.rights == "mine"
    assert header.package_version
    assert read_tensors(path, "optimizer")["weight/step"] == 5


def test_tensors_that_share_memory_are_stored_each(tmp_path, make_file):
    path = make_file(tmp_path / "a.safetensors")
    x = torch.arange(6.0)
    write_file(path, read_header(path), {"g/a": x, "g/b": x, "g/c": x.view(2, 3).T, "g/d": x[2:]})
    back = read_tensors(path, "g")
    assert torch.equal(back["a"], back["b"])
    assert torch.equal(back["c"], x.view(2, 3).T)
    assert torch.equal(back["d"], x[2:])


def test_metrics_that_are_not_finite_are_left_out(tmp_path, make_file):
    path = make_file(tmp_path / "a.safetensors", metrics={"loss": float("nan"), "other": 1.0})
    assert read_header(path).metrics == {"other": 1.0}


def test_every_truncation_is_named(tmp_path, make_file):
    whole = make_file(tmp_path / "a.safetensors").read_bytes()
    path = tmp_path / "cut.safetensors"
    header_end = 8 + int.from_bytes(whole[:8], "little")
    for length in {*range(0, header_end, 97), header_end, len(whole) // 2, len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match=r"truncated.*earlier checkpoint"):
            read_header(path)


def test_trailing_bytes_are_damage(tmp_path, make_file):
    path = make_file(tmp_path / "a.safetensors")
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(CheckpointError, match="damaged"):
        read_header(path)


def test_foreign_safetensors(tmp_path):
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(2)}, path, metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="not a checkpoint of this package"):
        read_header(path)


@pytest.mark.parametrize("legacy", [True, False])
def test_pickle_is_refused_and_not_run(tmp_path, legacy):
    path = tmp_path / "renamed.safetensors"
    torch.save({"weight": torch.zeros(2)}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(CheckpointError, match=r"is a pickle.*runs code"):
        read_header(path)


@pytest.mark.parametrize(
    "content", [b"<html>please log in to your drive</html>", b"RIFF" + bytes(60)]
)
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "page.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        read_header(path)


def test_missing_file(tmp_path):
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        read_header(tmp_path / "none.safetensors")


def edit_header(path: Path, **changes: object) -> None:
    text = path.read_bytes()
    length = int.from_bytes(text[:8], "little")
    values = json.loads(json.loads(text[8 : 8 + length])["__metadata__"]["mimikit_nb"]) | changes
    metadata = {"format": "pt", "mimikit_nb": json.dumps(values)}
    save_file(load_file(path), path, metadata=metadata)


def test_newer_format_names_the_remedy(tmp_path, make_file):
    path = make_file(tmp_path / "a.safetensors")
    edit_header(
        path, format_version=FORMAT_VERSION + 1, package_version="9.0", field_of_the_future=1
    )
    with pytest.raises(CheckpointError, match=r"newer format 2.*9\.0.*pip install -U"):
        read_header(path)


def test_unknown_network_kind(tmp_path, make_file):
    path = make_file(tmp_path / "a.safetensors")
    edit_header(path, network={"kind": "wavenut"})
    with pytest.raises(CheckpointError, match=r"wavenut.*wavenet"):
        read_header(path)


def test_no_room_leaves_the_old_file(tmp_path, make_file):
    resource = pytest.importorskip("resource")  # Windows has no limits on file sizes
    path = make_file(tmp_path / "a.safetensors")
    before, limits = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(CheckpointError, match=r"Can't write.*make room.*resume"):
            write_file(path, read_header(path), {"network/x": torch.zeros(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_files_are_as_readable_as_their_folder(tmp_path, make_file):
    tmp_path.chmod(0o755)
    path = make_file(tmp_path / "a.safetensors")
    assert path.stat().st_mode & 0o777 == 0o644
