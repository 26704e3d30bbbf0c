"""Trained networks on disk: from a run, a single file, or a folder made for sharing.

:func:`load_checkpoint` finds what somebody means and gives a :class:`Checkpoint`, which builds
the network; :func:`export` writes the folder that is shared, ``config.json`` and
``model.safetensors``. The file itself is described in :mod:`.file`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..arguments import PathArg, Step, checked
from ..audio.atomic import replacing
from ..audio.locks import held_folder
from ..errors import CheckpointError, FeatureError
from ..io.digest import digest_of
from ..io.variable import IOSpec
from ..networks.base import Network, NetworkConfig
from ..runtime import check_device
from .card import card_text
from .file import (
    FEATURES,
    Header,
    feature_tensors,
    package_version,
    parse_header,
    read_header,
    read_tensors,
    unflatten,
    write_file,
)
from .run import Run


@dataclass(frozen=True)
class Checkpoint:
    """A trained network at one step, and where it comes from.

    Attributes
    ----------
    header : Header
        What it says about itself.
    path : Path or None
        File it was read from; None for an average that was not exported.
    """

    header: Header
    path: Path | None = None
    _weights: Mapping[str, Tensor] | None = field(default=None, repr=False)
    _io: IOSpec | None = field(default=None, repr=False)

    @property
    def config(self) -> NetworkConfig:
        """Config of the network."""
        config: NetworkConfig = self.header.network
        return config

    @cached_property
    def io(self) -> IOSpec:
        """What the network reads and writes, learned features with their tensors.

        Raises
        ------
        CheckpointError
            If these aren't there or don't fit.
        """
        io = self.header.io
        if self._io is not None or not io.learned:
            return self._io or io
        try:
            return io.with_tensors(unflatten(self.tensors(FEATURES)))
        except (KeyError, FeatureError) as error:
            raise CheckpointError(
                f"The learned features of {self.path or 'the checkpoint'} can't be read: {error}"
            ) from error

    @property
    def training(self) -> dict[str, Any]:
        """Config of the training, as plain values."""
        return self.header.training

    @property
    def step(self) -> int:
        """Training steps done."""
        return self.header.step

    @property
    def metrics(self) -> dict[str, float]:
        """Latest figures: losses and so on."""
        return self.header.metrics

    @property
    def corpus_hash(self) -> str:
        """Hash of the corpus it was trained on."""
        return self.header.corpus_hash

    @property
    def rights(self) -> Any:
        """Whose the recordings are and what may be done with them."""
        return self.header.rights

    @cached_property
    def hash(self) -> str:
        """SHA-256 of configs and weights: equal for equal networks, wherever they are stored."""
        configs = {"network": self.config.to_dict(), "io": self.io.to_dict()}
        tensors = self.weights() | feature_tensors(self.io)
        return digest_of(json.dumps(configs, sort_keys=True), tensors)

    def weights(self, ema: bool = True) -> dict[str, Tensor]:
        """Weights by name: their moving average where there is one and ``ema`` is true."""
        if self._weights is not None:
            return dict(self._weights)
        return (ema and self.tensors("ema")) or self.tensors("network")

    def tensors(self, group: str) -> dict[str, Tensor]:
        """Tensors of one group of the file by name, without the group's name."""
        return {} if self.path is None else read_tensors(self.path, group)

    @checked
    def network(self, device: str = "cpu", ema: bool = True) -> Network:
        """Network with the checkpoint's weights, in eval mode.

        Parameters
        ----------
        device : str, default "cpu"
            Where it is put.
        ema : bool, default True
            Whether to take the moving average of the weights, where there is one.

        Raises
        ------
        CheckpointError
            If the weights don't fit the network that the config describes.
        ParameterError
            If there is no such device.
        """
        device = check_device(device)
        with torch.random.fork_rng(
            devices=[]
        ):  # the random weights to be replaced cost no randomness
            network = self.config.build(self.io)
        try:
            network.load_state_dict(self.weights(ema))
        except RuntimeError as error:
            raise CheckpointError(
                f"The weights of {self.path or 'the checkpoint'} don't fit its own configuration: "
                f"{error}. It was edited, or written by a version whose networks differed."
            ) from error
        return network.to(device).eval()


CONFIG_NAME, MODEL_NAME, CARD_NAME = "config.json", "model.safetensors", "README.md"


@checked
def load_checkpoint(source: Run | PathArg, step: Step | None = None) -> Checkpoint:
    """Load a trained network from a run, a file or an exported folder.

    Parameters
    ----------
    source : str, Path or Run
        Folder of a run, a ``.safetensors`` file of one, or a folder written by :func:`export`.
    step : int, optional
        Which checkpoint of a run; the latest if not given.

    Returns
    -------
    checkpoint : Checkpoint
        ``checkpoint.network()`` builds the network.

    Raises
    ------
    CheckpointError
        If there is none, or it is truncated, foreign or of a newer format; says which.

    Examples
    --------
    >>> ck = mnb.load_checkpoint("runs/first", step=2)
    >>> ck.step, ck.config.kind
    (2, 'latent_rnn')
    """
    path = source.folder if isinstance(source, Run) else Path(source)
    if path.is_file():
        return _with_step(_read_file(path), step)
    if (path / CONFIG_NAME).is_file() and (path / MODEL_NAME).is_file():
        return _with_step(_read_exported(path), step)
    return _read_run(Run(path), step)


def latest_good(run: Run) -> tuple[Checkpoint | None, list[str]]:
    """Latest checkpoint of a run that can be read, and why later ones can't.

    Training resumes from it; where a single network is wanted, :func:`load_checkpoint` rather
    says what is wrong than to hand over an older one.
    """
    complaints: list[str] = []
    for path in reversed(run.checkpoints.values()):
        try:
            return _read_file(path), complaints
        except CheckpointError as error:
            complaints.append(str(error))
    return None, complaints


@checked
def export(
    checkpoint: Checkpoint, folder: PathArg, figures: Mapping[str, Any] | None = None
) -> Path:
    """Write a network for others: ``config.json``, ``model.safetensors`` and a card.

    Holds the weights that sound is generated with, and no optimizer. The card, ``README.md``,
    says in Markdown what it was trained on, whose that is, and how it scored.
    :func:`load_checkpoint` loads the folder.

    Parameters
    ----------
    checkpoint : Checkpoint
        What to export; also an average.
    folder : str or Path
        Where to; created if need be.
    figures : mapping, optional
        More figures for the card, by name, such as a row of :func:`by_checkpoint`.

    Returns
    -------
    folder : Path
        The folder.

    Raises
    ------
    CheckpointError
        If the folder holds an export already, or can't be written.

    Examples
    --------
    >>> folder = mnb.export(mnb.load_checkpoint("runs/first"), "shared")
    >>> sorted(path.name for path in folder.iterdir())
    ['README.md', 'config.json', 'model.safetensors']
    """
    folder = Path(folder)
    with held_folder(folder, "is exported to", CheckpointError):
        _write_export(checkpoint, folder, figures)
    return folder


def _write_export(checkpoint: Checkpoint, folder: Path, figures: Mapping[str, Any] | None) -> None:
    for name in (CONFIG_NAME, MODEL_NAME, CARD_NAME):
        if os.path.lexists(folder / name):
            raise CheckpointError(
                f"{folder / name} exists and is not overwritten; export to another folder."
            )
    values = checkpoint.header.to_dict() | {"package_version": package_version()}
    texts = {
        CARD_NAME: card_text(checkpoint.header, checkpoint.hash, figures),
        CONFIG_NAME: json.dumps(values, indent=2),
    }
    weights = {f"network/{name}": value for name, value in checkpoint.weights().items()}
    write_file(folder / MODEL_NAME, checkpoint.header, weights | feature_tensors(checkpoint.io))
    try:
        for name, text in texts.items():
            with replacing(folder / name) as temporary:
                temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        for name in (MODEL_NAME, *texts):  # half an export would stand in the way of the next
            (folder / name).unlink(missing_ok=True)
        raise CheckpointError(
            f"{folder} can't be written: {error.strerror or error}. Check the space left."
        ) from error


def _read_file(path: Path) -> Checkpoint:
    """A checkpoint file, or the exported folder that ``model.safetensors`` belongs to."""
    exported = path.name == MODEL_NAME and (path.parent / CONFIG_NAME).is_file()
    return _read_exported(path.parent) if exported else Checkpoint(read_header(path), path)


def _read_exported(folder: Path) -> Checkpoint:
    """Exported folder; ``config.json`` is what counts."""
    path = folder / CONFIG_NAME
    try:
        header = parse_header(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} can't be read: {error}.") from error
    return Checkpoint(header, folder / MODEL_NAME)


def _read_run(run: Run, step: int | None) -> Checkpoint:
    checkpoints = run.checkpoints
    if not checkpoints:
        raise CheckpointError(
            f"There is no checkpoint in {run.folder}, which {_what_is_there(run)}: expected a "
            f"run's folder, a .safetensors file or a folder with {CONFIG_NAME} and {MODEL_NAME}."
        )
    chosen = max(checkpoints) if step is None else step
    if chosen not in checkpoints:
        there = ", ".join(map(str, checkpoints))
        raise CheckpointError(f"{run.folder} has no checkpoint of step {step}; there are: {there}.")
    return _read_file(checkpoints[chosen])


def _what_is_there(run: Run) -> str:
    if not run.folder.exists():
        return "doesn't exist"
    return "is a run that has none yet" if run.config_path.is_file() else "isn't a run's folder"


def _with_step(checkpoint: Checkpoint, step: int | None) -> Checkpoint:
    if step is not None and step != checkpoint.step:
        raise CheckpointError(
            f"{checkpoint.path} is of step {checkpoint.step}, not {step}; leave out 'step'."
        )
    return checkpoint
