"""The Redis of these tests."""

from __future__ import annotations

from tests.redis_server import redis_url as redis_url  # noqa: PLC0414 - a fixture
