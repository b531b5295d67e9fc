"""All that the topics hold about one subject: what was charged, reported and decided, by whom, and what is in force.

Records are found by key, on all partitions: only keys say whose a record is, since clients do not agree on how to hash
them. What lies longer back than the topics' retention is gone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import msgspec
from aiokafka import AIOKafkaConsumer

from rules.decisions import Ban, Enforcement, Lift, Review, Violation
from rules.events import Appeal, EventType, InvalidEventError, Order, Report, ReviewDecision, millis
from streams.codec import Record, decode_ban, decode_enforcement, decode_record, decode_violation
from streams.compacted import opened, until_now
from streams.refusals import Refused, refusal
from streams.settings import Settings
from streams.topics import TopicNames, topic_names

Entry = Violation | Enforcement | Lift | Review | Report | Appeal | ReviewDecision | Order

_REVIEW = msgspec.json.Decoder(Review)
_TELL_EVERY = 5_000
"""Records between two calls of `tell`."""


@dataclass(slots=True)
class History:
    """What is known of `subject`. `entries` in order of event time; `ban` is its record on the ban list, which may hold
    sanctions that have ended. `refused`: id of a moderator's decision -> why workers did not take it. `unreadable`
    counts its records that are not what their topic should hold."""

    subject: str
    ban: Ban | None = None
    entries: list[Entry] = field(default_factory=list)
    refused: dict[str, Refused] = field(default_factory=dict)
    unreadable: int = 0

    def of(self, *kinds: type[Entry]) -> list[Entry]:
        """The entries of these kinds."""
        return [entry for entry in self.entries if isinstance(entry, kinds)]


async def history(
    settings: Settings,
    subject: str,
    since: datetime | None = None,
    tell: Callable[[int, int], None] = lambda _read, _of: None,
) -> History:
    """Reads the history of a subject, such as `account:alice`; `since` a time of production, else all there is.

    `tell(read, of)`: records read of how many. Raises TopicsError.
    """
    names = topic_names(settings)
    found = History(subject)
    key = subject.encode()
    kinds: dict[str, EventType] = {
        names.reports: "report",
        names.appeals: "appeal",
        names.review_decisions: "review_decision",
        names.orders: "order",
    }
    outputs = (names.violations, names.enforcements, names.reviews, names.dead_letters, names.bans)
    async with opened(settings, *kinds, *outputs) as reader:
        if since is not None:
            await _seek(reader, names, since)
        total, read = await _waiting(reader), 0
        async for record in until_now(reader):
            read += 1
            if read % _TELL_EVERY == 0:
                tell(read, total)
            if record.key == key:
                _take(found, record, names, kinds)
        tell(read, max(total, read))
    found.entries.sort(key=_order)
    return found


def _order(entry: Entry) -> tuple[int, int]:
    """By time, in whole milliseconds as reviews tell it, and at the same one what was charged or said before what came
    of it."""
    match entry:
        case Violation():
            return millis(entry.time), 0
        case Report() | Appeal() | ReviewDecision() | Order():
            return millis(entry.time), 1
        case Enforcement() | Lift() | Review():
            return millis(entry.time), 2


async def _seek(reader: AIOKafkaConsumer, names: TopicNames, since: datetime) -> None:
    """Moves to the first records produced at `since` or later; the ban list, which is compacted, is read whole."""
    partitions = [tp for tp in reader.assignment() if tp.topic != names.bans]
    offsets = await reader.offsets_for_times(dict.fromkeys(partitions, millis(since)))
    ends = await reader.end_offsets(partitions)
    for tp in partitions:
        reader.seek(tp, offsets[tp].offset if offsets[tp] is not None else ends[tp])


async def _waiting(reader: AIOKafkaConsumer) -> int:
    partitions = reader.assignment()
    ends = await reader.end_offsets(partitions)
    return sum([ends[tp] - await reader.position(tp) for tp in partitions])


def _take(found: History, record: Record, names: TopicNames, kinds: Mapping[str, EventType]) -> None:
    """Adds a record of the subject. `kinds`: what the topics of events carry."""
    try:
        if record.topic == names.bans:
            found.ban = decode_ban(record.value)
        elif record.topic == names.dead_letters:
            if (refused := refusal(record, kinds)) is not None:
                found.refused[refused.event.id] = refused
        else:
            found.entries.append(_entry(record, names, kinds))
    except (InvalidEventError, msgspec.MsgspecError, UnicodeDecodeError):
        found.unreadable += 1


def _entry(record: Record, names: TopicNames, kinds: Mapping[str, EventType]) -> Entry:
    """Raises InvalidEventError, MsgspecError."""
    if record.topic == names.violations:
        return decode_violation(record.key, record.value)
    if record.topic == names.enforcements:
        return decode_enforcement(record.value)
    if record.topic == names.reviews:
        return _REVIEW.decode(record.value or b"")
    kind = kinds[record.topic]
    event, _ = decode_record(kind, record.key, record.value, record.headers)
    if not isinstance(event, Report | Appeal | ReviewDecision | Order):
        raise InvalidEventError("invalid", f"expected {kind}")
    return event
