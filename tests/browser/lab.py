"""A JupyterLab in headless Chromium, driven through its application object.

The tests assert on Python state, read without touching a cell, and on what the page really holds;
they poll for conditions and never sleep. ``Lab`` starts a server in a folder of its own with
settings that make runs repeatable; ``Notebook`` opens, runs and questions one notebook.
"""

from __future__ import annotations

import ast
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Locator, Page, Request, sync_playwright

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--mute-audio",
]
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/notebook-extension:tracker": {
        "windowingMode": "none",
        "autoStartDefaultKernel": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}
CURRENT = "window.jupyterapp.shell.currentWidget"
AS_THE_KERNEL_LIKES = """
from ipykernel.comm.comm import BaseComm
BaseComm._reply_subshell_for = BaseComm._reply_subshell_for.__wrapped__
"""
"Python that takes widgets.order back: what must hold in any order is tested without it."
KERNEL = f"{CURRENT}.sessionContext.session.kernel"
# Widgets that a cell makes while the page still asks the kernel for older ones can be lost.
WIDGETS_RESTORED = f"""async () => {{
    const type = 'application/vnd.jupyter.widget-view+json';
    const renderer = {CURRENT}.content.rendermime.createRenderer(type);
    return (await renderer._manager.promise).restoredStatus; }}"""
START_SECONDS = 90
SETTLED_SECONDS = 0.25


def find_chromium() -> str | None:
    """Path of a Chromium on this machine."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


@contextmanager
def chromium(path: str) -> Iterator[Browser]:
    """A headless Chromium that plays sound without being asked to by a hand."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def write_notebook(path: Path, *cells: str) -> Path:
    """A notebook of code cells."""
    made = [nbformat.v4.new_code_cell(c, id=f"cell-{i}") for i, c in enumerate(cells)]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel}), path)
    return path


class Lab:
    """A JupyterLab server that serves one folder, as a context manager.

    Parameters
    ----------
    root : Path
        Folder that it serves.
    private : Path
        Empty folder for its settings, workspaces and log.
    base_url : str, default "/"
        Where it is mounted.
    """

    def __init__(self, root: Path, private: Path, base_url: str = "/") -> None:
        self.root, self.private, self.base_url = root, private, base_url
        self.token = secrets.token_hex(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.host = f"http://127.0.0.1:{self.port}"
        self.url = self.host + base_url.rstrip("/")

    def __enter__(self) -> Lab:
        for key, values in SETTINGS.items():
            extension, name = key.split(":")
            file = self.private / "settings" / extension / f"{name}.jupyterlab-settings"
            file.parent.mkdir(parents=True)
            file.write_text(json.dumps(values))
        self.log = self.private / "lab.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                self._command(),
                env=self._environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        poll(self._answers, START_SECONDS, "JupyterLab answers")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _command(self) -> list[str]:
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": self.port,
            "ServerApp.port_retries": 0,
            "ServerApp.root_dir": self.root,
            "ServerApp.base_url": self.base_url,
            "LabApp.expose_app_in_browser": True,
            "LabApp.news_url": "",
        }
        flags = [f"--{name}={value}" for name, value in options.items()]
        return [sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", *flags]

    def _environment(self) -> dict[str, str]:
        own = {
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_RUNTIME_DIR": "runtime",
        }
        folders = {name: str(self.private / folder) for name, folder in own.items()}
        return {**os.environ, **folders, "JUPYTER_TOKEN": self.token, "MIMIKIT_NB_HEADLESS": "0"}

    def _answers(self) -> bool:
        if self.process.poll() is not None:
            raise RuntimeError(self.log.read_text()[-3000:])
        try:
            urllib.request.urlopen(f"{self.url}/api?token={self.token}", timeout=1).close()
        except (urllib.error.URLError, OSError):
            return False
        return True

    def folder(self, name: str) -> Path:
        """A folder of the server's with nothing in it, also when a test is tried again."""
        made = self.root / name
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir(parents=True)
        return made

    @contextmanager
    def notebook(
        self, browser: Browser, width: int = 1300, height: int = 1000
    ) -> Iterator[Notebook]:
        """A page of a browser on this server; the server's kernels are shut down at the end."""
        context = browser.new_context(viewport={"width": width, "height": height})
        notebook = Notebook(context.new_page(), self)
        try:
            yield notebook
        finally:
            notebook.shut_kernels()
            context.close()

    @contextmanager
    def opened(self, browser: Browser, name: str, *cells: str) -> Iterator[Notebook]:
        """A page with a new notebook ``name/name.ipynb``, all run; it has to end without errors."""
        write_notebook(self.folder(name) / f"{name}.ipynb", *cells)
        with self.notebook(browser) as notebook:
            yield notebook.open(f"{name}/{name}.ipynb").run_all()
            notebook.assert_clean()


class Notebook:
    """One page of a browser with a notebook in it."""

    def __init__(self, page: Page, lab: Lab) -> None:
        self.lab = lab
        self.errors: list[str] = []
        self.external: list[str] = []
        self.console: list[str] = []
        self._watch(page)

    def _watch(self, page: Page) -> None:
        self.page = page
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("console", lambda m: self.console.append(f"{m.type}: {m.text}"))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._note_request)
        page.on("dialog", lambda d: d.accept() if d.type == "beforeunload" else d.dismiss())

    def _note_request(self, request: Request) -> None:
        own = (self.lab.host, "data:", "blob:", "ws://127.0.0.1")
        if not request.url.startswith(own):
            self.external.append(request.url)

    def open(self, path: str) -> Notebook:
        """Open a notebook of the server's folder and wait for its kernel."""
        workspace = secrets.token_hex(4)
        address = f"{self.lab.url}/lab/workspaces/{workspace}/tree/{path}?token={self.lab.token}"
        self.page.goto(address, timeout=START_SECONDS * 1000)
        self.page.wait_for_function(
            f"() => window.jupyterapp && {CURRENT} && {CURRENT}.sessionContext",
            timeout=START_SECONDS * 1000,
        )
        self.page.evaluate(
            f"""async () => {{ const w = {CURRENT}; await w.revealed; await w.context.ready;
            await w.sessionContext.ready; await w.sessionContext.session.kernel.info; }}"""
        )
        self.page.wait_for_function(WIDGETS_RESTORED, timeout=START_SECONDS * 1000)
        self.wait_idle()
        return self

    def reopen(self, path: str) -> Notebook:
        """Close the page, and open the notebook in a new one: the kernel goes on meanwhile."""
        closed = self.page
        self._watch(closed.context.new_page())
        closed.close()
        return self.open(path)

    def run_all(self, timeout: float = 120) -> Notebook:
        """Run all cells and wait until the kernel rests; a cell that fails fails the test."""
        self.page.evaluate(
            """() => { window.allRan = false; window.jupyterapp.commands
            .execute('notebook:run-all-cells').finally(() => { window.allRan = true; }); }"""
        )
        self.page.wait_for_function("() => window.allRan", timeout=timeout * 1000)
        self.wait_idle(timeout)
        assert not (errors := self.cell_errors()), errors
        code = [cell for cell in self.cells() if cell["cell_type"] == "code" and cell["source"]]
        assert all(cell["execution_count"] for cell in code), "a cell was not run"
        return self

    def command(self, name: str) -> None:
        """Execute a command of JupyterLab."""
        self.page.evaluate(
            "name => window.jupyterapp.commands.execute(name).then(() => true)", name
        )

    def wait_idle(self, timeout: float = 120) -> None:
        """Wait until the kernel is idle and stays so for a moment."""
        since: list[float] = []

        def rests() -> bool:
            if self.page.evaluate(f"() => {KERNEL}?.status") != "idle":
                since.clear()
                return False
            since.append(time.monotonic())
            return since[-1] - since[0] >= SETTLED_SECONDS

        self.poll(rests, timeout, "the kernel is idle")

    def cells(self) -> list[dict[str, Any]]:
        """The notebook's cells as they stand in the page."""
        return self.page.evaluate(f"() => {CURRENT}.content.model.sharedModel.toJSON().cells")

    def cell_errors(self) -> list[str]:
        """Errors that cells ended with."""
        outputs = [o for cell in self.cells() for o in cell.get("outputs", [])]
        return [f"{o['ename']}: {o['evalue']}" for o in outputs if o["output_type"] == "error"]

    def cell(self, index: int) -> Locator:
        """One cell's element."""
        panel = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook")
        return panel.locator(".jp-Cell").nth(index)

    def value(self, expression: str) -> Any:
        """Value of a Python expression in the kernel, read without running a cell."""
        answer = self.page.evaluate(
            f"""async (x) => {{ const f = {KERNEL}.requestExecute({{code: '', silent: true,
            store_history: false, user_expressions: {{x}}}});
            return (await f.done).content.user_expressions.x; }}""",
            f"__import__('json').dumps({expression}, default=str)",
        )
        assert answer["status"] == "ok", answer
        return json.loads(ast.literal_eval(answer["data"]["text/plain"]))

    def execute(self, code: str) -> None:
        """Run code in the kernel without a cell."""
        status = self.page.evaluate(
            f"""async (code) => {{ const f = {KERNEL}.requestExecute({{code, silent: true,
            store_history: false}}); return (await f.done).content; }}""",
            code,
        )
        assert status["status"] == "ok", status

    def poll(
        self, condition: Callable[[], Any], timeout: float = 30, what: str = "the condition holds"
    ) -> Any:
        """Wait, with the page's own clock running, until a condition holds; its value."""
        return poll(condition, timeout, what, lambda: self.page.wait_for_timeout(50))

    def eventually(self, expression: str, expected: Any, timeout: float = 30) -> None:
        """Wait until a Python expression in the kernel has a value; it may fail before."""

        def found() -> Any:
            try:
                return self.value(expression)
            except AssertionError as error:
                return error

        try:
            self.poll(lambda: found() == expected, timeout, f"{expression} == {expected!r}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {found()!r}") from None

    def save(self) -> int:
        """Save the notebook; its size in bytes."""
        self.command("docmanager:save")
        path = self.page.evaluate(f"() => {CURRENT}.context.path")
        return (self.lab.root / path).stat().st_size

    def shut_kernels(self) -> None:
        """Shut down all kernels of the server."""
        self.page.evaluate(
            """async () => { const m = window.jupyterapp?.serviceManager.sessions;
            for (const s of m?.running() ?? []) await m.shutdown(s.id); }"""
        )

    def describe(self, picture: Path) -> str:
        """What a failed test leaves: a picture, outputs, the console, the server's log."""
        self.page.screenshot(path=picture)
        shown = self.page.locator(".jp-OutputArea").all_inner_texts()
        parts = {
            "picture": picture,
            "kernel": self.page.evaluate(f"() => {KERNEL}?.status"),
            "cells": [(c.get("execution_count"), c.get("outputs")) for c in self.cells()],
            "shown": [text[:500] for text in shown],
            "console": self.console[-30:],
            "server": self.lab.log.read_text()[-3000:],
        }
        return "\n".join(f"{name}: {part}" for name, part in parts.items())

    def assert_clean(self) -> None:
        """No error in the page's console since last asked, and nothing fetched from outside."""
        errors, self.errors = self.errors, []
        assert not errors, errors
        assert not self.external, self.external


def poll(
    condition: Callable[[], Any],
    timeout: float,
    what: str,
    wait: Callable[[], None] = lambda: time.sleep(0.05),
) -> Any:
    """Ask again and again until a condition holds; its value."""
    end = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout} s: {what}")
        wait()
    return value
