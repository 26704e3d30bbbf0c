"""The folder of a training run: where its files lie, and what state it is in.

::

    runs/<name>/  config.yaml  metrics.csv  checkpoints/step_00000500.safetensors  samples/*.wav
                  log.txt  state.json  (lock: held by the process that trains)
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from ..config import load_yaml
from ..errors import CheckpointError

if TYPE_CHECKING:
    import pandas

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
        """Contents of ``config.yaml``."""
        return load_yaml(self.config_path)

    @property
    def metrics(self) -> pandas.DataFrame:
        """Contents of ``metrics.csv``: one row a logged step, none if there is none yet."""
        import pandas as pd

        if not self.metrics_path.exists():
            return pd.DataFrame(columns=["step", "loss"])
        return pd.read_csv(self.metrics_path)

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
        state: State = self._state_file().get("state", "empty")
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
            values: dict[str, Any] = json.loads((self.folder / "state.json").read_text("utf-8"))
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
        with (self.folder / "lock").open("w") as file:
            if not _lock_patiently(file):
                raise CheckpointError(
                    f"{self.folder} is being trained right now by another process or cell. Stop "
                    "that one first (a file named STOP in the folder does it), or use another "
                    "folder."
                )
            yield  # closing the file, or the end of the process, lets go of the lock

    @property
    def is_locked(self) -> bool:
        """Whether a process trains in the folder right now."""
        path = self.folder / "lock"
        if not path.exists():
            return False
        try:
            with path.open("r+") as file:
                return not _lock(file, is_shared=True)
        except OSError:
            return False


PATIENCE_SECONDS = 0.5


def _lock_patiently(file: IO[str]) -> bool:
    """Lock a file that others may be looking at: who only looks lets go of it at once."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not _lock(file):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


if sys.platform == "win32":

    def _lock(file: IO[str], is_shared: bool = False) -> bool:
        """Windows has no such locks; runs there aren't guarded against a second trainer."""
        return True

else:
    import fcntl

    def _lock(file: IO[str], is_shared: bool = False) -> bool:
        """Lock a file until it is closed; False if somebody else holds it.

        Shared locks exclude only those that aren't: two who look don't take each other for a
        training.
        """
        kind = fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # network drives that know no locks
        return True
