"""Python's garbage collector, kept from walking a compiled pack again and again, and how long it stops a worker.

Batches are freed by reference counting; only cycles need the collector, and they are rare here. With Python's own
thresholds it took a third of a worker's time.
"""

import contextlib
import ctypes
import gc
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

_PAUSE_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
_GENERATIONS = 3


def spare_the_collector() -> None:
    """Leaves out of every collection what there is now, and collects less often. Called once a pack is compiled."""
    gc.collect()
    _give_back()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _give_back() -> None:
    """Gives the memory that compiling took back to the system, where the C library is one that keeps it (glibc)."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)


class Pauses(Collector):
    """Seconds in which a collection stopped everything, by generation.

    No histogram of the client library: a collection may begin while its lock is held, and would wait for it for ever.
    """

    def __init__(self) -> None:
        self._began = 0.0
        self._counts = [[0] * (len(_PAUSE_SECONDS) + 1) for _ in range(_GENERATIONS)]
        self._sums = [0.0] * _GENERATIONS

    def watch(self) -> None:
        """Times every collection of this process from now on."""
        gc.callbacks.append(self.took)

    def took(self, phase: str, info: Mapping[str, int]) -> None:
        """A collection starts or stops: a callback as `gc.callbacks` has them."""
        if phase == "start":
            self._began = time.perf_counter()
            return
        seconds, generation = time.perf_counter() - self._began, info["generation"]
        self._counts[generation][bisect_left(_PAUSE_SECONDS, seconds)] += 1
        self._sums[generation] += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The histogram as Prometheus reads it."""
        family = HistogramMetricFamily(
            "warden_gc_pause_seconds", "Seconds in which Python's collector stopped this worker.", labels=["generation"]
        )
        bounds = [*map(str, _PAUSE_SECONDS), "+Inf"]
        for generation, (counts, seconds) in enumerate(zip(self._counts, self._sums, strict=True)):
            family.add_metric([str(generation)], list(zip(bounds, accumulate(counts), strict=True)), seconds)
        yield family
