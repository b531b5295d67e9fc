"""When a recovery is over: once every changelog has been read to its end, and never because the one before it was.

Faust signals the end of a recovery by an event that it clears every five seconds. A rebalance that comes sooner begins
another recovery, which finds the event still set - or set again meanwhile, because what was assigned before is
complete - and is over at once. The worker would then judge with a part of the state, and write under a stamp that
fences off at the next recovery all that it had not read.
"""

import asyncio
from typing import Literal

from faust.tables.recovery import Recovery


class RecoveryEnd(asyncio.Event):
    """Faust's event, for whoever waits for it: what was signalled before counts for nothing, and no signal counts while
    anything is left to read. Who reads signals again and again while a recovery is on."""

    def __init__(self, recovery: Recovery) -> None:
        super().__init__()
        self._recovery = recovery

    async def wait(self) -> Literal[True]:
        """Returns once nothing is left to read."""
        self.clear()
        while self._recovery.need_recovery():
            await super().wait()
            self.clear()
        return True
