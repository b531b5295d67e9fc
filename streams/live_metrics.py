"""What Prometheus reads from a worker as it is when it asks; nothing of it is counted while batches are judged.

Labels are bounded: topics, partitions, rules, quotas and kinds of subjects and events.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from rules.hit_rates import HitCounts
from streams.vitals import Recovering, Vitals

TopicPartition = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where a worker's live values come from."""

    lag: Callable[[], Mapping[TopicPartition, int]]
    """Records between what is done and the end."""
    subjects: Callable[[], Mapping[str, int]]
    """Subjects with a record, by kind."""
    banned: Callable[[], Mapping[str, int]]
    """Subjects with a sanction in force, by kind."""
    quotas: Callable[[], Mapping[str, float]]
    """The share of each quota that is used, 0 to 1 (a quota shrunk below what was granted: more)."""
    rates: Callable[[], Mapping[tuple[str, str], HitCounts]]
    """Hits and events, now and usually, by rule and type of event."""
    vitals: Vitals
    recovering: Callable[[], Recovering]


class Live(Collector):
    """The families of all sources."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterator[Metric]:
        """Each as it is now."""
        yield from self._flow()
        yield from self._policy()
        yield from self._transport()

    def _flow(self) -> Iterator[Metric]:
        sources = self._sources
        lag = GaugeMetricFamily(
            "warden_consumer_lag", "Records between what is done and the end.", labels=["topic", "partition"]
        )
        for (topic, partition), behind in sources.lag().items():
            lag.add_metric([topic, str(partition)], behind)
        yield lag
        yield _gauge("warden_subjects", "Subjects with a record in this worker.", "kind", sources.subjects())
        yield _gauge("warden_bans", "Subjects in this worker with a sanction in force.", "kind", sources.banned())

    def _policy(self) -> Iterator[Metric]:
        yield _gauge(
            "warden_quota_used_ratio",
            "How much is used of the fullest of this worker's shares of a quota, in its hour or day of event time.",
            "quota",
            self._sources.quotas(),
        )
        now = GaugeMetricFamily(
            "warden_rule_hit_rate",
            "Hits of an event, in the window of event time that is open in this worker.",
            labels=["rule", "type"],
        )
        usual = GaugeMetricFamily(
            "warden_rule_usual_hit_rate",
            "Hits of an event over the closed windows, which fade.",
            labels=["rule", "type"],
        )
        for labels, found in self._sources.rates().items():
            if found.events:
                now.add_metric(labels, found.hits / found.events)
            if found.past_events:
                usual.add_metric(labels, found.past_hits / found.past_events)
        yield now
        yield usual

    def _transport(self) -> Iterator[Metric]:
        vitals, recovering = self._sources.vitals, self._sources.recovering()
        waits = SummaryMetricFamily(
            "warden_broker_wait_seconds",
            "Seconds that plans and commits waited for the brokers to acknowledge them.",
            labels=["step"],
        )
        for step, waited in vitals.waits.items():
            waits.add_metric([step], waited.times, waited.seconds)
        yield waits
        yield CounterMetricFamily("warden_commits_failed", "Commits that moved nothing.", value=vitals.commits_failed)
        yield CounterMetricFamily(
            "warden_rebalances", "Assignments of partitions to this worker.", value=vitals.rebalances
        )
        yield GaugeMetricFamily(
            "warden_recovery_partitions",
            "Partitions of tables whose changelog is not read to its end.",
            value=recovering.partitions,
        )
        yield GaugeMetricFamily(
            "warden_recovery_records_left", "Records of changelogs left to read.", value=recovering.records
        )


def _gauge(name: str, documentation: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=[label])
    for of, value in values.items():
        family.add_metric([of], value)
    return family
