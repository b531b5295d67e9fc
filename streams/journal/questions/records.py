"""Single records by what tells them apart, what people did, and what of it holds."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from rules.decisions import Violation
from streams.journal.entries import identity
from streams.journal.questions.subject_records import MOST_ENTRIES

_VIOLATION = msgspec.json.Decoder(Violation)


def violations(connection: sqlite3.Connection, identifiers: Sequence[str]) -> list[bytes]:
    """Violations by their ids, as JSON, in the order in which they came; those that are gone are left out."""
    asked = [identity("violation", each) for each in identifiers[:MOST_ENTRIES]]
    return _by_identity(connection, asked)


def violation(connection: sqlite3.Connection, identifier: str) -> tuple[Violation, int] | None:
    """A violation, and when its record was produced, in ms."""
    row = connection.execute(
        "SELECT body, at FROM records WHERE identity = ?", (identity("violation", identifier),)
    ).fetchone()
    return None if row is None else (_VIOLATION.decode(row[0]), row[1])


def record(connection: sqlite3.Connection, kind: str, *parts: str) -> bytes | None:
    """One record by what tells it apart, as JSON."""
    found = _by_identity(connection, [identity(kind, *parts)])
    return found[0] if found else None


def _by_identity(connection: sqlite3.Connection, identities: Sequence[bytes]) -> list[bytes]:
    marks = ",".join("?" * len(identities))
    question = f"SELECT body FROM records WHERE identity IN ({marks}) ORDER BY seq"  # noqa: S608 - question marks only
    return [row[0] for row in connection.execute(question, identities)]


class AuditEntry(NamedTuple):
    """What somebody did."""

    seq: int
    at: int
    kind: str
    body: bytes


def audit(connection: sqlite3.Connection, before: int | None, limit: int) -> list[AuditEntry]:
    """What people did, the newest first."""
    rows = connection.execute(
        "SELECT seq, at, kind, body FROM records WHERE lane = 'audit' AND seq < ? ORDER BY seq DESC LIMIT ?",
        (before if before is not None else 1 << 62, limit),
    )
    return [AuditEntry(*row) for row in rows]


def halts(connection: sqlite3.Connection) -> list[bytes]:
    """The halts that hold, as JSON, the oldest first."""
    return [row[0] for row in connection.execute("SELECT body FROM controls WHERE halted ORDER BY seq LIMIT 10000")]


def refused_among(connection: sqlite3.Connection, identifiers: Sequence[str]) -> dict[str, str]:
    """Of some decisions those that workers did not take: id -> why."""
    marks = ",".join("?" * len(identifiers))
    rows = connection.execute(
        f"SELECT id, reason || ': ' || detail FROM refused WHERE id IN ({marks})",  # noqa: S608 - question marks only
        list(identifiers),
    )
    return dict(rows.fetchall())
