"""A plain confluent-kafka loop: consume a batch, judge it, produce, flush, store the offsets.

Written as librdkafka's own advice for at-least-once: offsets are stored by hand once the batch's records are
acknowledged, and committed in the background. States are in dictionaries and in changelog topics as a worker's.

Not guaranteed: nothing reads the changelogs back, so state is gone after a restart or a rebalance; a worker that lost a
partition may still write (no fencing); the order between topics is any.
"""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from benchmarks.cluster import STATES, changelog
from benchmarks.contenders.stages import READ_SECONDS, Record, Stages, keep
from streams.collector import spare_the_collector
from streams.plans import Plan
from streams.settings import Settings, load_settings


def main() -> None:
    """Runs until it is stopped."""
    settings = load_settings()
    states: dict[str, dict[bytes, bytes]] = {name: {} for name in STATES}
    stages = Stages(settings, states)
    consumer = Consumer(
        {
            "bootstrap.servers": settings.bootstrap,
            "group.id": settings.app_id,
            "auto.offset.reset": "earliest",
            "enable.auto.offset.store": False,
            "auto.commit.interval.ms": int(settings.commit_interval_s * 1000),
            "fetch.message.max.bytes": settings.max_fetch_bytes,
        }
    )
    output = _Output(settings)
    consumer.subscribe(stages.topics)
    spare_the_collector()
    while True:
        messages = consumer.consume(settings.max_batch_records, READ_SECONDS)
        if not messages:
            continue
        for plan in stages.plans([_record(message) for message in messages]):
            output.send(plan)
            keep(states, plan.writes)
        output.flush()
        ends = {(message.topic(), message.partition()): message.offset() + 1 for message in messages}
        consumer.store_offsets(offsets=[TopicPartition(topic, part, end) for (topic, part), end in ends.items()])


def _record(message: Message) -> Record:
    error = message.error()
    if error is not None:
        raise KafkaException(error)
    return Record(
        message.topic(),
        message.partition(),
        message.offset(),
        message.key(),
        message.value(),
        message.headers() or (),
        message.timestamp()[1],
    )


class _Output:
    """A producer that says when everything is acknowledged."""

    def __init__(self, settings: Settings) -> None:
        self._changelogs = {table: changelog(settings, table) for table in STATES}
        self._failed: KafkaError | None = None
        self._producer = Producer(
            {
                "bootstrap.servers": settings.bootstrap,
                "acks": "all",
                "compression.type": settings.compression,
                "partitioner": "murmur2_random",
                "queue.buffering.max.messages": 1_000_000,
            }
        )

    def send(self, plan: Plan) -> None:
        """Queues what a plan says."""
        produce = self._producer.produce
        for topic, key, value, headers, _, timestamp in plan.sends:
            produce(topic, value, key, headers=list(headers), timestamp=timestamp or 0, on_delivery=self._delivered)
        for table, key, value in plan.writes:
            produce(self._changelogs[table], value, key, on_delivery=self._delivered)

    def flush(self) -> None:
        """Waits for every acknowledgement."""
        self._producer.flush()
        if self._failed is not None:
            raise KafkaException(self._failed)

    def _delivered(self, error: Any, _: Message) -> None:
        if error is not None:
            self._failed = error


if __name__ == "__main__":
    main()
