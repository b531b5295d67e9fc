"""The journal as the rest of `warden serve` has it: followed from start to end, and asked from the event loop."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from streams.journal.file import JournalError
from streams.journal.following import Following, Progress
from streams.journal.store import Shown, Store
from streams.settings import Settings

READERS = 4
"""Questions answered at the same time; each has a connection of its own."""
WAITING = 200
"""Questions that may wait; more are refused."""

P = ParamSpec("P")
T = TypeVar("T")
Listener = Callable[[Sequence[Shown]], None]


class BusyError(RuntimeError):
    """Too many questions wait already."""


class Journal:
    """Asks the journal's file; never writes it, and never waits for whoever does."""

    def __init__(self, path: Path, progress: Callable[[], Progress]) -> None:
        self._path, self._progress = path, progress
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="journal-reader")
        self._local = threading.local()
        self._waiting = 0
        self._listeners: list[Listener] = []

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self._progress()

    def listen(self, listener: Listener) -> None:
        """Has `listener` called on the event loop with what the feed shows, as it comes."""
        self._listeners.append(listener)

    def publish(self, shown: Sequence[Shown]) -> None:
        """Calls the listeners."""
        for listener in self._listeners:
            listener(shown)

    async def ask(
        self, question: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """The answer to a question of `streams.journal.questions`. Raises BusyError."""
        if self._waiting >= WAITING:
            raise BusyError
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, lambda: question(self._connection(), *args, **kwargs))
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Waits for the questions that are being answered."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _connection(self) -> sqlite3.Connection:
        known: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if known is None:
            known = self._local.connection = connected(self._path)
        return known


def connected(path: Path) -> sqlite3.Connection:
    """A connection that can only read."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA cache_size = -16384")
    connection.execute("PRAGMA mmap_size = 268435456")
    return connection


@asynccontextmanager
async def journal(settings: Settings) -> AsyncIterator[Journal]:
    """The journal of these settings, followed for the length of the block. Raises JournalError."""
    loop = asyncio.get_running_loop()
    path = journal_file(settings)
    scope = f"{settings.topic_prefix} {settings.app_id}"
    store = await asyncio.to_thread(
        Store, path, scope, hours=settings.journal_hours, max_bytes=settings.journal_max_bytes
    )
    found: Journal

    def publish(shown: Sequence[Shown]) -> None:
        loop.call_soon_threadsafe(found.publish, shown)

    following = Following(settings, store, publish)
    found = Journal(path, lambda: following.progress)
    following.start()
    try:
        yield found
    finally:
        await asyncio.to_thread(following.stop)
        await asyncio.to_thread(found.close)
        store.close()


def journal_file(settings: Settings) -> Path:
    """Where the journal of these settings lies."""
    return settings.data_dir / "journal" / f"{settings.topic_prefix}{settings.app_id}.sqlite3"


__all__ = ["BusyError", "Journal", "JournalError", "Listener", "journal", "journal_file"]
