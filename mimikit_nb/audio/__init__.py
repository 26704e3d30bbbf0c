"""Sound files in and out, meters, and the preflight.

================  ===============================================================
find              sound files among folders and patterns
files             ``info``, ``blocks``, ``load``, ``Resampler``
write             ``write``, ``SoundWriter``
recall            ``write_recall``, ``read_recall``: how a sound was made
channels          what is kept of several channels, and what a mix loses
names             names that every system takes; names that aren't text
meters, loudness  ``measure``, ``LevelMeter``: peak, RMS, LUFS, silence, clipping ...
spectrum          ``power_spectra``: what all analysis and judging looks at, in blocks
doctor, report    ``check``: every file accepted or refused, with the reason
demo              ``demo_music``: the embedded music
atomic            ``replacing``: files that appear whole or not at all
locks             ``held``: one process at a time, and who that is
================  ===============================================================
"""

from .demo import demo_music
from .doctor import check
from .files import Resampler, SoundInfo, blocks, info, load
from .meters import LevelMeter, Levels, measure
from .recall import read_recall, write_recall
from .report import FileRecord, Report
from .write import SoundWriter, write

__all__ = [
    "FileRecord",
    "LevelMeter",
    "Levels",
    "Report",
    "Resampler",
    "SoundInfo",
    "SoundWriter",
    "blocks",
    "check",
    "demo_music",
    "info",
    "load",
    "measure",
    "read_recall",
    "write",
    "write_recall",
]
