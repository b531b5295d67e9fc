"""Progress for whoever waits: a bar on a terminal, a line for each step elsewhere. All on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Steps:
    """Shows the steps of a run, one at a time."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._shown = sys.stderr.isatty()

    def note(self, text: str) -> None:
        """Something to know that is no failure."""
        self._console.print(f"  {text}")

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[float], None]]:
        """One step; what it yields is told the share (0 to 1) that is done."""
        began = time.monotonic()
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console, disable=not self._shown, transient=True) as progress:
            task = progress.add_task(title, total=None)
            yield lambda share: progress.update(task, total=1.0, completed=share)
        self._console.print(f"  {title}: {time.monotonic() - began:.0f} s")
