"""What is known of a subject, and which subjects there are."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from rules.decisions import SUBJECT_KINDS, Ban
from rules.events import Appeal
from streams.codec import decode_ban
from streams.journal.questions.feed_pages import LOOKED_AT

MOST_ENTRIES = 500
"""Of one subject, on one page."""
_APPEAL = msgspec.json.Decoder(Appeal)


def bans(connection: sqlite3.Connection, subjects: Sequence[str]) -> dict[str, Ban]:
    """What the ban list says of some subjects; sanctions that have ended may be among it."""
    marks = ",".join("?" * len(subjects))
    rows = connection.execute(f"SELECT subject, body FROM bans WHERE subject IN ({marks})", list(subjects))  # noqa: S608
    found = {subject: decode_ban(body) for subject, body in rows}
    return {subject: ban for subject, ban in found.items() if ban is not None}


class SubjectEntry(NamedTuple):
    """What was said of a subject. `at`: when it was produced, ms; `body`: JSON with its `kind`."""

    seq: int
    at: int
    kind: str
    body: bytes


def timeline(connection: sqlite3.Connection, subject: str, before: int | None = None) -> list[SubjectEntry]:
    """The newest MOST_ENTRIES about a subject before a number, the oldest of them first."""
    rows = connection.execute(
        "SELECT seq, at, kind, body FROM records WHERE subject = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
        (subject, before if before is not None else 1 << 62, MOST_ENTRIES),
    ).fetchall()
    return [SubjectEntry(*row) for row in reversed(rows)]


class Totals(NamedTuple):
    """How much there is of a subject, by its newest LOOKED_AT records. first: when the oldest of them was produced."""

    violations: int
    enforcements: int
    overturned: int
    first: int | None


def totals(connection: sqlite3.Connection, subject: str) -> Totals:
    """How much there is of a subject."""
    rows = connection.execute(
        "SELECT kind, count(*), min(at) FROM "
        "(SELECT kind, at FROM records WHERE subject = ? ORDER BY seq DESC LIMIT ?) GROUP BY kind",
        (subject, LOOKED_AT),
    ).fetchall()
    found = {kind: count for kind, count, _ in rows}
    first = min((first for *_, first in rows), default=None)
    return Totals(found.get("violation", 0), found.get("enforcement", 0), found.get("lift", 0), first)


def appeals(connection: sqlite3.Connection, subject: str) -> list[Appeal]:
    """The verdicts on enforcements of a subject that workers took, or have not yet refused; the newest first."""
    rows = connection.execute(
        "SELECT body FROM records WHERE subject = ? AND lane = 'audit' AND kind = 'appeal' ORDER BY seq DESC LIMIT ?",
        (subject, MOST_ENTRIES),
    )
    refused = refusals(connection, subject)
    found = [_APPEAL.decode(body) for (body,) in rows]
    return [each for each in found if each.id not in refused]


def refusals(connection: sqlite3.Connection, subject: str) -> dict[str, tuple[str, str]]:
    """Decisions about a subject that workers did not take: id -> reason and detail."""
    rows = connection.execute("SELECT id, reason, detail FROM refused WHERE subject = ? LIMIT 500", (subject,))
    return {identifier: (reason, detail) for identifier, reason, detail in rows}


class KnownSubject(NamedTuple):
    """A subject, and when something was last said of it, ms; None when only the ban list names it."""

    subject: str
    last: int | None


def subjects(
    connection: sqlite3.Connection, prefix: str, limit: int, *, behind: str = "", held: bool = False
) -> list[KnownSubject]:
    """Subjects that begin with `prefix` and come behind one, in their order: one step in an index for each. `held`:
    only those on the ban list."""
    found: list[KnownSubject] = []
    after, inclusive = (behind, False) if behind > prefix else (prefix, True)
    tables = ("bans",) if held else ("records", "bans")
    while len(found) < limit:
        compare = ">=" if inclusive else ">"
        candidates = [
            row[0]
            for table in tables
            if (
                row := connection.execute(
                    f"SELECT subject FROM {table} WHERE subject {compare} ? ORDER BY subject LIMIT 1",  # noqa: S608
                    (after,),
                ).fetchone()
            )
            is not None
        ]
        after, inclusive = min(candidates, default=""), False
        if not after.startswith(prefix) or not candidates:
            break
        if after.partition(":")[0] in SUBJECT_KINDS:
            row = connection.execute(
                "SELECT at FROM records WHERE subject = ? ORDER BY seq DESC LIMIT 1", (after,)
            ).fetchone()
            found.append(KnownSubject(after, None if row is None else row[0]))
    return found
