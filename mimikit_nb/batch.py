"""Run notebooks without a browser, with their parameters checked before anything starts.

A notebook declares its parameters once, in its cell tagged ``parameters``: names, types,
defaults and a word of help. Here they are read (:func:`find_notebooks`), checked as
:mod:`.parameters` says, and the notebook is run by papermill (:func:`run_notebook`). The command
line and grids of runs (:mod:`.grids`) call this module.
"""

from __future__ import annotations

import ast
import io
import re
import signal
import threading
import tokenize
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from . import errors
from .arguments import PathArg, checked
from .config import did_you_mean, shown
from .errors import NotebookError
from .parameters import Parameter
from .paths import as_path
from .progress import Progress, Watch

_KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}  # if none is said
_LAST_SECONDS = 30.0  # that an interrupted cell has to end, before its kernel is killed


@dataclass(frozen=True)
class Notebook:
    """A notebook that can be run: its file and what it takes.

    Attributes
    ----------
    path : Path
        Its file.
    title : str
        First heading.
    parameters : dict of str to Parameter
        In the order declared.
    """

    path: Path
    title: str
    parameters: dict[str, Parameter]

    @classmethod
    def read(cls, path: Path) -> Notebook:
        """Notebook from its file; a NotebookError says what is wrong with it."""
        cells = _read(path).cells
        tagged = [c for c in cells if "parameters" in c.metadata.get("tags", [])]
        if len(tagged) != 1:
            raise NotebookError(
                f"{path} has {len(tagged)} cells tagged 'parameters', not one; tag the cell that "
                "holds its parameters (in JupyterLab: property inspector, Cell Tags)."
            )
        headings = [c.source for c in cells if c.cell_type == "markdown"]
        title = headings[0].lstrip("# ").splitlines()[0] if headings and headings[0] else path.stem
        return cls(path, title, {p.name: p for p in _parse_parameters(tagged[0].source, path)})

    def check(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by name, parsed; a NotebookError names what is unknown or doesn't fit."""
        for name in values:
            if name not in self.parameters:
                known = "\n".join(f"  {parameter}" for parameter in self.parameters.values())
                raise NotebookError(
                    f"{self.path.name} has no parameter {name!r}. "
                    f"{did_you_mean(name, self.parameters)} It takes:\n{known}"
                )
        return {name: self.parameters[name].parse(value) for name, value in values.items()}


@dataclass(frozen=True)
class NotebookRun:
    """A notebook that ran to its end.

    Attributes
    ----------
    path : Path
        The executed copy, with its outputs.
    folder : Path
        Where it lies, and usually what it made.
    parameters : dict
        What it ran with, defaults included.
    """

    path: Path
    folder: Path
    parameters: dict[str, Any]


@checked
def run_notebook(
    name: PathArg,
    parameters: Mapping[str, Any] | None = None,
    out: PathArg | None = None,
    progress: Watch | None = None,
) -> NotebookRun:
    """Run a notebook of this project, or one of your own, from top to bottom.

    Parameters
    ----------
    name : str or Path
        Name with or without its number ("21_train_sample_rnn", "train_sample_rnn",
        "quickstart"), or a path.
    parameters : mapping, optional
        Values that differ from the notebook's; text is turned into the declared types.
        ``headless`` is True unless it is given.
    out : str or Path, optional
        Folder for the executed notebook, and, where the notebook has a parameter ``out``, for
        what it makes. Without one, that parameter's value is taken.
    progress : Progress or callable, optional
        Told before each code cell its number, how many there are, and a heading; a function is
        called with it.

    Returns
    -------
    NotebookRun
        ``.path`` is the executed copy; an existing file is never replaced.

    Raises
    ------
    NotebookError
        If there is no such notebook, a parameter is unknown or doesn't fit, or a cell fails:
        then it says where the notebook lies with all that was done up to there.

    Examples
    --------
    >>> run = mnb.run_notebook("segment", {"n_events": 20}, out="headless")  # doctest: +SKIP
    >>> run.path  # the executed copy, with its pictures  # doctest: +SKIP
    PosixPath('headless/40_segment.ipynb')
    """
    notebook = Notebook.read(find_notebook(name))
    given = dict(parameters or {})
    if "headless" in notebook.parameters:
        given.setdefault("headless", True)
    if out is not None and "out" in notebook.parameters:
        given.setdefault("out", str(out))
    values = notebook.check(given)
    everything = {p.name: p.default for p in notebook.parameters.values()} | values
    folder = as_path(out if out is not None else everything.get("out", "outputs"))
    target = _claim(folder, notebook.path.name)
    _execute(notebook, target, values, Progress.of(progress))
    return NotebookRun(target, folder, everything)


def find_notebooks(folder: str | Path | None = None) -> list[Notebook]:
    """All notebooks in the order of their numbers, with their parameters.

    Parameters
    ----------
    folder : str or Path, optional
        Where to look; by default in the folder ``notebooks`` of this project's checkout or of the
        current folder, or among those that were installed with the package.
    """
    place = Path(folder) if folder is not None else _notebook_folder()
    return [Notebook.read(path) for path in sorted(place.glob("*.ipynb"))]


def find_notebook(name: str | Path) -> Path:
    """File of a notebook by its path or its name, with or without number.

    A number that it no longer has is overlooked: ``20_train_freqnet`` is ``25_train_freqnet``.

    Raises
    ------
    NotebookError
        If there is none; offers the nearest names.
    """
    path = as_path(name)
    if path.suffix == ".ipynb" and path.is_file():
        return path
    if path.suffix == ".ipynb" and len(path.parts) > 1:
        raise NotebookError(f"There is no notebook {path}; check the path.")
    wanted = path.name.removesuffix(".ipynb")
    found = sorted(_notebook_folder().glob("*.ipynb"))
    for candidate in found:
        if wanted in (candidate.stem, _without_number(candidate.stem)):
            return candidate
    for candidate in found:  # numbers give an order and may change, names stay
        if _without_number(wanted) == _without_number(candidate.stem):
            return candidate
    known = [_without_number(candidate.stem) for candidate in found]
    raise NotebookError(f"There is no notebook {str(name)!r}. {did_you_mean(wanted, known)}")


def _without_number(stem: str) -> str:
    return re.sub(r"^\d+_", "", stem)


def _notebook_folder() -> Path:
    """Folder of the notebooks: of the checkout, of the current folder, or of the wheel."""
    package = Path(__file__).parent
    places = [package.parent / "notebooks", Path.cwd() / "notebooks", package / "_notebooks"]
    for place in places:
        if any(place.glob("*.ipynb")):
            return place
    raise NotebookError(
        f"No notebooks found in {' or '.join(map(str, places))}. Install the package again, work "
        "in a clone of its repository, or give a path."
    )


def _read(path: Path) -> Any:
    try:
        content = nbformat.read(path, as_version=4)
        said = content.metadata.get("kernelspec")  # VS Code leaves the language out
        content.metadata["kernelspec"] = _KERNEL | (said if isinstance(said, dict) else {})
        nbformat.validate(content)  # reading alone only logs what is wrong
        return content
    except (OSError, ValueError, nbformat.ValidationError) as error:
        reason: object = getattr(error, "message", error)  # without the whole schema
    except (AttributeError, LookupError, NameError, TypeError, RecursionError) as error:
        reason = f"{type(error).__name__} {error}"
    raise NotebookError(f"{path} can't be read as a notebook: {shown(str(reason))}")


def _parse_parameters(source: str, path: Path) -> list[Parameter]:
    """Parameters of a cell: every line ``name: type = literal  # help``.

    papermill's own reading knows neither ``int | None`` nor a "=" or "#" within the text.
    """
    try:
        statements = ast.parse(source).body
        comments = _comments(source)
        return [_parameter(statement, comments) for statement in statements]
    except (SyntaxError, ValueError, tokenize.TokenError) as error:
        raise NotebookError(
            f"The parameters of {path.name} can't be read ({error}); each is one line such as "
            "`seconds: float = 5.0  # length of the sound`."
        ) from error


def _parameter(statement: ast.stmt, comments: Mapping[int, str]) -> Parameter:
    if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
        raise ValueError(f"line {statement.lineno}: no type")
    if statement.value is None:
        raise ValueError(f"line {statement.lineno}: no value")
    default = ast.literal_eval(statement.value)
    help_text = comments.get(statement.end_lineno or statement.lineno, "")
    return Parameter(statement.target.id, ast.unparse(statement.annotation), default, help_text)


def _comments(source: str) -> dict[int, str]:
    """Comments by line."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}


def _claim(folder: Path, name: str) -> Path:
    """New empty file for the executed copy: ``name``, or that with the next free number."""
    stem, number = name.removesuffix(".ipynb"), 1
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            path = folder / (f"{stem}.ipynb" if number == 1 else f"{stem}_{number:03d}.ipynb")
            try:
                path.open("x").close()
                return path
            except FileExistsError:
                number += 1
    except OSError as error:
        raise NotebookError(
            f"The executed notebook can't be written to {folder}: {error.strerror}. "
            "Give another folder."
        ) from error


def _execute(notebook: Notebook, target: Path, values: dict[str, Any], progress: Progress) -> None:
    """Run by papermill; its errors become ours."""
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel
    from jupyter_client.manager import AsyncKernelManager
    from nbclient.exceptions import DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    content = _read(notebook.path)
    options: dict[str, Any] = {
        "extra_arguments": ["--log-level=CRITICAL"],  # of the kernel
        "kernel_manager_class": type(
            "PatientManager", (AsyncKernelManager,), {"shutdown_wait_time": _LAST_SECONDS}
        ),
    }
    options["on_cell_start"] = _announcer(content, progress)
    output = str(target).replace("{", "{{").replace("}", "}}")  # papermill fills braces in
    try:
        with _ending_in_peace():
            papermill.execute_notebook(
                content, output, parameters=values, progress_bar=False, **options
            )
    except NoSuchKernel as error:
        raise NotebookError(
            f"{notebook.path.name} was saved with the kernel {error.name!r}, which isn't installed "
            "here. Open it in JupyterLab, choose another kernel, and save it."
        ) from None
    except PapermillExecutionError as error:
        # The messages of our own errors speak for themselves.
        name = "" if hasattr(errors, error.ename) else f"{error.ename}: "
        first = next(iter(error.source.strip().splitlines()), "")
        raise NotebookError(
            f"{notebook.path.name} failed in the cell `{first}`: {name}{error.evalue}\n"
            f"The notebook up to there: {target}"
        ) from None
    except DeadKernelError as error:
        raise NotebookError(
            f"{notebook.path.name} ended without a word, most likely for want of memory. "
            f"The notebook up to there: {target}"
        ) from error


@contextmanager
def _ending_in_peace() -> Iterator[None]:
    """Let SIGTERM, of a queue or a system that shuts down, end the kernel as Ctrl-C does.

    The cell in work is interrupted, so that a training in it leaves a checkpoint. By itself the
    signal would end this process at once, and the kernel would die with it.
    """

    def leave(number: int, frame: Any) -> None:
        raise SystemExit(128 + number)

    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _announcer(content: Any, progress: Progress) -> Callable[..., None]:
    """Hook that tells which code cell begins, under the heading it stands below."""
    code = [cell.id for cell in content.cells if cell.cell_type == "code"]
    headings: dict[str, str] = {}
    heading = ""
    for cell in content.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            heading = cell.source.splitlines()[0].lstrip("# ")
        headings[cell.id] = heading

    def announce(cell: Any, cell_index: int) -> None:
        if cell.get("id") in code:  # the cell that papermill injects has no heading
            progress.tell(code.index(cell.id) + 1, len(code), headings[cell.id])

    return announce
