"""How much of the pack's quotas is used, by what the workers remember: the changelog of their table of subjects."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec

from rules.enforce import Enforcer
from rules.events import from_millis, millis
from rules.quotas import Usage, merge
from rules.subject_state import QUOTAS, is_other
from streams.compacted import opened, until_now
from streams.settings import Settings
from streams.stores import CurrentState

Tell = Callable[[int], None]
_TELL_EVERY = 5_000
"""Records between two calls of `tell`."""


class _Head(msgspec.Struct, array_like=True):
    """The first fields of an encoded `SubjectState`."""

    due: int = 0
    banned: bool = False
    time: int = 0


_HEAD = msgspec.msgpack.Decoder(_Head)


@dataclass(frozen=True, slots=True)
class QuotaUsage:
    """What was used at `at`, over all partitions; `newest` is the newest event time that the workers remember."""

    usages: list[Usage]
    at: datetime
    newest: datetime | None
    partitions: int


async def quota_usage(
    settings: Settings, enforcer: Enforcer, at: datetime | None = None, tell: Tell = lambda _read: None
) -> QuotaUsage:
    """What was used in the hour and the day of `at`, by default of the newest event. Raises TopicsError.

    `tell(read)`: how many records were read.
    """
    topic = f"{settings.app_id}-subjects-changelog"
    key = QUOTAS.encode()
    states: dict[int, CurrentState] = {}
    newest = 0
    hint = f"workers make it when they first start; WARDEN_APP_ID, now {settings.app_id}, says whose"
    async with opened(settings, topic, hint=hint) as reader:
        partitions = len(reader.assignment())
        read = 0
        async for record in until_now(reader):
            read += 1
            if read % _TELL_EVERY == 0:
                tell(read)
            state = states.setdefault(record.partition, CurrentState(kept=lambda each: each == key))
            if state.take(record) and record.value is not None and not is_other((record.key or b"").decode()):
                newest = max(newest, _HEAD.decode(record.value).time)
        tell(read)
    when = millis(at) if at is not None else newest
    usages = [enforcer.granted(state.values.get(key), when) for state in states.values()]
    usages = usages or [enforcer.granted(None, when)]
    return QuotaUsage(merge(usages), from_millis(when), from_millis(newest) if newest else None, partitions)
