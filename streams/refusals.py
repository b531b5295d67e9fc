"""Moderators' decisions among the dead letters: which ones workers did not take, and why."""

from collections.abc import Mapping
from typing import NamedTuple

from rules.events import Event, EventType, InvalidEventError
from streams.codec import Record, decode_record


class Refused(NamedTuple):
    """An event that workers did not take: a bounded word for why, and a line for a person."""

    event: Event
    reason: str
    detail: str


def refusal(record: Record, kinds: Mapping[str, EventType]) -> Refused | None:
    """What a dead letter says was refused. `kinds`: topics -> what they carry.

    None for dead letters of other topics, and for what was no valid event: nobody's decision.
    """
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
    kind = kinds.get(headers.get("topic", ""))
    if kind is None:
        return None
    try:
        event, _ = decode_record(kind, record.key, record.value, record.headers)
    except InvalidEventError:
        return None
    return Refused(event, headers.get("reason", ""), headers.get("detail", ""))


def place_of(record: Record) -> tuple[str, int, int] | None:
    """Topic, partition and offset of what a dead letter is about; None when it does not say."""
    headers = dict(record.headers)
    try:
        topic, partition, offset = (headers[name] or b"" for name in ("topic", "partition", "offset"))
        return topic.decode(), int(partition), int(offset)
    except (KeyError, ValueError):
        return None
