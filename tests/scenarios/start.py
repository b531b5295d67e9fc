"""When scenarios begin."""

from __future__ import annotations

from datetime import UTC, datetime

from rules.events import millis

START = millis(datetime(2024, 1, 1, tzinfo=UTC))
"""When every scenario begins, in ms: long past, so that workers take its times for what they are."""
