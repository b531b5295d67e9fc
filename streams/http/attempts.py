"""Failed logins, counted by address: who guesses is sent away before a guess is looked at."""

import time
from collections import OrderedDict
from collections.abc import Callable

MOST = 10
"""Failed logins of an address in a span; a person mistypes a few times, a program that guesses does not stop."""
SPAN_S = 60.0
ADDRESSES = 10_000
"""Addresses that are remembered; beyond, the one that failed longest ago is forgotten."""


class Attempts:
    """The failed logins of the last minute or so. Addresses are kept in memory, in bounds, and shown nowhere."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait_s(self, address: str) -> int:
        """How long an address has to wait for its next attempt, in whole seconds; 0 when it may try now."""
        start, failed = self._failed.get(address, (0.0, 0))
        left = start + SPAN_S - self._clock()
        return int(left) + 1 if failed >= MOST and left > 0 else 0

    def failed(self, address: str) -> None:
        """A login from an address failed."""
        now = self._clock()
        start, failed = self._failed.pop(address, (now, 0))
        self._failed[address] = (now, 1) if now - start >= SPAN_S else (start, failed + 1)
        while len(self._failed) > ADDRESSES:
            self._failed.popitem(last=False)
