"""What moderators decide over the API: the functions that `warden appeal`, `reviews`, `sanction` and `clear` call.

Who decides is the token's name. A decision that is sent twice under one id is decided once; one about a case that has
changed since it was shown is not written at all.
"""

import asyncio
import logging
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from aiohttp import web

from rules.decisions import Action, Enforcement
from rules.events import (
    Appeal,
    InvalidEventError,
    Moderation,
    Name,
    Order,
    ReviewDecision,
    ReviewVerdict,
    Subject,
    Time,
    Verdict,
    millis,
)
from streams.casebook import EnforcementFile, enforcement_file
from streams.deciding import ConflictError, Outcome, OutcomeTold, check, decide, told
from streams.http.asking import ask
from streams.http.problems import Problem
from streams.http.reviews import found_review
from streams.http.rights import forbidden
from streams.http.routes import Call, Route
from streams.http.times import now
from streams.journal import questions
from streams.journal.journal import Journal
from streams.ordering import canonical, landing
from streams.rights import RightsError
from streams.settings import Settings
from streams.topics import TopicsError

logger = logging.getLogger(__name__)

WAIT_S = 10.0
"""How long workers are given to answer."""
AT_ONCE = 16
"""Decisions that are being written or waited for."""
REMEMBERED = 10_000
"""Ids of decisions that this process has written, to tell a repeat from a new one without reading the topic."""
FRESH_S = 5.0
"""A journal that is further behind is not asked whether an id was used."""

Id = Annotated[
    str, msgspec.Meta(pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$(?!\n)", description="a UUID")
]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
_ENFORCEMENT = msgspec.json.Decoder(Enforcement)


class AppealBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A verdict on an enforcement. The same `id` again decides nothing again."""

    enforcement: Name
    verdict: Verdict
    reason: Reason
    id: Id | None = None


class ReviewDecisionBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A verdict on a review. seen: the `time` of the review's record that the verdict is about."""

    verdict: ReviewVerdict
    reason: Reason
    seen: Time
    id: Id | None = None


class OrderBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An order about a subject: see `rules.events.Order`."""

    subject: Subject
    do: Literal["sanction", "clear"]
    action: Action | None = None
    until: Time | None = None
    reason: Reason
    id: Id | None = None


class Decisions:
    """Writes decisions, each id once, and waits for what comes of them."""

    def __init__(self, settings: Settings, journal: Journal) -> None:
        self._settings, self._journal = settings, journal
        self._written: OrderedDict[str, bytes] = OrderedDict()
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}
        self._free = AT_ONCE
        self._looking = asyncio.Lock()

    async def appeal(self, call: Call) -> web.Response:
        """POST /v1/appeals."""
        body: AppealBody = call.body
        identity = body.id or str(uuid.uuid4())
        async with self._one_at_a_time(identity, f"enforcement {body.enforcement}"):
            file = await self._file(body.enforcement)
            if file.subject is None:
                raise Problem(404, "not_found", "No such enforcement", "no enforcement of this id is on the topics")
            old = file.verdict(identity)
            if old is not None:
                said = f"it was {old.verdict} at {old.time.isoformat()} by {old.moderator}: {old.reason}"
                raise Problem(409, "final", "A verdict is final", said[:500])
            return await self._carry_out(
                Appeal(
                    id=identity,
                    subject=file.subject,
                    enforcement=body.enforcement,
                    verdict=body.verdict,
                    moderator=call.who.name,
                    reason=_reason(body.reason),
                    time=now(),
                ),
                given=body.id is not None,
            )

    async def review(self, call: Call) -> web.Response:
        """POST /v1/reviews/{id}/decision."""
        body: ReviewDecisionBody = call.body
        identity = body.id or str(uuid.uuid4())
        async with self._one_at_a_time(identity, f"review {call.path['id']}"):
            found = (await found_review(self._journal, call.path["id"])).review
            decision = ReviewDecision(
                id=identity,
                subject=found.subject,
                review=found.id,
                verdict=body.verdict,
                moderator=call.who.name,
                reason=_reason(body.reason),
                time=now(),
            )
            repeated = body.id is not None and await self._may_be_written(decision)
            if not repeated and (found.status != "open" or millis(found.time) != millis(body.seen)):
                raise _stale(found.status, found.detail)
            return await self._carry_out(decision, given=body.id is not None)

    async def order(self, call: Call) -> web.Response:
        """POST /v1/orders."""
        body: OrderBody = call.body
        identity, time = body.id or str(uuid.uuid4()), now()
        _check_order(body, time)
        async with self._one_at_a_time(identity, f"subject {body.subject}"):
            return await self._carry_out(
                Order(
                    id=identity,
                    subject=body.subject,
                    do=body.do,
                    action=body.action,
                    until=body.until,
                    moderator=call.who.name,
                    reason=_reason(body.reason),
                    time=time,
                ),
                given=body.id is not None,
            )

    async def _carry_out(self, decision: Moderation, *, given: bool) -> web.Response:
        """Writes a decision and waits. `given`: its id came from the client. Raises Problem."""
        try:
            check(decision)
        except InvalidEventError as error:
            raise Problem(400, "invalid", "Workers could not read this", str(error)[:300]) from None
        if self._journal.progress.refused is not None:  # nor could what comes of it be seen
            raise forbidden(self._journal.progress.refused)
        retry = given and await self._may_be_written(decision)
        self._remember(decision)
        if self._free <= 0:
            raise Problem(503, "busy", "Too many decisions wait", "try again", retry_after_s=2)
        self._free -= 1
        try:
            outcome = await decide(self._settings, decision, wait_s=WAIT_S, retry=retry)
        except ConflictError as error:
            raise Problem(409, "conflict", "The id was used for another decision", str(error)) from None
        except (TopicsError, TimeoutError) as error:
            raise away(error) from None
        finally:
            self._free += 1
        return _answer(outcome)

    async def _may_be_written(self, decision: Moderation) -> bool:
        """Whether a decision of this id may be on its topic, so that it must be looked for there. Raises Problem."""
        before = self._written.get(decision.id)
        if before is not None:
            if before != _content(decision):
                raise Problem(409, "conflict", "The id was used for another decision", "choose another id")
            return True
        progress = self._journal.progress
        if not progress.complete or progress.behind_s is None or progress.behind_s > FRESH_S:
            return True
        known = await ask(self._journal, questions.record, decision.type, decision.subject, decision.id)
        return known is not None

    def _remember(self, decision: Moderation) -> None:
        self._written[decision.id] = _content(decision)
        while len(self._written) > REMEMBERED:
            self._written.popitem(last=False)

    async def _file(self, enforcement: str) -> EnforcementFile:
        """What is known of an enforcement: by the journal, or, where that does not go back so far, by the topics."""
        body = await ask(self._journal, questions.record, "enforcement", enforcement)
        if body is None:
            async with self._looking:
                try:
                    return await enforcement_file(self._settings, enforcement)
                except (TopicsError, TimeoutError) as error:
                    raise away(error) from None
        made = _ENFORCEMENT.decode(body)
        said = await ask(self._journal, questions.appeals, made.subject)
        appeals = [each for each in said if each.enforcement == enforcement]
        return EnforcementFile(enforcement, subject=made.subject, made=made, appeals=appeals)

    @asynccontextmanager
    async def _one_at_a_time(self, *names: str) -> AsyncIterator[None]:
        """Holds others about the same decision or case back, who then see what came of this one."""
        async with self._lock(names[0]), self._lock(names[1]):
            yield

    @asynccontextmanager
    async def _lock(self, name: str) -> AsyncIterator[None]:
        lock, users = self._locks.get(name, (asyncio.Lock(), 0))
        self._locks[name] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks[name]
            if users == 1:
                del self._locks[name]
            else:
                self._locks[name] = lock, users - 1


def away(error: BaseException) -> Problem:
    """What is answered when the brokers do not answer, or refuse."""
    if isinstance(error, RightsError):
        return forbidden(error)
    logger.warning("The brokers do not take a request: %s", error)
    detail = str(error).splitlines()[0] if str(error) else "the brokers do not answer"
    return Problem(503, "kafka", "Kafka does not answer", detail[:300], retry_after_s=5)


def _answer(outcome: Outcome) -> web.Response:
    """200 for what is answered, 202 for what is written only. Raises Problem for what workers refused."""
    refused = outcome.refused
    if refused is not None:
        detail = f"{refused.reason}: {refused.detail}"[:500]
        if refused.reason == "unknown_review":
            raise Problem(409, "stale", "The case has ended meanwhile", detail)
        if refused.reason == "final":
            raise Problem(409, "final", "A verdict is final", detail)
        raise Problem(422, "refused", "Workers refused it", detail)
    body = msgspec.json.encode(told(outcome))
    return web.Response(status=200 if outcome.answered else 202, body=body, content_type="application/json")


def _stale(status: str, detail: str) -> Problem:
    if status == "open":
        return Problem(409, "stale", "The case has changed", "it is another one than was shown: look at it again")
    return Problem(409, "stale", "The case has ended", f"it was {status}: {detail}"[:300])


def _check_order(body: OrderBody, time: datetime) -> None:
    """Raises Problem (400) for an order that could do nothing."""
    if body.action is None and body.do == "sanction":
        raise Problem(400, "invalid", "Bad body", "an order to sanction names an action")
    if body.until is not None and body.until <= time:
        raise Problem(400, "invalid", "Bad body", "`until` is over")
    lands = landing(body.subject)
    if body.action is not None and body.action not in lands:
        raise Problem(400, "cannot_land", "It does not land there", f"what does: {', '.join(lands)}")
    if body.do == "sanction":
        usual = canonical(body.subject)
        if usual != body.subject:
            detail = f"no event is charged to it as it is written, so nobody would ask for it: say {usual}"
            raise Problem(400, "spelling", "Another spelling is the usual one", detail[:500])


def _reason(given: str) -> str:
    reason = given.strip()
    if not reason:
        raise Problem(400, "invalid", "Bad body", "give a reason")
    return reason


def _content(decision: Moderation) -> bytes:
    """What it says, whenever it is said."""
    fields: dict[str, Any] = msgspec.to_builtins(decision)
    return msgspec.json.encode([decision.type, {**fields, "time": None}], order="sorted")


def decision_routes(decisions: Decisions) -> Sequence[Route]:
    """POST /v1/appeals, /v1/reviews/{id}/decision and /v1/orders."""
    problems = {
        202: "it is written, and no worker has answered yet",
        404: "no such enforcement or review",
        409: "the id was used for another decision; the case has changed or ended; a verdict is final",
        422: "workers refused it: nothing has changed",
        503: "Kafka does not answer, or too many decisions wait; the same again with the same id is safe",
    }
    return (
        Route(method="POST", path="/v1/appeals", role="moderate", handler=decisions.appeal, body=AppealBody,
              answer=OutcomeTold, tag="decisions", problems=problems,
              summary="Overturn or uphold an enforcement: what it led to elsewhere is taken back as well"),
        Route(method="POST", path="/v1/reviews/{id}/decision", role="moderate", handler=decisions.review,
              body=ReviewDecisionBody, answer=OutcomeTold, tag="decisions", problems=problems,
              summary="Approve or reject what a review proposes"),
        Route(method="POST", path="/v1/orders", role="moderate", handler=decisions.order, body=OrderBody,
              answer=OutcomeTold, tag="decisions", problems=problems,
              summary="Impose a sanction by hand, or clear what is in force"),
    )  # fmt: skip
