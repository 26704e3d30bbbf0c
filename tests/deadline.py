"""Plugin of `make quick`: `--seconds` is the time after which only laws are begun.

python -m pytest -p tests.deadline --seconds=120 ...
"""

from __future__ import annotations

import os
import time
from collections import Counter

import pytest

from scripts.quick import LAWS

_END = "MIMIKIT_NB_TESTS_END"  # in the environment: the processes of xdist share it
_LEFT_OUT = "make quick had no time left"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seconds", type=float, required=True, help="begin nothing but laws after it")


def pytest_configure(config: pytest.Config) -> None:
    os.environ.setdefault(_END, str(time.time() + config.getoption("--seconds")))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if time.time() > float(os.environ[_END]) and not item.nodeid.startswith(LAWS):
        pytest.skip(_LEFT_OUT)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.getreports("skipped")
    files = [r.nodeid.split("::")[0] for r in skipped if _LEFT_OUT in str(r.longrepr)]
    late = [file.rpartition("/")[0] for file in files]
    if late:
        terminalreporter.section("left out for want of time: make test runs them")
        lines = [f"{n} in {folder}\n" for folder, n in sorted(Counter(late).items())]
        terminalreporter.write("".join(lines))
