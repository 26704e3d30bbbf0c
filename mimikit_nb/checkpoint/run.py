"""The folder of a training run: where its files lie, and what state it is in.

::

    runs/<name>/  config.yaml  metrics.csv  checkpoints/step_00000500.safetensors  samples/*.wav
                  log.txt  state.json  (lock: held by the process that trains)
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from ..audio.locks import Lock, held
from ..config import load_yaml, shown
from ..errors import CheckpointError, ConfigError, TrainingError

if TYPE_CHECKING:
    import pandas

SECTIONS = ("network", "io", "training", "corpus")
"Of ``config.yaml``."

T = TypeVar("T")
State = Literal["empty", "running", "paused", "stopped", "finished", "failed", "interrupted"]


class Run:
    """A training run, read from its folder whenever it is asked.

    Parameters
    ----------
    folder : str or Path
        Folder of the run; it need not exist yet.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, state={self.state!r}, steps={list(self.checkpoints)})"

    @property
    def exists(self) -> bool:
        """Whether the folder holds anything of a run."""
        return self.config_path.exists() or self.metrics_path.exists() or bool(self.checkpoints)

    @property
    def config_path(self) -> Path:
        """Configs of network, variables and training, and the corpus they were used on."""
        return self.folder / "config.yaml"

    @property
    def metrics_path(self) -> Path:
        """Table of losses."""
        return self.folder / "metrics.csv"

    @property
    def samples_folder(self) -> Path:
        """Folder of the sound previews."""
        return self.folder / "samples"

    @property
    def stop_path(self) -> Path:
        """File whose appearance stops the training."""
        return self.folder / "STOP"

    @property
    def config(self) -> dict[str, Any]:
        """Contents of ``config.yaml``: its sections, each a mapping.

        Raises
        ------
        ConfigError
            If it isn't YAML; says where.
        TrainingError
            If a section is missing, or isn't a mapping.
        """
        stored = load_yaml(self.config_path)
        for name in SECTIONS:
            found = stored.get(name)
            if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
                what = f"no section {name!r}" if found is None else f"a wrong section {name!r}"
                sections = ", ".join(map(shown, stored)) or "none"
                raise TrainingError(
                    f"{self.config_path} has {what} (its sections: {sections}): it was edited, or "
                    "isn't a run's. Put it back, or start a new run."
                )
        return stored

    def section(self, name: str, parse: Callable[[dict[str, Any]], T]) -> T:
        """A section of ``config.yaml`` as what ``parse`` makes of it; complaints name the file."""
        found = self.config[name]
        try:
            return parse(found)
        except ConfigError as error:
            raise ConfigError(
                f"{self.config_path}, {name}: {error} Correct it, or start a new run."
            ) from error

    @property
    def metrics(self) -> pandas.DataFrame:
        """Whole rows of ``metrics.csv``: one a logged step, none if there is none yet.

        Raises
        ------
        TrainingError
            If it isn't a table of losses.
        """
        import pandas as pd

        lines = read_rows(self.metrics_path)
        if not lines:
            return pd.DataFrame(columns=["step", "loss"])
        table = pd.read_csv(io.StringIO("".join(lines)), on_bad_lines="skip", index_col=False)
        table = table.apply(pd.to_numeric, errors="coerce").dropna(subset=["step"])
        return table.astype({"step": np.int64}).reset_index(drop=True)

    @property
    def checkpoints(self) -> dict[int, Path]:
        """Checkpoint files by step, in order."""
        found = {}
        for path in (self.folder / "checkpoints").glob("step_*.safetensors"):
            if match := re.fullmatch(r"step_(\d+)", path.stem):
                found[int(match[1])] = path
        return dict(sorted(found.items()))

    def checkpoint_path(self, step: int) -> Path:
        """Where the checkpoint of a step is stored."""
        return self.folder / "checkpoints" / f"step_{step:08d}.safetensors"

    def sweep(self) -> None:
        """Remove half-written files that a killed process left among the checkpoints."""
        for path in (self.folder / "checkpoints").glob(".*"):  # ours and those of safetensors
            if path.is_file():
                path.unlink(missing_ok=True)

    def keep_last(self, n: int) -> list[Path]:
        """Delete all but the last ``n`` checkpoints; the deleted ones are returned."""
        surplus = list(self.checkpoints.values())[:-n]
        for path in surplus:
            path.unlink()
        return surplus

    @property
    def state(self) -> State:
        """State in a word; "interrupted" is a run whose process is gone without a goodbye."""
        state: Any = str(self._state_file().get("state", "empty"))
        return "interrupted" if state in ("running", "paused") and not self.is_locked else state

    @property
    def message(self) -> str:
        """Why the run is in its state, in words."""
        return str(self._state_file().get("message", ""))

    def set_state(self, state: State, message: str = "") -> None:
        """Note the state of the run."""
        text = json.dumps({"state": state, "message": message})
        temporary = self.folder / ".state.json.part"
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(self.folder / "state.json")  # whole or not at all; need not be durable

    def _state_file(self) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            values: Any = json.loads((self.folder / "state.json").read_text("utf-8"))
            if isinstance(values, dict):
                return values
        return {"state": "interrupted"} if self.exists else {}

    def log(self, message: str) -> None:
        """Add a line with the time to ``log.txt``."""
        with (self.folder / "log.txt").open(
            "a", encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.write(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {message}\n")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run, so that no second process trains in the same folder.

        Raises
        ------
        CheckpointError
            If another process, or another thread of this one, holds it.
        """

        def refuse(owner: str) -> CheckpointError:
            return CheckpointError(
                f"{self.folder} is being trained right now by {owner}. Stop that one first (a file "
                "named STOP in the folder does it), or use another folder."
            )

        with held(self.folder / "lock", refuse, CheckpointError):
            yield

    @property
    def is_locked(self) -> bool:
        """Whether a process trains in the folder right now."""
        return Lock(self.folder / "lock").is_held


def read_rows(path: Path) -> list[str]:
    """Whole lines of a table of losses, header first; none if there is none.

    A line without an end, or one with zeros of a power failure, was never written whole.

    Raises
    ------
    TrainingError
        If it isn't a table of losses.
    """
    if not path.exists():
        return []
    try:
        text = path.read_bytes().decode("utf-8", errors="replace")
    except OSError as error:
        raise TrainingError(f"{path} can't be read: {error.strerror}.") from error
    lines = [line for line in text.splitlines(keepends=True) if line[-1] in "\r\n"]
    lines = [line for line in lines if "\0" not in line and line.strip()]
    header = lines[0].strip().split(",") if lines else ["step", "loss"]
    if not {"step", "loss"} <= set(header) or len(set(header)) < len(header):
        raise TrainingError(
            f"{path} isn't a table of losses: its first line is {shown(lines[0].strip())}, without "
            "'step' and 'loss'. Put it back, or move it away; the training goes on without."
        )
    return lines
