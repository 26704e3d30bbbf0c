"""Every notebook, run by papermill with tiny values, then again by nbval in the same folders.

The first run is asserted by what it leaves; the second shows that running a notebook again from
the top replaces and deletes nothing.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import papermill
import pytest
import soundfile

import mimikit_nb as mnb
from mimikit_nb.batch import find_notebook, run_notebook
from tests.notebooks.toy import printed

pytestmark = pytest.mark.notebook

SOUND = {"prompt_seconds": 0.5, "seconds": 0.4}
TRAINING = {"max_steps": 3, "every_steps": 2, "n_sounds": 1, **SOUND}
TINY = {
    "quickstart": {"max_steps": 3, "n_sounds": 2, **SOUND},
    "build_corpus": {"place_seconds": 0.5, "n_places": 2},
    "train_freqnet": {"n_fft": 512, "hop_length": 128, **TRAINING},
    "train_sample_rnn": {"frame_sizes": [8, 4, 4], **TRAINING},
    "train_wavenet": {"n_layers": 4, **TRAINING},
}
CHANGING = {"lock", "state.json", "log.txt"}  # of a run that is gone on with


@pytest.fixture(scope="module", params=TINY)
def ran(request, tmp_path_factory, _cache):
    """The notebook's name, its folder and what was in it after one run by papermill."""
    folder = tmp_path_factory.mktemp(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        run = run_notebook(request.param, TINY[request.param], out=folder / "out")
    return request.param, run, digests(folder / "out")


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file by its path within the folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in CHANGING
    }


def test_papermill_runs_it_and_everything_is_there(ran):
    name, run, _ = ran
    assert run.path.parent == run.folder and run.parameters["headless"] is True
    last = printed(run.path).strip().splitlines()
    paths = [Path(line) for line in last if line.startswith(str(run.folder))]
    assert paths and all(path.exists() for path in paths)
    if name == "build_corpus":
        corpus = mnb.open_corpus(run.folder / "my_corpus.h5")
        assert corpus.duration_seconds == pytest.approx(50, abs=0.1)
        assert len(corpus.report.refused) == 2
        return
    for path in (p for p in paths if p.suffix == ".wav"):
        check_sound(path)
    (trained,) = run.folder.glob("run_*")
    assert list(mnb.load_checkpoint(trained).path.parent.iterdir())


def check_sound(path: Path) -> None:
    """Right length, finite, not silent behind the prompt, and able to tell how it was made."""
    y, sr = soundfile.read(path, always_2d=True)
    recall = mnb.read_recall(path)
    prompt_end = recall["prompt_end_seconds"]
    assert prompt_end == pytest.approx(SOUND["prompt_seconds"], abs=0.03)
    assert len(y) / sr == pytest.approx(prompt_end + SOUND["seconds"], abs=1e-3)
    assert np.isfinite(y).all()
    assert np.abs(y[round(prompt_end * sr) :]).max() > 1e-4
    assert recall["checkpoint"]["step"] == 3


def test_nbval_runs_it_again_and_nothing_is_lost(ran, tmp_path):
    name, run, before = ran
    copy = tmp_path / f"{name}.ipynb"
    values = {**TINY[name], "headless": True, "out": str(run.folder)}
    papermill.execute_notebook(
        nbformat.read(find_notebook(name), as_version=4), str(copy), values, prepare_only=True
    )
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-c", os.devnull]
    command += ["--rootdir", str(tmp_path), "-p", "no:cacheprovider", str(copy)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout[-3000:]
    after = digests(run.folder)
    assert {path: after.get(path) for path in before} == before
    if name != "build_corpus":
        assert len(list(run.folder.glob("run_*"))) == 2


def test_the_quick_starts_report_needs_nothing_else(ran):
    name, run, _ = ran
    if name == "quickstart":
        text = (run.folder / "report.html").read_text(encoding="utf-8")
        assert text.count("<audio") == 2 and text.count("data:image/png") >= 4
        assert "://" not in text and len(text) < 3_000_000
        pictures = {path.name for path in (run.folder / "pictures").iterdir()}
        assert pictures == {"corpus.png", "losses.png", "comparison.png"}
