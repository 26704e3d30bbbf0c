"""What there is to play with: trained networks and corpora in a folder. Main name: :func:`look`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..checkpoint import Run
from ..checkpoint.format import CONFIG_NAME, MODEL_NAME
from ..errors import ParameterError
from ..paths import as_path

_MOST_FOLDERS = 5000


@dataclass(frozen=True)
class Palette:
    """Networks and corpora by name.

    Attributes
    ----------
    networks : dict of str to Path
        Runs with at least one checkpoint, and exported checkpoints, by their path in the folder.
    corpora : dict of str to Path
        Corpora, by their path in the folder.
    """

    networks: dict[str, Path]
    corpora: dict[str, Path]


def look(folder: str | Path) -> Palette:
    """Find trained networks and corpora in a folder and all its folders.

    Parameters
    ----------
    folder : str or Path
        Where to look; nothing is loaded.

    Returns
    -------
    Palette
        In alphabetical order.

    Raises
    ------
    ParameterError
        If there is no such folder, or it holds too many.
    """
    folder = as_path(folder)
    if not folder.is_dir():
        raise ParameterError(f"There is no folder {folder}; give one with runs or corpora in it.")
    networks: dict[str, Path] = {}
    corpora: dict[str, Path] = {}
    for count, (place, folders, files) in enumerate(os.walk(folder)):
        if count > _MOST_FOLDERS:
            raise ParameterError(
                f"{folder} holds more than {_MOST_FOLDERS} folders; give one with less in it."
            )
        path = Path(place)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if Run(path).checkpoints or {CONFIG_NAME, MODEL_NAME} <= set(files):
            networks[_name(path, folder)] = path
            folders.clear()
        corpora |= {_name(path / f, folder): path / f for f in sorted(files) if f.endswith(".h5")}
    return Palette(networks, corpora)


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path != folder else path.name
