"""Records to events and decisions to records: the one place that knows keys, bodies and headers.

An event's body is JSON. CloudEvents 1.0 headers of the Kafka binary mode (`ce_id`, `ce_source`, `ce_time`) are taken
when present and win over the body, which may then leave `id` and `time` out. The record's key must be the event's
account (posts, shares, mass sends) or subject (reports, what moderators decide), because partitions, and so the order
and the state of an account, follow keys. Everything that is no such record is an InvalidEventError, and `dead_letter`
keeps its bytes as they came.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol, TypeVar

import msgspec

from rules.decisions import Ban, DeadLetter, Enforcement, Lift, Review, Violation
from rules.events import (
    CONTENT_TYPES,
    Event,
    EventType,
    InvalidEventError,
    Name,
    Time,
    decode_event,
)
from rules.relays import Relay
from rules.sightings import Message
from streams.sending import Send

Headers = Sequence[tuple[str, bytes | None]]
TopicKind = EventType | Literal["violation"]
"""What the records of a topic are."""

ID_HEADER, SOURCE_HEADER, TIME_HEADER = "ce_id", "ce_source", "ce_time"
_CLOUD_HEADERS = frozenset((ID_HEADER, SOURCE_HEADER, TIME_HEADER))
MAX_DETAIL = 300
"""Longest detail of a dead letter, in characters."""
DEAD_LETTER_HEADERS = ("topic", "partition", "offset", "reason", "detail", "original_bytes")
"""What a dead letter's headers say; `original_bytes` only where the value had to be cut."""

_ENCODER = msgspec.json.Encoder()
_VIOLATION = msgspec.json.Decoder(Violation)
_MESSAGE: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_RELAY: msgspec.json.Decoder[Relay] = msgspec.json.Decoder(Relay)
_DECISION: msgspec.json.Decoder[Enforcement | Lift] = msgspec.json.Decoder(Enforcement | Lift)
_BAN = msgspec.json.Decoder(Ban)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_FRAMING = 256
"""Bytes that a record, its batch and one more header may add, generously; `streams.sending` reserves 128."""
_CONTROL = dict.fromkeys((*range(32), *range(127, 160), 8232, 8233), " ")


T = TypeVar("T")


class _CloudEvent(msgspec.Struct, frozen=True, gc=False):
    """The headers that are read, with the limits of the fields they stand for."""

    ce_id: Name | None = None
    ce_source: Name | None = None
    ce_time: Time | None = None


class Record(Protocol):
    """What is read of a record; `aiokafka.ConsumerRecord` has it."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def timestamp(self) -> int: ...


def decode_record(kind: TopicKind, key: bytes | None, value: bytes | None, headers: Headers = ()) -> tuple[Event, str]:
    """The event in a record of a topic of `kind`, and its source: `ce_source`, else its type; ids are unique within it.

    Raises InvalidEventError: `missing_key`; `null`, `oversize`, `undecodable`, `invalid` for the body or a
    CloudEvents header; `key_mismatch` when the key is not the event's account or subject.
    Raises ValueError for violations, which `decode_violation` reads.
    """
    if kind == "violation":
        raise ValueError("violations are no events: see decode_violation")
    if key is None:
        raise _missing_key()
    cloud = _cloud_event(headers) if headers else None
    event = decode_event(kind, value) if cloud is None else _with_headers(kind, value, cloud)
    source = (cloud.ce_source if cloud else None) or kind
    if isinstance(event, CONTENT_TYPES):
        _check_key(key, "account", event.account)
    else:
        _check_key(key, "subject", event.subject)
    return event, source


def decode_violation(key: bytes | None, value: bytes | None) -> Violation:
    """The violation in a record of the violations topic. Raises InvalidEventError, as `decode_record` does."""
    violation = _keyed(_VIOLATION, key, value)
    _check_key(key, "subject", violation.subject)
    return violation


def decode_relay(key: bytes | None, value: bytes | None) -> Relay:
    """What one record tells another, in a record of the relays topic. Raises InvalidEventError, as `decode_record`."""
    relay = _keyed(_RELAY, key, value)
    _check_key(key, "subject", relay.subject)
    return relay


def decode_enforcement(value: bytes | None) -> Enforcement | Lift:
    """What a record of the enforcements topic says. Raises InvalidEventError (null, undecodable, invalid)."""
    return _decode(_DECISION, value)


def decode_message(key: bytes | None, value: bytes | None) -> Message:
    """The message in a record of the sightings topic. Raises InvalidEventError, as `decode_record` does."""
    message = _keyed(_MESSAGE, key, value)
    _check_key(key, "key", message.key)
    return message


def decode_ban(value: bytes | None) -> Ban | None:
    """What is in force for a subject; None for a tombstone. Raises InvalidEventError (undecodable, invalid)."""
    return None if value is None else _decode(_BAN, value)


def dead_letter(to: str, record: Record, error: InvalidEventError, *, max_record_bytes: int | None = None) -> Send:
    """The dead letter of `record`, for topic `to`: key, value and headers as they came, and why in further headers.

    `max_record_bytes`: what the topic takes. A value beyond it, which a topic made by `create_topics` never sees,
    is cut to it, and the header `original_bytes` says how long it was.
    """
    value = record.value
    headers = [(name, data or b"") for name, data in record.headers if name not in DEAD_LETTER_HEADERS]
    headers += [
        ("topic", record.topic.encode()),
        ("partition", b"%d" % record.partition),
        ("offset", b"%d" % record.offset),
        ("reason", error.reason.encode()),
        ("detail", one_line(str(error)).encode()),
    ]
    if value is not None and max_record_bytes is not None:
        others = sum(len(name.encode()) + len(data) + 10 for name, data in headers) + len(record.key or b"")
        room = max_record_bytes - others - _FRAMING
        if len(value) > room:
            headers.append(("original_bytes", b"%d" % len(value)))
            value = value[: max(room, 0)]
    return Send(to, record.key, value, headers)


def one_line(text: str, limit: int = MAX_DETAIL) -> str:
    """`text` without control characters and line breaks, of at most `limit` characters; always encodable."""
    plain = text[: 4 * limit].encode("utf-8", "replace").decode()
    line = " ".join(plain.translate(_CONTROL).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def encode(decision: Violation | Enforcement | Lift | Review | Ban | Message | Relay) -> bytes:
    """A decision, or a message of an internal topic, as JSON in UTF-8; its `kind` says which it is."""
    return _ENCODER.encode(decision)


def encode_line(decision: Violation | Enforcement | Lift | Review | Ban | DeadLetter) -> bytes:
    """A decision as a JSON line."""
    return _ENCODER.encode(decision) + b"\n"


def _decode(decoder: msgspec.json.Decoder[T], value: bytes | None) -> T:
    if value is None:
        raise InvalidEventError("null", "the record has no value")
    try:
        return decoder.decode(value)
    except msgspec.ValidationError as error:
        raise InvalidEventError("invalid", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEventError("undecodable", str(error)) from None


def _keyed(decoder: msgspec.json.Decoder[T], key: bytes | None, value: bytes | None) -> T:
    if key is None:
        raise _missing_key()
    return _decode(decoder, value)


def _missing_key() -> InvalidEventError:
    return InvalidEventError("missing_key", "the record has no key; partitions follow keys")


def _check_key(key: bytes | None, what: str, owner: str) -> None:
    """Raises InvalidEventError, `key_mismatch`, when a record's key is not its owner's name."""
    if owner.encode() != key:
        shown = repr((key or b"")[:100].decode("utf-8", "backslashreplace"))
        raise InvalidEventError("key_mismatch", f"the key is {shown}, the {what} is {owner[:100]!r}")


def _cloud_event(headers: Headers) -> _CloudEvent | None:
    """The CloudEvents headers, None without any; of a repeated one the last counts. Raises InvalidEventError."""
    found = {name: data for name, data in headers if name in _CLOUD_HEADERS}
    if not found:
        return None
    try:
        return msgspec.convert({name: (data or b"").decode() for name, data in found.items()}, _CloudEvent)
    except UnicodeDecodeError:
        raise InvalidEventError("invalid", f"one of the headers {', '.join(found)} is no UTF-8") from None
    except msgspec.ValidationError as error:
        raise InvalidEventError("invalid", f"headers: {error}") from None


def _with_headers(kind: EventType, value: bytes | None, cloud: _CloudEvent) -> Event:
    """The event, with the headers in place of its own id and time, which need neither be there nor be valid."""
    given: dict[str, str | datetime] = {}
    if cloud.ce_id is not None:
        given["id"] = cloud.ce_id
    if cloud.ce_time is not None:
        given["time"] = cloud.ce_time
    try:
        return msgspec.structs.replace(decode_event(kind, value), **given)
    except InvalidEventError as error:
        if error.reason != "invalid" or value is None:
            raise
    try:
        fields = _FIELDS.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEventError("invalid", str(error)) from None
    fields.update({name: msgspec.Raw(_ENCODER.encode(item)) for name, item in given.items()})
    return decode_event(kind, _ENCODER.encode(fields))
