"""`make badges`: the one place that says where the repository is."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
LINK = r"^\[(\d+)\]: https://colab\.research\.google\.com/github/(\S+)/blob/main/notebooks/(\S+)$"


@pytest.fixture
def readme(tmp_path) -> Path:
    return shutil.copy(ROOT / "README.md", tmp_path / "README.md")


def write_badges(repository: str, readme: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts" / "badges.py", repository, readme]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_notebook_gets_a_badge_that_opens_it(readme):
    assert write_badges("somebody/some.thing", readme).returncode == 0
    links = re.findall(LINK, readme.read_text(encoding="utf-8"), re.M)
    assert [name for _, _, name in links] == NOTEBOOKS
    assert {repository for _, repository, _ in links} == {"somebody/some.thing"}
    rows = re.findall(r"notebooks/(\S+)\) \|.*\[badge\]\]\[(\d+)\] \|$", readme.read_text(), re.M)
    assert [(number, name) for name, number in rows] == [(n, name) for n, _, name in links]


def test_badges_are_replaced_and_nothing_else_is_changed(readme):
    write_badges("a/b", readme)
    first = readme.read_text(encoding="utf-8")
    write_badges("c/d", readme)
    assert readme.read_text(encoding="utf-8") == first.replace("/github/a/b/", "/github/c/d/")
    before = (ROOT / "README.md").read_text(encoding="utf-8")
    assert without_badges(first) == without_badges(before)


def without_badges(text: str) -> str:
    badges = r" \[!\[Open in Colab\].*?\](?= \|)|\n\n\[badge\]:.*|\n\[\d+\]:.*"
    return re.sub(badges, "", text)


@pytest.mark.parametrize("name", ["", "mimikit_nb", "https://github.com/a/b"])
def test_what_is_no_repository_is_refused_and_the_file_left_alone(readme, name):
    before = readme.read_bytes()
    refused = write_badges(name, readme)
    assert refused.returncode != 0
    assert "REPO=owner/name" in refused.stderr
    assert readme.read_bytes() == before


def test_there_are_no_placeholders_where_an_address_should_be():
    files = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT, text=True).split("\0")
    for name in files:
        path = ROOT / name
        if path.suffix in (".md", ".ipynb", ".toml", ".cff", ".yml") and path.is_file():
            text = path.read_text(encoding="utf-8")
            assert "example.org" not in text and "OWNER" not in text, name
