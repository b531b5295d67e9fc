"""What a webhook delivers: one change of one subject."""

from typing import NamedTuple

import msgspec

from rules.decisions import BanEntry
from streams.bans.records import Change


class BanChange(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="ban_change"):
    """The JSON body: all that is in force for `subject` now; no sanctions: it is free.

    Within a subject, offsets grow. A receiver that keeps the last offset of each subject can drop what is not newer.
    """

    id: str
    subject: str
    sanctions: list[BanEntry]
    partition: int
    offset: int


class Delivery(NamedTuple):
    """A change on its way. `key` is its Idempotency-Key."""

    subject: str
    key: str
    body: bytes
    partition: int
    offset: int


_ENCODER = msgspec.json.Encoder()


def delivery_of(topic: str, change: Change) -> Delivery:
    """The delivery of a change that is not wrong."""
    key = f"{topic}-{change.partition}-{change.offset}"
    sanctions = change.ban.sanctions if change.ban is not None else []
    body = BanChange(
        id=key, subject=change.subject, sanctions=sanctions, partition=change.partition, offset=change.offset
    )
    return Delivery(change.subject, key, _ENCODER.encode(body), change.partition, change.offset)
