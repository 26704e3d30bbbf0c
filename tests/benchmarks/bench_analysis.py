"""How well segments and clusters are found, and how fast: a table of scores, seeds apart.

Run it from the project's root::

    python tests/benchmarks/bench_analysis.py --seeds 0 1 2
    python tests/benchmarks/bench_analysis.py --seeds 3 4 5 --source FOLDER -- --label keyword
    python tests/benchmarks/bench_analysis.py --hour

The recordings with known times are made by ``make_concat_corpus.py`` beside the recordings
(``MIMIKIT_NB_AUDIO`` or ``../shared/audio``); what stands behind ``--`` goes to it. Every
score has beside it what is wanted, what a simple public method reaches, and what an even grid with
as many boundaries does. Public are librosa's onsets; librosa's agglomerative segmentation of MFCC,
which is told the number of sections; and k-means on mean MFCC. Sections are scored without the two
ends.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import librosa
import mir_eval
import numpy as np
import pytest
import soundfile as sf
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from mimikit_nb.analysis import GMeans, cluster, segment

ONE_SHOTS = ["--classes", "bd,drum,elec,hat,perc,sn,tabla"]
MODES = {
    "gaps": ["--gap", "0.08", "0.4"],
    "crossfades": ["--crossfade", "0.01"],
    "sections": ["--mode", "sections", "--section", "3", "8"],
}
COLUMNS = ("ours", "public", "even grid")
Recording = tuple[np.ndarray, int, dict]


def audio_folder() -> Path:
    """Where the recordings and their generator are."""
    given = os.environ.get("MIMIKIT_NB_AUDIO")
    return Path(given) if given else Path(__file__).parents[3] / "shared" / "audio"


def make(mode: str, seed: int, source: Path, options: Sequence[str], folder: Path) -> Recording:
    """Make a recording with known times."""
    out = folder / f"{mode}{seed}"
    script = [sys.executable, str(audio_folder() / "make_concat_corpus.py"), str(source)]
    command = [*script, "--out", str(out), "--seed", str(seed), *MODES[mode], *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    y, sr = sf.read(f"{out}.wav", dtype="float32")
    return y, sr, json.loads(Path(f"{out}.json").read_text())


def onset_score(truth: np.ndarray, found: np.ndarray) -> float:
    """F-measure of onsets at 50 ms."""
    return float(mir_eval.onset.f_measure(np.asarray(truth), np.sort(found))[0])


def boundary_score(truth: np.ndarray, found: np.ndarray, duration: float) -> float:
    """F-measure of boundaries at 0.5 s, without the ends."""

    def intervals(times: np.ndarray) -> np.ndarray:
        return np.asarray(mir_eval.util.boundaries_to_intervals(np.unique([0.0, *times, duration])))

    pair = intervals(truth), intervals(found)
    return float(mir_eval.segment.detection(*pair, window=0.5, trim=True)[2])


def grid(n: int, duration: float) -> np.ndarray:
    """As many times, evenly spread."""
    return np.linspace(0, duration, n + 2)[1:-1]


def onset_row(recording: Recording) -> dict[str, float]:
    """Scores of one recording of events."""
    y, sr, truth = recording
    onsets = np.array(truth["onsets"])
    return {
        "ours": onset_score(onsets, segment(y, sr).onsets_seconds),
        "public": onset_score(onsets, librosa.onset.onset_detect(y=y, sr=sr, units="time")),
        "even grid": onset_score(onsets, grid(len(onsets), len(y) / sr)),
    }


def section_row(recording: Recording) -> dict[str, float]:
    """Scores of one recording of sections."""
    y, sr, truth = recording
    bounds, duration = np.array(truth["boundaries"]), len(y) / sr
    found = segment(y, sr, level="sections")
    row = {"ours": boundary_score(bounds, found.boundaries_seconds, duration)}
    exact = found.with_n_segments(len(bounds) + 1)
    row["ours, number given"] = boundary_score(bounds, exact.boundaries_seconds, duration)
    for method in ("checkerboard", "recurrence"):
        other = found.at_level("sections", method)
        row[method] = boundary_score(bounds, other.boundaries_seconds, duration)
    mfcc = librosa.feature.mfcc(y=y, sr=sr)
    joined = librosa.segment.agglomerative(mfcc, len(bounds) + 1)[1:]
    row["public"] = boundary_score(bounds, librosa.frames_to_time(joined, sr=sr), duration)
    row["even grid"] = boundary_score(bounds, grid(len(bounds), duration), duration)
    return row


def cluster_row(recording: Recording) -> dict[str, float]:
    """Adjusted Rand indices of clustering the true segments."""
    y, sr, truth = recording
    parts = [part for part in truth["segments"] if part["label"] != "silence"]
    labels = [part["label"] for part in parts]
    times, n = [(part["start"], part["end"]) for part in parts], len(set(labels))
    mean = [
        librosa.feature.mfcc(y=y[p["start_sample"] : p["end_sample"]], sr=sr).mean(axis=1)
        for p in parts
    ]
    baseline = KMeans(n, n_init=10, random_state=0).fit_predict(np.array(mean))
    row = {"ours": adjusted_rand_score(labels, cluster(y, sr, times, n).labels)}
    for method in ("kmeans", "agglomerative", "spectral", "gmeans"):
        row[method] = adjusted_rand_score(labels, cluster(y, sr, times, n, method).labels)
    row["public"] = adjusted_rand_score(labels, baseline)
    even = np.arange(len(parts)) * n // len(parts)
    row["even grid"] = adjusted_rand_score(labels, even)
    return row


def piano_row() -> dict[str, float]:
    """Onsets of the piano recording."""
    y, sr = sf.read(audio_folder() / "piano" / "maple_leaf_rag.flac", dtype="float32")
    path = audio_folder() / "piano" / "maple_leaf_rag.onsets.json"
    return onset_row((y, sr, {"onsets": json.loads(path.read_text())["onsets_seconds"]}))


def line(name: str, target: float | None, rows: Sequence[dict[str, float]]) -> None:
    """Print a line of the table: the means of some rows, what else was tried at the end."""
    means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
    first = [means.pop(key) for key in COLUMNS]
    cells = "".join(
        f"{value:>{len(key) + 3}.3f}" for key, value in zip(COLUMNS, first, strict=True)
    )
    wanted = "" if target is None else f"{target:.2f}"
    others = "  ".join(f"{key} {mean:.3f}" for key, mean in means.items())
    print(f"{name:26s}{wanted:>6}{cells}   {others}", flush=True)


def scores(seeds: Sequence[int], source: Path, options: Sequence[str], with_piano: bool) -> None:
    """Print the table for some seeds."""
    with tempfile.TemporaryDirectory() as folder:
        made = {
            mode: [make(mode, seed, source, options, Path(folder)) for seed in seeds]
            for mode in MODES
        }
    print(f"means over the seeds {' '.join(map(str, seeds))} of {source.name} {' '.join(options)}")
    print(f"{'':26s}target" + "".join(f"   {key}" for key in COLUMNS))
    line("onsets, gaps", 0.98, [onset_row(r) for r in made["gaps"]])
    line("onsets, crossfades", 0.93, [onset_row(r) for r in made["crossfades"]])
    if with_piano:
        line("onsets, piano", None, [piano_row()])
    line("section boundaries", 0.70, [section_row(r) for r in made["sections"]])
    line("clusters of events", 0.30, [cluster_row(r) for r in made["gaps"]])
    line("clusters of sections", 0.85, [cluster_row(r) for r in made["sections"]])


def hour(minutes: int = 60) -> None:
    """Print time and memory of segmenting an hour at 22.05 kHz, events and sections."""
    sr, rng = 22050, np.random.default_rng(0)
    y = np.zeros(minutes * 60 * sr, np.float32)
    sources = sorted((audio_folder() / "sonic_pi").glob("*.flac"))
    sounds = [librosa.load(path, sr=sr, duration=2.0)[0] for path in sources[::4]]
    place = 0
    while place < len(y):
        sound = sounds[rng.integers(len(sounds))][: len(y) - place]
        y[place : place + len(sound)] += sound
        place += round(rng.uniform(0.2, 0.8) * sr)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall, cpu = time.perf_counter(), time.process_time()
    events = segment(y, sr)
    sections = events.at_level("sections")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{minutes} minutes: {len(events)} events and {len(sections)} sections in {wall:.0f} s "
        f"({cpu:.0f} s of processor time), peak {peak:.0f} MB, of which {before:.0f} MB before"
    )


N_FRAMES, N_KINDS, N_DIMS = 1_000_000, 12, 20


def write_frames(path: Path) -> np.ndarray:
    """Kind of each of a million frames, which are written to a file that doesn't fit a batch."""
    rng = np.random.default_rng(0)
    means = 1.2 * rng.standard_normal((N_KINDS, N_DIMS))
    written = np.memmap(path, np.float32, "w+", shape=(N_FRAMES, N_DIMS))
    kinds = rng.integers(0, N_KINDS, N_FRAMES)
    for first in range(0, N_FRAMES, 50_000):
        part = kinds[first : first + 50_000]
        written[first : first + 50_000] = means[part] + rng.standard_normal((len(part), N_DIMS))
    written.flush()
    return kinds


def million() -> None:
    """Print time and memory of clustering a million frames in batches, and what that costs.

    Batches are as good as everything at once if both find the planted kinds equally well, and if
    they agree as well as two full-batch runs of other seeds do.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.f32"
        kinds = write_frames(path)
        frames = np.memmap(path, np.float32, "r", shape=(N_FRAMES, N_DIMS))
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        batches = GMeans(N_KINDS, batch_size=8192, max_epochs=3).fit(frames)
        seconds = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        sample, planted = np.asarray(frames[::50]), kinds[::50]
        labels = [batches.predict(sample)]
        labels += [GMeans(N_KINDS, random_state=seed).fit(sample).labels_ for seed in range(3)]
    truth = [adjusted_rand_score(planted, found) for found in labels]
    among = [adjusted_rand_score(labels[a], labels[b]) for a, b in ((1, 2), (1, 3), (2, 3))]
    beside = [adjusted_rand_score(labels[0], found) for found in labels[1:]]
    print(
        f"GMeans, a million frames in batches: {seconds:.0f} s, {(after - before) / 1024:.0f} MB "
        f"more; adjusted Rand index with the planted kinds {truth[0]:.3f}, full batch "
        f"{min(truth[1:]):.3f} to {max(truth[1:]):.3f}; batches with full batch "
        f"{np.mean(beside):.3f}, full batches among each other {np.mean(among):.3f}"
    )


@pytest.mark.benchmark
def test_analysis(capsys: pytest.CaptureFixture[str]) -> None:
    """The whole table, for `make bench`."""
    if not (audio_folder() / "make_concat_corpus.py").exists():
        pytest.skip("there are no recordings with known times here")
    with capsys.disabled():
        print()
        main(["--seeds", "0", "1", "2", "--hour", "--million"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what the arguments ask for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, nargs="*", default=[])
    parser.add_argument(
        "--source", type=Path, help="folder of one-shots; the shared ones if absent"
    )
    parser.add_argument("--piano", action="store_true", help="onsets of the piano recording")
    parser.add_argument("--hour", action="store_true", help="speed and memory")
    parser.add_argument("--million", action="store_true", help="GMeans on a million frames")
    parser.add_argument("options", nargs="*", help="behind --: options of make_concat_corpus.py")
    chosen = parser.parse_args(arguments)
    if chosen.seeds:
        options = chosen.options or ([] if chosen.source else ONE_SHOTS)
        source = chosen.source or audio_folder() / "sonic_pi"
        scores(chosen.seeds, source, options, with_piano=not chosen.source)
    if chosen.piano:
        line("onsets, piano", None, [piano_row()])
    if chosen.hour:
        hour()
    if chosen.million:
        million()


if __name__ == "__main__":
    main()
