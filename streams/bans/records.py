"""Reading the compacted `bans` topic: what is in force for every subject, now or as it changes.

This is all that a gateway needs: the newest record of a subject says what holds, a tombstone that nothing does,
and every sanction says when it ends.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import NamedTuple

import msgspec

from rules.decisions import Ban
from rules.events import InvalidEventError
from streams.codec import Record, decode_ban, one_line
from streams.compacted import changes, opened, until_now
from streams.settings import Settings
from streams.topics import topic_names


class Change(NamedTuple):
    """What became true for a subject: `ban` None when nothing is in force any more. `wrong` says why a record is
    no ban list entry, and then subject and ban mean nothing. `partition` and `offset` say which record it was."""

    subject: str
    ban: Ban | None
    wrong: str = ""
    partition: int = -1
    offset: int = -1


async def current_bans(settings: Settings) -> tuple[dict[str, Ban], list[str]]:
    """The ban list as of now, by subject, and what is wrong with records that could not be read.

    Raises TopicsError when the topic is missing, or the brokers do not answer.
    """
    bans: dict[str, Ban] = {}
    wrong: list[str] = []
    async with opened(settings, topic_names(settings).bans) as reader:
        async for record in until_now(reader):
            _apply(bans, change_in(record), wrong)
    return bans, wrong


async def follow_bans(settings: Settings) -> AsyncIterator[Change]:
    """The ban list as of now, one change a subject, then every change as it happens. Raises TopicsError."""
    async with opened(settings, topic_names(settings).bans) as reader:
        bans: dict[str, Ban] = {}
        wrong: list[str] = []
        async for record in until_now(reader):
            _apply(bans, change_in(record), wrong)
        for message in wrong:
            yield Change("", None, message)
        for subject, ban in bans.items():
            yield Change(subject, ban)
        async for records in changes(reader):
            for record in records:
                yield change_in(record)


def in_force(ban: Ban, at: datetime) -> Ban | None:
    """`ban` without the sanctions that have ended at `at`; None when none is left."""
    held = [entry for entry in ban.sanctions if entry.ends is None or entry.ends > at]
    return msgspec.structs.replace(ban, sanctions=held) if held else None


def change_in(record: Record) -> Change:
    """What a record of the topic says. Never raises for its content: `wrong` says what is the matter with it."""
    try:
        subject = (record.key or b"").decode()
        ban = decode_ban(record.value)
        if ban is not None:
            _check(subject, ban)
        return Change(subject, ban, "", record.partition, record.offset)
    except (UnicodeDecodeError, InvalidEventError) as error:
        place = f"{record.topic}, partition {record.partition}, offset {record.offset}"
        return Change("", None, one_line(f"{place} is no ban: {error}"), record.partition, record.offset)


def _check(subject: str, ban: Ban) -> None:
    """Raises InvalidEventError for what the engine never writes, and readers would stumble over."""
    if ban.subject != subject:
        raise InvalidEventError("key_mismatch", f"the key is {subject[:100]!r}, the subject {ban.subject[:100]!r}")
    for entry in ban.sanctions:
        if entry.starts.tzinfo is None or (entry.ends is not None and entry.ends.tzinfo is None):
            raise InvalidEventError("invalid", "a time without a zone")


def _apply(bans: dict[str, Ban], change: Change, wrong: list[str]) -> None:
    if change.wrong:
        wrong.append(change.wrong)
    elif change.ban is None:
        bans.pop(change.subject, None)
    else:
        bans[change.subject] = change.ban
