"""The command line: ``mimikit-nb check | run | sweep | notebooks``.

An error of ours is one line on stderr and exit code 2, never a traceback; where there is more to
tell, such as the parameters that a notebook takes, it follows on stdout.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence

from . import __version__
from .errors import MimikitError
from .progress import Progress


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows ``mimikit-nb``; taken from the command line if None.

    Returns
    -------
    int
        Exit code: 0, 1 if ``check`` found nothing usable or a run of ``sweep`` failed, 2 after an
        error, 130 if interrupted.
    """
    for stream in (sys.stdout, sys.stderr):  # a terminal may lack letters of a name
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    options = build_parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except MimikitError as error:
        reason, _, details = str(error).partition("\n")
        print(f"mimikit-nb: {reason}", file=sys.stderr)
        if details:
            print(details)
        return 2
    except KeyboardInterrupt:
        print("mimikit-nb: interrupted", file=sys.stderr)
        return 130
    return code


def build_parser() -> argparse.ArgumentParser:
    """Parser of the command line; ``options.command`` is the function to call."""
    parser = argparse.ArgumentParser(
        prog="mimikit-nb", description="Small neural networks for your own sounds, in notebooks."
    )
    parser.add_argument("--version", action="version", version=f"mimikit-nb {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("check", help="say which recordings can be used, and why not")
    check.add_argument("folder", nargs="+", help="folders, sound files or patterns")
    check.add_argument(
        "--sample-rate",
        type=int,
        default=22050,
        metavar="HZ",
        help="rate of the corpus to be (default: %(default)s)",
    )
    check.set_defaults(command=_check)

    run = commands.add_parser("run", help="run a notebook without a browser")
    run.add_argument("notebook", help="name, with or without its number, or path")
    run.add_argument(
        "-p",
        dest="parameters",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="set a parameter; may be repeated",
    )
    run.add_argument(
        "--out", metavar="FOLDER", help="where the executed notebook goes, and what it makes"
    )
    run.set_defaults(command=_run)

    sweep = commands.add_parser("sweep", help="run a notebook with all combinations of values")
    sweep.add_argument("notebook", help="name, with or without its number, or path")
    sweep.add_argument(
        "-p",
        dest="grid",
        nargs="+",
        action="append",
        required=True,
        metavar=("NAME", "VALUE"),
        help="values of a parameter; may be repeated",
    )
    sweep.add_argument(
        "--out",
        default="outputs/sweep",
        metavar="FOLDER",
        help="where the table goes, and a folder for each combination (default: %(default)s)",
    )
    sweep.add_argument(
        "--workers", type=int, metavar="N", help="run N at a time; one after the other if not given"
    )
    sweep.add_argument("--scheduler", metavar="ADDRESS", help="of Dask, to run on its workers")
    sweep.set_defaults(command=_sweep)

    notebooks = commands.add_parser("notebooks", help="list the notebooks and their parameters")
    notebooks.set_defaults(command=_notebooks)
    return parser


def _check(options: argparse.Namespace) -> int:
    from .audio.doctor import check

    report = check(options.folder, sample_rate=options.sample_rate)
    print(report)
    return 0 if report.accepted else 1


def _run(options: argparse.Namespace) -> int:
    from .batch import run_notebook

    done = run_notebook(
        options.notebook, dict(options.parameters), out=options.out, progress=_announce
    )
    print(done.path)
    return 0


def _sweep(options: argparse.Namespace) -> int:
    from .grids import FAILED, sweep

    grid = {name: values for name, *values in options.grid}
    where = options.scheduler or options.workers
    table = sweep(options.notebook, grid, options.out, scheduler=where, progress=_announce)
    print(table.drop(columns=["notebook", "folder"]).to_string(index=False))
    return 1 if (table["state"] == FAILED).any() else 0


def _announce(progress: Progress) -> None:
    where = f"[{progress.done:.0f}/{progress.total:.0f}]"
    print(where, progress.words, file=sys.stderr, flush=True)


def _notebooks(options: argparse.Namespace) -> int:
    from .batch import find_notebooks

    for notebook in find_notebooks():
        print(f"{notebook.path.stem}: {notebook.title}")
        for parameter in notebook.parameters.values():
            print(f"    {parameter}")
    return 0
