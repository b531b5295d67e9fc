"""The newest dead letters, page by page."""

import sqlite3
from typing import NamedTuple


class KeptLetter(NamedTuple):
    """A dead letter. topic, partition, place: of the record that it is about, None where it does not say; size: bytes
    of that record's value, of which `value` has the first; at: when it was produced, in ms."""

    seq: int
    at: int
    reason: str
    detail: str
    topic: str | None
    partition: int | None
    place: int | None
    size: int
    value: bytes


class LettersPage(NamedTuple):
    """Some of them, newest first. `oldest`: to ask for what is before it; None when nothing is."""

    items: list[KeptLetter]
    oldest: int | None


def dead_letters(
    connection: sqlite3.Connection, before: int | None, limit: int, *, reason: str | None = None, since: int = 0
) -> LettersPage:
    """The newest dead letters before a number; since: produced at this time or later, in ms."""
    rows = connection.execute(
        "SELECT seq, at, reason, detail, topic, partition, place, size, value FROM dead_letters "
        "WHERE seq < ? AND at >= ? AND (? IS NULL OR reason = ?) ORDER BY seq DESC LIMIT ?",
        (before if before is not None else 1 << 62, since, reason, reason, limit + 1),
    ).fetchall()
    items = [KeptLetter(*row) for row in rows[:limit]]
    return LettersPage(items, items[-1].seq if len(rows) > limit else None)
