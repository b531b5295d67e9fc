"""The brokers of a run: one, or a cluster of them of which one at a time is stopped or killed."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.embedded import BrokerError
from tests.kafka.broker import Broker, JavaBroker, broker, cluster

IN_SYNC_S = 60.0
_POLL_S = 0.3


class Cluster:
    """One Apache Kafka broker, or several; `close` removes what they stored."""

    def __init__(self, folder: Path, count: int) -> None:
        """Raises NoKafkaError when this machine cannot run them."""
        self.brokers: list[Broker] = [broker(folder, own=True)] if count == 1 else [*cluster(folder, count)]

    @property
    def bootstrap(self) -> str:
        """Addresses of all brokers: clients find the cluster when one of them is down."""
        return ",".join(each.bootstrap for each in self.brokers)

    def start(self) -> None:
        """Starts all; returns once each answers. Raises BrokerError."""
        members = [each for each in self.brokers if isinstance(each, JavaBroker)]
        if len(members) < 2:
            self.brokers[0].start()
            return
        for each in members:
            each.begin()
        for each in members:
            each.await_answer()

    def close(self) -> None:
        for each in self.brokers:
            each.close()

    def await_in_sync(self, topics: list[str]) -> None:
        """Returns once every copy of the topics' partitions is up to date: only then another broker may go down.

        Raises BrokerError after IN_SYNC_S.
        """
        if len(self.brokers) == 1:
            return
        deadline = time.monotonic() + IN_SYNC_S
        while not asyncio.run(self._in_sync(topics)):
            if time.monotonic() > deadline:
                raise BrokerError(f"The copies of the topics are not in sync after {IN_SYNC_S:.0f} s.")
            time.sleep(_POLL_S)

    async def _in_sync(self, topics: list[str]) -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=5_000)
        try:
            await admin.start()
            described = await admin.describe_topics(topics)
            return all(
                len(partition["isr"]) == len(partition["replicas"])
                for topic in described
                for partition in topic["partitions"]
            )
        except (KafkaError, OSError, TimeoutError):
            return False
        finally:
            await admin.close()
