"""The Faust app of a worker: options, agents that read record batches (`streams/batches.py`), tables, and how it ends.

Any failure is one critical line in the log and the end of the process.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import faust
from faust.types import TP

from streams.batches import Executor, Group
from streams.fencing import Membership
from streams.merging import Patience
from streams.plans import Handle, Together
from streams.stores import StateTable
from streams.transport import BatchConsumer, BatchSchema, BatchTransport
from streams.vitals import Recovering, Vitals
from streams.watchdog import Look, Watchdog

logger = logging.getLogger(__name__)

EXIT_FAILED = 70  # EX_SOFTWARE of sysexits.h

# A fetch of a sibling that has records takes a few milliseconds; half a second is a broker that does not answer.
DEFAULT_PATIENCE = Patience(stale=0.025, behind=0.5)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a worker needs to know. Times in seconds, sizes in bytes."""

    app_id: str  # names the consumer group and, as a prefix, the changelog topics
    bootstrap: str  # host:port,host:port
    partitions: int  # of every input topic and of every changelog; never changes for an app_id
    store: str = "memory://"  # or rocksdb://
    datadir: str = "data"  # of RocksDB; one for each worker process
    replication: int = 1  # of changelog topics
    min_insync_replicas: int = 1  # of changelog topics: copies that must have a record before it is acknowledged
    max_batch_records: int = 4096  # 40 ms of work at 10 µs a record
    patience: Patience = DEFAULT_PATIENCE
    fetch_max_wait: float = 0.05  # a broker's long poll; see `transport._ConsumerThread`
    max_fetch_bytes: int = 1 << 20  # of one partition in one fetch; a larger record still comes, alone
    session_timeout: float = 10.0  # so long the partitions of a killed worker stand still
    commit_interval: float = 1.0  # so much is read again after a crash
    drain_timeout: float = 8.0  # for batches in work at a rebalance or stop; below the session timeout
    request_timeout: float = 60.0  # for an acknowledgement, over a restart of a broker
    standstill: float = 180.0  # without any progress, while there is something to do: see `streams/watchdog.py`
    max_request_bytes: int = 1_000_000  # one produced record; below the brokers' message.max.bytes
    linger: float = 0.002  # batches are closed and sent at once; this is for Faust's own sends
    produce_batch_bytes: int = 256 << 10
    compression: str | None = "zstd"  # a quarter of lz4's time and half its size: aiokafka asks lz4 for level 9
    credentials: Any = field(default=None, repr=False)  # of `streams/access`; None: no TLS and no login
    canonical_url: str = ""  # where other members and `warden serve` reach this one; told to the group
    web: bool = False
    web_host: str = "127.0.0.1"
    web_port: int = 6066
    exit: Callable[[int], object] = os._exit  # how a failure ends the process; must not return outside tests

    def make_datadir(self) -> None:
        """Makes the data directory with its parents, which Faust would not."""
        Path(self.datadir).mkdir(parents=True, exist_ok=True)

    def settings(self) -> dict[str, Any]:
        """The same, as Faust's settings, with what never varies."""
        told = {"canonical_url": self.canonical_url} if self.canonical_url else {}
        return {
            **told,
            "id": self.app_id,
            "broker": [f"kafka://{host}" for host in self.bootstrap.split(",")],
            "broker_credentials": self.credentials,
            "store": self.store,
            "datadir": self.datadir,
            "key_serializer": "raw",
            "value_serializer": "raw",
            "topic_partitions": self.partitions,
            "topic_replication_factor": self.replication,
            "topic_disable_leader": True,
            "table_standby_replicas": 0,  # a standby of a memory store is thrown away when it is needed
            "Table": StateTable,
            "stream_wait_empty": True,  # Faust then calls `wait_empty` before it gives partitions up
            "consumer_auto_offset_reset": "earliest",
            "consumer_max_fetch_size": self.max_fetch_bytes,
            "broker_session_timeout": self.session_timeout,
            "broker_heartbeat_interval": min(3.0, self.session_timeout / 3),
            "broker_rebalance_timeout": max(60.0, self.session_timeout),
            "broker_commit_interval": self.commit_interval,
            "producer_acks": -1,
            "producer_linger": self.linger,
            "producer_max_batch_size": self.produce_batch_bytes,
            "producer_max_request_size": self.max_request_bytes,
            "producer_request_timeout": self.request_timeout,
            "producer_compression_type": self.compression,
            "web_enabled": self.web,
            "web_bind": self.web_host,
            "web_host": self.web_host,
            "web_port": self.web_port,
            "web_tables_enabled": False,  # it would show accounts' records to whoever asks
        }


class BatchApp(faust.App):  # type: ignore[misc]
    """A Faust app that reads record batches, and nothing else. Make it with `create_app`."""

    consumer: BatchConsumer

    def __init__(self, options: Options) -> None:
        self.options = options
        self.groups: list[Group] = []
        self.group_of: dict[str, Group] = {}
        self.state_tables: dict[str, StateTable] = {}
        self.membership = Membership(options.session_timeout)
        self.vitals = Vitals()
        self._failed = False
        super().__init__(**options.settings())
        self.executor = Executor(self)

    def batch_agent(
        self, *topics: str, name: str | None = None, together: Together | None = None
    ) -> Callable[[Handle], Group]:
        """Register a handle for a group of topics, as a Faust agent; a topic belongs to one group only. `together` is
        used instead of it where several batches are handled at once."""

        def register(handle: Handle) -> Group:
            group = Group(self, name or handle.__name__, topics, handle, together)
            taken = [topic for topic in topics if topic in self.group_of]
            if taken:
                raise ValueError(f"topics {taken} are read by {self.group_of[taken[0]].name} already")
            self.groups.append(group)
            self.group_of.update(dict.fromkeys(topics, group))

            async def agent(stream: Any) -> None:
                async for event in stream.noack().events():
                    self.executor.start(event.value)

            self.agent(self.topic(*topics, schema=BatchSchema()), name=group.name)(agent)
            return group

        return register

    def state_table(self, name: str, **kwargs: Any) -> StateTable:
        """A table of bytes by bytes, partitioned as the groups' topics are."""
        config = {"min.insync.replicas": str(self.options.min_insync_replicas)}
        table = self.Table(
            name,
            key_type=bytes,
            value_type=bytes,
            partitions=self.options.partitions,
            extra_topic_configs=config,
            **kwargs,
        )
        self.state_tables[name] = table
        return table  # type: ignore[no-any-return]

    def lag(self) -> dict[TP, int]:
        """Offsets between what is done and the end, for each topic-partition of a group that this worker owns."""
        return self.consumer.lag() if self._consumer is not None else {}

    def recovering(self) -> Recovering:
        """What is left of the recovery that is on; nothing without one."""
        recovery = self.tables.recovery
        left = [records for records in recovery.active_remaining().values() if records > 0]
        return Recovering(len(left), sum(left)) if recovery.in_recovery else Recovering(0, 0)

    def end(self, topic: str, partition: int) -> int | None:
        """The offset after the last record of a topic-partition that this worker owns, as its broker last said; None
        when it has not said since the partition was assigned."""
        return self.consumer.end(TP(topic, partition)) if self._consumer is not None else None

    def look(self) -> Look:
        """What this worker waits for, and how far it is; may be called from any thread."""
        return Look("its brokers", None) if self._consumer is None else self.consumer.look()

    def fail(self, doing: str, error: BaseException) -> None:
        """End the process: the state in memory and the positions in Kafka are only right if nothing goes on."""
        if self._failed:
            return
        self._failed = True
        logger.error("What led to the failure:", exc_info=error)
        logger.critical("%s failed, the process ends: %s: %s", doing, type(error).__name__, error)
        for handler in logging.getLogger().handlers:
            handler.flush()
        self.options.exit(EXIT_FAILED)

    def _crash(self, reason: BaseException) -> None:
        """Any Faust service that crashes ends here; a stop may cancel services, which is no failure."""
        if not self.should_stop and not isinstance(reason, asyncio.CancelledError):
            self.fail("a service", reason)
        super()._crash(reason)

    def _new_transport(self) -> BatchTransport:
        return BatchTransport(self.conf.broker_consumer, self)


def create_app(options: Options) -> BatchApp:
    """A worker's app, without agents and tables yet."""
    return BatchApp(options)


def run(app: BatchApp) -> NoReturn:
    """Run a worker until SIGTERM or SIGINT: it finishes the batches in work, commits, leaves the group, exits 0.

    Logging is the caller's to set up.
    """
    app.options.make_datadir()
    Watchdog(app.options.standstill).watch(app.look, lambda error: app.fail("going on", error))
    worker = faust.Worker(app, redirect_stdouts=False, quiet=True, override_logging=False)
    worker.spinner = None  # it would write escape codes into a log file
    worker.execute_from_commandline()
    raise AssertionError("the worker returned")
