"""The newest dead letters, which the journal keeps to be looked at; the topic has all of them, whole."""

import sqlite3
from collections.abc import Sequence

from streams.journal.entries import DeadLetter

MOST_KEPT = 1000
"""Dead letters in the journal: with 2 KiB of each, a few megabytes however many there are."""


def keep(connection: sqlite3.Connection, letters: Sequence[DeadLetter]) -> None:
    """Adds dead letters, the newest last, and forgets what is beyond MOST_KEPT. Within a transaction."""
    connection.executemany(
        "INSERT INTO dead_letters (at, reason, detail, topic, partition, place, size, value) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (each.at, each.reason, each.detail, *(each.place or (None, None, None)), each.size, each.value)
            for each in letters[-MOST_KEPT:]
        ],
    )
    connection.execute("DELETE FROM dead_letters WHERE seq <= (SELECT max(seq) FROM dead_letters) - ?", (MOST_KEPT,))


def forget(connection: sqlite3.Connection, before_ms: int) -> None:
    """Removes those that were produced before a time. Within a transaction."""
    connection.execute("DELETE FROM dead_letters WHERE at < ?", (before_ms,))
