"""Event times that cannot be right."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.events import InvalidEventError
from streams.streamtime import StreamTime


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (timedelta(days=3653), "too_old"),
        (timedelta(days=31), "too_old"),
        (timedelta(days=29), ""),
        (timedelta(0), ""),
        (-timedelta(seconds=59), ""),
        (-timedelta(seconds=70), "future"),
        (-timedelta(days=36525), "future"),
    ],
)
def test_times_ahead_of_the_clock_or_long_ago_are_refused(age: timedelta, reason: str) -> None:
    span = StreamTime(ahead_s=60, late_days=30).span()
    try:
        span.check(datetime.now(UTC) - age)
        found = ""
    except InvalidEventError as error:
        found = error.reason
    assert found == reason
