"""Are planted failures found, is real audio left alone, and does the order of checkpoints stay?

Run it from the project's root::

    python tests/benchmarks/bench_detection.py alarms            # held-out real audio
    python tests/benchmarks/bench_detection.py planted RUN ...   # beside a network's own output
    python tests/benchmarks/bench_detection.py stability RUN     # another seed, the same order?

``alarms`` takes the recordings of ``MIMIKIT_NB_AUDIO`` or ``../shared/audio``, one folder after
the other: of many files every fourth is held out in turn (of less than a minute each one), of one
recording every fourth stretch of ten seconds, and what is held out is scored against the rest, in
excerpts or, if it is shorter, as it is. ``planted`` lets a trained
network play, and puts a verbatim excerpt, a copy 6 dB quieter and 20 cents higher, a splice of
five seconds, noise, silence, a loop of a second and a clipped output among its sounds.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import librosa
import numpy as np
import torch

import mimikit_nb as mnb
from mimikit_nb.audio.files import load
from mimikit_nb.audio.find import find
from mimikit_nb.checkpoint import Checkpoint
from mimikit_nb.evaluation.index import CorpusIndex
from mimikit_nb.evaluation.ranking import rank_correlation
from mimikit_nb.evaluation.scoring import Score, score
from mimikit_nb.recipes.candidates import held_out_parts
from mimikit_nb.recipes.finding import find_corpus
from tests.benchmarks.report import add

SR, N_FOLDS, STRETCH_SECONDS = 22050, 4, 10
Excerpts = list[tuple[str, np.ndarray]]


def audio_folder() -> Path:
    """Where the recordings are."""
    given = os.environ.get("MIMIKIT_NB_AUDIO")
    return Path(given) if given else Path(__file__).parents[3] / "shared" / "audio"


def folds(folder: Path) -> Iterator[tuple[np.ndarray, list[tuple[int, int]], np.ndarray]]:
    """Signals ``[1, N]``, what of them nothing can be copied from, and held-out sound."""
    files = [load(path, SR).mean(axis=0, keepdims=True) for path in find(folder).files]
    if len(files) == 1:
        (y,), step = files, STRETCH_SECONDS * SR
        starts = range(0, y.shape[1] - step + 1, step)
        for fold in range(N_FOLDS):
            held = [(start, start + step) for start in starts[fold::N_FOLDS]]
            yield y, held, np.concatenate([y[:, a:b] for a, b in held], axis=1)
        return
    is_short = sum(y.shape[1] for y in files) < 60 * SR
    n_folds = len(files) if is_short else min(N_FOLDS, len(files))
    for fold in range(n_folds):
        held_out = files[fold::n_folds]
        rest = [y for number, y in enumerate(files) if number % n_folds != fold]
        yield np.concatenate(rest, axis=1), [], np.concatenate(held_out, axis=1)


def in_words(found: Score) -> str:
    """What explains the flags of a sound."""
    h, limits = found.health, found.calibration
    return (
        f"copy {found.longest_copy_seconds:.2f} s (limit {limits.copy_limit_seconds:.2f}), same "
        f"recording {found.same_recording_seconds:.2f} s, novelty {found.novelty:.2f}, fidelity "
        f"{found.fidelity:.2f}, drift {h.drift_db:.0f} dB, frozen {h.frozen_seconds:.1f} s, loop "
        f"{h.loop_seconds:.1f} s, noise {h.coloured_noise_share:.2f}, clipped "
        f"{h.clipped_share:.4f}, clicks {h.clicks_per_second:.1f}/s, silent tail "
        f"{h.silent_tail_seconds:.1f} s"
    )


def false_alarms(folder: Path, seconds: float) -> dict[str, Any]:
    """Score all held-out sound of a folder of recordings, and say what is flagged."""
    flagged, n, copies = Counter[str](), 0, []
    length, n_flagged = round(seconds * SR), 0
    for number, (signal, held, y) in enumerate(folds(folder)):
        corpus = SimpleNamespace(signal=signal, sample_rate=SR)
        index = CorpusIndex.build(corpus, held_out=held, excerpt_seconds=seconds)
        for start in range(0, max(1, y.shape[1] - length + 1), length):
            found = score(y[:, start : start + length], SR, index)
            n += 1
            copies.append(found.longest_copy_seconds)
            flagged.update(found.flags)
            if found.flags:
                n_flagged += 1
                where = f"fold {number} at {start / SR:.0f} s"
                print(f"  {where}: {', '.join(sorted(found.flags))}: {in_words(found)}", flush=True)
    case = f"{folder.name}, excerpts of {seconds:g} s"
    top = ", ".join(f"{c:.1f}" for c in sorted(copies)[-5:])
    print(f"{case}: {n_flagged} of {n} flagged {dict(flagged)}; longest copies {top} s", flush=True)
    return {"case": case, "flagged": n_flagged, "n": n, "flags": dict(flagged)}


def planted(outputs: list[np.ndarray], train: np.ndarray, rate: int) -> dict[str, Any]:
    """Failures ``[1, N]`` beside a network's outputs, and the flag that each must have."""
    n, five = outputs[0].shape[1], 5 * rate
    rng = np.random.default_rng(0)
    start = int(
        np.argmax([np.square(train[s : s + n]).mean() for s in range(0, len(train) - n, n)])
    )
    excerpt = train[start * n : (start + 1) * n][None]
    faster = librosa.resample(0.5 * excerpt, orig_sr=round(rate * 2 ** (20 / 1200)), target_sr=rate)
    splice = outputs[0].copy()
    splice[:, n // 4 : n // 4 + five] = excerpt[:, :five]
    loudest = max(outputs, key=lambda y: float(np.square(y).mean()))
    second = loudest[:, rate : 2 * rate]
    level = float(np.std(train))
    return {
        "verbatim excerpt": (excerpt, "copy"),
        "-6 dB, +20 cents": (faster, "copy"),
        "5 s splice": (splice, "copy"),
        "white noise": (level * rng.standard_normal((1, n)).astype(np.float32), "noise"),
        "silence": (np.zeros((1, n), np.float32), "silent"),
        "1 s loop": (np.tile(second, -(-n // rate))[:, :n], "stuck"),
        "clipped": (np.clip(8 * loudest / np.abs(loudest).max(), -1, 1), "clipped"),
    }


def by_heart(checkpoint: Checkpoint, y: np.ndarray) -> np.ndarray:
    """A passage ``[1, N]`` as a network would play it that has learned it by heart."""
    feature = checkpoint.io.features[next(iter(checkpoint.io.autoregressive))]
    with torch.inference_mode():
        heard = feature.inverse(feature.forward(torch.from_numpy(y)))
    return heard.numpy().reshape(1, -1)[:, : y.shape[1]]


def check_run(run: Path, n: int, seconds: float) -> list[dict[str, Any]]:
    """Let a network play, plant failures among its sounds, and say what is flagged."""
    checkpoint = mnb.load_checkpoint(run)
    corpus = find_corpus(checkpoint, None)
    assert corpus is not None, "the corpus isn't where it was"
    held = held_out_parts(checkpoint, corpus)
    index = CorpusIndex.build(corpus, held_out=held, excerpt_seconds=seconds)
    made = mnb.generate(checkpoint, corpus, n=n, seconds=seconds, temperature=1.0, seed=0)
    outputs = [y.mean(axis=0, keepdims=True) for y in made.continuation]
    rate = corpus.sample_rate
    signal = np.asarray(corpus.signal).mean(axis=0)
    train = np.concatenate([signal[a:b] for a, b in corpus.split(0, 0).train])
    if held:
        settings = checkpoint.training
        parts = corpus.split(settings.get("held_out", 0.0), settings.get("seed", 0)).train
        longest = max(parts, key=lambda part: part[1] - part[0])
        train = signal[longest[0] : longest[1]]
    cases: dict[str, Any] = {f"its own output {i + 1}": (y, "") for i, y in enumerate(outputs)}
    cases |= planted(outputs, train, rate)
    cases["learned by heart"] = (by_heart(checkpoint, cases["verbatim excerpt"][0]), "copy")
    rows = []
    for case, (y, wanted) in cases.items():
        found = score(y, rate, index)
        verdict = "" if not wanted else "found" if wanted in found.flags else "MISSED"
        flags = ", ".join(sorted(found.flags)) or "no flags"
        print(f"{run.name}: {case:18} {verdict:7} {flags}: {in_words(found)}", flush=True)
        rows.append({"case": f"{run.name}: {case}", "flags": flags, "verdict": verdict})
    return rows


def stability(run: Path, n: int, seconds: float) -> float:
    """Kendall's correlation of two orders of a run's checkpoints, by sounds of other seeds."""
    orders = []
    for seed in (0, 1):
        with tempfile.TemporaryDirectory() as out:
            table = mnb.evaluate(run, n=n, seconds=seconds, seeds=[seed], out=out)
        means = mnb.by_checkpoint(table).set_index("step").sort_index()
        print(means[["n", "novelty", "fidelity", "rank_score", "frechet_mfcc"]], flush=True)
        orders.append(means.fidelity.tolist())
    found = rank_correlation(*orders)
    print(
        f"{run.name}: rank correlation of the fidelity of {len(orders[0])} checkpoints: {found:.2f}"
    )
    return found


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["alarms", "planted", "stability"])
    parser.add_argument("runs", nargs="*", type=Path)
    parser.add_argument("--seconds", type=float, nargs="+", default=[5.0, 10.0])
    parser.add_argument("--n", type=int, default=4, help="sounds of each network")
    options = parser.parse_args()
    if options.what == "alarms":
        folders = [f for f in sorted(audio_folder().iterdir()) if f.is_dir()]
        for folder in folders:
            add("false alarms", [false_alarms(folder, seconds) for seconds in options.seconds])
    for run in options.runs:
        if options.what == "planted":
            add("planted failures", check_run(run, options.n, options.seconds[-1]))
        else:
            tau = stability(run, options.n, options.seconds[-1])
            add("rank stability", [{"case": run.name, "kendall": tau}])


if __name__ == "__main__":
    main()
