"""Write a report: one HTML file that holds its text, tables, pictures and sounds itself.

It opens anywhere, without a network, a notebook or this package. What is put in is shown as it
is; text and names are escaped. Main name: :func:`write_report`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from .. import __version__
from ..arguments import PathArg, checked
from ..errors import ParameterError
from .files import write_new
from .pictures import Picture
from .player.cards import data_uri
from .player.still import png

PICTURE_DPI = 110

STYLE = """
:root {color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #0072b2}
body {font: 16px/1.55 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1.5rem}
header {border-bottom: 2px solid var(--accent); margin-bottom: 2rem}
h1 {margin: 0; font-size: 1.7rem} h2 {margin: 2.4rem 0 .4rem; font-size: 1.2rem}
header p, footer {opacity: .75; margin: .3rem 0 1rem; font-size: .9rem}
nav {font-size: .9rem; margin-bottom: 1rem} nav a {margin-right: 1em; color: var(--accent)}
p {margin: .5rem 0; white-space: pre-line}
img {max-width: 100%; height: auto; border-radius: 4px; background: white}
.scroll {overflow-x: auto; margin: .8rem 0}
table {border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums}
th, td {padding: .25rem .7rem; text-align: right; border-bottom: 1px solid var(--line)}
th {background: var(--soft); white-space: nowrap} td:first-child, th:first-child {text-align: left}
table:not(.dataframe) td:last-child, .ends-in-text :is(td, th):last-child {text-align: left}
.facts th, .facts td {text-align: left; overflow-wrap: anywhere}
.mnb-sound {max-width: none !important}
footer {border-top: 1px solid var(--line); margin-top: 3rem; padding-top: .6rem}
"""


@checked
def write_report(
    path: PathArg,
    title: str,
    sections: Mapping[str, Any],
    subtitle: str = "",
) -> Path:
    """Write a self-contained HTML file.

    Parameters
    ----------
    path : str or Path
        Where to; its folder is made if it doesn't exist. An existing file is never replaced.
    title : str
        Heading of the report.
    sections : mapping of str to one thing or a list of things
        What stands under each heading: text, a table (DataFrame), facts (a mapping), a
        :class:`~mimikit_nb.widgets.pictures.Picture` or matplotlib figure, sounds
        (:func:`~mimikit_nb.widgets.player.listen`), or whatever shows itself as HTML.
    subtitle : str, default ""
        A line under the heading.

    Returns
    -------
    Path
        Where it is: the path asked for, or that with the next free number.

    Raises
    ------
    ParameterError
        If something can't be shown, or the file can't be written.
    """
    return write_new(
        path, render_report(title, sections, subtitle).encode(errors="xmlcharrefreplace")
    )


def render_report(title: str, sections: Mapping[str, Any], subtitle: str = "") -> str:
    """Text of the HTML file that :func:`write_report` writes."""
    names = [html.escape(name) for name in sections]
    links = "".join(f'<a href="#s{i}">{name}</a>' for i, name in enumerate(names))
    bodies = "".join(
        f'<section id="s{i}"><h2>{name}</h2>{_render_all(content)}</section>'
        for i, (name, content) in enumerate(zip(names, sections.values(), strict=True))
    )
    made = f"Made by mimikit_nb {__version__} on {datetime.now():%Y-%m-%d at %H:%M}."
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>"
        f"<header><h1>{html.escape(title)}</h1><p>{html.escape(subtitle)}</p></header>"
        f"<nav>{links}</nav>{bodies}<footer>{made} Sounds play at their own level: nothing is "
        "normalised.</footer></body></html>\n"
    )


def _render_all(content: Any) -> str:
    is_list = isinstance(content, Iterable) and not isinstance(content, str | Mapping)
    if is_list and not hasattr(content, "_repr_html_"):
        return "".join(_render(item) for item in content)
    return _render(content)


def _render(item: Any) -> str:
    """One thing as HTML."""
    if isinstance(item, str):
        return f"<p>{html.escape(item)}</p>"
    if isinstance(item, Mapping):
        rows = "".join(f"<tr><th>{_text(k)}</th><td>{_text(v)}</td></tr>" for k, v in item.items())
        return f'<div class="scroll"><table class="facts">{rows}</table></div>'
    if isinstance(item, Picture | Figure):
        picture = item if isinstance(item, Picture) else Picture(item)
        address = data_uri(png(picture.figure, PICTURE_DPI), "image/png")
        return f'<img alt="{html.escape(picture.title, quote=True)}" src="{address}">'
    if hasattr(item, "to_html") and hasattr(item, "columns"):  # a DataFrame, without its styles
        return f'<div class="scroll">{_table(item)}</div>'
    if hasattr(item, "_repr_html_"):
        return f'<div class="scroll">{item._repr_html_()}</div>'
    raise ParameterError(
        f"A report can't show {type(item).__name__}; give text, a table, a mapping, a picture or "
        "sounds from listen()."
    )


def _table(frame: Any) -> str:
    ends_in_text = len(frame.columns) > 1 and frame.iloc[:, -1].dtype.kind not in "iufb"
    classes = ["ends-in-text"] if ends_in_text else []
    return str(
        frame.to_html(
            index=False, border=0, na_rep="", float_format="{:.4g}".format, classes=classes
        )
    )


def _text(value: Any) -> str:
    return html.escape(f"{value:.4g}" if isinstance(value, float) else str(value))
