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
from mimikit_nb.batch import NotebookRun, find_notebook, run_notebook
from tests.notebooks.toy import printed

pytestmark = pytest.mark.notebook
NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))

SOUND = {"prompt_seconds": 0.5, "seconds": 0.4}
TRAINING = {"max_steps": 3, "every_steps": 2, "n_sounds": 1, **SOUND}
TINY = {
    "quickstart": {"max_steps": 3, "n_sounds": 2, **SOUND},
    "build_corpus": {"place_seconds": 0.5, "n_places": 2},
    "train_latent": {**TRAINING, "recorded": [0.0, 1.0]},
    "train_freqnet": {"n_fft": 512, "hop_length": 128, **TRAINING},
    "train_sample_rnn": {"frame_sizes": [8, 4, 4], **TRAINING},
    "train_wavenet": {"n_layers": 4, **TRAINING},
    "segment": {},
    "cluster": {"max_steps": 2, "seconds": 0.4},
    "train_sampler_transformer": {"frame_sizes": [8, 4, 4], "windows": [8], **TRAINING},
    "train_seq2seq": {"hop": 4, **TRAINING},
    "generate": {"max_steps": 3, "extend_seconds": 0.2, "live_seconds": 0.3, **SOUND},
    "hooks": {"max_steps": 2, "factors": [0.0], "mixes": [1.0], **SOUND},
    "ensemble": {
        **{"max_steps": 3, "seconds": 1.0, "prompt_seconds": 0.5},
        **{"prompt_at": [2.0, 8.0], "runs": "."},
    },
    "evaluate_checkpoints": {"max_steps": 4, "n_prompts": 2, "keep_best": 1, **SOUND},
}


NAMES = [path.stem.split("_", 1)[1] for path in NOTEBOOKS]


def test_every_notebook_is_run_with_tiny_values():
    assert sorted(TINY) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_papermill_runs_it_and_nbval_runs_it_again(name, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    run = run_notebook(name, TINY[name], out=tmp_path / "out")
    assert run.path.parent == run.folder and run.parameters["headless"] is True
    check_results(name, run)
    before = digests(run.folder)
    run_by_nbval(name, tmp_path / f"{name}.ipynb", run.folder)
    after = digests(run.folder)
    assert {path: after.get(path) for path in before} == before
    trains = name not in ("build_corpus", "segment", "ensemble")
    assert len(list(run.folder.glob("run_*"))) == (2 if trains else 0)


def check_results(name: str, run: NotebookRun) -> None:
    """Everything that the notebook's last lines name is there, and right."""
    lines = printed(run.path).strip().splitlines()
    paths = [Path(line) for line in lines if line.startswith(str(run.folder))]
    assert paths and all(path.exists() for path in paths)
    sounds = [path for path in paths if path.suffix == ".wav"]
    if name == "ensemble":
        check_ensemble(sounds)
        return
    n_sounds = {"cluster": 1, "generate": 3 + 1 + 4 + 3 + 1, "hooks": 8}.get(name, 0)
    assert len(sounds) == TINY[name].get("n_sounds", n_sounds)
    for path in sounds if name != "generate" else ():
        check_sound(path, TINY[name])
    if name == "build_corpus":
        corpus = mnb.open_corpus(run.folder / "my_corpus.h5")
        assert corpus.duration_seconds == pytest.approx(50, abs=0.1)
        assert len(corpus.report.refused) == 2
    if name == "segment":
        check_segments(run.folder)
    if name == "cluster":
        families = list((run.folder / "families_001" / "clusters_bounce").glob("*.wav"))
        assert len(families) == 4
        assert mnb.read_recall(sounds[0])["fixtures"]["clusters"][0][0] == 0.0
    if name == "quickstart":
        check_demo(run.folder)
    if name == "evaluate_checkpoints":
        check_evaluation(run.folder)
    if name == "hooks":
        check_hooks(sounds)
    if name == "generate":
        check_generated(sounds[-8:])  # the others were named when they were made


def check_ensemble(sounds: list[Path]) -> None:
    """A mix for each prompt, which leads back to its score, with stems that add up to it."""
    mixes = [path for path in sounds if "stem" not in path.name and "blend" not in path.name]
    assert len(mixes) == 2
    for mix in mixes:
        stems = [path for path in sounds if path.name.startswith(f"{mix.stem}_stem")]
        y = soundfile.read(mix)[0]
        assert len(y) == round(1.5 * 22050) and np.abs(y).max() > 1e-3
        np.testing.assert_allclose(sum(soundfile.read(p)[0] for p in stems), y, atol=1e-6)
        assert mnb.Score(mix).to_list() == mnb.read_recall(mix)["ensemble"]


def check_evaluation(folder: Path) -> None:
    """Every checkpoint was heard with every prompt, the best kept and its checkpoint exported."""
    evaluation = folder / "run_001" / "evaluation"
    assert len(list((evaluation / "sounds").glob("*.wav"))) == 4 * 2
    assert {p.suffix for p in (evaluation / "kept_001").iterdir()} == {".wav", ".csv", ".html"}
    assert mnb.load_checkpoint(folder / "chosen_001").step in (1, 2, 3, 4)


def check_hooks(paths: list[Path]) -> None:
    """Each sound has its hook in its recall data; with all decisions of the first, it is the first.

    Nearly: the second one's own prompt and random numbers are heard in it.
    """
    kinds = [[h["kind"] for h in mnb.read_recall(path).get("hooks", [])] for path in paths]
    assert kinds == [[], *[["adjust"]] * 4, [], *[["transplant"]] * 2]


def check_generated(paths: list[Path]) -> None:
    """Four longer sounds, one of each prompt, and what was played live with three voices."""
    for path in paths[:4]:
        check_sound(path, {**TINY["generate"], "seconds": 0.4 + 0.2})
    for path in paths[4:7]:
        check_sound(path, TINY["generate"])
    y, sr = soundfile.read(paths[7])
    assert len(y) == round(0.3 * sr) and np.abs(y).max() > 1e-4
    assert len(mnb.read_recall(paths[7])["voices"]) == 3


def check_sound(path: Path, values: dict) -> None:
    """Right length, finite, not silent behind the prompt, and able to tell how it was made."""
    y, sr = soundfile.read(path, always_2d=True)
    recall = mnb.read_recall(path)
    prompt_end = recall["prompt_end_seconds"]
    assert prompt_end == pytest.approx(values.get("prompt_seconds", 1.0), abs=0.05)
    assert len(y) / sr == pytest.approx(prompt_end + values["seconds"], abs=1e-3)
    assert np.isfinite(y).all()
    assert np.abs(y[round(prompt_end * sr) :]).max() > 1e-4
    assert recall["checkpoint"]["step"] == values["max_steps"]


def check_segments(folder: Path) -> None:
    """Labels of other programs, and a sound file per event."""
    labels = mnb.read_labels(folder / "labels_001" / "segments.json")
    assert len(labels) > 10
    assert len(list((folder / "cuts_001" / "segments").glob("*.wav"))) == len(labels)
    assert list((folder / "labels_001" / "segments_sfz").glob("segments*.sfz"))


def check_demo(folder: Path) -> None:
    """The quick start leaves pictures, and a report that needs nothing else."""
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert text.count("<audio") == 2 and text.count("data:image/png") == 5
    assert "://" not in text and len(text) < 3_000_000
    pictures = {path.name for path in (folder / "pictures").iterdir()}
    assert pictures == {"corpus.png", "losses.png", "comparison.png"}


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file by its path within the folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run_by_nbval(name: str, copy: Path, out: Path) -> None:
    """Run the notebook with its tiny values as a test of nbval."""
    values = {**TINY[name], "headless": True, "out": str(out)}
    content = nbformat.read(find_notebook(name), as_version=4)
    papermill.execute_notebook(content, str(copy), values, prepare_only=True)
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-c", os.devnull]
    command += ["--rootdir", str(copy.parent), "-p", "no:cacheprovider", str(copy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
