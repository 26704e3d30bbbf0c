"""One HTML page that lets all networks be heard after the same minutes on the same recordings.

    python -m tests.benchmarks.hear_networks RECORDINGS --minutes 5 --networks latent_rnn freqnet

Each network is trained in its preset on the first four fifths of the recordings, for the same
time and on the same threads, and continues the same places of the last fifth. The page has the
players, spectrograms beside the real continuation, and tables of what is near, what is wrong and
what is recorded. Runs that are there are used again, so that more networks can be added.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import mimikit_nb as mnb
from mimikit_nb.audio.files import load
from mimikit_nb.audio.find import find
from mimikit_nb.audio.write import write
from mimikit_nb.checkpoint import Run
from mimikit_nb.corpus import Corpus
from mimikit_nb.generation.output import Generated
from mimikit_nb.networks.presets import PRESETS
from mimikit_nb.widgets import pictures
from mimikit_nb.widgets.player import listen
from mimikit_nb.widgets.report import write_report

PROMPT_SECONDS, SECONDS = 3.0, 8.0


def split_recordings(recordings: Path, folder: Path, rate: int) -> tuple[Corpus, np.ndarray]:
    """Corpus of the first four fifths of each recording's samples, and the rest as one sound."""
    y = [load(path, rate).mean(0) for path in find(recordings).files]
    sound = np.concatenate(y)
    border = len(sound) * 4 // 5
    if not (folder / "corpus.h5").exists():
        folder.mkdir(parents=True, exist_ok=True)
        write(folder / "train.wav", sound[:border], rate)
    corpus = mnb.build_corpus(folder / "train.wav", folder / "corpus.h5", rate, reuse=True)
    return corpus, sound[border:]


def prompts_in(held_out: np.ndarray, rate: int, n: int) -> np.ndarray:
    """Excerpts ``[n, samples]`` of held-out sound, evenly spaced, each as long as a sound."""
    length = round((PROMPT_SECONDS + SECONDS) * rate)
    starts = np.linspace(0, len(held_out) - length, n).astype(int)
    return np.stack([held_out[start : start + length] for start in starts])


def trained(network: str, corpus: Corpus, folder: Path, minutes: float, seed: int) -> Run:
    """Run of a network for some minutes; one that is there is used again."""
    out = folder / f"{network.replace('/', '_')}-{minutes:g}min-seed{seed}"
    if (out / "config.yaml").exists():
        return Run(out)
    quiet = {"preview_every_steps": 0, "checkpoint_every_steps": 10**6}
    return mnb.train(
        corpus, network, out, max_minutes=minutes, seed=seed, device="cpu", channels="mix", **quiet
    )


def continued(run: Run, excerpts: np.ndarray, rate: int, **controls: float) -> Generated:
    """The prompts of excerpts, continued."""
    prompts = [(y[: round(PROMPT_SECONDS * rate)], rate) for y in excerpts]
    return mnb.generate(run.folder, prompt=prompts, seconds=SECONDS, seed=11, **controls)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("recordings", type=Path)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--networks", nargs="+", default=list(PRESETS))
    parser.add_argument("--out", type=Path, default=Path("outputs/hear"))
    parser.add_argument("--sample-rate", type=int, default=22050)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sounds", type=int, default=4)
    given = parser.parse_args()
    rate = given.sample_rate
    corpus, held_out = split_recordings(given.recordings, given.out, rate)
    excerpts = prompts_in(held_out, rate, given.sounds)
    real = Generated(excerpts[:, None], rate, PROMPT_SECONDS, [{} for _ in excerpts])
    sounds: dict[str, Generated] = {"real": real}
    facts: dict[str, str] = {}
    for network in given.networks:
        run = trained(network, corpus, given.out, given.minutes, given.seed)
        sounds[network] = continued(run, excerpts, rate)
        facts[network] = f"{network}: {int(run.metrics.step.max())} steps in {given.minutes:g} min."
        print(facts[network], flush=True)
    latent = {n: s for n, s in sounds.items() if n in facts and n.startswith("latent_rnn")}
    replays = [
        mnb.replayed(
            {name: made}, trained(name, corpus, given.out, given.minutes, given.seed).folder, corpus
        )
        for name, made in latent.items()
    ]
    sections: dict[str, object] = {
        name: [
            facts.get(name, "What really follows the prompts."),
            listen(made, title=name, corpus=corpus),
        ]
        for name, made in sounds.items()
    }
    spectra = {name: made.audio[0] for name, made in sounds.items()}
    sections["Side by side"] = pictures.spectrograms(spectra, rate, PROMPT_SECONDS)
    sections["Compared with the recordings"] = [mnb.judge(sounds, corpus), *replays]
    print(write_report(given.out / "networks.html", "All networks, the same minutes", sections))


if __name__ == "__main__":
    main()
