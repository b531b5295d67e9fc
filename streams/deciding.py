"""Writing a moderator's decision to its topic, and waiting until the workers have answered it.

A decision is answered when the workers' group has committed a position behind its record: whatever came of it is on the
output topics by then. What an overturned appeal takes back from linked subjects goes over the relays; those that are
there by then are waited for as well. The waiting joins no group and disturbs nobody.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from rules.decisions import Ban, BanEntry, Enforcement, Lift, Review
from rules.events import Appeal, InvalidEventError, Moderation, Order, convert_event
from streams.access.clients import started_consumer, started_producer
from streams.codec import Record, decode_ban, decode_enforcement, decode_record
from streams.compacted import opened, partitions_of, until_now
from streams.refusals import Refused, place_of, refusal
from streams.rights import kafka_error
from streams.settings import Settings
from streams.topics import TopicNames, topic_names

Answer = Enforcement | Lift | Review
Tell = Callable[[str], None]

_REVIEW = msgspec.json.Decoder(Review)
_ENCODER = msgspec.json.Encoder()
_POLL_S = 0.1


class ConflictError(ValueError):
    """The id of a decision was used for another one."""


@dataclass(slots=True)
class Outcome:
    """What became of a decision.

    repeated: it was written before, under the same id, and not again.
    answered: the workers have taken it, or refused it. complete: they have heard what it told linked subjects, too.
    changes:  what came of it, its own subject first and then linked ones.
    bans:     of each subject whose place on the ban list changed since, its newest record; None for nothing in force.
    """

    decision: Moderation
    repeated: bool = False
    answered: bool = False
    complete: bool = False
    refused: Refused | None = None
    changes: list[Answer] = field(default_factory=list)
    bans: dict[str, Ban | None] = field(default_factory=dict)


class RefusedTold(msgspec.Struct):
    """Why workers did not take a decision."""

    reason: str
    detail: str


class OutcomeTold(msgspec.Struct):
    """An outcome as `--json` and the API tell it: see `Outcome`. in_force: what the ban list says now of the subjects
    that changed."""

    decision: dict[str, Any]
    repeated: bool
    answered: bool
    complete: bool
    refused: RefusedTold | None
    changes: list[Answer]
    in_force: dict[str, list[BanEntry]]


def told(outcome: Outcome) -> OutcomeTold:
    """The outcome, to be sent or printed."""
    refused = outcome.refused
    bans = of_changed(outcome)
    return OutcomeTold(
        decision={"type": outcome.decision.type, **msgspec.to_builtins(outcome.decision)},
        repeated=outcome.repeated,
        answered=outcome.answered,
        complete=outcome.complete,
        refused=None if refused is None else RefusedTold(refused.reason, refused.detail),
        changes=outcome.changes,
        in_force={subject: [] if ban is None else ban.sanctions for subject, ban in bans.items()},
    )


def of_changed(outcome: Outcome) -> dict[str, Ban | None]:
    """What the ban list says now of the subjects that the decision changed."""
    changed = {outcome.decision.subject, *(change.subject for change in outcome.changes)}
    return {subject: ban for subject, ban in outcome.bans.items() if subject in changed}


def check(decision: Moderation) -> None:
    """Raises InvalidEventError for what workers could not read: it is not to be written."""
    convert_event(decision.type, msgspec.to_builtins(decision))


@dataclass(frozen=True, slots=True)
class _Written:
    """Where a decision stands, and since when (ms)."""

    decision: Moderation
    place: TopicPartition
    offset: int
    timestamp: int


async def decide(
    settings: Settings, decision: Moderation, *, wait_s: float, retry: bool = False, tell: Tell = lambda _stage: None
) -> Outcome:
    """Writes `decision`, unless it is there, and waits up to `wait_s` seconds for what the workers make of it.

    `retry`: its id was given by somebody who may have written it before, so look. `tell`: what is being done.
    Raises TopicsError, and ConflictError.
    """
    names = topic_names(settings)
    topic = names.input(decision.type)
    outcome = Outcome(decision)
    tell("writing")
    before = await _find(settings, topic, decision) if retry else None
    if before is not None:
        outcome.decision, outcome.repeated = before.decision, True
    there = await partitions_of(settings, topic, names.relays)  # says what to do when one is missing, creates none
    relays = [tp for tp in there if tp.topic == names.relays]
    async with opened(settings, names.enforcements, names.reviews, names.bans, names.dead_letters) as reader:
        await _go_to(reader, None if before is None else before.timestamp)
        if wait_s <= 0:
            before or await _write(settings, topic, decision)
        else:
            async with _group(settings) as group:
                await group.committed(TopicPartition(topic, 0))  # who has no right to ask is told before it is written
                written = before or await _write(settings, topic, decision)
                watch = _Watch(group, reader, names, written, outcome, time.monotonic() + wait_s)
                await watch.follow(relays, tell)
    own = outcome.decision.subject
    outcome.changes.sort(key=lambda change: (change.subject != own, change.subject, type(change).__name__, change.id))
    return outcome


async def _find(settings: Settings, topic: str, decision: Moderation) -> _Written | None:
    """Where the decision stands if it was written before. Raises ConflictError when its id is another one's."""
    key = decision.subject.encode()
    async with opened(settings, topic) as reader:
        async for record in until_now(reader):
            if record.key != key:
                continue
            try:
                event, _ = decode_record(decision.type, record.key, record.value, record.headers)
            except InvalidEventError:
                continue
            if event.id == decision.id:
                if not isinstance(event, Moderation) or not _same(event, decision):
                    raise ConflictError(f"the id {decision.id} was used before, at {event.time}, for another decision")
                return _Written(event, TopicPartition(topic, record.partition), record.offset, record.timestamp)
    return None


def _same(old: Moderation, new: Moderation) -> bool:
    """Whether two decisions say the same, at different times; `until` may be a length, which counts from then."""
    if isinstance(old, Order) and isinstance(new, Order) and _lasts(old) == _lasts(new):
        new = msgspec.structs.replace(new, until=old.until)
    return msgspec.structs.replace(new, time=old.time) == old


async def _go_to(reader: AIOKafkaConsumer, since: int | None) -> None:
    """Moves to the records produced at `since` (ms) or later; None: to those that are yet to come."""
    partitions = reader.assignment()
    ends = await reader.end_offsets(partitions)
    found = await reader.offsets_for_times(dict.fromkeys(partitions, since)) if since is not None else {}
    for tp in partitions:
        reader.seek(tp, ends[tp] if found.get(tp) is None else found[tp].offset)


async def _write(settings: Settings, topic: str, decision: Moderation) -> _Written:
    """Raises TopicsError."""
    try:
        async with started_producer(settings) as producer:
            done = await producer.send_and_wait(topic, _ENCODER.encode(decision), decision.subject.encode())
    except (KafkaError, OSError, TimeoutError) as error:
        raise await kafka_error(settings, error, "Write") from error
    return _Written(decision, TopicPartition(topic, done.partition), done.offset, done.timestamp)


def _lasts(order: Order) -> timedelta | None:
    return None if order.until is None else order.until - order.time


@asynccontextmanager
async def _group(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A client that sees what the workers' group has committed, and is no member of it."""
    async with started_consumer(settings, group_id=settings.app_id) as client:
        yield client


@dataclass(frozen=True, slots=True)
class _Watch:
    """Fills an outcome with what is said of its decision. `group` sees positions, `reader` the outputs."""

    group: AIOKafkaConsumer
    reader: AIOKafkaConsumer
    names: TopicNames
    written: _Written
    outcome: Outcome
    deadline: float
    """Of `time.monotonic`."""

    async def follow(self, relays: Collection[TopicPartition], tell: Tell) -> None:
        """Until all is there, or the deadline has passed. `relays`: the partitions of their topic."""
        outcome = self.outcome
        tell("waiting for a worker")
        outcome.answered = await self._heard({self.written.place: self.written.offset + 1})
        outcome.answered = outcome.answered or outcome.refused is not None
        if not outcome.answered or outcome.refused is not None or not _tells_others(outcome.decision):
            outcome.complete = outcome.answered
            return
        tell("waiting for linked subjects")
        outcome.complete = await self._heard(await self.group.end_offsets(relays))

    async def _heard(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Whether the group comes to these offsets in time; what was said by then is taken in."""
        while True:
            passed = all([(await self.group.committed(tp) or 0) >= end for tp, end in ends.items()])
            async for record in until_now(self.reader):
                self._take(record)
            if passed or time.monotonic() > self.deadline:
                return passed
            await asyncio.sleep(_POLL_S)

    def _take(self, record: Record) -> None:
        """Takes in what a record says of the decision; what cannot be read says nothing."""
        names, outcome, place = self.names, self.outcome, self.written.place
        try:
            if record.topic == names.bans:
                outcome.bans[(record.key or b"").decode()] = decode_ban(record.value)
            elif record.topic == names.dead_letters:
                if place_of(record) == (place.topic, place.partition, self.written.offset):
                    outcome.refused = refusal(record, {place.topic: outcome.decision.type})
            else:
                said: Answer
                said = decode_enforcement(record.value) if record.topic == names.enforcements else _review(record)
                if said.because == outcome.decision.id and said not in outcome.changes:
                    outcome.changes.append(said)
        except (InvalidEventError, msgspec.MsgspecError, UnicodeDecodeError):
            pass


def _tells_others(decision: Moderation) -> bool:
    return isinstance(decision, Appeal) and decision.verdict == "overturned"


def _review(record: Record) -> Review:
    return _REVIEW.decode(record.value or b"")
