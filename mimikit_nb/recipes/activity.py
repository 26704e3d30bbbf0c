"""What a layer did while it played, to look at and to listen to.

:class:`~mimikit_nb.generation.hooks.storing.Record` stores it; :func:`read_activity` reads it back.
Main names: :class:`Activity`, :func:`read_activity`, :func:`list_places`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..arguments import Count, PathArg, Rate, Step, checked
from ..checkpoint import Checkpoint, load_checkpoint
from ..errors import ParameterError
from ..generation.hooks.inserting import find_modules
from ..generation.hooks.storing import read_record
from ..generation.output import Generated

if TYPE_CHECKING:
    import pandas

N_VOICES = 16
LEVEL = 0.3  # peak of what they sound like
LOWEST_HZ = 110.0
SCALE = (0, 3, 5, 7, 10)  # semitones of an octave
STILL = 1e-9  # what moves less, stands still


@dataclass(frozen=True)
class Activity:
    """Outputs of all units of a place, moment by moment.

    Attributes
    ----------
    values : np.ndarray [shape=(units, times)]
        As they were.
    times_per_second : float
    begin_seconds : float
        When they begin, counted from the prompt's end.
    place : str
        Where they were recorded.
    """

    values: np.ndarray
    times_per_second: float
    begin_seconds: float
    place: str

    @checked
    def voices(self, n: Count = N_VOICES) -> np.ndarray:
        """What the units do together: their first principal components, the slowest first.

        Each unit counts alike, however large its values are. A layer shares what it does among
        all of its units, so that single ones say little.

        Parameters
        ----------
        n : int > 0, default 16
            How many; there may be fewer.

        Returns
        -------
        np.ndarray [shape=(voices, times)]
            The largest has a standard deviation of one.
        """
        spread = self.values.std(1, keepdims=True)
        moves = spread > STILL * max(1.0, float(np.abs(self.values).max(initial=0)))
        deviations = (self.values - self.values.mean(1, keepdims=True)) / np.where(moves, spread, 1)
        _, sizes, times = np.linalg.svd(deviations * moves, full_matrices=False)
        kept = sizes[:n] > STILL * max(1.0, float(sizes.max(initial=0)))
        voices = sizes[:n][kept, None] * times[:n][kept]
        voices = voices * np.where((voices**3).sum(1, keepdims=True) < 0, -1, 1)  # peaks point up
        voices = voices / voices.std(1).max(initial=STILL)
        speed = np.abs(np.diff(voices)).mean(1) / voices.std(1)
        return np.asarray(voices[np.argsort(speed)])

    @checked
    def largest(self, n: Count = 1) -> list[int]:
        """Units that were the largest of all most often; of logits, the classes that it played.

        Parameters
        ----------
        n : int > 0, default 1
            How many; there may be fewer.
        """
        units, times = np.unique(self.values.argmax(0), return_counts=True)
        return [int(unit) for unit in units[np.argsort(-times, kind="stable")][:n]]

    @checked
    def sound(self, sr: Rate = 22050) -> np.ndarray:
        """The voices as tones of a pentatonic scale: slow ones low, quick ones high.

        A tone is as loud as its voice is far above its mean, and silent below.

        Parameters
        ----------
        sr : int > 0, default 22050
            Sample rate.

        Returns
        -------
        np.ndarray [shape=(samples,)]
            As long as the record, of a peak of 0.3.
        """
        voices = np.maximum(self.voices(), 0)
        seconds = np.arange(round(self.values.shape[1] / self.times_per_second * sr)) / sr
        at = (np.arange(self.values.shape[1]) + 0.5) / self.times_per_second
        y = np.zeros(len(seconds))
        for i, loudness in enumerate(voices):
            octave, step = divmod(i, len(SCALE))
            hertz = LOWEST_HZ * 2 ** (octave + SCALE[step] / 12)
            if hertz < sr / 2:
                y += np.interp(seconds, at, loudness) * np.sin(2 * np.pi * hertz * seconds)
        return (LEVEL * y / np.abs(y).max(initial=STILL)).astype(np.float32)

    @checked
    def beside(self, made: Generated, number: Step = 0) -> np.ndarray:
        """The voices beside the sound that was made meanwhile: sound left, voices right.

        Parameters
        ----------
        made : Generated
            The sound that was recorded.
        number : int, default 0
            Which of its sounds.

        Returns
        -------
        np.ndarray [shape=(2, samples)]
            At the sound's rate, prompt and all.

        Raises
        ------
        ParameterError
            If there is no such sound.
        """
        if number >= len(made.audio):
            raise ParameterError(
                f"There are {len(made.audio)} sounds, and {number} isn't one of them."
            )
        left = made.audio[number].mean(0)
        right = np.zeros_like(left)
        begin = round((made.prompt_end_seconds + self.begin_seconds) * made.sample_rate)
        tones = self.sound(made.sample_rate)[max(0, -begin) :]
        end = min(len(right), max(0, begin) + len(tones))
        right[max(0, begin) : end] = tones[: end - max(0, begin)]
        return np.stack([left, right])


@checked
def read_activity(path: PathArg, row: Step = 0) -> Activity:
    """What a hook ``Record`` has stored of a sound, of several the last one.

    Parameters
    ----------
    path : path
        The bank that it wrote.
    row : int, default 0
        Which sound (sounds times channels).

    Raises
    ------
    ParameterError
        If the bank has no such row.

    Examples
    --------
    >>> store = mnb.hooks.Record(path="inside.h5", place="output")
    >>> recorded = mnb.generate("runs/first", corpus, seconds=1.0, hooks=[store])
    >>> activity = mnb.hooks.read_activity("inside.h5")
    >>> activity.voices().shape[0], activity.beside(recorded).shape[0]
    (16, 2)
    """
    found = [(v, facts) for v, facts in read_record(path).values() if facts["row"] == row]
    if not found:
        raise ParameterError(f"{path} has no row {row}; rows begin at 0.")
    values, facts = found[-1]
    return Activity(values, facts["times_per_second"], facts["begin_seconds"], facts["place"])


@checked
def list_places(ck: Checkpoint | PathArg) -> pandas.DataFrame:
    """Where hooks can reach into a network: a row for each module that runs in a step.

    Parameters
    ----------
    ck : Checkpoint or path
        A checkpoint, or a run folder (its latest).

    Returns
    -------
    pandas.DataFrame
        ``place`` (what hooks call it), ``values`` (how many it gives at a time), ``every`` (how
        much time lies between two of them).

    Examples
    --------
    >>> mnb.hooks.list_places("runs/first").place.tolist()[:2]
    ['tiers.0.inputs.signal.linear', 'tiers.0.inputs.signal']
    """
    import pandas

    network = (ck if isinstance(ck, Checkpoint) else load_checkpoint(ck)).network()
    step_ms = 1000 * float(network.io.step_seconds)
    rows = [
        {
            "place": name,
            "values": math.prod(module.shape),
            "every": f"{module.period * step_ms:.3g} ms",
        }
        for name, module in find_modules(network).items()
    ]
    return pandas.DataFrame(rows)
