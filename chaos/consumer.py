"""A consumer of the ban list that follows it through the whole run, brokers' failures included, as a gateway would."""

from __future__ import annotations

import asyncio
import time

from chaos.compare import Differences
from chaos.oracle import Truth
from rules.decisions import Ban
from rules.events import from_millis
from streams.bans import BanList
from streams.bans.table import ends_of
from streams.settings import Settings

_CURRENT_S = 60.0
_FRESH_S = 2.0


class Gateway:
    """A `BanList` whose clock stands at the beginning of time until the end of the run is known."""

    def __init__(self, settings: Settings) -> None:
        self._now = 0.0
        self.bans = BanList(settings, clock=lambda: self._now)

    async def compare(self, expected: Truth, found: Differences) -> None:
        """Adds where the list that was followed differs from the engine's, as of the newest event."""
        if not await self._is_current():
            state = self.bans.state
            found.lost.append(
                f"the ban list's consumer did not catch up within {_CURRENT_S:.0f} s: "
                f"{state.loads} loads, {state.staleness_s:.0f} s behind, {state.trouble or 'no trouble told'}"
            )
            return
        self._now = expected.newest / 1000
        subjects = {*expected.engine.subjects, *expected.engine.bans}
        for subject in sorted(subjects):
            entries = expected.engine.in_force(subject, expected.newest)
            wanted = ends_of(Ban(subject=subject, sanctions=entries, time=from_millis(expected.newest)))
            held = self.bans.actions(subject)
            found.compared["bans of a consumer"] += bool(wanted)
            if held != wanted:
                found.diverged.append(f"a consumer of the ban list holds {held} for {subject}, not {wanted}")

    async def _is_current(self) -> bool:
        """Waits until the list is known to hold everything that was on the topic when this was called."""
        asked = time.monotonic()
        while self.bans.staleness_s > min(_FRESH_S, time.monotonic() - asked):
            if time.monotonic() - asked > _CURRENT_S:
                return False
            await asyncio.sleep(0.2)
        return True
