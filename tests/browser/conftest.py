"""One JupyterLab for all browser tests; each test gets a notebook page of its own."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab, Notebook, chromium, find_chromium

expect.set_options(timeout=30_000)  # a machine that is busy with other things is no failure
SCREENSHOTS = Path("outputs") / "screenshots"
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
    pages = [
        value for value in getattr(item, "funcargs", {}).values() if isinstance(value, Notebook)
    ]
    if report.when == "call" and report.failed:
        for page in pages:
            report.sections.append(("the page", seen(page, item.name)))
    return report


def seen(page: Notebook, name: str) -> str:
    """What a page shows when its test failed, with a picture beside the other screenshots."""
    try:
        return page.describe(SCREENSHOTS / f"failed_{name}.png")
    except Exception as error:
        return f"The page can't be described any more: {error}"


@pytest.fixture
def notebook(browser, lab, screenshots):
    with lab.notebook(browser) as page:
        yield page


@pytest.fixture(scope="session")
def screenshots():
    """Folder for pictures of what the tests saw: kept, for a person to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    return SCREENSHOTS
