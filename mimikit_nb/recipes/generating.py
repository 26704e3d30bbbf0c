"""Let a trained network continue prompts: :func:`generate`, :func:`stream`, :func:`extend`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..arguments import MOST_SOUNDS, PathArg, Seconds, Seed, SoundCount, checked, checked_with
from ..checkpoint import Checkpoint, load_checkpoint
from ..corpus.store import Corpus
from ..errors import CheckpointError, ParameterError, PromptError, warn
from ..generation.controls import OPTIONAL, Control, Controls
from ..generation.engine_options import EngineOptions
from ..generation.fixtures import FUNCTION, FixtureCurves
from ..generation.hooks.base import Hook
from ..generation.hooks.keeping import hooks_as_before
from ..generation.initial_state import InitialStateFit
from ..generation.output import Generated
from ..generation.prompts import (
    Prompt,
    prompt_from_array,
    prompt_from_corpus,
    prompt_from_file,
    spread_positions,
)
from ..generation.record import find_states, open_sink, record, reopen_sink
from ..generation.sound import SoundStream
from ..generation.sound import generate as pull_seconds
from ..paths import as_path
from ..progress import Watch
from ..runtime import check_device
from ..units import is_number
from .finding import find_corpus

PromptLike = None | float | str | Path | np.ndarray | tuple[np.ndarray, int]


@checked
def stream(
    ck: Checkpoint | PathArg,
    corpus: Corpus | PathArg | None = None,
    prompt: Any = None,
    prompt_seconds: Seconds = 1.0,
    temperature: Control = 1.0,
    n: SoundCount = 1,
    seed: Seed | Sequence[Seed] = 0,
    *,
    top_k: Control = 0,
    top_p: Control = 1.0,
    recorded: Control | None = None,
    follow: Control | None = None,
    fixtures: FixtureCurves | None = None,
    hooks: Sequence[Hook] = (),
    optimise_initial_state: bool | dict[str, Any] | InitialStateFit = False,
    device: str | None = "cpu",
    engine: EngineOptions | None = None,
    block_seconds: Seconds = 0.1,
) -> SoundStream:
    """Let a trained network continue a prompt without an end, in constant memory.

    Parameters
    ----------
    ck : Checkpoint or path
        From :func:`load_checkpoint`, or what that would load.
    corpus : Corpus or path, optional
        Where prompts are cut from; the one it was trained on if that is still in its place.
    prompt : optional
        Where the prompt comes from: a position in the corpus in seconds, a sound file, an array
        ``[samples]`` or ``[C, samples]`` at the network's rate, or ``(array, rate)``. A list of
        these gives several prompts. Without one, ``n`` positions are spread over the corpus; a
        network without a corpus starts from silence.
    prompt_seconds : float > 0, default 1.0
        Length of prompts from a corpus or a file.
    temperature : float, function of seconds, or list with one per sound, default 1.0
        Spread of the draws: 0 takes the likeliest value, 1 draws as trained. :class:`Curve` and
        :class:`RandomWalk` are functions that change it while the sound goes on.
    n : int > 0, default 1
        Variations of each prompt, each with a seed of its own.
    seed : int or list of int, default 0
        Sound ``i`` is drawn with ``seed + i``, or with its own seed from a list, and is what it
        would be alone.
    top_k, top_p : optional
        Draw only among the likeliest classes; as ``temperature``, also functions and lists.
    recorded, follow : optional
        For networks that remember their recording (heads ``flow`` with ``n_units``, and
        ``units``): between the network's own frames (0) and recorded ones (1), and how many
        seconds of one passage may be followed. As ``temperature``; None: as the head is made.
    fixtures : mapping, optional
        What the network is steered by, from the prompts' end on: by the name of the fixture one
        label (or number) for all of it, points ``[(seconds, label), ...]``, or a function of the
        seconds. Fixtures that are left out go on as in the corpus.
    hooks : sequence of Hook, optional
        What reaches into every step, or stops the sound; see ``mnb.hooks``.
    optimise_initial_state : bool or dict, default False
        For recurrent networks (SampleRNN): read the prompt from a state that is fitted to it.
        Settings, and what it is worth: :class:`InitialStateFit`.
    device : str, default "cpu"
        Where to run; None: the best there is.
    engine : EngineOptions, optional
        How steps are compiled; ``EngineOptions(weights="bf16")`` is faster and a little less
        precise.
    block_seconds : float > 0, default 0.1
        Length of the blocks that iterating gives.

    Returns
    -------
    SoundStream
        Iterating gives blocks ``[n, C, samples]`` of new sound; ``.prompts`` are what they
        continue.

    Raises
    ------
    PromptError
        If a prompt is too short or lies outside the corpus.
    ParameterError
        If a control is outside its range, or a fixture can't be steered so.

    Examples
    --------
    >>> blocks = mnb.stream("runs/first", corpus)
    >>> next(iter(blocks)).shape[:2]
    (1, 1)
    """
    ck = ck if isinstance(ck, Checkpoint) else load_checkpoint(ck)
    corpus = find_corpus(ck, corpus)
    prompts = _read_prompts(ck, corpus, prompt, prompt_seconds, n)
    controls = Controls(temperature, top_k, top_p, recorded, follow)
    controls.at(0.0, len(prompts))  # what can't be is refused before anything is read
    made = SoundStream.from_prompts(
        ck.network(check_device(device)),
        prompts,
        _n_channels(ck, corpus, prompts),
        _seeds(seed, len(prompts)),
        controls,
        corpus,
        [_recall(ck, p, controls.of(i)) for i, p in enumerate(prompts)],
        fixtures,
        make_executor=(engine or EngineOptions()).compile,
        hooks=hooks,
        fit=InitialStateFit.parse(optimise_initial_state),
    )
    made.block_samples = max(1, round(block_seconds * made.sample_rate))
    return made


@checked_with(stream)
def generate(
    ck: Checkpoint | PathArg,
    corpus: Corpus | PathArg | None = None,
    prompt: Any = None,
    prompt_seconds: Seconds = 1.0,
    seconds: Seconds | None = 10.0,
    temperature: Control = 1.0,
    n: SoundCount = 1,
    seed: Seed | Sequence[Seed] = 0,
    *,
    out: PathArg | None = None,
    progress: Watch | None = None,
    **options: Any,
) -> Generated:
    """Let a trained network continue a prompt.

    Parameters
    ----------
    ck : Checkpoint or path
        From :func:`load_checkpoint`, or what that would load.
    corpus, prompt, prompt_seconds : optional
        What is continued, see :func:`stream`.
    seconds : float > 0 or None, default 10.0
        New sound behind each prompt. None: until it is interrupted, which needs ``out``.
    temperature, n, seed : optional
        How, see :func:`stream`.
    out : path, optional
        Write the sound to disk while it is made: a folder (a WAV file per sound), a ``.wav``
        file, or an HDF5 bank (``.h5``, a data set per sound). Memory stays constant, nothing is
        lost by a kill, and :func:`extend` goes on from there.
    progress : Progress or callable, optional
        Told the seconds of sound done and wanted; a function is called with it, and what it raises
        ends the sound.
    **options
        ``top_k``, ``top_p``, ``recorded``, ``follow``, ``fixtures``, ``hooks``,
        ``optimise_initial_state``, ``device`` and ``engine``, see :func:`stream`.

    Returns
    -------
    Generated
        ``.audio [n, C, samples]`` holds prompt and continuation, ``.save(folder)`` writes it;
        ``.paths`` are what was written (with ``out`` the sound lies there, and is read when it is
        asked for).

    Raises
    ------
    PromptError
        If a prompt is too short or lies outside the corpus.
    ParameterError
        If a control is outside its range.

    Examples
    --------
    >>> made = mnb.generate("runs/first", corpus, prompt=[3.0, 20.0], seconds=1.0, temperature=0.9)
    >>> made.audio.shape[:2], round(made.prompt_end_seconds)
    ((2, 1), 1)
    >>> [path.name for path in made.save("sounds")]
    ['sound_001.wav', 'sound_002.wav']
    """
    if seconds is None and out is None:
        raise ParameterError(
            "Sound without an end (seconds=None) doesn't fit into memory; "
            "give a place on disk (out=...), or take blocks from stream()."
        )
    made = stream(ck, corpus, prompt, prompt_seconds, temperature, n, seed, **options)
    if out is None:
        assert seconds is not None
        return pull_seconds(made, seconds, progress)
    return record(made, open_sink(out, made), seconds, progress)


@checked
def extend(
    sound: Generated | PathArg | Sequence[PathArg],
    seconds: Seconds | None = 10.0,
    *,
    ck: Checkpoint | PathArg | None = None,
    corpus: Corpus | PathArg | None = None,
    temperature: Control | None = None,
    top_k: Control | None = None,
    top_p: Control | None = None,
    recorded: Control | None = None,
    follow: Control | None = None,
    fixtures: FixtureCurves | None = None,
    hooks: Sequence[Hook] | None = None,
    device: str | None = "cpu",
    engine: EngineOptions | None = None,
    progress: Watch | None = None,
) -> Generated:
    """Go on with a generated sound exactly as if it had not stopped.

    Parameters
    ----------
    sound : Generated or path
        What :func:`generate` returned, a WAV file or a bank of it. Files are lengthened in
        their place. Several WAV files are taken together if they were made together.
    seconds : float > 0 or None, default 10.0
        More sound. None: until it is interrupted, for files.
    ck : Checkpoint or path, optional
        The checkpoint it was made with, if it isn't where it was.
    corpus : Corpus or path, optional
        The corpus, for networks that read on in it while they generate.
    temperature, top_k, top_p, recorded, follow, fixtures : optional
        As before if not given. Functions of your own aren't kept with the sound; give them again.
    hooks : sequence of Hook, optional
        As before, exactly, if not given; hooks of your own must be given again. Others begin
        afresh.
    device, engine, progress : optional
        See :func:`generate`.

    Returns
    -------
    Generated
        The whole sound, in memory or in files as it was given.

    Raises
    ------
    ParameterError
        If there is no end state to go on from.
    CheckpointError
        If the checkpoint isn't the one that the sound was made with.

    Examples
    --------
    >>> longer = mnb.extend(made, seconds=0.5)
    >>> longer.audio.shape[-1] > made.audio.shape[-1]
    True
    """
    if isinstance(sound, Generated) and not sound.is_stored:
        if seconds is None or not sound.states:
            raise ParameterError(
                "A sound in memory needs a length to be extended by, and its end state."
            )
        states = list(sound.states)
        files: list[Path] = []
    else:
        files = _files(sound)
        if not files:
            raise ParameterError("There is no sound to extend; give at least one file.")
        states = [state for file in files for state in find_states(file)]
    facts = [state.facts for state in states]
    ck = _same_checkpoint(ck, facts[0])
    given = {"temperature": temperature, "top_k": top_k, "top_p": top_p}
    given |= {"recorded": recorded, "follow": follow}
    controls = _controls_as_before(facts, given)
    controls.at(0.0, len(facts))  # what can't be is refused before any file is opened
    going_on = hooks_as_before(facts[0], hooks)
    resumed = SoundStream.from_end_states(
        ck.network(check_device(device)),
        states,
        controls,
        find_corpus(ck, corpus),
        _fixtures_as_before(facts[0], fixtures),
        make_executor=(engine or EngineOptions()).compile,
        hooks=going_on,
    )
    if any(control is not None for control in given.values()):
        resumed.recall = [_with_controls(f, controls.of(i)) for i, f in enumerate(resumed.recall)]
    if isinstance(sound, Generated) and not files:
        assert seconds is not None
        more = pull_seconds(resumed, seconds, progress)
        return more.behind(sound)
    return record(resumed, reopen_sink(files, resumed), seconds, progress)


def _with_controls(facts: dict[str, Any], controls: Controls) -> dict[str, Any]:
    """Recall data of a sound that goes on with other controls."""
    change = {"from_sample": facts["n_samples"], "controls": controls.to_dict()}
    changes = [*facts.get("changes", []), change]
    return {**facts, "controls": controls.to_dict(), "changes": changes}


def _seeds(seed: int | Sequence[int], n: int) -> list[int]:
    """A seed for each sound."""
    seeds = list(seed) if isinstance(seed, Sequence) else [int(seed) + i for i in range(n)]
    if len(seeds) != n:
        raise ParameterError(f"There are {len(seeds)} seeds for {n} sounds; give one each.")
    return seeds


def _files(sound: Generated | str | Path | Sequence[str | Path]) -> list[Path]:
    if isinstance(sound, Generated):
        return sound.paths
    return [Path(s) for s in ([sound] if isinstance(sound, str | Path) else sound)]


def _same_checkpoint(ck: Checkpoint | str | Path | None, facts: dict[str, Any]) -> Checkpoint:
    """The checkpoint that a sound was made with, where it was or where somebody says."""
    before = facts.get("checkpoint", {})
    ck = ck if ck is not None else before.get("path", "")
    found = ck if isinstance(ck, Checkpoint) else load_checkpoint(ck)
    if found.hash != before.get("hash"):
        raise CheckpointError(
            f"{found.path} isn't the checkpoint that the sound was made with; give that one as ck."
        )
    return found


def _controls_as_before(facts: Sequence[dict[str, Any]], given: dict[str, Any]) -> Controls:
    """Controls of sounds as they were, but for those that are given anew."""
    values: dict[str, Any] = {}
    for name, control in given.items():
        before = [
            f["controls"].get(name) if name in OPTIONAL else f["controls"][name] for f in facts
        ]
        values[name] = before if control is None else control
        if control is None and any(isinstance(value, str) for value in before):
            raise ParameterError(
                f"{name} was a function of yours ({before[0]}), which isn't kept with the sound; "
                f"give it again: extend(..., {name}=...)."
            )
        if control is None and name != "temperature" and all(v == before[0] for v in before):
            values[name] = before[0]
    return Controls(**values)


def _fixtures_as_before(facts: dict[str, Any], given: FixtureCurves | None) -> FixtureCurves | None:
    """What fixtures were steered by, unless it is given anew."""
    before = facts.get("fixtures", {})
    for name, curve in before.items():
        if given is None and isinstance(curve, dict):
            raise ParameterError(
                f"The fixture {name!r} followed a function of yours ({curve[FUNCTION]}), which "
                "isn't kept with the sound; give it again: extend(..., fixtures={...})."
            )
    return before if given is None else given


def _read_prompts(
    ck: Checkpoint, corpus: Corpus | None, prompt: Any, prompt_seconds: float, n: int
) -> list[Prompt]:
    """Prompts, each ``n`` times; without any, ``n`` spread over the corpus."""
    rate = ck.io.sample_rate
    if prompt is None:
        if corpus is None:
            _warn_of_silence(ck)
            silence = np.zeros((1, round(prompt_seconds * rate)), np.float32)
            return [Prompt(silence, {"kind": "silence"})] * n
        prompt, n = spread_positions(corpus, n, prompt_seconds), 1
    items = prompt if isinstance(prompt, list | tuple) and not _is_pair(prompt) else [prompt]
    if not len(items):
        raise PromptError("The list of prompts is empty; give at least one, or leave it out.")
    if len(items) * n > MOST_SOUNDS:
        raise PromptError(f"{len(items)} prompts are too many at once; give up to {MOST_SOUNDS}.")
    return [p for item in items for p in [_read_prompt(rate, corpus, item, prompt_seconds)] * n]


def _is_pair(prompt: Any) -> bool:
    """Whether a prompt is ``(array, rate)``, maybe in the wrong order."""
    is_two = isinstance(prompt, tuple) and len(prompt) == 2
    return is_two and sum(isinstance(part, np.ndarray) for part in prompt) == 1


def _warn_of_silence(ck: Checkpoint) -> None:
    if ck.header.source:
        warn(
            f"The corpus {ck.header.source} is neither there nor beside the run: the prompt is "
            "silence. Give the corpus, or a sound file as prompt."
        )


def _read_prompt(rate: int, corpus: Corpus | None, item: Any, prompt_seconds: float) -> Prompt:
    if isinstance(item, str | Path):
        return prompt_from_file(as_path(item), rate, prompt_seconds)
    if isinstance(item, np.ndarray):
        return prompt_from_array(item, rate, rate)
    if _is_pair(item):
        if isinstance(item[1], np.ndarray):
            raise PromptError(
                "A prompt (rate, array), as scipy's wavfile.read gives it, is in the wrong order; "
                "give (array, rate)."
            )
        return prompt_from_array(item[0], item[1], rate)
    if not is_number(item):
        raise PromptError(
            f"A prompt is a position in seconds, a file or an array, not {type(item).__name__}."
        )
    if corpus is None:
        raise PromptError(
            "A prompt by position needs a corpus, and the one of the training isn't in its place."
        )
    if corpus.sample_rate != rate:
        raise PromptError(
            f"The corpus has {corpus.sample_rate} Hz but the network {rate} Hz; "
            "build the corpus with the network's rate, or give a file as prompt."
        )
    return prompt_from_corpus(corpus, float(item), prompt_seconds)


def _n_channels(ck: Checkpoint, corpus: Corpus | None, prompts: Sequence[Prompt]) -> int:
    """Channels of what is generated: the corpus' own unless the network mixes them."""
    if ck.io.channels == "mix":
        return 1
    return corpus.n_channels if corpus is not None else max(p.audio.shape[0] for p in prompts)


def _recall(ck: Checkpoint, prompt: Prompt, controls: Controls) -> dict[str, Any]:
    """What it takes to make a sound again, beside its seed."""
    return {
        "checkpoint": {"hash": ck.hash, "path": str(ck.path), "step": ck.step},
        "network": ck.config.to_dict(),
        "io": ck.io.to_dict(),
        "corpus_hash": ck.corpus_hash,
        "prompt": prompt.source,
        "controls": controls.to_dict(),
        "rights": ck.rights,
    }
