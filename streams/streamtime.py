"""Stream time: the newest event time seen, never ahead of the wall clock.

Sanctions expire on it and not on the wall clock alone, so that replaying an old log does not lift what
held at the time, and one event from the future does not lift what holds now.
"""

import time

from streams.plausible import AHEAD_S, LATE_DAYS, Span, span


class StreamTime:
    """The stream time of one worker, and the event times that it takes."""

    def __init__(self, ahead_s: float = AHEAD_S, late_days: int = LATE_DAYS) -> None:
        """`ahead_s`: how many seconds a sender's clock may be ahead. `late_days`: the age of the oldest event taken."""
        self._newest = 0
        self._ahead_s, self._late_days = ahead_s, late_days

    def span(self) -> Span:
        """The event times that are taken as of now."""
        return span(self._ahead_s, self._late_days)

    def observe(self, millis: int) -> None:
        """An event of this time, in ms, was seen."""
        self._newest = max(self._newest, millis)

    def now(self) -> int:
        """Stream time in ms; 0 before the first event."""
        return min(self._newest, int(time.time() * 1000))
