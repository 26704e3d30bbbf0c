"""What those who come after are told is true: pages, templates, citation, hosted checks."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md")
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


def load(path: Path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_every_issue_form_has_a_name_and_labelled_fields(path):
    form = load(path)
    assert form["name"] and form["description"]
    ids = [field["id"] for field in form["body"]]
    assert len(set(ids)) == len(ids)
    assert all(field["attributes"]["label"] for field in form["body"])
    assert any(field.get("validations", {}).get("required") for field in form["body"])


def test_the_citation_names_the_package_its_authors_and_its_licence():
    citation = load(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "type", "title", "authors"} <= citation.keys()
    assert citation["authors"] == PROJECT["authors"]
    assert citation["license"] == PROJECT["license"]
    assert citation["keywords"] == PROJECT["keywords"]


def test_hosted_checks_run_on_three_systems_and_on_linux_what_ci_runs():
    text = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    jobs = yaml.safe_load(text)["jobs"]
    systems = {jobs["linux"]["runs-on"], *jobs["others"]["strategy"]["matrix"]["os"]}
    assert systems == {"ubuntu-latest", "macos-latest", "windows-latest"}
    assert "bash .ci/run" in [step.get("run") for step in jobs["linux"]["steps"]]
    commands = "\n".join(step.get("run", "") for step in jobs["others"]["steps"])
    extras = re.search(r'"\.\[([\w,]+)\]"', commands)
    assert set(extras[1].split(",")) <= set(PROJECT["optional-dependencies"])
    checkouts = [s for job in jobs.values() for s in job["steps"] if "checkout" in str(s)]
    assert all(step["with"]["fetch-depth"] == 0 for step in checkouts)  # tags make the version


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_a_page_names_exists(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = set(re.findall(r"\b((?:mimikit_nb|tests|scripts|notebooks)/[\w./-]*\w)", text))
    missing = sorted(path for path in named if not (ROOT / path).exists())
    assert named and not missing
    linked = re.findall(r"\]\(([^):]+)\)", text)
    assert all((ROOT / path).exists() for path in linked)


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_that_a_page_names_exists(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.M))
    named = set(re.findall(r"`make (\w+)", (ROOT / page).read_text(encoding="utf-8")))
    assert named <= targets


def test_what_to_add_something_to_is_still_called_so():
    """Names of code, in the lines that name a file and what to look for in it."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    places = re.findall(r"`(\w+)` (?:of|in)\s+`([\w/]+\.py)`", text)
    assert len(places) >= 4
    for name, path in places:
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text(encoding="utf-8")), (name, path)
