"""What the preflight found, file by file: a table, a text, and a page for a notebook.

:class:`Report` is what ``check`` returns and what a corpus keeps of its building.
"""

from __future__ import annotations

import html
import math
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .names import readable

if TYPE_CHECKING:
    import pandas as pd


_COLUMNS = "file", "", "min", "Hz", "ch", "bits", "read by", "peak dB", "LUFS", "silent", "remark"


KNOWN = "its sound is in this corpus already"
"How the reason begins why a file was left out that the corpus has."


@dataclass(frozen=True)
class FileRecord:
    """What the preflight says about one file.

    Attributes
    ----------
    path : Path
        The file.
    reason : str
        Why it was refused, in words; empty if it was accepted.
    remedy : str
        What to do about it; empty if it was accepted.
    warnings : tuple of str
        What is worth knowing about an accepted file.
    seconds : float
        Length; 0 where it couldn't be read.
    sample_rate, channels : int
        As recorded; 0 where they couldn't be read.
    bit_depth : int or None
        Bits per sample; None for lossy formats.
    format : str
        Container and encoding, such as "WAV PCM_24".
    decoder : str
        What read it, "libsndfile" or "FFmpeg"; empty where nothing could, and in old reports.
    silence_share : float
        Share of the time below -60 dB full scale.
    n_clipped : int
        Clipped samples.
    dc : float
        Largest offset of a channel.
    peak_dbfs : float
        Peak in dB full scale; -inf for silence.
    lufs : float
        Integrated loudness; -inf for silence.
    n_windows : int
        Training windows without overlap that it gives.
    sha256 : str
        Digest of the file's bytes.
    """

    path: Path
    reason: str = ""
    remedy: str = ""
    warnings: tuple[str, ...] = ()
    seconds: float = 0.0
    sample_rate: int = 0
    channels: int = 0
    bit_depth: int | None = None
    format: str = ""
    decoder: str = ""
    silence_share: float = 0.0
    n_clipped: int = 0
    dc: float = 0.0
    peak_dbfs: float = -math.inf
    lufs: float = -math.inf
    n_windows: int = 0
    sha256: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether the file can be used."""
        return not self.reason

    @property
    def is_known(self) -> bool:
        """Whether it was left out because its sound is in the corpus already."""
        return self.reason.startswith(KNOWN)

    def to_dict(self) -> dict[str, Any]:
        """Plain dict of JSON types."""
        values = {**asdict(self), "path": str(self.path), "warnings": list(self.warnings)}
        return {k: None if v == -math.inf else v for k, v in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> FileRecord:
        """Record from what :meth:`to_dict` gave; unknown keys are left out."""
        known = {f.name for f in fields(cls)}
        values = {k: v for k, v in values.items() if k in known}
        for name in ("peak_dbfs", "lufs"):
            values[name] = -math.inf if values.get(name) is None else values[name]
        values["warnings"] = tuple(values.get("warnings", ()))
        return cls(**{**values, "path": Path(values["path"])})


@dataclass(frozen=True)
class Report:
    """What the preflight found.

    Attributes
    ----------
    records : list of FileRecord
        One per file, in the order they were found.
    sample_rate : int
        Rate of the corpus that was asked about, in Hz.
    window_seconds : float
        Length of a training window.
    ignored : dict of str to int
        Number of other files in the folders, by extension.
    """

    records: list[FileRecord]
    sample_rate: int
    window_seconds: float
    ignored: dict[str, int] = field(default_factory=dict)

    @property
    def accepted(self) -> list[FileRecord]:
        """Files that can be used."""
        return [record for record in self.records if record.is_accepted]

    @property
    def refused(self) -> list[FileRecord]:
        """Files that can't be used; each says why in ``.reason``."""
        return [record for record in self.records if not record.is_accepted]

    @property
    def duration_seconds(self) -> float:
        """Length of all accepted files together."""
        return sum(record.seconds for record in self.accepted)

    @property
    def n_windows(self) -> int:
        """Training windows without overlap that the accepted files give."""
        return sum(record.n_windows for record in self.accepted)

    @property
    def summary(self) -> str:
        """The findings in a few sentences."""
        rates = Counter(record.sample_rate for record in self.accepted)
        channels = Counter(record.channels for record in self.accepted)
        decoders = Counter(record.decoder for record in self.accepted if record.decoder)
        lines = [
            f"{len(self.accepted)} of {len(self.records)} sound files accepted, "
            f"{in_minutes(self.duration_seconds)} min in all.",
            f"This gives {self.n_windows} training windows of {self.window_seconds:g} s "
            f"at {self.sample_rate} Hz.",
        ]
        if rates:
            lines.append(
                f"Recorded at {_counted(rates, 'Hz')}; {_counted(channels, 'channel(s)')}."
            )
        if decoders:
            lines.append(f"Read by {_counted(decoders, '')}.")
        if self.ignored:
            n_ignored = sum(self.ignored.values())
            others = "other file was" if n_ignored == 1 else "other files were"
            lines.append(f"{n_ignored} {others} ignored ({_counted(self.ignored, '')}).")
        if not self.accepted:
            lines.append(self._why_none)
        return "\n".join(lines)

    @property
    def _why_none(self) -> str:
        n_known = sum(record.is_known for record in self.records)
        if n_known:
            return f"Nothing is new: the corpus has {n_known} of them already, and stays as it is."
        if self.records:
            return "None of them can be used: see the reasons below."
        return "There are no sound files here."

    def to_frame(self) -> pd.DataFrame:
        """Table with one row per file."""
        import pandas as pd

        columns = ["is_accepted", *(f.name for f in fields(FileRecord))]
        rows = [{"is_accepted": r.is_accepted, **asdict(r)} for r in self.records]
        return pd.DataFrame(rows, columns=columns)

    def __str__(self) -> str:
        lines = [self.summary]
        for title, group in (("Refused", self.refused), ("Worth knowing", self._warned)):
            if group:
                lines += ["", f"{title}:"]
                lines += [f"  {readable(record.path)}: {_remark(record)}" for record in group]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in _COLUMNS)
        shown = [*self.refused, *self.accepted]
        body = "".join(_row(record) for record in shown[:100])
        more = f"<p>… and {len(shown) - 100} more: see .to_frame()</p>" if len(shown) > 100 else ""
        summary = html.escape(self.summary).replace("\n", "<br>")
        return f"<p>{summary}</p><table><tr>{head}</tr>{body}</table>{more}"

    def to_dict(self) -> dict[str, Any]:
        """Plain dict of JSON types."""
        return {**asdict(self), "records": [record.to_dict() for record in self.records]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Report:
        """Report from what :meth:`to_dict` gave."""
        return cls(
            [FileRecord.from_dict(record) for record in values["records"]],
            values["sample_rate"],
            values["window_seconds"],
            values["ignored"],
        )

    @property
    def _warned(self) -> list[FileRecord]:
        return [record for record in self.accepted if record.warnings]


def in_minutes(seconds: float) -> str:
    """Duration as minutes and seconds, such as 3:07."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"


def _counted(counts: dict[Any, int], unit: str) -> str:
    return ", ".join(f"{key} {unit}".strip() + f" ({n})" for key, n in sorted(counts.items()))


def _remark(record: FileRecord) -> str:
    if not record.is_accepted:
        return readable(f"{record.reason}. {record.remedy}")
    return readable("; ".join(record.warnings))


def _row(record: FileRecord) -> str:
    """Row of the HTML table; names of files may contain anything and are escaped."""
    is_read = record.sample_rate > 0
    cells = (
        readable(record.path),
        "accepted" if record.is_accepted else "refused",
        in_minutes(record.seconds) if is_read else "",
        record.sample_rate or "",
        record.channels or "",
        record.bit_depth or "",
        record.decoder,
        f"{record.peak_dbfs:.1f}" if is_read else "",
        f"{record.lufs:.1f}" if is_read else "",
        f"{record.silence_share:.0%}" if is_read else "",
        _remark(record),
    )
    return "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in cells) + "</tr>"
