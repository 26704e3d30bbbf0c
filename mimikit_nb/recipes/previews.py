"""Sound previews of a training run: generated, judged, written beside the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from ..arguments import checked
from ..audio.write import write
from ..corpus.store import Corpus
from ..evaluation.detectors import detect
from ..evaluation.replay import Replay
from ..generation.controls import Controls
from ..generation.output import Generated
from ..generation.prompts import prompt_from_corpus, spread_positions
from ..generation.record import reopened
from ..generation.sound import SoundStream, generate
from ..networks.base import Network
from ..progress import Watch
from .judging import corpus_profile
from .replaying import kept_index, replay_of


@dataclass(frozen=True)
class PreviewSound:
    """A preview: sound that was made, and what was found out about it.

    Attributes
    ----------
    sound : Generated
        Prompt and continuation, in a WAV file.
    step : int
        Training step of the network.
    temperature : float
    flags : frozenset of str
        What is wrong with it: "silent", "noise", "stuck", "clipped" ...; empty is good.
    replay : Replay or None
        How much of it is in the corpus, if the network reads latent frames and the corpus isn't
        longer than ten minutes.
    """

    sound: Generated
    step: int
    temperature: float
    flags: frozenset[str]
    replay: Replay | None = None

    @property
    def path(self) -> Path:
        """The WAV file."""
        return self.sound.paths[0]


@checked
@dataclass
class Previewer:
    """Makes previews of a network in training; what it is set to may be changed meanwhile.

    Parameters
    ----------
    corpus : Corpus
        Where prompts come from.
    folder : Path
        Where WAV files are written.
    seconds, prompt_seconds : float
        New sound, and prompt before it.
    temperatures : tuple of float, default (1.0,)
        One preview is made with each.
    n_prompts : int, default 1
        Positions in the corpus, evenly spread, that are continued.
    seed : int, default 0
        The same for every preview, so that they can be compared.
    progress : Progress or callable, optional
        Told the seconds of sound done and wanted; a function is called with it, and what it raises
        ends the sound.

    Examples
    --------
    >>> previews = mnb.Previewer(corpus, "previews", seconds=0.5, prompt_seconds=0.5)
    >>> run = mnb.train(corpus, "latent_rnn/tiny", "runs/heard", max_steps=2, previewer=previews)
    """

    corpus: Corpus
    folder: Path
    seconds: float = 3.0
    prompt_seconds: float = 0.5
    temperatures: tuple[float, ...] = (1.0,)
    n_prompts: int = 1
    seed: int = 0
    progress: Watch | None = None
    made: list[PreviewSound] = field(default_factory=list)

    def __call__(self, network: Network, step: int) -> list[PreviewSound]:
        """Generate, judge and write the previews of a step."""
        io = network.io
        n_channels = 1 if io.channels == "mix" else self.corpus.n_channels
        positions = spread_positions(self.corpus, self.n_prompts, self.prompt_seconds)
        prompts = [prompt_from_corpus(self.corpus, p, self.prompt_seconds) for p in positions]
        rows = [(p, t) for t in self.temperatures for p in prompts]
        controls = Controls([t for _, t in rows])
        seeds = [self.seed] * len(rows)
        recall = [{"step": step, "temperature": t, "prompt": p.source} for p, t in rows]
        stream = SoundStream.from_prompts(
            network, [p for p, _ in rows], n_channels, seeds, controls, self.corpus, recall
        )
        out = generate(stream, self.seconds, self.progress)
        profile, index = corpus_profile(self.corpus), kept_index(io, self.corpus)
        sounds = []
        for i, (new, (_, temperature)) in enumerate(
            zip(out.continuation, rows, strict=True), start=1
        ):
            path = self.folder / f"step_{step:08d}_{i:02d}.wav"
            write(path, out.audio[i - 1], out.sample_rate, recall=out.recall[i - 1], overwrite=True)
            flags = frozenset(detect(new, out.sample_rate, profile))
            replay = None if index is None else replay_of(index, io, new)
            sounds.append(PreviewSound(reopened(path), step, temperature, flags, replay))
        self.made += sounds
        return sounds
