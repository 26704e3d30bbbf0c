"""One JupyterLab for all browser tests; each test gets a notebook page of its own."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab, chromium, find_chromium

expect.set_options(timeout=30_000)  # a machine that is busy with other things is no failure
REMEDY = "no Chromium found: install one (Debian: apt-get install chromium), or run `make test`"


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser():
    path = find_chromium()
    if path is None and os.environ.get("CI") == "true":
        pytest.fail(REMEDY)
    if path is None:
        pytest.skip(REMEDY)
    with chromium(path) as started:
        yield started


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    root, private = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("lab")
    with Lab(root, private) as server:
        yield server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    setattr(item, f"failed_{report.when}", report.failed)
    return report


@pytest.fixture
def notebook(request, browser, lab, screenshots):
    with lab.notebook(browser) as page:
        yield page
        if getattr(request.node, "failed_call", False):
            print(page.describe(screenshots / f"failed_{request.node.name}.png"))


@pytest.fixture(scope="session")
def screenshots():
    """Folder for pictures of what the tests saw: kept, for a person to look at."""
    folder = Path("outputs") / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
