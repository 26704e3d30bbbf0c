"""Let a trained network continue prompts: :func:`generate` and :func:`stream`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from ..checkpoint import Checkpoint, load_checkpoint
from ..corpus.store import Corpus, open_corpus
from ..errors import CorpusError, ParameterError, PromptError
from ..generation.controls import Control, Controls
from ..generation.engine import EngineOptions, compile_stages
from ..generation.fixtures import FixtureCurves
from ..generation.generate import PromptedStream
from ..generation.generate import generate as pull_seconds
from ..generation.output import Generated
from ..generation.prompts import (
    Prompt,
    prompt_from_array,
    prompt_from_corpus,
    prompt_from_file,
    spread_positions,
)
from ..runtime import check_device

PromptLike = None | float | str | Path | np.ndarray | tuple[np.ndarray, int]


def generate(
    ck: Checkpoint | str | Path,
    corpus: Corpus | str | Path | None = None,
    prompt: PromptLike | Sequence[PromptLike] = None,
    prompt_seconds: float = 1.0,
    seconds: float = 10.0,
    temperature: Control = 1.0,
    n: int = 1,
    seed: int = 0,
    *,
    top_k: Control = 0,
    top_p: Control = 1.0,
    fixtures: FixtureCurves | None = None,
    device: str | None = "cpu",
    engine: EngineOptions | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> Generated:
    """Let a trained network continue a prompt.

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
    seconds : float > 0, default 10.0
        New sound behind each prompt.
    temperature : float, list or function of seconds, default 1.0
        Spread of the draws: 0 takes the likeliest value, 1 draws as trained.
    n : int > 0, default 1
        Variations of each prompt, each with a seed of its own.
    seed : int, default 0
        Sound ``i`` is drawn with ``seed + i``.
    top_k, top_p : optional
        Draw only among the likeliest classes.
    fixtures : mapping, optional
        What the network is steered by, from the prompts' end on: by the name of the fixture one
        label (or number) for all of it, points ``[(seconds, label), ...]``, or a function of the
        seconds. Fixtures that are left out go on as in the corpus.
    device : str, default "cpu"
        Where to run; None: the best there is.
    engine : EngineOptions, optional
        How steps are compiled; ``EngineOptions(weights="bf16")`` is faster and a little less
        precise.
    progress : callable, optional
        Called with seconds done and wanted.

    Returns
    -------
    Generated
        ``.audio [n, C, samples]`` holds prompt and continuation.

    Raises
    ------
    PromptError
        If a prompt is too short or lies outside the corpus.
    ParameterError
        If a control is outside its range, or a fixture can't be steered so.
    """
    stream_, recall = _open_stream(
        ck,
        corpus,
        prompt,
        prompt_seconds,
        n,
        seed,
        Controls(temperature, top_k, top_p),
        fixtures,
        device,
        engine,
    )
    return pull_seconds(stream_, seconds, recall, progress)


def stream(
    ck: Checkpoint | str | Path,
    corpus: Corpus | str | Path | None = None,
    prompt: PromptLike | Sequence[PromptLike] = None,
    prompt_seconds: float = 1.0,
    temperature: Control = 1.0,
    n: int = 1,
    seed: int = 0,
    *,
    top_k: Control = 0,
    top_p: Control = 1.0,
    fixtures: FixtureCurves | None = None,
    device: str | None = "cpu",
    engine: EngineOptions | None = None,
    block_seconds: float = 0.1,
) -> Iterator[np.ndarray]:
    """Endless blocks ``[n, C, samples]`` of new sound, in constant memory.

    Takes what :func:`generate` takes; ``block_seconds`` is the length of a block. Time-varying
    controls are asked as the sound is made.
    """
    stream_, _ = _open_stream(
        ck,
        corpus,
        prompt,
        prompt_seconds,
        n,
        seed,
        Controls(temperature, top_k, top_p),
        fixtures,
        device,
        engine,
    )
    return stream_.blocks(max(1, round(block_seconds * stream_.sample_rate)))


def _open_stream(
    ck: Checkpoint | str | Path,
    corpus: Corpus | str | Path | None,
    prompt: Any,
    prompt_seconds: float,
    n: int,
    seed: int,
    controls: Controls,
    fixtures: FixtureCurves | None,
    device: str | None,
    engine: EngineOptions | None,
) -> tuple[PromptedStream, list[dict[str, Any]]]:
    """Stream of a checkpoint from its prompts, and the recall data of each sound."""
    if n < 1 or not prompt_seconds > 0:
        raise ParameterError(
            f"n is {n} and prompt_seconds {prompt_seconds}; n must be at least 1, seconds above 0."
        )
    ck = ck if isinstance(ck, Checkpoint) else load_checkpoint(ck)
    corpus = _find_corpus(ck, corpus)
    prompts = _read_prompts(ck, corpus, prompt, prompt_seconds, n)
    seeds = [seed + i for i in range(len(prompts))]
    network = ck.network(check_device(device))
    n_channels = _n_channels(ck, corpus, prompts)
    make_executor = partial(compile_stages, options=engine)
    stream_ = PromptedStream(
        *(network, prompts, n_channels, seeds, controls, corpus, fixtures),
        make_executor=make_executor,
    )
    recall = [_recall(ck, p, s, controls) for p, s in zip(prompts, seeds, strict=True)]
    if fixtures:
        steering = {
            name: getattr(curve, "__qualname__", repr(curve)) if callable(curve) else curve
            for name, curve in fixtures.items()
        }
        recall = [{**r, "fixtures": steering} for r in recall]
    return stream_, recall


def _find_corpus(ck: Checkpoint, corpus: Corpus | str | Path | None) -> Corpus | None:
    """The given corpus, or the one of the training if it still lies where it was."""
    if corpus is not None:
        return corpus if isinstance(corpus, Corpus) else open_corpus(corpus)
    try:
        found = open_corpus(ck.header.source)
    except CorpusError:
        return None
    return found if found.hash == ck.corpus_hash else None


def _read_prompts(
    ck: Checkpoint, corpus: Corpus | None, prompt: Any, prompt_seconds: float, n: int
) -> list[Prompt]:
    """Prompts, each ``n`` times; without any, ``n`` spread over the corpus."""
    rate = ck.io.sample_rate
    if prompt is None:
        if corpus is None:
            silence = np.zeros((1, round(prompt_seconds * rate)), np.float32)
            return [Prompt(silence, {"kind": "silence"})] * n
        prompt, n = spread_positions(corpus, n, prompt_seconds), 1
    is_sound = isinstance(prompt, tuple) and isinstance(prompt[0], np.ndarray)
    items = prompt if isinstance(prompt, list | tuple) and not is_sound else [prompt]
    return [p for item in items for p in [_read_prompt(rate, corpus, item, prompt_seconds)] * n]


def _read_prompt(rate: int, corpus: Corpus | None, item: Any, prompt_seconds: float) -> Prompt:
    if isinstance(item, str | Path):
        return prompt_from_file(item, rate, prompt_seconds)
    if isinstance(item, np.ndarray):
        return prompt_from_array(item, rate, rate)
    if isinstance(item, tuple):
        return prompt_from_array(item[0], item[1], rate)
    if not isinstance(item, Real):
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


def _recall(ck: Checkpoint, prompt: Prompt, seed: int, controls: Controls) -> dict[str, Any]:
    """What it takes to make a sound again."""
    return {
        "checkpoint": {"hash": ck.hash, "path": str(ck.path), "step": ck.step},
        "network": ck.config.to_dict(),
        "io": ck.io.to_dict(),
        "corpus_hash": ck.corpus_hash,
        "prompt": prompt.source,
        "seed": seed,
        "controls": controls.to_dict(),
        "rights": ck.rights,
    }
