"""What a page sends to the kernel and what it shows, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

SLICE_BYTES = 100_000


def send(widget: Any, content: dict[str, Any], *buffers: bytes) -> None:
    """Let a widget get a message of its page; what it raises is logged, as in a notebook."""
    data = {"method": "custom", "content": content}
    widget.comm.handle_msg({"content": {"data": data}, "buffers": list(buffers)})


def drop(zone: Any, *paths: Path) -> None:
    """Drop files on a zone, in slices as a page sends them."""
    for path in paths:
        content = path.read_bytes()
        for start in range(0, max(1, len(content)), SLICE_BYTES):
            part = content[start : start + SLICE_BYTES]
            message = {"type": "part", "key": path.name, "name": path.name, "start": start}
            message |= {"size": len(content), "is_last": start + len(part) == len(content)}
            send(zone, message, part)
    send(zone, {"type": "done"})


def sent_to_page(widget: Any, name: str) -> Any:
    """Value of a synced trait, as the page has it."""
    return widget.get_state(name)[name]


def parts_of(widget: Any) -> Iterator[Any]:
    """A widget and all that are shown within it."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from parts_of(child)


def text_of(widget: Any) -> str:
    """All that a widget says."""
    said = (getattr(part, "value", "") for part in parts_of(widget))
    return "\n".join(value for value in said if isinstance(value, str))


def press(widget: Any, name: str) -> None:
    """Click the button of this name."""
    (button,) = (p for p in parts_of(widget) if getattr(p, "description", None) == name)
    button.click()
