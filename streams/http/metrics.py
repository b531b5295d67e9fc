"""What `warden serve` counts, for Prometheus. Labels are routes, statuses, event types and words for why something was
refused: they come from the program, never from what is sent."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from rules.events import EventType
from streams.journal.following import Progress

NO_RIGHT = "no_right"
"""The code of what this process has no right to at Kafka."""
_LATENESS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class ServeMetrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # half of the lines, and of no use here
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "warden_http_requests", "Requests answered.", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "warden_http_request_seconds",
            "From a request's headers to its answer; streams are not among them.",
            ["method", "route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._refused = Counter(
            "warden_http_events_refused", "Posted events that were wrong.", ["reason"], registry=self.registry
        )
        self.streams = Gauge("warden_http_streams", "Streams that are open.", registry=self.registry)
        self.turned_away = Counter(
            "warden_http_connections_turned_away", "Connections beyond the limit.", registry=self.registry
        )
        self.failed_logins = Counter("warden_http_failed_logins", "Tokens that were wrong.", registry=self.registry)
        self._problems = Counter(
            "warden_http_problems", "Requests that were refused, by the code of the answer.", ["code"],
            registry=self.registry,
        )  # fmt: skip
        self._problems.labels(NO_RIGHT)  # an alert looks for its first increase
        self.cut_off = Counter(
            "warden_feed_cut_off", "Readers of the feed that did not keep up.", registry=self.registry
        )
        self.lateness = Histogram(
            "warden_feed_lateness_seconds",
            "From a decision's record to its way to the readers of the feed, of the oldest of each batch.",
            buckets=_LATENESS,
            registry=self.registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float | None) -> None:
        """A request was answered; `route`: its path with variables in braces. `seconds` None for a stream."""
        self._requests.labels(method, route, str(status)).inc()
        if seconds is not None:
            self._seconds.labels(method, route).observe(seconds)

    def problem(self, code: str) -> None:
        """A request was refused; `code`: of the problem, one of a few words."""
        self._problems.labels(code).inc()

    def refused(self, reason: str) -> None:
        """A posted event was wrong; `reason` is one of a few words."""
        self._refused.labels(reason).inc()

    def watch_sessions(self, count: Callable[[], int]) -> None:
        """Shows how many sessions are open."""
        self.registry.register(_Read(lambda: [_gauge("warden_http_sessions", "Sessions that are open.", count())]))

    def watch_connections(self, count: Callable[[], int]) -> None:
        """Shows how many connections are open."""
        self.registry.register(
            _Read(lambda: [_gauge("warden_http_connections", "Connections that are open.", count())])
        )

    def watch_journal(self, progress: Callable[[], Progress]) -> None:
        """Shows how far the journal is; how far it is behind only where somebody knows."""

        def read() -> list[Metric]:
            now = progress()
            found = [
                _gauge("warden_journal_stopped", "1 while the journal does not go on.", float(bool(now.problem))),
                _gauge("warden_journal_complete", "1 once all that was there at the start is read.", now.complete),
                _gauge("warden_journal_records", "Records that the journal keeps.", now.records),
                _gauge("warden_journal_bytes", "What the journal's file holds, in bytes.", now.bytes),
                CounterMetricFamily("warden_journal_taken", "Records that were read.", value=now.taken),
                CounterMetricFamily(
                    "warden_journal_unreadable", "Records that are not what their topic holds.", value=now.unreadable
                ),
            ]
            if now.behind_s is not None:
                age = "Age of the newest record that the journal has not read, in seconds; 0 for none."
                found.append(_gauge("warden_journal_behind_seconds", age, now.behind_s))
            return found

        self.registry.register(_Read(read))

    def watch_door(
        self, held: Callable[[], int], written: Callable[[], Mapping[EventType, int]], repeated: Callable[[], int]
    ) -> None:
        """Shows what the door for events does: bytes that it holds, events written by type, and repeats."""

        def read() -> list[Metric]:
            events = CounterMetricFamily("warden_http_events", "Posted events that were written.", labels=["type"])
            for kind, number in written().items():
                events.add_metric([kind], number)
            again = CounterMetricFamily(
                "warden_http_events_repeated", "Posted events that had just been written.", value=repeated()
            )
            return [events, again, _gauge("warden_http_bytes_held", "Bytes read and not yet acknowledged.", held())]

        self.registry.register(_Read(read))

    def exposition(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)


class _Read(Collector):
    """What is read when Prometheus asks."""

    def __init__(self, read: Callable[[], list[Metric]]) -> None:
        self._read = read

    def collect(self) -> Iterator[Metric]:
        yield from self._read()


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(name, documentation, value=value)
