"""The demo's view as a picture: SVG that needs no font or file from elsewhere, so that it can stand in a document."""

from __future__ import annotations

import html
import io
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console, RenderableType

COLUMNS = 150
_LOOK_S = 0.5
_TITLE = "warden demo"
_FETCHED = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Fonts that rich would have a reader's browser get from a server."""
_LENGTH = re.compile(r'textLength="([\d.]+)"([^>]*)>([^<]+)</text>')
"""rich gives Chinese the room of Latin letters, half of what it takes."""


def svg(view: RenderableType, title: str = _TITLE) -> str:
    """The view as it would be on a terminal of COLUMNS columns."""
    console = Console(file=io.StringIO(), record=True, width=COLUMNS, force_terminal=True, color_system="truecolor")
    console.print(view)
    drawn = _FETCHED.sub("", console.export_svg(title=title, unique_id="streamwarden-demo"))
    return _LENGTH.sub(_wide, drawn)


def _wide(found: re.Match[str]) -> str:
    length, rest, text = found.groups()
    shown = html.unescape(text)
    return f'textLength="{float(length) * cell_len(shown) / len(shown):g}"{rest}>{text}</text>'


@contextmanager
def pictured(path: Path, view: Callable[[], RenderableType], at_work: Callable[[], bool]) -> Iterator[None]:
    """Writes `path` at the end of the block: the view as it was when it was last at work."""
    stop = threading.Event()
    last: list[RenderableType] = []

    def look() -> None:
        while not stop.wait(_LOOK_S):
            if at_work():
                last[:] = [view()]

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()
    path.write_text(svg(last[0] if last else view()), "utf-8")
