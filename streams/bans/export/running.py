"""Keeps a target up to date: follows the topic, publishes what changed, and what has ended, at a bounded rate."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from math import inf

from rules.decisions import Ban
from streams.bans.export.targets import ExportError, Published, Snapshot, Target
from streams.bans.following import follow
from streams.bans.records import Change, current_bans
from streams.bans.state import FollowState
from streams.settings import Settings

LONGEST_RETRY_S = 30.0
"""Between attempts at a target that cannot be written; doubled from `every_s`."""


class ExportState:
    """What an export has done, for metrics."""

    def __init__(self) -> None:
        self.follow = FollowState()
        self.subjects = 0
        """Subjects with a sanction, of those that the target wants, as of the last write."""
        self.skipped = 0
        """Subjects that the target cannot express, as of the last write."""
        self.writes = 0
        """Times that the target was changed."""
        self.failures = 0
        """Attempts to write that failed."""
        self.right_at = 0.0
        """When the target was last made, or found, to say what is in force; in seconds since 1970."""


async def export_once(settings: Settings, target: Target) -> tuple[Published, list[str]]:
    """Publishes the list as of now; with what is wrong with records. Raises TopicsError, ExportError."""
    bans, wrong = await current_bans(settings)
    wanted = {subject: ban for subject, ban in bans.items() if target.wants(subject)}
    snapshot = Snapshot(wanted, datetime.now(UTC), None, time.time())
    return await asyncio.to_thread(target.publish, snapshot), wrong


async def export_forever(
    settings: Settings,
    target: Target,
    state: ExportState,
    *,
    every_s: float = 1.0,
    tell: Callable[[str], None] = lambda _: None,
) -> None:
    """Publishes until cancelled, at most once in `every_s` seconds. `tell` is given troubles, a line each.

    Nothing is published before the list is loaded. A target that fails gets everything at the next attempt.
    """
    held = _Held(target, state.follow, tell)
    follower = asyncio.create_task(follow(settings, held))
    wait = every_s
    try:
        while True:
            await held.due(target.heartbeat_s)
            snapshot = held.taken()
            try:
                done = await asyncio.to_thread(target.publish, snapshot)
            except ExportError as error:
                held.again()
                state.failures += 1
                tell(str(error))
                wait = min(2 * wait, LONGEST_RETRY_S)
            else:
                wait = every_s
                state.writes += done.changed
                state.right_at = snapshot.at.timestamp()
                state.subjects, state.skipped = len(snapshot.bans), done.skipped
                if not target.ends_by_itself:
                    held.next_end = await asyncio.to_thread(next_end, snapshot.bans, snapshot.at)
            await asyncio.sleep(wait)
    finally:
        follower.cancel()
        with suppress(asyncio.CancelledError):
            await follower


def next_end(bans: Mapping[str, Ban], at: datetime) -> float:
    """When the next sanction ends after `at`, in seconds since 1970; `inf` when none does."""
    ends = (entry.ends for ban in bans.values() for entry in ban.sanctions)
    return min((end.timestamp() for end in ends if end is not None and end > at), default=inf)


class _Held:
    """The part of the ban list that a target wants, and what changed in it since it was last taken."""

    def __init__(self, target: Target, state: FollowState, tell: Callable[[str], None]) -> None:
        self._target, self._state, self._tell = target, state, tell
        self._bans: dict[str, Ban] = {}
        self._loading: dict[str, Ban] | None = None
        self._changed: set[str] | None = None
        self._dirty = asyncio.Event()
        self._complete = asyncio.Event()
        self.next_end = inf

    def begin(self) -> None:
        self._loading = {}

    def take(self, changes: Sequence[Change]) -> None:
        into = self._bans if self._loading is None else self._loading
        for change in changes:
            if change.wrong:
                self._state.undecodable += 1
                self._tell(change.wrong)
            elif self._target.wants(change.subject):
                if change.ban is None or not change.ban.sanctions:
                    into.pop(change.subject, None)
                else:
                    into[change.subject] = change.ban
                if self._loading is None:
                    if self._changed is not None:
                        self._changed.add(change.subject)
                    self._dirty.set()

    def loaded(self) -> None:
        if self._loading is not None:
            self._bans, self._loading = self._loading, None
        self._state.loaded()
        self.again()
        self._complete.set()

    def at_end(self, age_s: float) -> None:
        self._state.at_end(age_s)

    def lost(self, why: str) -> None:
        self._loading = None
        self._state.lost(why)
        self._tell(why)

    def again(self) -> None:
        """Everything counts as changed."""
        self._changed = None
        self._dirty.set()

    async def due(self, heartbeat_s: float | None) -> None:
        """Waits for the first load, and then for a change, an end, or the heartbeat."""
        await self._complete.wait()
        wait = min(self.next_end - time.time(), inf if heartbeat_s is None else heartbeat_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(None if wait == inf else max(wait, 0.0)):
                await self._dirty.wait()

    def taken(self) -> Snapshot:
        """What to publish now."""
        changed, self._changed = self._changed, set()
        self._dirty.clear()
        as_of = time.time() - self._state.staleness_s
        return Snapshot(dict(self._bans), datetime.now(UTC), changed, as_of)
