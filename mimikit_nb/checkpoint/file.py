"""The file of a checkpoint: tensors and a header in one safetensors file, nothing pickled.

The tensors stand in groups, ``network/...``, ``ema/...``, ``features/...`` (of learned features)
and whatever else training adds; the metadata hold a :class:`Header` as JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from pydantic import ConfigDict
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..audio.atomic import replacing
from ..audio.find import READABLE
from ..audio.names import in_utf8
from ..config import Config, field
from ..errors import CheckpointError, ConfigError
from ..io.variable import IOSpec
from ..networks.base import AnyNetwork

FORMAT_VERSION = 1
_KEY = "mimikit_nb"


def package_version() -> str:
    """Version of this package, as it is installed."""
    try:
        return version("mimikit-nb")
    except PackageNotFoundError:
        return "unknown"


class Header(Config):
    """What a checkpoint says about itself."""

    model_config = ConfigDict(allow_inf_nan=True)  # losses may be anything; those stay unwritten

    format_version: int = FORMAT_VERSION
    "Version of the file format."
    package_version: str = ""
    "Version of the package that wrote it."
    step: int
    "Training steps done."
    network: AnyNetwork
    "Config of the network."
    io: IOSpec
    "What the network reads and writes."
    training: dict[str, Any] = field(default_factory=dict)
    "Config of the training."
    metrics: dict[str, float] = field(default_factory=dict)
    "Latest figures: losses and so on."
    corpus_hash: str = ""
    "Hash of the corpus it was trained on."
    source: str = ""
    "Where the corpus was."
    rights: Any = None
    "Whose the recordings are and what may be done with them, as the corpus says."
    parents: tuple[dict[str, Any], ...] = field((), max_length=10_000)
    "Checkpoints it is an average of: hash, step, weight."


FEATURES = "features"
"Group of the tensors of learned features, ``features/<variable>/<tensor>``."


def feature_tensors(io: IOSpec) -> dict[str, Tensor]:
    """Tensors of the learned features, by the names that they have in a checkpoint."""
    return {
        f"{FEATURES}/{path}": tensor
        for path, tensor in flatten({n: f.tensors for n, f in io.learned.items()}).items()
    }


def write_file(path: Path, header: Header, tensors: Mapping[str, Tensor]) -> None:
    """Write header and tensors: whole or not at all.

    Parameters
    ----------
    path : Path
        File to write; one that is there is replaced.
    header : Header
        What the checkpoint says about itself.
    tensors : mapping of Tensor
        By ``group/name``; at least the group ``network``.

    Raises
    ------
    CheckpointError
        If it can't be written (full disk, read-only folder); what was there stays.
    """
    metrics = {name: value for name, value in header.metrics.items() if math.isfinite(value)}
    header = header.model_copy(update={"metrics": metrics, "package_version": package_version()})
    write_tensors(path, tensors, {_KEY: json.dumps(header.to_dict())})


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file, whole or not at all; a CheckpointError says why not."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            save_file(_storable(tensors), temporary, metadata={"format": "pt", **metadata})
            with suppress(OSError):  # safetensors makes files private; theirs follow their folder
                temporary.chmod(path.parent.stat().st_mode & 0o666)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"Can't write {path}: {error}. Earlier checkpoints are untouched; "
            "make room or choose a folder that can be written to, then resume."
        ) from error


def read_file(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors and the metadata of a safetensors file; a CheckpointError says why not."""
    with _opened(path) as file:
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}
        return tensors, file.metadata() or {}


def read_header(path: Path) -> Header:
    """Read the header of a file.

    Raises
    ------
    CheckpointError
        If the file is missing, truncated, foreign or of a newer format; says which.
    """
    with _opened(path) as file:
        text = (file.metadata() or {}).get(_KEY)
    if text is None:
        raise CheckpointError(
            f"{path} is a safetensors file, but not a checkpoint of this package: it doesn't say "
            "what network it holds. Load a file from a run's 'checkpoints' folder, or an exported "
            "folder."
        )
    return parse_header(text, path)


def parse_header(text: str, path: Path) -> Header:
    """Header from its JSON; ``path`` is named in errors."""
    try:
        values = json.loads(text)
        found = values["format_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(
            f"{path} has no readable header of this package ({error})."
        ) from error
    if not isinstance(found, int) or found > FORMAT_VERSION:
        raise CheckpointError(
            f"{path} has the newer format {found}, written by mimikit-nb "
            f"{values.get('package_version')}; this is {package_version()}, which reads up to "
            f"format {FORMAT_VERSION}. Update with: pip install -U mimikit-nb"
        )
    try:
        return Header(**values)
    except ConfigError as error:
        raise CheckpointError(f"The configuration in {path} can't be read: {error}") from error


def read_tensors(path: Path, group: str) -> dict[str, Tensor]:
    """Tensors of one group of the file by name, without the group's name."""
    with _opened(path) as file:
        names = [name for name in file.keys() if name.startswith(f"{group}/")]
        # Copied into memory of torch's own: aligned, and not tied to the file.
        return {name.removeprefix(f"{group}/"): file.get_tensor(name).clone() for name in names}


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Tensor]:
    """Tensors of a nested dict by path, ``a/b/c``; empty dicts are kept."""
    flat: dict[str, Tensor] = {}
    for key, value in nested.items():
        name = prefix + key.replace("%", "%25").replace("/", "%2F")
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{name}/") or {f"{name}/": torch.empty(0)}
        else:
            flat[name] = value
    return flat


def unflatten(flat: Mapping[str, Tensor]) -> dict[str, Any]:
    """Inverse of :func:`flatten`."""
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *parents, last = (part.replace("%2F", "/").replace("%25", "%") for part in path.split("/"))
        level = nested
        for key in parents:
            level = level.setdefault(key, {})
        if last:
            level[last] = value
    return nested


def _storable(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors on the CPU, contiguous, each with memory of its own (safetensors asks for that)."""
    stored: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, tensor in tensors.items():
        value = tensor.detach().cpu().contiguous()
        address = value.untyped_storage().data_ptr()
        stored[name] = value.clone() if address in seen else value
        seen.add(address)
    return stored


def _opened(path: Path) -> Any:
    """Open safetensors file; a CheckpointError says why not."""
    if not path.is_file():
        raise CheckpointError(f"There is no checkpoint at {path}.")
    try:
        with in_utf8(path) as text:
            return safe_open(text, framework="pt")
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} {_what_is_wrong(path, error)}") from error


def _what_is_wrong(path: Path, error: Exception) -> str:
    """End of a sentence that says what a file is, if it isn't a checkpoint."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as reason:
        return f"can't be read: {reason}."
    if start[:2] == b"PK" or (start[:1] == b"\x80" and start[1:2] in b"\2\3\4\5"):
        return (
            "is a pickle (a torch.save file), whatever its name says. Loading one runs code from "
            "the file, so this package never does. Ask for a safetensors file."
        )
    # The format: length of the header (8 bytes, little endian), the header in JSON, the data.
    if size < 16 or (start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 100_000_000):
        return (
            f"is truncated or damaged ({size} bytes, {error}): it was cut off while being copied "
            "or written. Use an earlier checkpoint, or copy it again."
        )
    expected = "Give a run's folder, a .safetensors file of one, or an exported folder."
    if start[:8] == b"\x89HDF\r\n\x1a\n":
        return f"is an HDF5 file, such as a corpus, not a checkpoint. {expected}"
    if path.suffix.lower() in READABLE:
        return f"is a sound file, not a checkpoint. {expected}"
    return f"is not a safetensors file ({error}). {expected}"
