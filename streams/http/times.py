"""Times as the API tells them: ISO 8601 in UTC."""

import time
from datetime import UTC, datetime

from rules.events import from_millis, millis


def told(millis: int) -> datetime:
    """A time in ms since 1970."""
    return from_millis(millis)


def since_ms(time: datetime | None) -> int:
    """A time that was given, in ms since 1970; 0 for none."""
    return 0 if time is None else millis(time)


def now_ms() -> int:
    """Now, in ms since 1970."""
    return int(time.time() * 1000)


def now() -> datetime:
    """Now."""
    return datetime.now(UTC)
