"""A subject's record, as the worker that holds it keeps it, told for people: where it stands on each ladder."""

from datetime import datetime
from typing import Literal

import msgspec

from rules.events import from_millis
from rules.holdings import holdings
from rules.offences import Offence
from rules.packs import Pack
from rules.packs.model import Ladder
from rules.subject_state import (
    HELD,
    NEVER,
    PENDING,
    VOID,
    WAITING,
    Record,
    SubjectState,
    is_enforced,
    ladder_name,
)

Waits = Literal["", "person", "person_after_reports", "limit"]
"""Why offences lead to nothing yet: a person decides; the same, and enough people have reported the subject; a safety
limit holds them back."""


class OffenceTold(msgspec.Struct):
    """One offence that is remembered. cause: that of its violations; waits: why it leads to nothing yet."""

    time: datetime
    clause: str
    rule: str
    severity: str
    cause: str
    waits: Waits
    linked: list[str]


class NextRung(msgspec.Struct):
    """What the next offence leads to. lasts_s: null for good, or for a warning."""

    rung: int
    apply: str
    lasts_s: int | None


class LadderTold(msgspec.Struct):
    """Where a subject stands on a ladder. rung: that of what holds or held last, 0 for none; next: null where the live
    pack has no such ladder."""

    ladder: str
    rung: int
    rungs: int
    next: NextRung | None
    offences: list[OffenceTold]


class OrderTold(msgspec.Struct):
    """A moderator's order. void: an appeal has overturned it."""

    id: str
    time: datetime
    do: str
    action: str | None
    until: datetime | None
    void: bool


class AppealTold(msgspec.Struct):
    """A verdict."""

    id: str
    time: datetime
    enforcement: str
    verdict: str


class CaseTold(msgspec.Struct):
    """A review that is open."""

    id: str
    ladder: str
    reason: str
    detail: str
    rung: int
    proposed: list[str]
    clauses: list[str]


class StateTold(msgspec.Struct):
    """A subject's record. time: the newest event seen for it; due: when time alone next changes something, null for
    never; retracted: how many offences count no more; reporters: how many reports of it are remembered."""

    time: datetime
    due: datetime | None
    banned: bool
    ladders: list[LadderTold]
    orders: list[OrderTold]
    appeals: list[AppealTold]
    cases: list[CaseTold]
    retracted: int
    reports: int


def state_told(subject: str, state: SubjectState, pack: Pack | None) -> StateTold:
    """A record told with the ladders of a pack; without one, where it stands is not known."""
    rungs: dict[str, int] = {}
    for held in holdings(Record(subject, state), pack) if pack is not None else ():
        rungs[held.ladder] = max(held.rung, rungs.get(held.ladder, 0))
    offences: dict[str, list[OffenceTold]] = {}
    for key, known in state.offences.items():
        offences.setdefault(ladder_name(key), []).extend(_offence(each, key) for each in known)
    for told in offences.values():
        told.sort(key=lambda each: each.time)
    ladders = pack.ladders if pack is not None else {}
    return StateTold(
        time=from_millis(state.time),
        due=None if state.due >= NEVER else from_millis(state.due),
        banned=state.banned,
        ladders=[_ladder(name, told, rungs.get(name, 0), ladders.get(name)) for name, told in sorted(offences.items())],
        orders=[
            OrderTold(
                order.id,
                from_millis(order.time),
                "sanction" if order.do == VOID else order.do,
                order.action,
                None if order.until is None else from_millis(order.until),
                order.do == VOID,
            )
            for order in state.orders
        ],
        appeals=[AppealTold(each.id, from_millis(each.time), each.enforcement, each.verdict) for each in state.appeals],
        cases=[
            CaseTold(
                case.id, ladder_name(key), case.reason, case.detail, case.rung, list(case.proposed), list(case.clauses)
            )
            for key, case in state.cases.items()
        ],
        retracted=len(state.retracted),
        reports=len(state.reports),
    )


def _ladder(name: str, offences: list[OffenceTold], rung: int, ladder: Ladder | None) -> LadderTold:
    if ladder is None:
        return LadderTold(name, rung, 0, None, offences)
    number = min(rung + 1, len(ladder.rungs))
    following = ladder.rungs[number - 1]
    lasts = None if following.duration is None else following.duration // 1000
    return LadderTold(name, rung, len(ladder.rungs), NextRung(number, following.apply, lasts), offences)


def _offence(offence: Offence, key: str) -> OffenceTold:
    return OffenceTold(
        time=from_millis(offence.time),
        clause=offence.clause,
        rule=offence.rule,
        severity=offence.gravity,
        cause=offence.cause.hex(),
        waits=_waits(key),
        linked=list(offence.linked),
    )


def _waits(key: str) -> Waits:
    if is_enforced(key):
        return ""
    if key.endswith(HELD):
        return "limit"
    assert key.endswith(PENDING)  # noqa: S101 - the three that there are
    return "person_after_reports" if key.endswith(WAITING) else "person"
