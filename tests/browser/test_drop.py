"""Dropping files in JupyterLab: they arrive whole, and those that can't be read are named."""

import numpy as np
import pytest
from playwright.sync_api import expect

from tests.browser.lab import AS_THE_KERNEL_LIKES

CELL = """
import time
from pathlib import Path
from mimikit_nb.widgets.forms.drop import DropZone
together = []
zone = DropZone(Path("dropped"), lambda paths: together.append([path.name for path in paths]))
zone
"""


@pytest.fixture(scope="module")
def opened(browser, lab):
    with lab.opened(browser, "drop", CELL, AS_THE_KERNEL_LIKES) as notebook:
        yield notebook


@pytest.fixture
def page(opened):
    """A place to drop files on, where nothing was dropped yet."""
    opened.execute("together.clear(); zone.unobserve_all('status')")
    return opened


def drop(page, *files: str) -> None:
    """Drop what a page sees as files, written in JavaScript."""
    page.page.locator(".mnb-drop").evaluate(
        f"""(zone) => {{ const event = new Event('drop', {{cancelable: true}});
        event.dataTransfer = {{files: [{", ".join(files)}]}};
        zone.dispatchEvent(event); }}"""
    )


def test_a_slice_waits_until_the_one_before_is_kept(page):
    """Python may be told of two at once, in two threads."""
    late = "lambda change: time.sleep(0.5 * change.new.startswith('own.wav'))"
    page.execute(f"zone.observe({late}, 'status')")
    slow = """{name: 'slow.wav', size: 5, slice: () => ({arrayBuffer: () => new Promise(
        (done) => setTimeout(() => done(new TextEncoder().encode('sound').buffer), 100))})}"""
    drop(page, "new File(['sound'], 'own.wav')", slow)
    page.eventually("together", [["own.wav", "slow.wav"]])


def test_files_arrive_whole_and_together(page, lab, tmp_path):
    page.execute("zone.observe(lambda _: time.sleep(0.05), 'status')")  # as on a busy machine
    rng = np.random.default_rng(0)
    sizes = {"long.wav": 9 * 2**20 + 5, "short.wav": 100, "empty.wav": 0, "edge.wav": 2**20}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(rng.bytes(size))
    for times in range(1, 4):
        page.page.locator(".mnb-drop input").set_input_files([tmp_path / name for name in sizes])
        page.eventually("len(together)", times)
    for names in page.value("together"):
        for name, there in zip(sizes, names, strict=True):
            sent = (tmp_path / name).read_bytes()
            assert (lab.root / "drop" / "dropped" / there).read_bytes() == sent, there


def test_a_folder_is_named_and_what_was_dropped_with_it_is_kept(page):
    """A page can't read a dropped folder; its slices fail as these do."""
    folder = """{name: 'takes', size: 4096,
        slice: () => ({arrayBuffer: () => Promise.reject(new Error('a folder'))})}"""
    for times in (1, 2):
        drop(page, folder, "new File(['sound'], 'own.wav')")
        page.eventually("len(together)", times)
        said = "takes can't be read; a folder? Drop the files in it."
        expect(page.page.locator(".mnb-drop")).to_contain_text(said)
