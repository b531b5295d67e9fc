"""What consumers of the ban list show to Prometheus."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streams.bans.export.running import ExportState
from streams.bans.hooks.delivery import HookState
from streams.bans.state import FollowState


class Reading(NamedTuple):
    """One metric, read when Prometheus asks. `counts`: a counter, whose name ends in `_total` there."""

    name: str
    documentation: str
    value: Callable[[], float]
    counts: bool = False


def follow_readings(state: FollowState, size: Callable[[], int]) -> list[Reading]:
    """Those of anything that follows the ban list, `BanList.state` with `len` of the list among them."""
    return [
        Reading("warden_ban_list_subjects", "Subjects with a sanction, of those that are kept.", size),
        Reading(
            "warden_ban_list_staleness_seconds",
            "Seconds since everything on the topic was last known to be taken in.",
            lambda: state.staleness_s,
        ),
        Reading("warden_ban_list_undecodable", "Records that were left out.", lambda: state.undecodable, True),
        Reading("warden_ban_list_loads", "Complete loads of the topic.", lambda: state.loads, True),
    ]


def export_readings(state: ExportState) -> list[Reading]:
    """Those of an export."""
    return [
        *follow_readings(state.follow, lambda: state.subjects),
        Reading("warden_export_skipped", "Subjects that the target cannot express.", lambda: state.skipped),
        Reading("warden_export_writes", "Times that the target was changed.", lambda: state.writes, True),
        Reading(
            "warden_export_right_timestamp_seconds",
            "When the target was last made, or found, to say what is in force, in seconds since 1970.",
            lambda: state.right_at,
        ),
        Reading("warden_export_failures", "Attempts to write the target that failed.", lambda: state.failures, True),
    ]


def hook_readings(state: HookState) -> list[Reading]:
    """Those of a webhook."""
    return [
        Reading("warden_hook_waiting", "Changes that wait for delivery.", lambda: state.waiting),
        Reading("warden_hook_delivered", "Changes delivered.", lambda: state.delivered, True),
        Reading("warden_hook_failures", "Attempts to deliver that failed.", lambda: state.failures, True),
        Reading("warden_hook_dead", "Changes given up after the last attempt.", lambda: state.dead, True),
        Reading("warden_hook_undecodable", "Records that were left out.", lambda: state.undecodable, True),
    ]


class ConsumerMetrics(Collector):
    """The readings as Prometheus takes them."""

    def __init__(self, readings: list[Reading]) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        """Each as it is now."""
        for name, documentation, value, counts in self._readings:
            yield (CounterMetricFamily if counts else GaugeMetricFamily)(name, documentation, value=value())


def serve_metrics(readings: list[Reading], port: int, host: str = "127.0.0.1") -> int:
    """Serves `/metrics` on a thread of its own until the process ends; returns the port, for 0 a free one.

    Raises OSError when the port is taken.
    """
    registry = CollectorRegistry()
    registry.register(ConsumerMetrics(readings))
    server, _ = start_http_server(port, host, registry)
    return int(server.server_port)
