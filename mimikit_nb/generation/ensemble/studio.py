"""From what a score names to generators. Each is made once per piece."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from ...checkpoint import Checkpoint, Run, average_checkpoints, load_checkpoint
from ...config import Config, field, shown
from ...corpus.store import Corpus, open_corpus
from ...errors import ConfigError, MimikitError, ParameterError
from .blend import shares_output
from .checkpoints import OutputAverage, blended, from_checkpoint
from .neighbour import NearestNeighbour
from .score import Score
from .sources import Function, Generator, Region, Silence

Rule = Callable[..., "int | None"]
SILENCE, NEIGHBOUR = "silence", "nearest_neighbour"
"Generators that need no more than their name."


class AverageSpec(Config):
    """``{"average": ["runs/a", "runs/b"], "weights": [0.7, 0.3]}``."""

    average: tuple[Any, ...] = field(min_length=1)
    "What is averaged: checkpoints, or with of='output' any generators."
    weights: tuple[Any, ...] | None = None
    "A number or a curve of the turn's seconds each; equal if not given."
    of: Literal["auto", "logits", "output", "weights"] = "auto"
    """What is averaged: predictions at every step ('logits'), finished sounds ('output'), or the
    networks' own weights ('weights'); 'auto': predictions where networks predict the same."""


class RegionSpec(Config):
    """``{"region": [start, stop]}`` in seconds of the corpus."""

    region: tuple[float, ...] = field(min_length=1, max_length=2)
    "Start, and stop if it isn't the end of the corpus, in seconds."
    corpus: str | None = None
    "Path of the corpus; that of the piece if not given."


class NeighbourSpec(Config):
    """``{"nearest_neighbour": null, "k": 4, "forbid_seconds": 2}``, or just its name."""

    nearest_neighbour: str | None = None
    "Path of the corpus; that of the piece if not given."
    k: int = field(1, ge=1, le=24)
    "Choose among so many of the best places, by their fit and the temperature."
    grain_seconds: float = field(1.0, ge=0.05, le=60, unit="s")
    "How long a passage plays before the next place is looked for."
    forbid_seconds: float = field(0.0, ge=0, le=600, unit="s")
    "Keep so far away from what was played lately; 0: passages may return, and go on."
    remember_seconds: float = field(60.0, gt=0, le=3600, unit="s")
    "How long a passage counts as played lately."
    morph_seconds: float = field(0.0, ge=0, le=60, unit="s")
    "How long a passage turns into the next one by its spectrum; 0: a short crossfade."


class CheckpointSpec(Config):
    """``{"checkpoint": "runs/a", "step": 2000}``."""

    checkpoint: Any
    "Run folder, file or checkpoint."
    step: int | None = None
    "Training step; the latest if not given."


class ParallelSpec(Config):
    """``{"parallel": [voice, voice]}``: scores that sound at once."""

    parallel: tuple[Any, ...] = field(min_length=1)
    "A list of events per voice."


_SPECS: dict[str, type[Config]] = {
    "average": AverageSpec,
    "region": RegionSpec,
    "nearest_neighbour": NeighbourSpec,
    "checkpoint": CheckpointSpec,
    "parallel": ParallelSpec,
}


class Studio:
    """What a piece is made with.

    Parameters
    ----------
    corpus : Corpus, optional
        Where prompts and regions come from.
    rules : mapping, optional
        Rules of handing over by name, beside those of :mod:`.handover`.
    """

    def __init__(self, corpus: Corpus | None = None, rules: Mapping[str, Rule] | None = None):
        self.corpus, self.rules = corpus, dict(rules or {})
        self._made: dict[Any, Generator] = {}
        self._kept: list[Any] = []  # objects whose ids are keys must not go away

    def generator(self, spec: Any) -> Generator:
        """Generator that a spec names.

        Raises
        ------
        ConfigError
            If it names none.
        """
        key = spec if isinstance(spec, str) else id(spec) if not isinstance(spec, dict) else None
        key = repr(spec) if key is None else key
        if key not in self._made:
            self._made[key] = self._make(spec)
            self._kept.append(spec)
        return self._made[key]

    def mark(self) -> dict[int, int]:
        """How much each generator that takes notes has noted so far."""
        return {id(g): g.n_played for g in self._notetakers()}

    def noted_since(self, mark: Mapping[int, int]) -> list[tuple[NearestNeighbour, Any]]:
        """What generators noted since :meth:`mark`."""
        found = [(g, g.latest(g.n_played - mark.get(id(g), 0))) for g in self._notetakers()]
        return [(g, passages) for g, passages in found if passages]

    def note(self, noted: list[tuple[NearestNeighbour, Any]]) -> None:
        """Let generators note what they had noted before."""
        for generator, passages in noted:
            for passage in passages:
                generator.note(passage)

    def forget(self) -> None:
        """Begin a piece: generators forget what they noted in the one before."""
        for generator in self._notetakers():
            generator.played.clear()

    def _notetakers(self) -> list[NearestNeighbour]:
        return [g for g in self._made.values() if isinstance(g, NearestNeighbour)]

    def parallel(self, spec: Any) -> list[Score] | None:
        """Scores of the voices if a spec is of parallel voices."""
        if isinstance(spec, dict) and "parallel" in spec:
            return [Score(voice) for voice in ParallelSpec(**spec).parallel]
        return None

    def sample_rate(self, spec: Any) -> int | None:
        """Rate of what a spec names, if it has one."""
        voices = self.parallel(spec)
        return None if voices is not None else self.generator(spec).sample_rate

    def _make(self, spec: Any) -> Generator:
        if spec == SILENCE:
            return Silence()
        if spec == NEIGHBOUR:
            return self._from_mapping({spec: None})
        if isinstance(spec, str | Path | Checkpoint | Run):
            return from_checkpoint(_checkpoint(spec), self.corpus)
        if isinstance(spec, Mapping):
            return self._from_mapping(dict(spec))
        if hasattr(spec, "start") and hasattr(spec, "label"):
            return spec
        if callable(spec):
            return Function(spec)
        raise ConfigError(f"{shown(spec)} names no generator; {_KNOWN}")

    def _from_mapping(self, values: dict[str, Any]) -> Generator:
        kind = next((name for name in _SPECS if name in values), None)
        if kind is None or kind == "parallel":
            raise ConfigError(f"{shown(values)} names no generator; {_KNOWN}")
        spec = _SPECS[kind](**values)
        if isinstance(spec, RegionSpec):
            corpus = open_corpus(spec.corpus) if spec.corpus else self.corpus
            return Region(needed(corpus, "A region"), *spec.region)
        if isinstance(spec, NeighbourSpec):
            path = spec.nearest_neighbour
            corpus = needed(open_corpus(path) if path else self.corpus, "A nearest neighbour")
            options = spec.to_dict()
            del options["nearest_neighbour"]
            return NearestNeighbour(corpus, **options)
        if isinstance(spec, CheckpointSpec):
            return from_checkpoint(_checkpoint(spec.checkpoint, spec.step), self.corpus)
        assert isinstance(spec, AverageSpec)
        return self._average(spec)

    def _average(self, spec: AverageSpec) -> Generator:
        if spec.of == "output":
            return OutputAverage([self.generator(m) for m in spec.average], spec.weights)
        checkpoints = [
            _checkpoint(m["checkpoint"], m.get("step"))
            if isinstance(m, dict) and "checkpoint" in m
            else _checkpoint(m)
            for m in spec.average
        ]
        if spec.of == "weights":
            return from_checkpoint(average_checkpoints(checkpoints, spec.weights), self.corpus)
        networks = [ck.network() for ck in checkpoints]
        if spec.of == "logits" or all(shares_output(networks[0], n) for n in networks[1:]):
            return blended(checkpoints, spec.weights)
        return OutputAverage([self.generator(m) for m in spec.average], spec.weights)


def own_controls(spec: Any) -> set[str]:
    """Which of the controls ``recorded`` and ``follow`` the networks read that a spec names."""
    if isinstance(spec, Mapping):
        members = spec.get("average") or [spec.get("checkpoint")]
        return set().union(*map(own_controls, members))
    if not isinstance(spec, str | Path | Run | Checkpoint) or spec in (SILENCE, NEIGHBOUR):
        return set()
    try:
        return set(_checkpoint(spec).io.own_controls)
    except MimikitError:  # what can't be loaded is told where it is to sound
        return set()


_KNOWN = (
    "give the path of a run or a checkpoint, 'nearest_neighbour', 'silence', a function, "
    "{'average': [...]}, {'region': [start, stop]} or {'checkpoint': path, 'step': number}."
)


def needed(corpus: Corpus | None, what: str) -> Corpus:
    """The corpus, or a ParameterError that says what needs it."""
    if corpus is None:
        raise ParameterError(f"{what} needs a corpus; pass one: ensemble(score, corpus).")
    return corpus


def _checkpoint(spec: Any, step: int | None = None) -> Checkpoint:
    if not isinstance(spec, str | Path | Run | Checkpoint):
        raise ConfigError(
            f"{shown(spec)} isn't a checkpoint; give the path of a run or a checkpoint."
        )
    return spec if isinstance(spec, Checkpoint) else load_checkpoint(spec, step)
