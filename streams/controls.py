"""Controls on their topic: read, written, and followed by workers, whose stages ask a `Switch` before every batch.

A worker reads the topic to its end before it starts, and then follows it in a thread with an event loop of its own:
the loop that judges may be busy with full batches for longer than a halt may take. What the thread finds is in force
from the next batch on.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import TypeVar, cast

import msgspec
from aiokafka.errors import KafkaError

from rules.controls import ControlLog, ControlRecord, Controls, Do
from rules.decisions import Violation, content_id
from streams.access.clients import started_producer
from streams.codec import Record, one_line
from streams.compacted import changes, opened, until_now
from streams.metrics import Metrics
from streams.rights import kafka_error
from streams.sending import Send
from streams.settings import Settings
from streams.topics import TopicsError, topic_names

logger = logging.getLogger(__name__)

T = TypeVar("T")
_RECORD = msgspec.json.Decoder(ControlRecord)
_ENCODER = msgspec.json.Encoder()


class ControlTopic:
    """What the topic says as of the last record that was applied."""

    def __init__(self) -> None:
        self.log = ControlLog()
        self.position = 0
        """The offset after the last record applied."""
        self.problems: list[str] = []
        """Records that are no controls; they change nothing."""

    def apply(self, record: Record) -> ControlRecord | None:
        """Takes in one record; returns it unless it is a repeat or no control."""
        self.position = record.offset + 1
        try:
            control = _RECORD.decode(record.value or b"")
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            problem = f"{record.topic}, offset {record.offset} is no control: {error}"
            self.problems.append(one_line(problem))
            return None
        return control if self.log.add(control) else None


class Switch:
    """The controls that a worker's stages apply; one thread sets them, each batch asks once."""

    def __init__(self, metrics: Metrics, controls: Controls | None = None) -> None:
        self.controls = controls or Controls()
        self._metrics = metrics

    def applied(self, stage: str, items: Sequence[T], tripped: frozenset[str] = frozenset()) -> list[T]:
        """`items` with the violations among them as they count now. `tripped`: rules that are in shadow as well."""
        controls = self.controls.and_shadowed(tripped)
        if not controls:
            return list(items)
        result = [cast(T, controls.of(item)) if isinstance(item, Violation) else item for item in items]
        self._metrics.held_back(stage, sum(new is not old for new, old in zip(result, items, strict=True)))
        return result


async def current_controls(settings: Settings) -> ControlTopic:
    """What the topic says as of now. Raises TopicsError when it is missing, or the brokers do not answer."""
    found = ControlTopic()
    async with opened(settings, topic_names(settings).controls) as reader:
        async for record in until_now(reader):
            found.apply(record)
    return found


async def put_control(settings: Settings, record: ControlRecord) -> int:
    """Writes a record; returns its offset, once the brokers have acknowledged it. Raises TopicsError."""
    send = control_send(topic_names(settings).controls, record)
    async with opened(settings, send.topic):  # says what to do when the topic is missing, and does not create it
        pass
    try:
        async with started_producer(settings) as producer:
            written = await producer.send_and_wait(send.topic, send.value, send.key, partition=send.partition)
    except (KafkaError, OSError, TimeoutError) as error:
        raise await kafka_error(settings, error, "Write") from error
    return int(written.offset)


def control_record(do: Do, rule: str | None, *, why: str, by: str) -> ControlRecord:
    """The record to write; its id is its own, so doing the same twice is two records. Raises ValueError for what
    workers would refuse."""
    who, reason, now = by.strip(), why.strip(), datetime.now(UTC)
    identity = content_id("control", do, rule or "", who, reason, now.isoformat())
    record = ControlRecord(id=identity, do=do, rule=rule, by=who, why=reason, time=now)
    return msgspec.convert(msgspec.to_builtins(record), ControlRecord)


def control_send(topic: str, record: ControlRecord) -> Send:
    """The record as it is sent to `topic`."""
    return Send(topic, record.target.encode(), _ENCODER.encode(record), partition=0)


class Following:
    """Keeps a worker's switch up to date with the topic, in a thread that goes on until the process ends."""

    def __init__(
        self,
        settings: Settings,
        topic: ControlTopic,
        switch: Switch,
        rules: Collection[str],
        metrics: Metrics,
    ) -> None:
        """`topic`: what the worker starts with. `rules`: the pack's, which metrics may name."""
        self._settings = settings
        self._topic = topic
        self._switch = switch
        self._rules = rules
        self._metrics = metrics
        self._told = 0
        for record in topic.log.standing():
            _announce(record)
        self._put_in_force()

    def start(self, fail: Callable[[TopicsError], object]) -> None:
        """Begins to follow. `fail` is called, in the thread, when the brokers do not answer any more."""

        def run() -> None:
            try:
                asyncio.run(self.run())
            except TopicsError as error:
                fail(error)

        threading.Thread(target=run, name="controls", daemon=True).start()

    async def run(self) -> None:
        """Reads on from where `topic` ends. Raises TopicsError."""
        async with opened(self._settings, topic_names(self._settings).controls) as reader:
            for tp in reader.assignment():
                reader.seek(tp, self._topic.position)
            async for records in changes(reader):
                new = [control for record in records if (control := self._topic.apply(record)) is not None]
                if records:
                    self._put_in_force()
                for control in new:
                    _announce(control)

    def _put_in_force(self) -> None:
        controls = self._topic.log.controls
        self._switch.controls = controls
        named = [rule for rule in controls.shadowed if rule in self._rules]
        self._metrics.controls(controls.halted, named, self._topic.position)
        for problem in self._topic.problems[self._told :]:
            logger.warning("Controls: %s", problem)
        self._told = len(self._topic.problems)


def _announce(record: ControlRecord) -> None:
    """One line in the log: critical for what stops enforcement, so that somebody is woken."""
    what = "All automatic enforcement" if record.rule is None else f"Rule {one_line(record.rule)}"
    by, why = one_line(record.by), one_line(record.why)
    if record.do == "halt":
        logger.critical("%s is in shadow since %s, by %s: %s", what, record.time.isoformat(), by, why)
    else:
        logger.warning("%s is resumed at %s, by %s: %s", what, record.time.isoformat(), by, why)
