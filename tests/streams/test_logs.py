"""Logging of a worker."""

from __future__ import annotations

import logging

from streams.logs import Damper


def a_record(name: str, message: str, *arguments: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.ERROR, "file.py", 1, message, arguments, None)


def test_a_clients_repeated_message_is_shown_now_and_then_and_counted() -> None:
    now = 100.0
    damper = Damper(lambda: now)
    message = ("aiokafka", "Unable connect to node with id %s: %s", 1, "refused")
    assert damper.filter(a_record(*message))
    assert not any(damper.filter(a_record(*message)) for _ in range(5))
    assert damper.filter(a_record("aiokafka", "Unable to update metadata from %s", [1]))
    now += Damper.QUIET_S
    shown = a_record(*message)
    assert damper.filter(shown)
    assert shown.getMessage() == "Unable connect to node with id 1: refused (5 more like it)"


def test_what_the_worker_says_itself_is_always_shown() -> None:
    damper = Damper(lambda: 100.0)
    assert all(damper.filter(a_record("streams.batches", "it failed")) for _ in range(5))
