"""GET /v1/audit: who did what, when and why: appeals, decisions on reviews, orders, controls and activations."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from rules.activations import Activation
from rules.controls import ControlRecord
from rules.events import Appeal, Order, ReviewDecision
from streams.http.asking import BUSY, Before, Limit, ask
from streams.http.routes import Call, Route
from streams.http.times import told
from streams.journal import questions
from streams.journal.journal import Journal

Recorded = Appeal | ReviewDecision | Order | ControlRecord | Activation
_STRUCTS: dict[str, type[Recorded]] = {
    "appeal": Appeal,
    "review_decision": ReviewDecision,
    "order": Order,
    "control": ControlRecord,
    "activation": Activation,
}


class AuditQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which acts: those before a number."""

    before: Before | None = None
    limit: Limit = 50


class Act(msgspec.Struct):
    """What somebody did. subject: whom or what it was about: a subject, `all`, `rule/NAME`, or a pack's label; id: that
    of the record; refused: why workers did not take it, empty when they did."""

    seq: int
    at: datetime
    who: str
    what: str
    subject: str
    reason: str
    id: str
    refused: str = ""


class AuditAnswer(msgspec.Struct):
    """What people did, the newest first. `oldest`: to be given as `before`; null when there is nothing older."""

    entries: list[Act]
    oldest: int | None


def act_of(entry: questions.AuditEntry, refused: str = "") -> Act:
    """An entry of the journal as the audit tells it."""
    found: Recorded = msgspec.json.decode(entry.body, type=_STRUCTS[entry.kind])
    at = told(entry.at)
    match found:
        case Appeal():
            what, subject = f"appeal {found.verdict}", found.subject
        case ReviewDecision():
            what, subject = f"review {found.verdict}", found.subject
        case Order():
            what, subject = f"{found.do} {found.action or 'all'}", found.subject
        case ControlRecord():
            return Act(entry.seq, at, found.by, found.do, found.target, found.why, found.id)
        case Activation():
            share = "" if found.percent is None else f" {found.percent:g}%"
            return Act(entry.seq, at, found.by, f"packs {found.do}{share}", found.label, found.why, found.id)
    return Act(entry.seq, at, found.moderator, what, subject, found.reason, found.id, refused)


def audit_routes(journal: Journal) -> Sequence[Route]:
    """GET /v1/audit."""

    async def listed(call: Call) -> AuditAnswer:
        query: AuditQuery = call.query
        found = await ask(journal, questions.audit, query.before, query.limit)
        acts = [act_of(entry) for entry in found]
        refused = await ask(journal, questions.refused_among, [act.id for act in acts])
        for act in acts:
            act.refused = refused.get(act.id, "")
        return AuditAnswer(acts, found[-1].seq if len(found) == query.limit else None)

    return (
        Route(method="GET", path="/v1/audit", role="read", handler=listed, query=AuditQuery, answer=AuditAnswer,
              tag="audit", summary="Who did what, when and why", problems=BUSY),
    )  # fmt: skip
