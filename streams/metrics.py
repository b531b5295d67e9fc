"""What a worker counts, for Prometheus: once a batch, never once an event.

Labels are bounded: topics, clauses, rules, modes, actions, reasons, lexicons and partitions come from settings and
packs, never from what people write.
"""

import time
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from operator import attrgetter
from typing import get_args

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from rules.decisions import Action, ReviewReason, ReviewStatus, Violation
from rules.events import Refusal
from rules.packs import Pack
from streams.busiest import Busiest
from streams.live_metrics import Live, Sources, TopicPartition
from streams.records import Extent

STAGES = ("screen", "crowds", "enforce")
"""The values of the label `stage`."""

_KIND_OF_VIOLATION = attrgetter("clause", "rule", "mode")
_SUBJECT = attrgetter("subject")
_BATCH_EVENTS = (1, 4, 16, 64, 256, 1024, 4096, 16384)
_BATCH_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_LATENCY_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class LatencyHistogram(Collector):
    """A histogram that takes a whole batch of values at once."""

    def __init__(self, name: str, documentation: str, label: str, buckets: Sequence[float]) -> None:
        self._name, self._documentation, self._label = name, documentation, label
        self._edges = np.array(buckets)
        self._counts: dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
        self._sums: Tally[str] = Tally()

    def observe(self, label: str, values: NDArray[np.float64]) -> None:
        """Adds `values`, in seconds."""
        seconds = np.maximum(values, 0.0)
        counts = self._counts.setdefault(label, np.zeros(self._edges.size + 1, np.int64))
        counts += np.bincount(np.searchsorted(self._edges, seconds), minlength=counts.size)
        self._sums[label] += float(seconds.sum())  # type: ignore[assignment]

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The histogram as Prometheus reads it."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=[self._label])
        for label, counts in self._counts.items():
            totals = np.cumsum(counts).tolist()
            bounds = [*(str(edge) for edge in self._edges.tolist()), "+Inf"]
            family.add_metric([label], list(zip(bounds, totals, strict=True)), float(self._sums[label]))
        yield family


CHANGED = "changed"
"""The status, in metrics, of a review that is open and was before."""


class Metrics:
    """A worker's metrics, in a registry of their own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # twice the lines, and judging waits for a scrape
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._events = Counter("warden_events", "Events judged.", ["topic"], registry=self.registry)
        self._violations = Counter(
            "warden_violations", "Violations found.", ["clause", "rule", "mode"], registry=self.registry
        )
        self._busiest = Busiest()
        self.registry.register(self._busiest)
        self._sightings = Counter(
            "warden_sightings", "Events that wait for others to be violations.", ["rule"], registry=self.registry
        )
        self._released = Counter(
            "warden_crowds_released", "Crowds and rings found, for each key.", ["rule"], registry=self.registry
        )
        self._not_held = Counter(
            "warden_sightings_not_held",
            "Sightings that were counted and, over a limit, not held for a later charge.",
            ["rule"],
            registry=self.registry,
        )
        self._enforcements = Counter(
            "warden_enforcements", "Enforcement events published.", ["action"], registry=self.registry
        )
        self._rungs = Counter(
            "warden_enforcement_rungs",
            "Enforcement events published, by how far up its ladder the subject has climbed.",
            ["ladder", "rung"],
            registry=self.registry,
        )
        self._reviews = Counter(
            "warden_reviews",
            "Reviews opened (open), told again while they wait (changed), and ended.",
            ["reason", "status"],
            registry=self.registry,
        )
        self._lifts = Counter("warden_lifts", "Sanctions lifted before their time.", ["action"], registry=self.registry)
        self._overturned = Counter(
            "warden_overturned", "Violations taken back by appeals.", ["rule"], registry=self.registry
        )
        self._repeated = Counter(
            "warden_repeated",
            "Reports and moderators' decisions that were known, and changed nothing.",
            ["type"],
            registry=self.registry,
        )
        self._dead_letters = Counter(
            "warden_dead_letters", "Records that could not be taken.", ["reason"], registry=self.registry
        )
        self._words = Gauge(
            "warden_operator_words",
            "Words of an operator's lexicon that this worker judges with.",
            ["lexicon"],
            registry=self.registry,
        )
        self._words_offset = Gauge(
            "warden_operator_words_offset",
            "Offset of operator_words up to which changes are in force in this worker.",
            ["partition"],
            registry=self.registry,
        )
        self._words_changed = Gauge(
            "warden_operator_words_changed_timestamp_seconds",
            "When the newest change of operator_words that is in force was written, in seconds since 1970.",
            registry=self.registry,
        )
        self._halted = Gauge(
            "warden_halted",
            "1 while a control has all automatic enforcement in shadow in this worker.",
            registry=self.registry,
        )
        self._rules_halted = Gauge(
            "warden_rule_halted",
            "1 for each rule of the pack that a control has in shadow in this worker.",
            ["rule"],
            registry=self.registry,
        )
        self._controls_offset = Gauge(
            "warden_controls_offset",
            "Offset of controls up to which records are in force in this worker.",
            registry=self.registry,
        )
        self._held_back = Counter(
            "warden_violations_held_back",
            "Violations of enforcing rules that a control turned to shadow.",
            ["stage"],
            registry=self.registry,
        )
        self._trips = Counter(
            "warden_rule_trips",
            "Rules whose hit rate left its usual band, by this worker's counts.",
            ["rule"],
            registry=self.registry,
        )
        self._batch_bytes = Counter(
            "warden_batch_bytes", "Bytes of the records judged.", ["stage"], registry=self.registry
        )
        self._batch_events = Histogram(
            "warden_batch_events", "Records in a batch.", ["stage"], buckets=_BATCH_EVENTS, registry=self.registry
        )
        self._batch_seconds = Histogram(
            "warden_batch_seconds",
            "Seconds to judge a batch, without waiting for brokers.",
            ["stage"],
            buckets=_BATCH_SECONDS,
            registry=self.registry,
        )
        self._latency = LatencyHistogram(
            "warden_latency_seconds",
            "Seconds from an event's record to the end of judging it, by stage.",
            "stage",
            _LATENCY_SECONDS,
        )
        self.registry.register(self._latency)
        self._partitions = Gauge(
            "warden_partitions", "Partitions of every input topic, over all workers.", registry=self.registry
        )
        self.ready = Gauge("warden_ready", "1 when this worker's partitions are recovered.", registry=self.registry)

    def watch(self, sources: Sources, *others: Collector, partitions: int) -> None:
        """Adds what is read live. `partitions`: of every topic, over all workers."""
        self._partitions.set(partitions)
        for collector in (Live(sources), *others):
            self.registry.register(collector)

    def expect(self, pack: Pack) -> None:
        """Shows with 0 what a pack can lead to, so that the first of a kind is seen to be one more."""
        for rule in pack.rules.values():
            self._violations.labels(rule.clause, rule.name, rule.mode)
            self._overturned.labels(rule.name)
            if rule.mode == "enforce":
                self._trips.labels(rule.name)
            if rule.crowd is not None:
                for counter in (self._sightings, self._released, self._not_held):
                    counter.labels(rule.name)
        for kind in ("report", "appeal", "review_decision", "order"):
            self._repeated.labels(kind)
        for action in get_args(Action):
            self._enforcements.labels(action)
            self._lifts.labels(action)
        for reason, status in product(get_args(ReviewReason), (*get_args(ReviewStatus), CHANGED)):
            self._reviews.labels(reason, status)
        for refusal in get_args(Refusal):
            self._dead_letters.labels(refusal)
        for stage in STAGES:
            self._held_back.labels(stage)

    def batch(self, stage: str, records: Extent, seconds: float) -> None:
        """One batch of a stage: what its records amount to, and the seconds it took to judge them."""
        for topic, number in records.by_topic.items():
            self._events.labels(topic).inc(number)
        self._batch_bytes.labels(stage).inc(records.size)
        self._batch_events.labels(stage).observe(len(records.timestamps))
        self._batch_seconds.labels(stage).observe(seconds)
        self._latency.observe(stage, time.time() - records.timestamps / 1000)

    def violations(self, found: Sequence[Violation]) -> None:
        """What a batch was found to violate."""
        for labels, number in Tally(map(_KIND_OF_VIOLATION, found)).items():
            self._violations.labels(*labels).inc(number)
        self._busiest.count(map(_SUBJECT, found))

    def sightings(self, by_rule: Mapping[str, int]) -> None:
        """Sightings by rule."""
        for rule, number in by_rule.items():
            self._sightings.labels(rule).inc(number)

    def crowds(self, released: Mapping[str, int], lost: Mapping[str, int]) -> None:
        """By rule: keys' buckets found to be violations, and events that could not be held."""
        for rule, number in released.items():
            self._released.labels(rule).inc(number)
        for rule, number in lost.items():
            self._not_held.labels(rule).inc(number)

    def enforcements(self, found: Iterable[tuple[str, str, int]]) -> None:
        """One enforcement event for each action, ladder and rung."""
        for action, ladder, rung in found:
            self._enforcements.labels(action).inc()
            self._rungs.labels(ladder, rung).inc()

    def reviews(self, found: Iterable[tuple[str, str]], told_again: Mapping[ReviewReason, int]) -> None:
        """One record of a review for each reason and status. `told_again`: how many of the open ones were open before;
        they count as changed."""
        for (reason, status), number in Tally(found).items():
            again = told_again.get(reason, 0) if status == "open" else 0  # type: ignore[call-overload]
            self._reviews.labels(reason, status).inc(number - again)
            if again:
                self._reviews.labels(reason, CHANGED).inc(again)

    def lifts(self, actions: Iterable[str]) -> None:
        """One lifted sanction for each action."""
        for action in actions:
            self._lifts.labels(action).inc()

    def repeated(self, types: Mapping[str, int]) -> None:
        """Reports and moderators' decisions that came again, by type of event."""
        for kind, number in types.items():
            self._repeated.labels(kind).inc(number)

    def overturned(self, rules: Mapping[str, int]) -> None:
        """Violations taken back, by rule; a subject remembers rules by the names of its pack, so they are bounded."""
        for rule, number in rules.items():
            self._overturned.labels(rule).inc(number)

    def operator_words(self, sizes: Mapping[str, int], positions: Mapping[TopicPartition, int], changed: int) -> None:
        """The operator's words that are in force: how many by lexicon, of files and topic together, and how far the
        topic is taken in. `positions`: offsets after the last record; `changed`: when the newest was written, in ms.
        """
        for lexicon, size in sizes.items():
            self._words.labels(lexicon).set(size)
        for (_, partition), position in positions.items():
            self._words_offset.labels(partition).set(position)
        self._words_changed.set(changed / 1000)

    def controls(self, halted: bool, rules: Iterable[str], offset: int) -> None:
        """The controls that are in force: everything in shadow or not, the pack's rules that are, and how far the topic
        is taken in (the offset after the last record)."""
        self._rules_halted.clear()
        for rule in rules:
            self._rules_halted.labels(rule).set(1)
        self._halted.set(halted)
        self._controls_offset.set(offset)

    def held_back(self, stage: str, number: int) -> None:
        """So many violations turned to shadow by a control."""
        self._held_back.labels(stage).inc(number)

    def tripped(self, rule: str) -> None:
        """One rule that left its band."""
        self._trips.labels(rule).inc()

    def dead_letter(self, reason: str) -> None:
        """One dead letter."""
        self._dead_letters.labels(reason).inc()

    def exposition(self) -> bytes:
        """The text that Prometheus scrapes."""
        return generate_latest(self.registry)
