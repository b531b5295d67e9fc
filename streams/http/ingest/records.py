"""Posted events to records: what the door takes, held to the rules that workers hold records to.

A worker makes a dead letter of what is wrong; whoever posts can be told, so nothing wrong gets as far as a topic.
"""

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Annotated, Literal

import msgspec

from rules.events import MAX_EVENT_BYTES, EventType, InvalidEventError, MassSend, Name, Post, Report, Share, Time
from streams.codec import ID_HEADER, SOURCE_HEADER, TIME_HEADER, decode_record
from streams.feeding import check_size
from streams.lines import Line, key_of, record_of, type_named
from streams.plausible import Span

POSTED: frozenset[EventType] = frozenset({"post", "share", "mass_send", "report"})
"""What a feed may post: what people do. What moderators decide has routes, and roles, of its own."""

MAX_LINE_BYTES = MAX_EVENT_BYTES
"""Longest line, and longest event of a batch."""


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A CloudEvent 1.0 with JSON data. `type` is that of the event, behind a name of your own if you like
    (`com.example.post`). `id` and `time` win over those of `data`, which may leave them out; ids are unique within
    a `source`. Other attributes are not kept."""

    specversion: Literal["1.0"]
    id: Name
    source: Name
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    time: Time | None = None
    datacontenttype: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z]+/([^;\s]+\+)?json\s*(;.*)?$")] | None = None
    data: msgspec.Raw


class PostedPost(Post, frozen=True, kw_only=True, tag_field="type", tag="post"):
    """A post, with its type."""


class PostedShare(Share, frozen=True, kw_only=True, tag_field="type", tag="share"):
    """A share, with its type."""


class PostedMassSend(MassSend, frozen=True, kw_only=True, tag_field="type", tag="mass_send"):
    """A mass send, with its type."""


class PostedReport(Report, frozen=True, kw_only=True, tag_field="type", tag="report"):
    """A report, with its type."""


PostedEvent = PostedPost | PostedShare | PostedMassSend | PostedReport
"""What a line is, for the OpenAPI document; `of_line` decodes it, as records are."""

_CLOUD_EVENT = msgspec.json.Decoder(CloudEvent)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken besides valid events: times by the clock, and sizes by the topics, in bytes."""

    span: Span
    max_record_bytes: int


class Record:
    """One event, ready for its topic. `digest` is the same for the same event of the same source, posted again."""

    __slots__ = ("digest", "headers", "key", "kind", "size", "value")

    def __init__(self, kind: EventType, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> None:
        self.kind, self.key, self.value, self.headers = kind, key, value, headers
        self.size = len(key) + len(value) + sum(len(data) for _, data in headers)
        head = b"\0".join((kind.encode(), *(data for _, data in headers), key))
        self.digest = blake2b(len(head).to_bytes(4, "big") + head + value, digest_size=16).digest()


def of_line(body: bytes, limits: Limits) -> Record:
    """The record of a JSON object with a `type`, as `warden feed` reads lines. Raises InvalidEventError."""
    kind, key, value = record_of(Line(1, body, len(body), 0))
    return _checked(Record(kind, key, value, []), limits, body)


def of_cloud_event(body: bytes, limits: Limits) -> Record:
    """The record of a CloudEvent in structured mode. Raises InvalidEventError."""
    try:
        event = _CLOUD_EVENT.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidEventError("invalid", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEventError("undecodable", str(error)) from None
    kind = type_named(event.type.rpartition(".")[2])
    headers = [(ID_HEADER, event.id.encode()), (SOURCE_HEADER, event.source.encode())]
    if event.time is not None:
        headers.append((TIME_HEADER, _written(event.time)))
    value = bytes(event.data)
    return _checked(Record(kind, key_of(kind, value), value, headers), limits, body)


def _checked(record: Record, limits: Limits, body: bytes) -> Record:
    """The record, if what it carries is valid. `body`: as it was posted."""
    kind = record.kind
    if kind not in POSTED:
        raise InvalidEventError("unknown_type", f"{kind}: moderators decide, feeds post {', '.join(sorted(POSTED))}")
    event, _ = decode_record(kind, record.key, record.value, record.headers)
    limits.span.check(event.time)
    try:
        body.decode()  # msgspec looks at no field that it does not know; whoever else reads the topic may
    except UnicodeDecodeError as error:
        raise InvalidEventError("undecodable", f"no UTF-8: {error.reason} at byte {error.start}") from None
    check_size(record.size, limits.max_record_bytes)
    return record


def _written(time: datetime) -> bytes:
    return time.isoformat().encode()
