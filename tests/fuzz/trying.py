"""One try of a target on some bytes, with a bound on the processor's time and on the memory it takes."""

from __future__ import annotations

import resource
import time

from tests.fuzz.targets import Target

MAX_SECONDS = 10.0
"""Of processor time: what is slow takes seconds on any machine, and this is far from what the corpus takes."""
MAX_GROWTH_MIB = 300
"""By which one input may raise the most memory that the process ever had."""


class SlowError(AssertionError):
    """The target held, and took too long or too much."""


def tried(target: Target, data: bytes) -> None:
    """Raises what the target raises, and SlowError."""
    before, began = _peak_mib(), time.process_time()
    target(data)
    seconds, grown = time.process_time() - began, _peak_mib() - before
    if seconds > MAX_SECONDS:
        raise SlowError(f"{seconds:.1f} s of processor time for {len(data):,} bytes")
    if grown > MAX_GROWTH_MIB:
        raise SlowError(f"{grown:.0f} MiB more memory for {len(data):,} bytes")


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
