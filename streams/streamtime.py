"""Stream time: the newest event time seen, never ahead of the wall clock.

Sanctions expire on it and not on the wall clock alone, so that replaying an old log does not lift what
held at the time, and one event from the future does not lift what holds now.
"""

import time


class StreamTime:
    """The stream time of one worker."""

    def __init__(self) -> None:
        self._newest = 0

    def observe(self, millis: int) -> None:
        """An event of this time, in ms, was seen."""
        self._newest = max(self._newest, millis)

    def now(self) -> int:
        """Stream time in ms; 0 before the first event."""
        return min(self._newest, int(time.time() * 1000))
