"""How much of generated sound is the recording itself: :func:`replayed`, :func:`with_replay`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..arguments import PathArg, checked
from ..checkpoint import Checkpoint, load_checkpoint
from ..corpus.store import Corpus
from ..errors import CorpusError, ParameterError
from ..evaluation.replay import Replay, ReplayIndex
from ..generation.output import Generated
from ..io.digest import digest_of
from ..io.learning import stretches_of
from ..io.variable import IOSpec
from .finding import find_corpus

if TYPE_CHECKING:
    import pandas

HELD_OUT = "corpus (held out)"
_LONGEST_SECONDS = 10.0
"""Held-out sound is taken in pieces of at most this length, as generated sound is."""

_MOST_AT_ONCE_SECONDS = 600.0
"""Of a corpus that is looked through without being asked to."""

_INDICES: dict[str, ReplayIndex] = {}


@checked
def replayed(
    sounds: Generated | Mapping[str, Generated],
    ck: Checkpoint | PathArg,
    corpus: Corpus | PathArg | None = None,
) -> pandas.DataFrame:
    """Tabulate how much of generated sounds is recorded, frame by frame.

    Seen in the latent frames of the network that made them, where passages known by heart can't
    hide behind what the frames leave out. Only what is new is looked at, not the prompts.

    Parameters
    ----------
    sounds : Generated or mapping of str to Generated
        What :func:`generate` made; by name, if it is from several networks.
    ck : Checkpoint or path
        A network on latent frames.
    corpus : Corpus or path, optional
        What it learned from; looked for where it was if not given.

    Returns
    -------
    pandas.DataFrame
        One row per sound: ``sound``, ``recorded_share`` (frames that belong to passages of the
        recording, 0 to 1) and ``longest_run_seconds``. The last row is real sound that was held
        out of the training: what music that repeats itself has in common with itself.

    Raises
    ------
    ParameterError
        If the network doesn't read latent frames, or the sounds have another rate.
    CorpusError
        If the corpus can't be found.

    Examples
    --------
    >>> table = mnb.replayed(made, "runs/first", corpus)
    >>> table.columns.tolist()
    ['sound', 'recorded_share', 'longest_run_seconds']
    """
    import pandas as pd

    ck = ck if isinstance(ck, Checkpoint) else load_checkpoint(ck)
    found = find_corpus(ck, corpus)
    if found is None:
        raise CorpusError(
            f"The corpus of the network isn't at {ck.header.source} any more; give it as 'corpus'."
        )
    if not ck.io.learned:
        read = ", ".join(variable.feature.kind for variable in ck.io.autoregressive.values())
        raise ParameterError(
            f"The network reads {read}; what is recorded is told for networks on latent frames. "
            "For others, see score(...).longest_copy_seconds."
        )
    groups = {"generated": sounds} if isinstance(sounds, Generated) else dict(sounds)
    for made in groups.values():
        if made.sample_rate != found.sample_rate:
            raise ParameterError(
                f"The sounds have {made.sample_rate} Hz, the corpus {found.sample_rate} Hz; "
                "they can be compared at the same rate only."
            )
    split = found.split(ck.training.get("held_out", 0.0), ck.training.get("seed", 0))
    index = replay_index(ck.io, found, split.train)
    rows = {
        f"{group} {i}" if len(made.audio) > 1 else group: replay_of(index, ck.io, y)
        for group, made in groups.items()
        for i, y in enumerate(made.continuation, start=1)
    }
    held_out = [
        index.replay(read(0, length))
        for length, read in stretches_of(ck.io, found, list(_pieces(found, split.held_out)))
    ]
    if held_out:
        rows[HELD_OUT] = _joined(held_out)
    return pd.DataFrame(
        {
            "sound": list(rows),
            "recorded_share": [round(row.share, 3) for row in rows.values()],
            "longest_run_seconds": [round(row.longest_seconds, 2) for row in rows.values()],
        }
    )


def with_replay(made: Generated, ck: Checkpoint | None, corpus: Corpus | None) -> Generated:
    """Sounds whose recall data say how much of each is recorded, if that is known at once.

    Parameters
    ----------
    made : Generated
        From the checkpoint.
    ck : Checkpoint, optional
    corpus : Corpus, optional
        What it learned from.

    Returns
    -------
    Generated
        With ``share``, ``longest_seconds`` and ``longest_at_seconds`` in ``recall[i]["replay"]``;
        as it is for networks that read no latent frames, and for long corpora.
    """
    if ck is None or corpus is None or corpus.hash != ck.corpus_hash:
        return made
    index = kept_index(ck.io, corpus)
    if index is None:
        return made
    recall = [
        {**facts, "replay": asdict(replay_of(index, ck.io, y))}
        for facts, y in zip(made.recall, made.continuation, strict=True)
    ]
    return replace(made, recall=recall)


def kept_index(io: IOSpec, corpus: Corpus) -> ReplayIndex | None:
    """A whole corpus in the latent frames of a network; the last one is kept in memory.

    None for networks that read no latent frames, and for corpora of more than ten minutes.
    """
    if not io.learned or corpus.duration_seconds > _MOST_AT_ONCE_SECONDS:
        return None
    key = digest_of(f"{corpus.hash} {io.channels}", next(iter(io.learned.values())).tensors)
    if key not in _INDICES:
        index = replay_index(io, corpus, corpus.split(0.0).train)
        _INDICES.clear()
        _INDICES[key] = index
    return _INDICES[key]


def replay_index(io: IOSpec, corpus: Corpus, segments: Sequence[tuple[int, int]]) -> ReplayIndex:
    """Stretches of a corpus in the latent frames of a network that reads ``io``."""
    return ReplayIndex(next(iter(io.learned.values())), stretches_of(io, corpus, segments))


def replay_of(index: ReplayIndex, io: IOSpec, y: np.ndarray) -> Replay:
    """How much of a sound ``y [C, samples]`` is recorded, in the channels that ``io`` reads."""
    sound = torch.from_numpy(y)
    channels = sound.mean(0, keepdim=True) if io.channels == "mix" else sound
    return _joined([index.replay(channel) for channel in channels])


def _pieces(corpus: Corpus, segments: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Segments, the long ones cut."""
    length = round(_LONGEST_SECONDS * corpus.sample_rate)
    for start, stop in segments:
        yield from ((at, min(at + length, stop)) for at in range(start, stop, length))


def _joined(parts: list[Replay]) -> Replay:
    """Mean share, and the longest run, of several channels or pieces."""
    longest = max(parts, key=lambda part: part.longest_seconds)
    share = sum(part.share for part in parts) / len(parts)
    return Replay(share, longest.longest_seconds, longest.longest_at_seconds)
