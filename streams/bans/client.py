"""`BanList`: the ban list in memory of a gateway, kept up to date by a thread of its own.

A lookup is a dictionary access and a comparison with the clock; it never waits, locks or asks a broker. When brokers
are away the last known list goes on answering, sanctions end on time all the same, and `staleness_s` says how old the
list is. Before the first load is complete nothing is blocked: wait for `wait_ready`.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from rules.decisions import Action
from streams.bans.following import follow
from streams.bans.records import Change
from streams.bans.state import FollowState
from streams.bans.table import Table
from streams.settings import Settings, load_settings

_STOP_S = 10.0


class BanList:
    """The ban list, followed. Safe to use from any thread and any event loop.

    >>> with BanList() as bans:
    ...     bans.wait_ready(30)
    ...     bans.is_blocked("account:alice", "ban_account")
    """

    def __init__(self, settings: Settings | None = None, *, clock: Callable[[], float] = time.time) -> None:
        """`settings`: brokers and topic prefix; by default those of the environment, as the commands take them.
        `clock`: seconds since 1970. Raises SettingsError when the environment's settings are wrong."""
        self._settings = load_settings() if settings is None else settings
        self._clock = clock
        self._table = Table()
        self._ends = self._table.ends
        self._sink = _Filling(self)
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], None] | None = None
        self._running = threading.Event()
        self.state = FollowState()
        """How following goes: staleness, trouble, records that were left out."""

    def is_blocked(self, subject: str, action: Action) -> bool:
        """Whether `action` is in force for `subject` ("kind:key") now.

        A dictionary access; `python -m benchmarks.banlist` says how long it takes.
        Raises KeyError for an action that there is not, and for `warn`, which forbids nothing.
        """
        end = self._ends[action].get(subject)
        return end is not None and end > self._clock()  # most subjects are free, and need no clock

    def actions(self, subject: str) -> dict[Action, float]:
        """What is in force for `subject` now: action -> its end in seconds since 1970, `inf` for good."""
        now = self._clock()
        return {action: end for action, ends in self._ends.items() if (end := ends.get(subject, 0.0)) > now}

    def __len__(self) -> int:
        """Subjects on the list."""
        return len(self._table)

    @property
    def ready(self) -> bool:
        """Whether the list was loaded once; it stays True while brokers are away."""
        return self._ready.is_set()

    @property
    def staleness_s(self) -> float:
        """Seconds since the list was last known to hold everything on the topic; `inf` before the first load."""
        return self.state.staleness_s

    def wait_ready(self, timeout_s: float | None = None) -> bool:
        """Waits for the first load; False when it is not there after `timeout_s` seconds. Blocks the thread."""
        return self._ready.wait(timeout_s)

    async def wait_ready_async(self, timeout_s: float | None = None) -> bool:
        """The same without blocking the event loop."""
        return await asyncio.to_thread(self._ready.wait, timeout_s)

    def start_in_thread(self) -> "BanList":
        """Starts to load and follow, and returns at once. Raises RuntimeError when it was started before."""
        if self._thread is not None:
            raise RuntimeError("this BanList was started before; make another one")
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="warden-bans", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Ends the thread, within 10 s; lookups go on with what was known. Does nothing when it is not running."""
        thread = self._thread
        if thread is None or not thread.is_alive():
            return
        self._running.wait(_STOP_S)
        if self._stop is not None:
            self._stop()
        thread.join(_STOP_S)

    def __enter__(self) -> "BanList":
        return self.start_in_thread()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> "BanList":
        return self.start_in_thread()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.close)

    async def _run(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(follow(self._settings, self._sink))

        def stop() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(task.cancel)

        self._stop = stop
        self._running.set()
        await asyncio.wait([task])

    def _use(self, table: Table) -> None:
        self._table, self._ends = table, table.ends
        self.state.loaded()
        self._ready.set()


class _Filling:
    """Fills a table while it loads, and gives it to the list when it is complete."""

    def __init__(self, bans: BanList) -> None:
        self._bans = bans
        self._table = Table()

    def begin(self) -> None:
        self._table = Table()

    def take(self, changes: Sequence[Change]) -> None:
        put = self._table.put
        for change in changes:
            if change.wrong:
                self._bans.state.undecodable += 1
            else:
                put(change.subject, change.ban)

    def loaded(self) -> None:
        self._bans._use(self._table)

    def at_end(self, age_s: float) -> None:
        self._bans.state.at_end(age_s)

    def lost(self, why: str) -> None:
        self._bans.state.lost(why)
