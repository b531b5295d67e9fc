"""Quix Streams: three streaming dataframes with state in RocksDB and changelog topics, its own defaults.

A dataframe sees one message at a time, so the engine is called for each one; Quix has no batches across keys. The three
input topics are one dataframe (`concat`), so that they share the accounts' states and are read in timestamp order.

Not guaranteed: "at least once" as Quix means it: state, outputs and offsets are flushed at each checkpoint, so effects
between two checkpoints come again after a crash, and no worker that lost its partition is fenced off.
"""

from __future__ import annotations

from typing import Any

from quixstreams import Application, State, message_context
from quixstreams.dataframe import StreamingDataFrame
from quixstreams.models import Serializer, Topic
from quixstreams.state.rocksdb import RocksDBOptions

from benchmarks.cluster import STATES
from benchmarks.contenders.stages import Asked, Record, Stages
from streams.collector import spare_the_collector
from streams.sending import Send
from streams.settings import Settings, load_settings
from streams.topics import topic_names


class _Value(Serializer):  # type: ignore[misc]
    """The value of a `Send`, which is bytes already."""

    def __call__(self, value: Send, ctx: Any) -> bytes | None:
        return value.value


def main() -> None:
    """Runs until it is stopped."""
    settings = load_settings()
    app = Application(
        broker_address=settings.bootstrap,
        consumer_group=settings.app_id,
        auto_offset_reset="earliest",
        commit_interval=settings.commit_interval_s,
        state_dir=settings.data_dir,
        # States are bytes already: as they are, instead of through JSON and base64.
        rocksdb_options=RocksDBOptions(dumps=bytes, loads=bytes),
        consumer_extra_config={"fetch.message.max.bytes": settings.max_fetch_bytes},
        producer_extra_config={"compression.type": settings.compression, "acks": "all"},
        auto_create_topics=True,
        loglevel="WARNING",
    )
    pipeline(app, settings)
    spare_the_collector()
    app.run()


def pipeline(app: Application, settings: Settings) -> None:
    """Declares the dataframes of the three stages."""
    current = _Current()
    stages = Stages(settings, dict.fromkeys(STATES, Asked(current.get)))
    outputs: dict[str, Topic] = {
        name: app.topic(name, key_serializer="bytes", value_serializer=_Value()) for name in topic_names(settings)
    }
    for stage in (stages.contents, stages.sightings, stages.subjects):
        frame = _read(app, stage[0])
        for other in stage[1:]:
            frame = frame.concat(_read(app, other))
        judge = _judge(stages, stage, current)
        frame = frame.apply(judge, stateful=True, expand=True, metadata=True)
        frame = frame.set_headers(lambda send, key, timestamp, headers: list(send.headers))
        frame.to_topic(lambda send, key, timestamp, headers: outputs[send.topic], key=lambda send: send.key)


def _read(app: Application, name: str) -> StreamingDataFrame:
    return app.dataframe(app.topic(name, key_deserializer="bytes", value_deserializer="bytes"))


class _Current:
    """The state of the message in work: Quix gives a function the state of its message's key and of no other.

    Every state that a stage asks for belongs to the key of the message in work; a crowd's has several names.
    """

    def __init__(self) -> None:
        self.state: State | None = None

    def get(self, name: bytes) -> bytes | None:
        """The state `name`; None without one."""
        found: bytes | None = None if self.state is None else self.state.get(name)
        return found


def _judge(stages: Stages, stage: tuple[str, ...], current: _Current) -> Any:
    def judge(value: bytes, key: bytes, timestamp: int, headers: Any, state: State) -> list[Send]:
        context = message_context()
        current.state = state
        record = Record(context.topic, context.partition, context.offset, key, value, headers or (), timestamp)
        plan = stages.plan(stage, (record,))
        for write in plan.writes:
            if write.value is None:
                state.delete(write.key)
            else:
                state.set(write.key, write.value)
        return plan.sends

    return judge


if __name__ == "__main__":
    main()
