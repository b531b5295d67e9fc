"""GET /v1/subject: why something holds for a subject, since when, and how to undo it; and finding subjects."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec

from rules.decisions import (
    Action,
    Ban,
    BanEntry,
    Enforcement,
    Lift,
    Notice,
    Review,
    Violation,
)
from rules.events import Appeal, Order, Report, ReviewDecision, Subject
from streams.bans.records import in_force
from streams.deciding import RefusedTold
from streams.http.asking import BUSY, Before, ask, raw
from streams.http.decisions import away
from streams.http.holders import HeldState
from streams.http.policy import Policy
from streams.http.problems import Problem
from streams.http.reviews import actions_of
from streams.http.routes import Call, Route
from streams.http.states import StateTold, state_told
from streams.http.times import now, told
from streams.http.workers import Workers
from streams.journal import questions
from streams.journal.entries import with_fields
from streams.journal.journal import Journal
from streams.settings import Settings
from streams.subject_history import Entry, History, history
from streams.topics import TopicsError
from streams.undoing import Undo, undo_of

MOST_LINKED = 50
MOST_VIA = 5

_VIOLATION = msgspec.json.Decoder(Violation)
_ENFORCEMENT = msgspec.json.Decoder(Enforcement)
_ENCODER = msgspec.json.Encoder()


class SubjectsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which subjects: those that begin so, such as `account:al` or `domain:`. held: only those on the ban list; after:
    for the page after, the last one that was told."""

    prefix: Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
    held: bool = False
    after: Annotated[str, msgspec.Meta(max_length=2048)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class FoundSubject(msgspec.Struct):
    """A subject. last: when something was last said of it; null when only the ban list names it."""

    subject: str
    in_force: list[Action]
    last: datetime | None


class SubjectsAnswer(msgspec.Struct):
    """Subjects, in the order of their names."""

    subjects: list[FoundSubject]


class SubjectQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which subject. older: what lies before the journal, too, by reading the topics, which takes a while; before: what
    is older than this number of its timeline."""

    id: Subject
    older: bool = False
    before: Before | None = None


class InForce(msgspec.Struct):
    """A sanction in force, why, and what undoes it: an appeal, or an order where a verdict is final.

    violations: ids of those that led to it, as far as they are known; because: the id of a moderator's decision.
    """

    action: Action
    ladder: str
    rung: int
    permanent: bool
    starts: datetime
    ends: datetime | None
    clauses: list[str]
    enforcement: str
    rule: str
    violations: list[str]
    because: str
    notice: Notice | None
    undo: Undo


class LinkedSubject(msgspec.Struct):
    """A subject that was charged with the same. via: ids of the violations, some of them."""

    subject: str
    via: list[str]
    in_force: list[Action]


class SubjectAnswer(msgspec.Struct):
    """All that is known of a subject.

    held_by: the worker that holds its record, null when nobody says; state: what that record says, null when it could
    not be asked, and then state_problem says why. timeline: each a struct of the topics with its `kind`, its number
    `seq` (null for what was read from the topics) and `at`, when it was produced. timeline_before: to be given as
    `before` for what is older; null when the journal has nothing older. complete_since: from when on the timeline has
    all; null for all that the topics have. refused: decisions that workers did not take.
    """

    subject: str
    held_by: str | None
    state: StateTold | None
    state_problem: str
    ban: Ban | None
    in_force: list[InForce]
    timeline: list[Violation | Enforcement | Lift | Review]
    timeline_before: int | None
    refused: dict[str, RefusedTold]
    linked: list[LinkedSubject]
    reviews: list[Review]
    complete_since: datetime | None
    clauses: dict[str, Notice]


class Subjects:
    """Answers about subjects."""

    def __init__(self, settings: Settings, journal: Journal, policy: Policy, workers: Workers) -> None:
        self._settings, self._journal, self._policy, self._workers = settings, journal, policy, workers
        self._reading_topics = asyncio.Lock()

    async def found(self, call: Call) -> SubjectsAnswer:
        """GET /v1/subjects."""
        query: SubjectsQuery = call.query
        prefix, after = _encodable(query.prefix), _encodable(query.after)
        found = await ask(self._journal, questions.subjects, prefix, query.limit, behind=after, held=query.held)
        held = await ask(self._journal, questions.bans, [each.subject for each in found])
        return SubjectsAnswer([
            FoundSubject(each.subject, actions_of(held, each.subject), None if each.last is None else told(each.last))
            for each in found
        ])  # fmt: skip

    async def show(self, call: Call) -> SubjectAnswer:
        """GET /v1/subject."""
        query: SubjectQuery = call.query
        subject = _encodable(query.id)
        asked = asyncio.create_task(self._workers.held(subject))  # while the journal is
        try:
            return await self._shown(subject, query, asked)
        finally:
            asked.cancel()

    async def _shown(self, subject: str, query: SubjectQuery, asked: "asyncio.Task[HeldState]") -> SubjectAnswer:
        entries = await ask(self._journal, questions.timeline, subject, query.before)
        refused = await ask(self._journal, questions.refusals, subject)
        timeline = [raw(with_fields(each.body, seq=each.seq, at=told(each.at))) for each in entries]
        bodies = [(each.kind, each.body) for each in entries]
        before = entries[0].seq if len(entries) == questions.MOST_ENTRIES else None
        since: datetime | None = told(self._journal.progress.since)
        if query.older:
            past = await self._past(subject)
            bodies = [(_kind(entry), _ENCODER.encode(entry)) for entry in past.entries]
            timeline = [raw(_placed(entry, body)) for entry, (_, body) in zip(past.entries, bodies, strict=True)]
            refused = {name: (each.reason, each.detail) for name, each in past.refused.items()}
            before, since = None, None
        violations = [_VIOLATION.decode(body) for kind, body in bodies if kind == "violation"]
        bans = await ask(self._journal, questions.bans, [subject])
        reviews = await ask(self._journal, questions.reviews_of, [subject])
        held = await self._in_force(bans.get(subject), bodies)
        answer = await asked
        return SubjectAnswer(
            subject=subject,
            held_by=answer.held_by,
            state=None if answer.state is None else state_told(subject, answer.state, self._policy.known),
            state_problem=answer.problem,
            ban=bans.get(subject),
            in_force=held,
            timeline=timeline,
            timeline_before=before,
            refused={name: RefusedTold(*each) for name, each in refused.items()},
            linked=await self._linked(violations),
            reviews=reviews,
            complete_since=since,
            clauses=self._titles(),
        )

    async def _past(self, subject: str) -> History:
        """All that the topics hold, one question at a time. Raises Problem (503)."""
        if self._reading_topics.locked():
            raise Problem(503, "busy", "Topics are being read", "one reader at a time; try again", retry_after_s=5)
        async with self._reading_topics:
            try:
                return await history(self._settings, subject)
            except (TopicsError, TimeoutError) as error:
                raise away(error) from None

    async def _in_force(self, ban: Ban | None, bodies: Sequence[tuple[str, bytes]]) -> list[InForce]:
        held = in_force(ban, now()) if ban is not None else None
        if ban is None or held is None:
            return []
        appeals = await ask(self._journal, questions.appeals, ban.subject)
        final = {appeal.enforcement for appeal in appeals}
        return [await self._why(entry, bodies, undo_of(entry, final)) for entry in held.sanctions]

    async def _why(self, entry: BanEntry, bodies: Sequence[tuple[str, bytes]], undo: Undo) -> InForce:
        body = await ask(self._journal, questions.record, "enforcement", entry.enforcement)
        named = entry.enforcement.encode()
        body = body or next((each for kind, each in bodies if kind == "enforcement" and named in each), None)
        made = None if body is None else _ENFORCEMENT.decode(body)
        return InForce(
            action=entry.action,
            ladder=entry.ladder,
            rung=entry.rung,
            permanent=entry.permanent,
            starts=entry.starts,
            ends=entry.ends,
            clauses=entry.clauses,
            enforcement=entry.enforcement,
            rule="" if made is None else made.rule,
            violations=[] if made is None else made.violations,
            because="" if made is None else made.because,
            notice=None if made is None else made.notice,
            undo=undo,
        )

    async def _linked(self, violations: Sequence[Violation]) -> list[LinkedSubject]:
        via: dict[str, list[str]] = {}
        for violation in reversed(violations):
            for other in violation.linked:
                if other in via or len(via) < MOST_LINKED:
                    via.setdefault(other, []).append(violation.id)
        bans = await ask(self._journal, questions.bans, list(via))
        return [LinkedSubject(other, named[:MOST_VIA], actions_of(bans, other)) for other, named in via.items()]

    def _titles(self) -> dict[str, Notice]:
        pack = self._policy.known
        return {name: clause.title for name, clause in pack.clauses.items()} if pack is not None else {}


def _encodable(text: str) -> str:
    """Raises Problem (400) for what no topic can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Problem(400, "invalid", "Bad parameter", "it is no UTF-8") from None
    return text


def _kind(entry: Entry) -> str:
    return "review_decision" if isinstance(entry, ReviewDecision) else type(entry).__name__.lower()


def _placed(entry: Entry, body: bytes) -> bytes:
    """An entry read from the topics, as the journal's are."""
    fields: dict[str, Any] = {"seq": None, "at": entry.time}
    if isinstance(entry, Report | Appeal | ReviewDecision | Order):
        fields["kind"] = _kind(entry)
    return with_fields(body, **fields)


def subject_routes(subjects: Subjects) -> Sequence[Route]:
    """GET /v1/subject and GET /v1/subjects."""
    return (
        Route(method="GET", path="/v1/subject", role="read", handler=subjects.show, query=SubjectQuery,
              answer=SubjectAnswer, tag="subjects", problems=BUSY,
              summary="Why something holds for a subject, what led to it, and how to undo it"),
        Route(method="GET", path="/v1/subjects", role="read", handler=subjects.found, query=SubjectsQuery,
              answer=SubjectsAnswer, tag="subjects", summary="Subjects by the start of their name", problems=BUSY),
    )  # fmt: skip
