"""Times as the API tells them: ISO 8601 in UTC."""

import time
from datetime import UTC, datetime

from rules.events import from_millis


def told(millis: int) -> datetime:
    """A time in ms since 1970."""
    return from_millis(millis)


def now_ms() -> int:
    """Now, in ms since 1970."""
    return int(time.time() * 1000)


def now() -> datetime:
    """Now."""
    return datetime.now(UTC)
