"""Records of topics for tests of the journal, and a file to write them into."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from aiokafka import TopicPartition

from rules.decisions import Ban, Enforcement, EventRef, Evidence, Lift, Mode, Notice, Review, ReviewStatus, Violation
from rules.events import millis
from streams.codec import encode
from streams.journal.entries import WRONG, Taking
from streams.journal.following import in_order
from streams.journal.store import Store, Written
from streams.settings import Settings
from streams.topics import topic_names

NAMES = topic_names(Settings())
NOW = datetime.now(UTC).replace(microsecond=0)
TAKING = Taking(NAMES)


def record(
    topic: str, value: Any, offset: int, *, key: str = "", partition: int = 0, at: datetime = NOW, headers: Any = ()
) -> Any:
    """A record as a consumer gives it; `topic` is a role."""
    data = value if isinstance(value, bytes) or value is None else msgspec.json.encode(value)
    owner = key or getattr(value, "subject", "")
    return SimpleNamespace(
        topic=getattr(NAMES, topic), partition=partition, offset=offset, key=owner.encode(), value=data,
        headers=headers, timestamp=millis(at),
    )  # fmt: skip


def a_violation(number: int, subject: str = "account:alice", mode: Mode = "enforce", **given: Any) -> Violation:
    fields: dict[str, Any] = {
        "id": f"{number:032x}", "cause": f"{number:032x}", "event": EventRef(f"p-{number}", "post"),
        "subject": subject, "clause": "links.1", "rule": "sharing.unlock", "mode": mode, "severity": "ordinary",
        "evidence": [Evidence("unlock", "text", "分享", 0, 2)], "time": NOW, "pack": "tiny@1",
    }  # fmt: skip
    return Violation(**(fields | given))


def an_enforcement(number: int, subject: str = "account:alice", **given: Any) -> Enforcement:
    fields: dict[str, Any] = {
        "id": f"e{number}", "subject": subject, "action": "ban_account", "ladder": "links", "rung": 1,
        "permanent": True, "starts": NOW, "ends": None, "clauses": ["links.1"], "rule": "sharing.unlock",
        "violations": [], "evidence": [], "notice": Notice("诱导分享", "induced sharing"), "pack": "tiny@1",
        "time": NOW, "previous": None,
    }  # fmt: skip
    return Enforcement(**(fields | given))


def a_lift(number: int, subject: str = "account:alice") -> Lift:
    return Lift(
        id=f"l{number}", subject=subject, action="ban_account", ladder="links", enforcement=f"e{number}",
        because="a1", moderator="lin", reason="wrong", rules=["sharing.unlock"], pack="tiny@1", time=NOW,
    )  # fmt: skip


def a_review(number: int, status: ReviewStatus = "open", subject: str = "account:bob", **given: Any) -> Review:
    fields: dict[str, Any] = {
        "id": f"r{number}", "subject": subject, "reason": "by_report", "detail": "a person decides",
        "status": status, "clauses": ["accounts.2"], "rule": "accounts.exchange", "violations": [], "evidence": [],
        "proposed": ["suspend_account"], "ladder": "accounts", "rung": 1, "lasts": 86400, "pack": "tiny@1", "time": NOW,
    }  # fmt: skip
    return Review(**(fields | given))


def opened(folder: Path, *, hours: float = 168, max_bytes: int = 1 << 30, scope: str = "tests") -> Store:
    return Store(folder / "journal.sqlite3", scope, hours=hours, max_bytes=max_bytes)


def written(store: Store, *records: Any) -> Written:
    """Writes records as the following does, by the partitions they are of."""
    fetched: dict[TopicPartition, list[Any]] = {}
    for each in records:
        fetched.setdefault(TopicPartition(each.topic, each.partition), []).append(each)
    positions = {(tp.topic, tp.partition): each[-1].offset + 1 for tp, each in fetched.items()}
    return store.write(list(_taken(in_order(fetched, TAKING.topics))), positions)


def _taken(records: Iterable[Any]) -> Iterable[Any]:
    for each in records:
        try:
            found = TAKING.of(each)
        except WRONG:
            continue
        if found is not None:
            yield found


def a_ban(subject: str, body: Ban) -> bytes:
    assert body.subject == subject
    return encode(body)


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)
