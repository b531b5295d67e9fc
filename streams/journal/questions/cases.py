"""Reviews: those that wait, in either order, and one by its id."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from rules.decisions import Review

_REVIEW = msgspec.json.Decoder(Review)


class FoundReview(NamedTuple):
    """A review's newest record. `first`: when its first one was produced, ms; `seq`: its number."""

    review: Review
    first: int
    seq: int


def open_reviews(connection: sqlite3.Connection) -> int:
    """How many wait for a person."""
    return int(connection.execute("SELECT count(*) FROM reviews WHERE status = 'open'").fetchone()[0])


def reviews(connection: sqlite3.Connection, status: str, before: int | None, limit: int) -> list[FoundReview]:
    """Reviews of a status, the newest first, before a number."""
    rows = connection.execute(
        "SELECT body, first, seq FROM reviews WHERE status = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
        (status, before if before is not None else 1 << 62, limit),
    )
    return [FoundReview(_REVIEW.decode(body), first, seq) for body, first, seq in rows]


def oldest_reviews(
    connection: sqlite3.Connection, status: str, after: str | None, limit: int
) -> list[FoundReview] | None:
    """Reviews of a status, the one that waits longest first, behind that of an id, whatever has become of that since;
    None when it is not known (any more)."""
    place = (-1, "")
    if after is not None:
        row = connection.execute("SELECT first, id FROM reviews WHERE id = ?", (after,)).fetchone()
        if row is None:
            return None
        place = row
    rows = connection.execute(
        "SELECT body, first, seq FROM reviews WHERE status = ? AND (first, id) > (?, ?) ORDER BY first, id LIMIT ?",
        (status, *place, limit),
    )
    return [FoundReview(_REVIEW.decode(body), first, seq) for body, first, seq in rows]


def review(connection: sqlite3.Connection, identifier: str) -> FoundReview | None:
    """A review by its id."""
    row = connection.execute("SELECT body, first, seq FROM reviews WHERE id = ?", (identifier,)).fetchone()
    return None if row is None else FoundReview(_REVIEW.decode(row[0]), row[1], row[2])


def reviews_of(connection: sqlite3.Connection, subjects: Sequence[str]) -> list[Review]:
    """The open reviews of some subjects."""
    marks = ",".join("?" * len(subjects))
    rows = connection.execute(
        f"SELECT body FROM reviews WHERE subject IN ({marks}) AND status = 'open' LIMIT 200",  # noqa: S608 - marks only
        list(subjects),
    )
    return [_REVIEW.decode(body) for (body,) in rows]
