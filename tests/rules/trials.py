"""What the tests of appeals, orders and reviews are made of: charges on linked subjects, and what moderators decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rules.decisions import Enforcement, Lift, Review, Violation
from rules.events import Appeal, Order, ReviewDecision
from tests.rules.making import START, TINY, at, violation

LINKED = TINY.parent / "linked"
ALICE, SITE, HOST = "account:alice", "domain:evil.cn", "ip:192.0.2.1"
RULES = {
    "links.1": "sharing",
    "links.2": "goods",
    "links.3": "spreading",
    "accounts.2": "trading",
    "accounts.3": "nearby",
}
DECIDED = at(days=10)
"""When moderators decide, unless a test says otherwise: after everything that is done."""


def charges(
    time: datetime = START, *, subjects: Sequence[str] = (ALICE, SITE, HOST), clause: str = "links.1", **fields: Any
) -> list[Violation]:
    """One event's violation of one rule, as each of `subjects` is charged with it."""
    return [
        violation(
            time,
            subject=subject,
            clause=clause,
            rule=RULES[clause],
            linked=[other for other in subjects if other != subject],
            **fields,
        )
        for subject in subjects
    ]


def appeal(
    found: Enforcement | str, verdict: Any = "overturned", *, number: int = 1, time: datetime = DECIDED, **fields: Any
) -> Appeal:
    """A verdict on an enforcement, given as announced, or by its id."""
    identity, subject = (found, ALICE) if isinstance(found, str) else (found.id, found.subject)
    filled = {"subject": subject, "moderator": "mo", "reason": "a poem", **fields}
    return Appeal(id=f"appeal{number}", enforcement=identity, verdict=verdict, time=time, **filled)


def order(do: Any, action: Any = None, *, number: int = 1, time: datetime = DECIDED, **fields: Any) -> Order:
    """A sanction by hand, or a clearing."""
    filled = {"subject": ALICE, "moderator": "mo", "reason": "seen by hand", **fields}
    return Order(id=f"order{number}", do=do, action=action, time=time, **filled)


def ruling(review: Review, verdict: Any, *, number: int = 1, time: datetime = DECIDED) -> ReviewDecision:
    """A decision on a review."""
    return ReviewDecision(
        id=f"ruling{number}",
        subject=review.subject,
        review=review.id,
        verdict=verdict,
        moderator="mo",
        reason="looked at",
        time=time,
    )


def enforcements(decisions: Iterable[Enforcement | Lift | Review], subject: str = "") -> list[Enforcement]:
    """Those of a subject, or all."""
    return [each for each in decisions if isinstance(each, Enforcement) and subject in ("", each.subject)]


def lifts(decisions: Iterable[Enforcement | Lift | Review]) -> list[Lift]:
    return [each for each in decisions if isinstance(each, Lift)]


def reviews(decisions: Iterable[Enforcement | Lift | Review]) -> list[Review]:
    return [each for each in decisions if isinstance(each, Review)]
