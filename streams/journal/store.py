"""The journal's file, as its one writer sees it: batches in, the oldest out.

What was read and how far are written in one transaction, and what repeats is left out, so that the journal tells each
thing once, whatever was stopped or killed in between. Only the following thread uses a `Store`.
"""

import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from rules.controls import ControlRecord
from rules.decisions import Review
from streams.codec import encode
from streams.journal.counts import HOUR, MINUTE, Counts
from streams.journal.dead_letters import forget, keep
from streams.journal.entries import BanChange, DeadLetter, Entry, Lane, Taken
from streams.journal.file import JournalError, locked, opened

AUDITHOURS = 2160
"""How long what people did is kept at least: as long as their decisions are on the topics by default."""
_ROW_BYTES = 250
_PRUNED = 5_000
"""Rows that one transaction removes."""
_ASKED = 500
"""Values in one question."""

Place = tuple[str, int]
"""A topic and a partition."""


class Shown(NamedTuple):
    """What the live feed shows; `body` is JSON."""

    seq: int
    at: int
    body: bytes


@dataclass(slots=True)
class Written:
    """What a batch came to: `new` records, and of them those that the feed shows."""

    new: int = 0
    feed: list[Shown] = field(default_factory=list)


class Store:
    """The file. `hours` and `max_bytes`: how much is kept; the ban list and open reviews stay in any case."""

    def __init__(self, path: Path, scope: str, *, hours: float, max_bytes: int) -> None:
        """Opens the file, or makes it. `scope`: which topics it is about; a file about others is made anew.

        Raises JournalError.
        """
        self.path, self._hours, self._max_bytes = path, hours, max_bytes
        self._lock = locked(path)
        try:
            self._connection = opened(path, scope, self._oldest(int(time.time() * 1000)))
            self._seq = int(self._one("SELECT value FROM meta WHERE name = 'next_seq'"))
            self.records = int(self._one("SELECT count(*) FROM records"))
            self._round = int(self._one("SELECT coalesce(max(round), 0) FROM bans"))
        except (sqlite3.Error, OSError) as error:
            self._lock.close()
            raise JournalError(
                f"{path}: {error}\n    is the disk full? the file may be deleted: it is made anew"
            ) from None
        self._open = {row[0] for row in self._connection.execute("SELECT id FROM reviews WHERE status = 'open'")}

    def begin_bans(self) -> None:
        """Says that the ban list is read from its start."""
        self._round += 1

    def end_bans(self) -> int:
        """Says that all of the ban list has been read: who was not on it is removed. A tombstone that came and was
        compacted away meanwhile leaves no other trace. Returns how many. Raises JournalError."""
        try:
            with self._connection:
                self._connection.execute("BEGIN")
                return self._connection.execute("DELETE FROM bans WHERE round != ?", (self._round,)).rowcount
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: cannot be written: {error}") from None

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()
        self._lock.close()

    def positions(self) -> dict[Place, int]:
        """Where each partition is to be read on; those that never were are not named."""
        rows = self._connection.execute("SELECT topic, partition, next FROM positions")
        return {(topic, partition): following for topic, partition, following in rows}

    @property
    def since(self) -> int:
        """From when on (ms) all is kept."""
        return int(self._one("SELECT value FROM meta WHERE name = 'since'"))

    def write(self, taken: Sequence[Taken], positions: Mapping[Place, int]) -> Written:
        """Adds what was read up to `positions`, whole or not at all. Raises JournalError."""
        seq = self._seq
        open_reviews = set(self._open)
        try:
            with self._connection:
                self._connection.execute("BEGIN")
                written = self._add([each for each in taken if isinstance(each, Entry)])
                self._put_bans([each for each in taken if isinstance(each, BanChange)])
                self._put_dead([each for each in taken if isinstance(each, DeadLetter)])
                self._connection.executemany(
                    "INSERT INTO positions VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET next = excluded.next",
                    [(*place, following) for place, following in positions.items()],
                )
                self._connection.execute("UPDATE meta SET value = ? WHERE name = 'next_seq'", (self._seq,))
        except sqlite3.Error as error:
            self._seq, self._open = seq, open_reviews
            raise JournalError(f"{self.path}: cannot be written: {error}\n    is the disk full?") from None
        self.records += written.new
        return written

    def prune(self, now_ms: int | None = None) -> bool:
        """Removes some of what is too old or too much; whether there may be more of it. Raises JournalError."""
        now = now_ms if now_ms is not None else int(time.time() * 1000)
        oldest = self._oldest(now)
        try:
            with self._connection:
                self._connection.execute("BEGIN")
                removed = self._prune_old(oldest, now)
                if not removed and self._too_large():
                    removed = self._remove("lane IS NOT 'audit' ORDER BY seq") or self._remove("1 ORDER BY seq")
                if not removed:
                    for table, column, unit in (("minutes", "minute", MINUTE), ("rule_hours", "hour", HOUR)):
                        self._connection.execute(f"DELETE FROM {table} WHERE {column} < ?", (oldest // unit,))  # noqa: S608
            if removed:
                self._connection.execute("PRAGMA incremental_vacuum(1000)").fetchall()
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: cannot be written: {error}") from None
        self.records -= removed
        return removed == _PRUNED

    @property
    def size(self) -> int:
        """What the file holds, in bytes, without what is free in it."""
        pages, free, size = (int(self._one(f"PRAGMA {name}")) for name in ("page_count", "freelist_count", "page_size"))
        return (pages - free) * size

    def _oldest(self, now: int) -> int:
        """What is older is removed, in ms."""
        return now - int(self._hours * HOUR)

    def _too_large(self) -> bool:
        bans = int(self._one("SELECT coalesce(sum(bytes), 0) FROM banned"))
        return self.size - bans > self._max_bytes

    def _prune_old(self, oldest: int, now: int) -> int:
        removed = self._remove("at < ? AND lane IS NOT 'audit' ORDER BY at", oldest)
        audited = min(oldest, now - AUDITHOURS * HOUR)
        removed = removed or self._remove("at < ? ORDER BY at", audited)
        if removed or self.since < oldest:
            self._connection.execute("UPDATE meta SET value = max(value, ?) WHERE name = 'since'", (oldest,))
        forget(self._connection, oldest)
        gone = (oldest, _PRUNED)
        ended = "SELECT id FROM reviews WHERE status != 'open' AND at < ? LIMIT ?"
        self._connection.execute(f"DELETE FROM reviews WHERE id IN ({ended})", gone)  # noqa: S608 - no input in it
        refused = "SELECT id FROM refused WHERE at < ? LIMIT ?"
        self._connection.execute(f"DELETE FROM refused WHERE id IN ({refused})", (audited, _PRUNED))  # noqa: S608
        return removed

    def _remove(self, which: str, *values: int) -> int:
        """Removes up to _PRUNED records; what `since` says follows."""
        chosen = f"SELECT seq FROM records WHERE {which} LIMIT {_PRUNED}"  # noqa: S608 - `which` is written here
        newest = self._one(f"SELECT max(at) FROM records WHERE seq IN ({chosen})", *values)  # noqa: S608
        if newest is None:
            return 0
        self._connection.execute("UPDATE meta SET value = max(value, ?) WHERE name = 'since'", (newest,))
        return self._connection.execute(f"DELETE FROM records WHERE seq IN ({chosen})", values).rowcount  # noqa: S608

    def _add(self, entries: list[Entry]) -> Written:
        written = Written()
        known = self._known([entry.identity for entry in entries])
        rows: list[tuple[Any, ...]] = []
        counts = Counts()
        for entry in entries:
            if entry.identity in known:
                continue
            known.add(entry.identity)
            lane = entry.lane
            seq, self._seq = self._seq, self._seq + 1
            match entry.struct:
                case Review() as review:
                    lane = self._review(seq, entry, review)
                case ControlRecord() as control:
                    self._connection.execute(
                        "INSERT OR REPLACE INTO controls VALUES (?, ?, ?, ?)",
                        (control.target, control.do == "halt", seq, entry.body),
                    )
            counts.entry(entry, lane)
            if lane == "feed":
                written.feed.append(Shown(seq, entry.at, entry.body))
            rows.append((
                seq, entry.at, entry.kind, entry.subject, entry.identity, lane, entry.action, entry.clauses, entry.rule,
                entry.body,
            ))  # fmt: skip
        self._connection.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        counts.add_to(self._connection)
        written.new = len(rows)
        return written

    def _known(self, identities: Sequence[bytes]) -> set[bytes]:
        """Those that are there already."""
        found: set[bytes] = set()
        for start in range(0, len(identities), _ASKED):
            asked = identities[start : start + _ASKED]
            marks = ",".join("?" * len(asked))
            question = f"SELECT identity FROM records WHERE identity IN ({marks})"  # noqa: S608 - question marks only
            found.update(row[0] for row in self._connection.execute(question, asked))
        return found

    def _review(self, seq: int, entry: Entry, review: Review) -> Lane | None:
        """Puts the newest record of a review; the feed shows that it opens, and that it ends."""
        was_open = review.id in self._open
        (self._open.add if review.status == "open" else self._open.discard)(review.id)
        self._connection.execute(
            "INSERT INTO reviews VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "status = excluded.status, at = excluded.at, seq = excluded.seq, body = excluded.body",
            (review.id, review.subject, review.status, entry.at, entry.at, seq, entry.body),
        )
        return None if was_open and review.status == "open" else "feed"

    def _put_bans(self, changes: Iterable[BanChange]) -> None:
        newest = {change.subject: change for change in changes}
        gone = [(subject,) for subject, change in newest.items() if change.ban is None]
        put = [
            (subject, subject.partition(":")[0], change.at, self._round, encode(change.ban))
            for subject, change in newest.items()
            if change.ban is not None
        ]
        self._connection.executemany("DELETE FROM bans WHERE subject = ?", gone)
        self._connection.executemany(
            "INSERT INTO bans VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "at = excluded.at, round = excluded.round, body = excluded.body",
            put,
        )

    def _put_dead(self, letters: Sequence[DeadLetter]) -> None:
        if not letters:
            return
        keep(self._connection, letters)
        counts = Counts()
        for letter in letters:
            counts.dead_letter(letter.at, letter.reason)
            if letter.refused is not None:
                event = letter.refused.event
                subject = str(getattr(event, "subject", ""))
                self._connection.execute(
                    "INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?, ?)",
                    (event.id, subject, letter.at, letter.refused.reason, letter.refused.detail),
                )
        counts.add_to(self._connection)

    def anew(self) -> None:
        """Forgets all: the topics are not those that the file is about. Raises JournalError."""
        now = int(time.time() * 1000)
        try:
            with self._connection:
                self._connection.execute("BEGIN")
                for table in (
                    "positions",
                    "records",
                    "reviews",
                    "bans",
                    "controls",
                    "refused",
                    "dead_letters",
                    "minutes",
                    "rule_hours",
                ):
                    self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names written here
                since = self._oldest(now)
                self._connection.execute("UPDATE meta SET value = ? WHERE name = 'since'", (since,))
                self._connection.execute("UPDATE meta SET value = ? WHERE name = 'first_seq'", (self._seq,))
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: cannot be written: {error}") from None
        self.records, self._open = 0, set()

    def _one(self, question: str, *values: Any) -> Any:
        return self._connection.execute(question, values).fetchone()[0]
