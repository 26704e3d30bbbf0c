"""Choose among evaluated sounds: stars, notes, blind pairs, the best, folders of what is kept.

Main names: :class:`Notes`, :func:`draw_pair`, :func:`distinct`, :func:`best`, :func:`keep`,
:func:`extend_sound`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..audio.atomic import replacing
from ..audio.locks import SHORT_WORK_SECONDS, held, lock_of, naming
from ..checkpoint import Checkpoint
from ..corpus.store import Corpus
from ..errors import AudioError, ParameterError
from ..generation.end_state import SUFFIX
from .generating import extend
from .workspace import new_folder

if TYPE_CHECKING:
    import pandas

MOST_STARS = 5


class Notes:
    """Stars, notes and blind votes, kept in a file beside the sounds.

    Parameters
    ----------
    path : str or Path
        The file; made at the first note.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._values = self._read()

    def stars(self, sound: str | Path) -> int:
        """Stars of a sound, 0 to 5."""
        return int(self._values["sounds"].get(Path(sound).name, {}).get("stars", 0))

    def note(self, sound: str | Path) -> str:
        """Note on a sound; empty without one."""
        return str(self._values["sounds"].get(Path(sound).name, {}).get("note", ""))

    def set(self, sound: str | Path, stars: int | None = None, note: str | None = None) -> None:
        """Give a sound stars, a note, or both."""
        if stars is not None and not 0 <= stars <= MOST_STARS:
            raise ParameterError(f"stars is {stars}; it must be from 0 to {MOST_STARS}.")
        with self._changing() as values:
            entry = values["sounds"].setdefault(Path(sound).name, {})
            entry |= {k: v for k, v in (("stars", stars), ("note", note)) if v is not None}

    def vote(self, better: str, worse: str) -> None:
        """Note that one checkpoint sounded better than another in a blind pair."""
        with self._changing() as values:
            values["votes"].append([better, worse])

    @property
    def votes(self) -> list[tuple[str, str]]:
        """Blind votes so far: the better checkpoint and the worse one."""
        return [(better, worse) for better, worse in self._values["votes"]]

    def wins(self) -> pandas.DataFrame:
        """Votes by checkpoint: ``won`` and ``heard``, most wins a hearing first."""
        import pandas as pd

        names = sorted({name for pair in self.votes for name in pair})
        rows = [
            {
                "checkpoint": name,
                "won": sum(better == name for better, _ in self.votes),
                "heard": sum(name in pair for pair in self.votes),
            }
            for name in names
        ]
        table = pd.DataFrame(rows, columns=["checkpoint", "won", "heard"])
        order = (table.won / table.heard.clip(lower=1)).sort_values(ascending=False, kind="stable")
        return table.loc[order.index].reset_index(drop=True)

    def add_to(self, table: pandas.DataFrame) -> pandas.DataFrame:
        """The table with the columns ``stars`` and ``note``."""
        return table.assign(
            stars=[self.stars(path) for path in table["path"]],
            note=[self.note(path) for path in table["path"]],
        )

    def _read(self) -> dict[str, Any]:
        values: dict[str, Any] = {"sounds": {}, "votes": []}
        if not self.path.exists():
            return values
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            if not isinstance(found, dict) or not found.keys() >= values.keys():
                raise ValueError("it holds something else")
            _check(found)
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ParameterError(
                f"The notes {self.path} can't be read ({error}); they were edited or damaged. "
                "Move the file away to begin new ones."
            ) from error
        return values | found

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        """Change the notes; those that other views have made meanwhile stay."""

        def refuse(owner: str) -> ParameterError:
            return ParameterError(f"{self.path} is being written by {owner}; try again.")

        self.path.parent.mkdir(parents=True, exist_ok=True)
        with held(lock_of(self.path), refuse, ParameterError, SHORT_WORK_SECONDS):
            values = self._read()
            yield values
            with replacing(self.path) as temporary:
                temporary.write_text(json.dumps(values, indent=1), encoding="utf-8")
            self._values = values


def _check(values: dict[str, Any]) -> None:
    """Raise a ValueError or TypeError where notes that were read don't have their shape."""
    for note in values["sounds"].values():
        if not 0 <= int(note.get("stars", 0)) <= MOST_STARS:
            raise ValueError(f"stars from 0 to {MOST_STARS}, not {note['stars']}")
    if not all(
        isinstance(name, str) for better, worse in values["votes"] for name in (better, worse)
    ):
        raise ValueError("votes are pairs of names")


def draw_pair(table: pandas.DataFrame, seed: int) -> tuple[str, str]:
    """Paths of two sounds that differ in nothing but the checkpoint, in random order.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`evaluate`.
    seed : int
        Draws them.

    Raises
    ------
    ParameterError
        If no two checkpoints continued the same prompt with the same temperature and seed.
    """
    alike = ["prompt", "temperature", "seed", "seconds", "prompt_seconds"]
    groups = [
        group.drop_duplicates("checkpoint")["path"].tolist()
        for _, group in table.groupby([c for c in alike if c in table], sort=True)
        if group["checkpoint"].nunique() > 1
    ]
    if not groups:
        raise ParameterError("A blind pair needs two checkpoints that continued the same prompt.")
    rng = np.random.default_rng(seed)
    group = groups[rng.integers(len(groups))]
    a, b = rng.choice(len(group), 2, replace=False)
    return group[a], group[b]


def distinct(table: pandas.DataFrame) -> pandas.DataFrame:
    """The sounds of a table without those that nearly repeat one that comes before.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`evaluate`, in any order.
    """
    return table.drop_duplicates("alike") if "alike" in table else table


def best(table: pandas.DataFrame, k: int) -> pandas.DataFrame:
    """The ``k`` best sounds of a ranked table, no two of them nearly the same.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`evaluate`, best first.
    k : int > 0
        How many, at most.
    """
    if k < 1:
        raise ParameterError(f"k is {k}; it must be at least 1.")
    return distinct(table).head(k)


def keep(
    table: pandas.DataFrame, folder: str | Path, sounds: Iterable[str | Path] | None = None
) -> Path:
    """Copy sounds to a new folder, with a table of their scores.

    Parameters
    ----------
    table : pandas.DataFrame
        From :func:`evaluate`.
    folder : str or Path
        Name of the folder; it gets the first number that is free.
    sounds : iterable of path, optional
        Which ones; all of the table if not given.

    Returns
    -------
    Path
        The folder, with the WAV files and ``kept.csv``.

    Raises
    ------
    ParameterError
        If there is nothing to keep.
    AudioError
        If a sound can't be copied.
    """
    wanted = None if sounds is None else {str(path) for path in sounds}
    rows = table if wanted is None else table[table["path"].isin(wanted)]
    if not len(rows):
        raise ParameterError("There is nothing to keep; choose at least one sound.")
    target = new_folder(folder)
    copies = []
    for number, path in enumerate(map(Path, rows["path"]), start=1):
        copy = target / f"{number:02d}_{path.name}"
        try:
            shutil.copyfile(path, copy)
        except OSError as error:
            raise AudioError(f"Can't copy {path} to {target}: {error.strerror}.") from error
        copies.append(copy.name)
    with replacing(target / "kept.csv") as temporary:
        rows.assign(file=copies).to_csv(temporary, index=False, errors="surrogateescape")
    return target


def extend_sound(
    path: str | Path, seconds: float, ck: Checkpoint | None = None, corpus: Corpus | None = None
) -> Path:
    """Go on with an evaluated sound exactly where it stopped, in a copy of its own.

    Parameters
    ----------
    path : str or Path
        A sound of the table.
    seconds : float > 0
        More sound.
    ck : Checkpoint, optional
        What it was made with, if that isn't where it was.
    corpus : Corpus, optional
        For networks that read on in it.

    Returns
    -------
    Path
        The longer sound, in the folder ``extended`` beside the sound's own.
    """
    path = Path(path)
    folder = path.parent.parent / "extended"
    folder.mkdir(parents=True, exist_ok=True)
    state = path.with_suffix(SUFFIX)
    if not state.exists():
        raise ParameterError(f"{path} has no end state beside it, so it can't be extended.")
    with naming(folder):
        number, target = 1, folder / path.name
        while target.exists():
            number += 1
            target = folder / f"{path.stem}_{number}.wav"
        shutil.copyfile(path, target)
        shutil.copyfile(state, target.with_suffix(SUFFIX))
    extend(target, seconds, ck=ck, corpus=corpus)
    return target
