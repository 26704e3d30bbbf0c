"""Sound of any length, written to disk while it is made.

A kill at any instant loses nothing that had been written: WAV files are complete after every
block, banks after every second, and the end states beside them let the sound be extended, from
the last second on exactly as it would have been. Main names: :func:`record`,
:func:`reopened`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from ..audio.atomic import make_folder
from ..audio.files import info, load
from ..audio.growing import GrowingSound
from ..audio.locks import hold_for, lock_of, naming
from ..audio.recall import read_recall
from ..audio.targets import check_target
from ..corpus.bank import OutputBank, bank_sounds, read_bank
from ..errors import AudioError, ParameterError
from ..paths import as_path
from ..progress import Progress, Stopped, Watch
from ..units import seconds_to_samples
from .end_state import END_STATE, SUFFIX, EndState, StoredStates
from .made import Stored, free_paths
from .output import Generated
from .sound import SoundStream

SAVE_SECONDS = 1.0
_MOST_OF_THE_TIME = 0.05  # part of the time that saving may take
_BANKS = (".h5", ".hdf5")


class Sink(Protocol):
    """Where blocks of sounds go."""

    paths: list[Path]
    names: list[str]
    states: list[Path]

    def append(self, blocks: Sequence[np.ndarray]) -> None:
        """Write a block ``[C, samples]`` of each sound, empty for one that has ended."""

    def sync(self) -> None:
        """Force what was written onto the disk."""

    def close(self) -> None:
        """Close the files."""


def record(
    stream: SoundStream, sink: Sink, seconds: float | None, progress: Watch | None = None
) -> Generated:
    """Write ``seconds`` of new sound, or sound without an end.

    Parameters
    ----------
    stream : SoundStream
    sink : Sink
        From :func:`open_sink` or :func:`reopen_sink`; closed in the end.
    seconds : float > 0 or None
        New sound of each stream; None: until it is interrupted (Ctrl-C, "interrupt the kernel").
    progress : Progress or callable, optional
        Told the seconds of sound done and wanted; a function is called with it, and what it raises
        ends the sound. Everything up to there is kept.
    """
    n_new = math.inf if seconds is None else seconds_to_samples(seconds, stream.sample_rate)
    wanted = math.inf if seconds is None else n_new / stream.sample_rate
    progress = Progress.of(progress)
    first, saver = stream.n_samples, _Saver(stream, sink)
    with ExitStack() as last:
        last.callback(sink.close)
        last.callback(stream.close)
        last.callback(saver.save_if_whole)
        if stream.prompts.shape[-1]:
            sink.append(list(stream.prompts))
        saver.is_whole = True
        try:
            while (missing := first + n_new - stream.n_samples) > 0 and not stream.has_ended:
                saver.is_whole, start = False, stream.n_samples
                blocks = stream.take(int(min(stream.block_samples, missing)))
                ends = [max(0, length - start) for length in stream.lengths]
                sink.append([block[:, :n] for block, n in zip(blocks, ends, strict=True)])
                saver.is_whole = True
                saver.save_if_due()
                progress.tell((stream.n_samples - first) / stream.sample_rate, wanted)
        except (KeyboardInterrupt, Stopped):
            if seconds is not None:
                raise
    return Generated(
        Stored(partial(_read_sounds, sink.paths, sink.names), stream.n_samples),
        stream.sample_rate,
        stream.recall[0]["prompt_end_seconds"],
        stream.recall,
        StoredStates(sink.states),
        paths=sink.paths,
    )


def reopened(*paths: Path) -> Generated:
    """Sounds that a network made, as they lie in WAV files.

    Raises
    ------
    AudioError
        If one of them can't be read.
    """
    facts, recall = [info(path) for path in paths], [read_recall(path) for path in paths]
    states = [path.with_suffix(SUFFIX) for path in paths]
    return Generated(
        Stored(partial(_read_sounds, paths, ()), max(fact.n_samples for fact in facts)),
        facts[0].sample_rate,
        float(recall[0].get("prompt_end_seconds", 0.0)),
        recall,
        StoredStates(states if all(map(Path.exists, states)) else []),
        paths=list(paths),
    )


def _read_sounds(paths: Sequence[Path], names: Sequence[str]) -> np.ndarray:
    """Sounds ``[n, C, samples]`` of files, or of one bank; silence behind shorter ones."""
    sounds = [read_bank(paths[0], name)[0] for name in names] or [load(p, None) for p in paths]
    longest = max(sound.shape[1] for sound in sounds)
    return np.stack([np.pad(s, [(0, 0), (0, longest - s.shape[1])]) for s in sounds])


class _Saver:
    """Saves where a stream is, about every second, and never for longer than it is worth.

    Attributes
    ----------
    is_whole : bool
        Whether all that the stream has made is written, so that its state may be saved. What
        ends in the middle of a block goes on from the last state that was.
    """

    def __init__(self, stream: SoundStream, sink: Sink) -> None:
        self.stream, self.sink, self.due, self.is_whole = stream, sink, 0.0, False

    def save_if_due(self) -> None:
        if time.monotonic() >= self.due:
            self.save()

    def save_if_whole(self) -> None:
        if self.is_whole:
            self.save()

    def save(self) -> None:
        """First the sound, then the state that needs it."""
        start = time.monotonic()
        self.sink.sync()
        for path, state in zip(self.sink.states, self.stream.end_states(), strict=True):
            state.save(path)
        end = time.monotonic()
        self.due = end + max(SAVE_SECONDS, (end - start) / _MOST_OF_THE_TIME)


class WavSink:
    """A WAV file per sound; they are held until they are closed.

    Parameters
    ----------
    paths : sequence of Path
        The files.
    open_sound : callable
        Opens one of them, given its number.
    """

    def __init__(self, paths: Sequence[Path], open_sound: Callable[[int], GrowingSound]) -> None:
        self.paths, self.names = list(paths), list[str]()
        self.states = _states_of(path.with_suffix(SUFFIX) for path in paths)
        self.sounds: list[GrowingSound] = []
        with ExitStack() as stack:
            for path in paths:
                refuse = partial(_refuse, path)
                stack.callback(hold_for(self, lock_of(path), refuse, AudioError))
            for number in range(len(paths)):
                self.sounds.append(open_sound(number))
                stack.callback(self.sounds[-1].close)
            self._release = stack.pop_all().close

    def append(self, blocks: Sequence[np.ndarray]) -> None:
        """Write a block of each sound."""
        for sound, block in zip(self.sounds, blocks, strict=True):
            sound.append(block)

    def sync(self) -> None:
        """Force what was written onto the disk."""
        for sound in self.sounds:
            sound.sync()

    def close(self) -> None:
        """Close the files."""
        self._release()


class BankSink:
    """A data set per sound."""

    def __init__(self, bank: OutputBank) -> None:
        self.paths, self.names = [bank.path], bank.names
        with ExitStack() as stack:
            stack.callback(bank.close)
            self.states = _states_of(bank_state(bank.path, name) for name in bank.names)
            stack.pop_all()
        self.append, self.sync, self.close = bank.append, bank.sync, bank.close


def _states_of(paths: Iterable[Path]) -> list[Path]:
    """Files of end states, none of which holds something else."""
    found = list(paths)
    for path in found:
        check_target(path, END_STATE, overwrite=True)
    return found


def _refuse(path: Path, owner: str) -> AudioError:
    return AudioError(
        f"{path} is being written right now by {owner}. Wait until that is done, or choose another "
        "name."
    )


def bank_state(path: Path, name: str) -> Path:
    """File of the end state of a sound of a bank."""
    return path.with_name(f"{path.stem}.{name}{SUFFIX}")


def open_sink(out: str | Path, stream: SoundStream) -> Sink:
    """New files for the sounds of a stream.

    Parameters
    ----------
    out : path
        A folder for WAV files, a ``.wav`` file for one sound, or an HDF5 bank (``.h5``).
    stream : SoundStream

    Raises
    ------
    AudioError, CorpusError
        If a file exists or can't be written.
    ParameterError
        If one file is named for several sounds.
    """
    out, (n, channels) = as_path(out), stream.shape
    if out.suffix.lower() in _BANKS:
        return BankSink(OutputBank(out, stream.sample_rate, channels, stream.recall))
    is_file = out.suffix.lower() == ".wav"
    if is_file and n > 1:
        raise ParameterError(
            f"{out} is one file, but there are {n} sounds; give a folder, or an .h5 bank."
        )
    rate = stream.sample_rate
    if is_file:
        return WavSink([out], lambda i: GrowingSound(out, rate, channels, stream.recall[i]))
    make_folder(out)
    with naming(out):
        paths = free_paths(out, "sound", n)
        return WavSink(paths, lambda i: GrowingSound(paths[i], rate, channels, stream.recall[i]))


def find_states(sound: str | Path) -> list[EndState]:
    """End states of a WAV file, or of all sounds of a bank."""
    sound = as_path(sound)
    if sound.suffix.lower() in _BANKS:
        paths = [bank_state(sound, name) for name in _extendable(sound)]
    else:
        paths = [sound.with_suffix(SUFFIX)]
    if not paths or not all(path.exists() for path in paths):
        raise ParameterError(
            f"{sound} can't be extended: there is no end state ({SUFFIX}) beside it. "
            "generate(..., out=...) and save() write one."
        )
    return [EndState.load(path) for path in paths]


def _extendable(bank: Path) -> list[str]:
    """Sounds of a bank that have an end state."""
    return [name for name in bank_sounds(bank) if bank_state(bank, name).exists()]


def reopen_sink(sounds: Sequence[str | Path], stream: SoundStream) -> Sink:
    """Files of sounds that a stream goes on with.

    Raises
    ------
    AudioError, CorpusError
        If somebody else writes to one, or has made it longer since its end state was read.
    """
    paths, channels = [as_path(sound) for sound in sounds], stream.shape[1]
    first, n = paths[0], stream.n_samples
    if first.suffix.lower() in _BANKS:
        names, rate = _extendable(first), stream.sample_rate
        check = partial(_check_states, first, n)
        return BankSink(OutputBank(first, rate, channels, (), names, n, check=check))
    return WavSink(paths, lambda i: _reopen(paths[i], n))


def _reopen(path: Path, n_samples: int) -> GrowingSound:
    _check_states(path, n_samples)
    return GrowingSound.reopen(path, n_samples)


def _check_states(sound: Path, n_samples: int) -> None:
    """Make sure that a sound, which is held, still ends where the stream begins."""
    if any(state.facts["n_samples"] != n_samples for state in find_states(sound)):
        raise AudioError(f"{sound} was extended by somebody else meanwhile; extend it again.")
