"""Records of the topics as the journal keeps them: decoded, checked, and told apart from their repeats."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal, NamedTuple

import msgspec

from rules.activations import Activation
from rules.controls import ControlRecord
from rules.decisions import Ban, Enforcement, Lift, Review, Violation
from rules.events import Appeal, EventType, InvalidEventError, Order, Report, ReviewDecision
from streams.bans.records import change_in
from streams.codec import MAX_DETAIL, Record, decode_enforcement, decode_record, decode_violation
from streams.refusals import Refused, place_of, refusal
from streams.topics import TopicNames

Lane = Literal["feed", "audit"]

MOST_DIGITS = 18
"""Of a number in a header: what is longer fits no column."""
MOST_TOPIC = 249
"""Characters of a topic's name, as Kafka has it."""
_ENCODER = msgspec.json.Encoder()
_REVIEW = msgspec.json.Decoder(Review)
_CONTROL = msgspec.json.Decoder(ControlRecord)
_ACTIVATION = msgspec.json.Decoder(Activation)


class Entry(NamedTuple):
    """One thing that was said. `identity` is the same for its repeats; `struct` is what `body` encodes."""

    kind: str
    subject: str
    identity: bytes
    lane: Lane | None
    at: int
    body: bytes
    struct: Any
    action: str | None = None
    clauses: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class BanChange:
    """A subject's place on the ban list; `ban` None when it has none any more."""

    subject: str
    ban: Ban | None
    at: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter; `refused` when it is a moderator's decision. place: topic, partition and offset of what it is
    about, as far as it says; size: bytes of that record's value, value: the first MOST_VALUE of them."""

    reason: str
    at: int
    refused: Refused | None
    detail: str = ""
    place: tuple[str, int, int] | None = None
    size: int = 0
    value: bytes = b""


Taken = Entry | BanChange | DeadLetter
MOST_VALUE = 2048
"""Bytes of a dead letter's value that are kept."""
WRONG = (InvalidEventError, msgspec.MsgspecError, UnicodeError, ValueError, RecursionError)
"""What `Taking.of` raises for a record that is not what its topic should hold."""


def identity(kind: str, *parts: str | bytes) -> bytes:
    """What tells things of a kind apart, 16 bytes."""
    digest = blake2b(kind.encode(), digest_size=16)
    for part in parts:
        data = part if isinstance(part, bytes) else part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(4, "big"))
        digest.update(data)
    return digest.digest()


class Taking:
    """Takes records in, by their topics."""

    def __init__(self, names: TopicNames) -> None:
        self._inputs: dict[str, EventType] = {
            names.appeals: "appeal",
            names.review_decisions: "review_decision",
            names.orders: "order",
        }
        self._by_topic: dict[str, Callable[[Record], Taken | None]] = {
            names.violations: _violation,
            names.reports: _report,
            names.enforcements: _sanction,
            names.reviews: _review,
            **dict.fromkeys(self._inputs, self._moderation),
            names.controls: _control,
            names.packs: _activation,
            names.dead_letters: self._dead_letter,
            names.bans: _ban,
        }

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics to follow; of what is read at once, the earlier ones' records come first."""
        return tuple(self._by_topic)

    def of(self, record: Record) -> Taken | None:
        """What a record says; None for what the journal has no use for. Raises WRONG."""
        return self._by_topic[record.topic](record)

    def _moderation(self, record: Record) -> Entry:
        kind = self._inputs[record.topic]
        event, _ = decode_record(kind, record.key, record.value, record.headers)
        if not isinstance(event, Appeal | ReviewDecision | Order):
            raise InvalidEventError("invalid", f"expected {kind}")
        return _event(kind, event, record, "audit")

    def _dead_letter(self, record: Record) -> DeadLetter:
        headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
        value, cut = record.value or b"", headers.get("original_bytes", "")
        return DeadLetter(
            reason=headers.get("reason", "")[:50],
            at=record.timestamp,
            refused=self._refused(record),
            detail=headers.get("detail", "")[:MAX_DETAIL],
            place=_place(record),
            size=int(cut) if cut.isascii() and cut.isdecimal() and len(cut) < MOST_DIGITS else len(value),
            value=value[:MOST_VALUE],
        )

    def _refused(self, record: Record) -> Refused | None:
        topic = dict(record.headers).get("topic") or b""
        known: Mapping[str, EventType] = self._inputs
        return refusal(record, known) if topic.decode("utf-8", "replace") in known else None


def _place(record: Record) -> tuple[str, int, int] | None:
    """Where the record of a dead letter is, where there may be such a place: whoever may write the topic writes it."""
    found = place_of(record)
    if found is None or not (0 <= found[1] < 1 << 31 and 0 <= found[2] < 1 << 63):
        return None
    return found[0][:MOST_TOPIC], found[1], found[2]


def _violation(record: Record) -> Entry:
    found: Violation = decode_violation(record.key, record.value)
    return Entry(
        "violation",
        found.subject,
        identity("violation", found.id),
        None,
        record.timestamp,
        _ENCODER.encode(found),
        found,
        action=found.mode,
        clauses=found.clause,
        rule=found.rule,
    )


def _sanction(record: Record) -> Entry:
    found = decode_enforcement(record.value)
    body = _ENCODER.encode(found)
    match found:
        case Enforcement():
            known = identity("enforcement", found.id)
            clauses = " ".join(found.clauses)
            return Entry(
                "enforcement", found.subject, known, "feed", record.timestamp, body, found, found.action, clauses,
                found.rule,
            )  # fmt: skip
        case Lift():
            known = identity("lift", found.id)
            rules = " ".join(found.rules)
            return Entry("lift", found.subject, known, "feed", record.timestamp, body, found, found.action, rule=rules)


def _review(record: Record) -> Entry:
    found = _REVIEW.decode(record.value or b"")
    if found.subject.encode("utf-8", "replace") != record.key:
        raise InvalidEventError("key_mismatch", "the key is not the review's subject")
    body, clauses = _ENCODER.encode(found), " ".join(found.clauses)
    known = identity("review", found.id, body)
    return Entry(
        "review", found.subject, known, "feed", record.timestamp, body, found, clauses=clauses, rule=found.rule
    )


def _report(record: Record) -> Entry:
    event, _ = decode_record("report", record.key, record.value, record.headers)
    if not isinstance(event, Report):
        raise InvalidEventError("invalid", "expected a report")
    return _event("report", event, record, None)


def _event(kind: str, event: Report | Appeal | ReviewDecision | Order, record: Record, lane: Lane | None) -> Entry:
    known = identity(kind, event.subject, event.id)
    body = with_fields(_ENCODER.encode(event), kind=kind)
    return Entry(kind, event.subject, known, lane, record.timestamp, body, event)


def _control(record: Record) -> Entry:
    found = _CONTROL.decode(record.value or b"")
    known = identity("control", found.id)
    return Entry("control", found.target, known, "audit", record.timestamp, _ENCODER.encode(found), found)


def _activation(record: Record) -> Entry | None:
    if not (record.key or b"").startswith(b"activation/"):
        return None  # a piece of a pack
    found = _ACTIVATION.decode(record.value or b"")
    known = identity("activation", found.id)
    return Entry("activation", found.label, known, "audit", record.timestamp, _ENCODER.encode(found), found)


def _ban(record: Record) -> BanChange:
    change = change_in(record)
    if change.wrong:
        raise ValueError(change.wrong)
    return BanChange(change.subject, change.ban, record.timestamp)


def with_fields(body: bytes, **fields: object) -> bytes:
    """A JSON object with more fields in front; it must have some of its own."""
    return _ENCODER.encode(fields)[:-1] + b"," + body[1:]
