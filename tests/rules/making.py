"""What the rule tests are made of: events, violations and ladders with everything beside the point filled in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rules.decisions import Ban, BanEntry, Enforcement, EventRef, Lift, Review, Violation, content_id
from rules.enforce import Enforcer, SubjectInput
from rules.events import InvalidEventError, MassSend, Page, Post, Share, millis
from rules.packs.model import Ladder, Rung

TINY = Path(__file__).parents[1] / "data" / "tiny"
START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = 3_600_000
DAY = 24 * HOUR


def at(**since_start: float) -> datetime:
    """A time: `at(hours=2)` is two hours after the start of every test's history."""
    return START + timedelta(**since_start)


def post(text: str = "", **fields: Any) -> Post:
    return Post(**{"id": "p1", "account": "alice", "time": START, "text": text, **fields})


def share(url: str = "https://shared.example/page", **fields: Any) -> Share:
    if isinstance(fields.get("page"), dict):
        fields["page"] = Page(**fields["page"])
    return Share(**{"id": "s1", "account": "alice", "time": START, "url": url, "scene": "moments", **fields})


def mass_send(text: str = "", **fields: Any) -> MassSend:
    filled = {"id": "m1", "account": "alice", "time": START, "channel": "followers", "recipients": 1, **fields}
    return MassSend(text=text, **filled)


def violation(
    time: datetime = START,
    *,
    subject: str = "account:alice",
    clause: str = "links.1",
    rule: str = "sharing.unlock",
    mode: Any = "enforce",
    severity: Any = "ordinary",
    event: str = "",
    holds_share_api: bool = True,
    linked: Sequence[str] = (),
) -> Violation:
    """A violation whose id is made as the engine makes it; `event` tells apart two at one instant."""
    cause = content_id("test", event or f"e{millis(time)}", rule, clause, severity, str(holds_share_api))
    event = event or f"e{millis(time)}"
    return Violation(
        id=content_id(cause, subject),
        cause=cause,
        event=EventRef(event, "post"),
        subject=subject,
        clause=clause,
        rule=rule,
        mode=mode,
        severity=severity,
        evidence=[],
        time=time,
        pack="tiny@1",
        holds_share_api=holds_share_api,
        linked=[*linked],
    )


class Court:
    """An enforcer with its memory, as a worker's table keeps it."""

    def __init__(self, enforcer: Enforcer) -> None:
        self.enforcer = enforcer
        self.states: dict[str, bytes] = {}
        self.bans: dict[str, Ban | None] = {}
        self.refused: list[InvalidEventError] = []

    def hear(self, *inputs: SubjectInput) -> list[Enforcement | Lift | Review]:
        """Applies the inputs one by one, with all that records tell each other; returns what was decided."""
        decisions: list[Enforcement | Lift | Review] = []
        for item in inputs:
            decisions += self.hear_batch([item])
        return decisions

    def hear_batch(self, inputs: Sequence[SubjectInput]) -> list[Enforcement | Lift | Review]:
        """Applies the inputs as one batch."""
        decisions: list[Enforcement | Lift | Review] = []
        pending = [*inputs]
        while pending:
            result = self.enforcer.enforce(pending, self.states.get)
            self._keep(result.states)
            self.bans.update(result.bans)
            self.refused += [error for _, error in result.refused]
            decisions += result.decisions
            pending = [*result.relays]
        return decisions

    def tick(self, subject: str, now: datetime) -> dict[str, Ban | None]:
        """Lets time pass; returns what changed on the ban list."""
        result = self.enforcer.expire(subject, self.states[subject], millis(now))
        self._keep(result.states)
        self.bans.update(result.bans)
        return result.bans

    def in_force(self, subject: str, now: datetime) -> list[BanEntry]:
        return self.enforcer.in_force(subject, self.states.get(subject), millis(now))

    def actions(self, subject: str, now: datetime) -> set[str]:
        return {entry.action for entry in self.in_force(subject, now)}

    def _keep(self, states: dict[str, bytes | None]) -> None:
        for subject, state in states.items():
            if state is None:
                self.states.pop(subject, None)
            else:
                self.states[subject] = state


def ladder(*rungs: Rung, window: int = 180 * DAY, grace: int = HOUR, half_life: int | None = None) -> Ladder:
    return Ladder("test", ("links",), window, grace, rungs, half_life)
