"""JSON lines of events, as `warden judge` and `warden feed` read them: each carries its `type`.

Memory is bounded whatever comes: of a line beyond the limit only the start is kept. Blank lines are skipped.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import msgspec

from rules.events import STRUCTS, Event, EventType, InvalidEventError, decode_event
from rules.packs.source import did_you_mean

_BY_ACCOUNT = frozenset({"post", "share", "mass_send"})
_CHUNK = 1 << 16
_BOM = b"\xef\xbb\xbf"


class Line(NamedTuple):
    """One line: its number, from 1; its bytes, or the first `limit` of them; how many it had; where the next begins."""

    number: int
    body: bytes
    size: int
    end: int


class _Typed(msgspec.Struct, gc=False):
    type: Any = None


_TYPED = msgspec.json.Decoder(_Typed)
_ANY: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Any)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_lines(stream: BinaryIO, limit: int) -> Iterator[Line]:
    """The lines of `stream` that are not blank. `limit`: most bytes kept of one."""
    number = end = 0
    while raw := stream.readline(limit + 2):
        number += 1
        size, tail = len(raw), raw
        while not tail.endswith(b"\n") and (more := stream.readline(_CHUNK)):
            size, tail = size + len(more), tail[-1:] + more
        end += size
        body = raw.removeprefix(_BOM) if number == 1 else raw
        size -= len(raw) - len(body) + len(tail) - len(tail.rstrip(b"\r\n"))
        body = body[: min(size, limit)]
        if body.strip():
            yield Line(number, body, size, end)


def event_of(line: Line) -> Event:
    """The event in a line. Raises InvalidEventError, `unknown_type` when its `type` is none of the events'."""
    if line.size > len(line.body):
        raise InvalidEventError("oversize", f"{line.size} bytes; a line has at most {len(line.body)} bytes")
    return decode_event(type_named(_decode(_TYPED, line.body).type), line.body)


def record_of(line: Line) -> tuple[EventType, bytes, bytes]:
    """(type, key, value) of the record that carries a line's event; the value is the line without its `type`.

    The event's other fields are not looked at. Raises InvalidEventError when there is no type or no key.
    """
    if line.size > len(line.body):
        raise InvalidEventError("oversize", f"{line.size} bytes; the topics take at most {len(line.body)} bytes")
    fields = _decode(_FIELDS, line.body)
    kind = type_named(_plain(fields.pop("type", None)))
    return kind, _key(kind, fields), msgspec.json.encode(fields)


def key_of(kind: EventType, body: bytes) -> bytes:
    """The key of the record that carries an event. Raises InvalidEventError, as `record_of` does."""
    return _key(kind, _decode(_FIELDS, body))


def _key(kind: EventType, fields: dict[str, msgspec.Raw]) -> bytes:
    name = "account" if kind in _BY_ACCOUNT else "subject"
    key = _plain(fields.get(name))
    if not isinstance(key, str) or not key:
        raise InvalidEventError("missing_key", f"no {name!r}, which is the record's key")
    return key.encode()


def _plain(raw: msgspec.Raw | None) -> object:
    return None if raw is None else _decode(_ANY, bytes(raw))


def type_named(name: object) -> EventType:
    """The type that is called so. Raises InvalidEventError, `unknown_type`."""
    for kind in STRUCTS:
        if kind == name:
            return kind
    if not isinstance(name, str):
        raise InvalidEventError("unknown_type", f"no `type`, a text: one of {', '.join(STRUCTS)}")
    raise InvalidEventError("unknown_type", f"unknown type {name[:100]!r}: {did_you_mean(name[:100], STRUCTS)}")


def _decode(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidEventError("invalid", str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEventError("undecodable", str(error)) from None
