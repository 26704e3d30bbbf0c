"""A piece that is being composed: its draft with every edit, and what was generated of it.

It lives in the kernel and not in a page: a cell that is run again finds it as it was left. It
makes no widgets. Main names: :class:`Composer`, :class:`Take`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...corpus.store import Corpus
from ...errors import ParameterError
from ...generation.controls import OPTIONAL
from ...generation.ensemble.draft import Draft, Place
from ...generation.ensemble.piece import Ensemble, Piece, finished, kept_stems, voice_stems
from ...progress import Progress
from ...recipes.ensembling import stream_ensemble
from ...runtime import is_colab
from ..history import History
from ..job import Job
from ..watched import Watched
from .names import name_of


@dataclass(frozen=True)
class Take:
    """A variation as it was generated.

    Attributes
    ----------
    piece : Piece
        Kept, so that a changed draft can go on from it.
    made : Ensemble
        The finished piece, as :func:`mimikit_nb.ensemble` returns it.
    draft : Draft
        What it was generated from.
    prompt_seconds : float
        How much of its beginning is the prompt.
    n_kept : int
        Samples that were taken over from the take before.
    """

    piece: Piece
    made: Ensemble
    draft: Draft
    prompt_seconds: float
    n_kept: int = 0


class Composer(Watched):
    """A draft, its history, and its takes.

    Parameters
    ----------
    draft : Draft
    corpus : Corpus or None
        Where prompts and regions come from.
    seed : int >= 0

    Attributes
    ----------
    takes : dict of (start, seconds) or None to Take
        By the prompt that they continue.
    job : Job
        The work: its state, how far it is, time left, error.
    """

    def __init__(self, draft: Draft, corpus: Corpus | None, seed: int) -> None:
        super().__init__()
        self.corpus, self.seed = corpus, seed
        self.history: History[Draft] = History()
        self.history.add(draft)
        self.takes: dict[Any, Take] = {}
        self._is_all = False
        self.job = Job(self._do, self.tell, name="ensemble")

    @property
    def draft(self) -> Draft:
        """The draft as it is now."""
        now = self.history.now
        assert now is not None
        return now

    @property
    def is_busy(self) -> bool:
        """Whether it is generating."""
        return self.job.is_alive

    @property
    def message(self) -> str:
        """What there is to say about how the work ended."""
        if self.job.state == "stopped":
            return "What was made is kept; it can be gone on from."
        return str(self.job.error) if self.job.state == "failed" else ""

    def edit(self, draft: Draft) -> None:
        """Take over an edited draft, as one step of the history."""
        if draft != self.draft:
            self.history.add(draft)

    def use(self, corpus: Corpus) -> None:
        """Take prompts and regions from another corpus; nothing that was generated holds then."""
        if self.corpus is None or corpus.path != self.corpus.path:
            self.corpus, self.takes = corpus, {}

    def n_done(self, variation: int) -> float:
        """Seconds of a take, from its beginning, that the draft would give again as they are."""
        take = self.known(variation)
        return _shared_seconds(take, self.draft) if take is not None else 0.0

    # -- generating ---------------------------------------------------------------------------

    def generate(self, everything: bool = False, foreground: bool | None = None) -> None:
        """Begin to generate all variations: only what changed, or everything."""
        if self.is_busy:
            raise ParameterError("It is generating already; stop it first.")
        self.draft.items()  # complains at once if there are no turns
        self._is_all = everything
        self.job.start(is_colab() if foreground is None else foreground)

    def generate_from(self, place: Place, foreground: bool | None = None) -> None:
        """Another continuation: new seeds from a turn on, and everything before it as it is."""
        start = self.draft.start_of(place)
        self.edit(self.draft.reseeded(start, np.random.default_rng()))
        self.generate(foreground=foreground)

    def stop(self) -> None:
        """End within a moment; what was made is kept, and gone on from."""
        self.job.stop()

    def take(self, variation: int = 0) -> Take:
        """A variation as it was generated; waits for work under way.

        Raises
        ------
        ParameterError
            If it wasn't generated.
        """
        self.job.wait()
        if self.job.state == "failed" and self.job.error is not None:
            raise self.job.error
        take = self.known(variation)
        if take is None:
            raise ParameterError("This was not generated yet; press Generate all.")
        return take

    def known(self, variation: int) -> Take | None:
        """The take of a variation, if there is one."""
        draft = self.draft
        return self.takes.get(draft.prompt(variation)) if variation < draft.n_variations else None

    def _do(self, progress: Progress) -> None:
        draft = self.draft
        n = draft.n_variations
        for variation in range(n):
            self._make(draft, variation, progress.part(variation / n, (variation + 1) / n))
        wanted = [draft.prompt(i) for i in range(n)]
        self.takes = {prompt: self.takes[prompt] for prompt in wanted}

    def _make(self, draft: Draft, variation: int, progress: Progress) -> None:
        known = self.takes.get(draft.prompt(variation))
        before = None if self._is_all or self.corpus is None else known
        is_same = before is not None and before.piece.room.seed == self.seed
        piece = stream_ensemble(
            *(draft.score(variation), self.corpus, draft.piece_seconds(variation), self.seed),
            keep=True,
            earlier=before.piece if before is not None and is_same else None,
        )
        blocks: list[np.ndarray] = []
        seconds = draft.seconds + draft.prompt_seconds(variation)
        try:
            for block in piece:
                blocks.append(block)
                progress.tell(piece.n_samples / piece.sample_rate, seconds)
        finally:
            if blocks:
                audio = np.concatenate(blocks, axis=1)
                n_kept = _n_alike(before.made.audio, audio) if before is not None and is_same else 0
                heard = draft.prompt_seconds(variation)
                made = finished(piece, audio)
                self.takes[draft.prompt(variation)] = Take(piece, made, draft, heard, n_kept)

    # -- writing ------------------------------------------------------------------------------

    def save(self, folder: Path, with_stems: bool = False) -> list[Path]:
        """Write all takes: mix, score, labels, regions, and if wanted a stem per generator."""
        if not self.takes:
            raise ParameterError("There is nothing to save yet; press Generate all.")
        paths: list[Path] = []
        for take in self.takes.values():
            stems = stems_of(take) if with_stems else {}
            paths += replace(take.made, stem_samples=stems).save(folder)
        return paths


def stems_of(take: Take) -> dict[str, np.ndarray]:
    """Parts of a take: per generator, or per voice where several sound at once."""
    n_voices = sum(map(bool, take.draft.rows))
    return kept_stems(take.piece) if n_voices < 2 else voice_stems(take.piece, n_voices)


def _n_alike(a: np.ndarray, b: np.ndarray) -> int:
    """Samples up to the first that differs."""
    n = min(a.shape[1], b.shape[1])
    differ = np.flatnonzero((a[:, :n] != b[:, :n]).any(axis=0))
    return int(differ[0]) if len(differ) else n


def _shared_seconds(take: Take, draft: Draft) -> float:
    """Length of the beginning that two drafts have in common, in seconds of the piece."""
    before = take.draft
    if before.is_prompt_heard != draft.is_prompt_heard:
        return 0.0
    if len(before.rows) != len(draft.rows):
        return 0.0
    starts = []
    for old, new in zip(before.rows, draft.rows, strict=True):
        n = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), None)
        n = min(len(old), len(new)) if n is None else n
        is_whole = len(old) == len(new) == n
        starts.append(float("inf") if is_whole else sum(turn.seconds for turn in new[:n]))
    return min(take.made.seconds, take.prompt_seconds + min(starts))


def marks_of(take: Take) -> tuple[list[Mapping[str, Any]], list[dict[str, Any]]]:
    """Points and entries for the player: where the prompt ends, who plays when."""
    points: list[Mapping[str, Any]] = []
    if take.prompt_seconds:
        label = {"label": "prompt ends", "kind": "prompt", "editable": False}
        points.append({"time": take.prompt_seconds, **label})
    return points, as_facts(take)


def as_facts(take: Take) -> list[dict[str, Any]]:
    """Turns of a take as entries for the player: who, with what, continuing what."""
    entries = []
    for turn in take.piece.turns:
        if turn.generator == "parallel":
            continue
        known = turn.parameters
        name = name_of(known["generator"])  # the colour is that of the timeline
        entry = {"start": turn.start, "stop": turn.stop, "label": turn.generator, "kind": name}
        if turn.start == 0 and take.prompt_seconds:
            entry |= {"label": "prompt", "kind": "prompt"}
        entry |= {"temperature": known["temperature"]}
        entry |= {"top_p": known["top_p"], "seed": known["seed"], "prompt": known["prompt"]}
        entry |= {name: known[name] for name in OPTIONAL if known.get(name) is not None}
        entries.append(entry | {"prompt_seconds": known["prompt_seconds"]})
    return entries
