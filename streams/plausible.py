"""Which event times are taken: none from the future but for clocks that differ, and none that no memory reaches.

One event dated ahead would forget a subject's whole history and end what holds now; one from ten years ago is a broken
clock or a forgery. Both become dead letters, which can be fed again. The offline engine, which has no clock, takes all.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from rules.events import InvalidEventError

AHEAD_S = 3600.0
"""Clocks of phones are set by hand; an hour is a wrong summer time."""
LATE_DAYS = 1830
"""Five years: far beyond what any ladder remembers, and near enough for a log that is fed again."""


class Span(NamedTuple):
    """The event times that are taken as of now."""

    oldest: datetime
    newest: datetime

    def check(self, time: datetime) -> None:
        """Raises InvalidEventError, `too_old` or `future`."""
        if time > self.newest:
            raise InvalidEventError("future", f"{time.isoformat()} is ahead of the clock, by more than may be")
        if time < self.oldest:
            raise InvalidEventError("too_old", f"{time.isoformat()} is longer ago than events may be")


def span(ahead_s: float, late_days: int) -> Span:
    """What is taken as of now, by the clock of this machine."""
    now = datetime.now(UTC)
    return Span(now - timedelta(days=late_days), now + timedelta(seconds=ahead_s))
