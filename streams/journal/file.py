"""The file of a journal: its lock, and how it is opened or made."""

import fcntl
import logging
import sqlite3
import time
from pathlib import Path
from typing import IO, Any

from streams.journal.schema import TABLES, VERSION

logger = logging.getLogger(__name__)


class JournalError(RuntimeError):
    """The journal's file cannot be used: what, where, why and what to do."""


def locked(path: Path) -> IO[bytes]:
    """The lock on a journal: two processes would both write it. Raises JournalError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = path.with_name(path.name + ".lock").open("ab")
    except OSError as error:
        hint = "WARDEN_DATA_DIR is a folder that this user may write"
        raise JournalError(f"{path}: {error.strerror}\n    {hint}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        hint = "another `warden serve` runs here: stop it, or give this one another WARDEN_DATA_DIR"
        raise JournalError(f"{path} is in use\n    {hint}") from None
    return lock


def opened(path: Path, scope: str, since: int) -> sqlite3.Connection:
    """A connection to the file. `scope`: which topics it is about; a file about others, or of another version, or of
    something else, is made anew, with nothing before `since` (ms). Raises sqlite3.Error, OSError."""
    try:
        connection = _connected(path)
        if _value(connection, "version") == VERSION and _value(connection, "scope") == scope:
            return connection
        fresh = _is_empty(connection)
        connection.close()
    except sqlite3.DatabaseError as error:
        fresh = False
        logger.warning("%s is no journal (%s)", path, error)
    if not fresh:
        logger.warning("%s is made anew, from the topics", path)
    return _made(path, scope, since)


def _made(path: Path, scope: str, since: int) -> sqlite3.Connection:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    connection = _connected(path)
    connection.executescript(f"BEGIN; {TABLES} COMMIT;")
    now = int(time.time() * 1000)
    # Numbers go on over a file that is made anew, so that a page that asks for what followed one is not misled
    first = now // 1000 * 1_000_000
    meta = {"version": VERSION, "scope": scope, "next_seq": first, "first_seq": first, "since": since}
    connection.executemany("INSERT INTO meta VALUES (?, ?)", list(meta.items()))
    return connection


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # a crash of the machine loses the end, and no more
    connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.execute("PRAGMA cache_size = -65536")
    return connection


def _value(connection: sqlite3.Connection, name: str) -> Any:
    if _is_empty(connection):
        return None
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else row[0]


def _is_empty(connection: sqlite3.Connection) -> bool:
    return not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
