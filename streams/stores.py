"""State tables of raw bytes, one store for each partition: in memory, or RocksDB through rocksdict.

A `StateTable` is a Faust table (Faust assigns it, makes its changelog topic and says when to recover) whose state is
read and written by partition number, outside of any stream:

* `of(partition)` reads it, as a mapping; `apply` is the only way to write, after the changelog has acknowledged;
* `restore` takes changelog records, a fetch at a time. A store knows the changelog offset it stands at, so a
  rebalance replays only what it has not; RocksDB keeps that offset in the same write as the state;
* a partition that goes to another worker is forgotten at once, so stale state cannot be read when it comes back.

Fencing. Every changelog record carries a stamp, the consumer group's generation of its writer, which grows with every
rebalance. While restoring, a record with a smaller stamp than one before it is skipped: it comes from a worker that
had lost the partition and did not know (it was stopped for longer than the session timeout). That worker's events
were never committed, so the owner has read them again and written their effects under its own stamp.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import faust
from faust.stores import memory, rocksdb
from faust.types import TP

from streams.sending import Send

STAMP_HEADER = "generation"
ROCKSDB_OPTIONS = {
    "driver": "rocksdict",
    "block_cache_size": 32 << 20,  # bytes for each partition; Faust's 2 GiB is for one
    "write_buffer_size": 16 << 20,  # bytes, up to three of them for each partition
    "max_open_files": 256,  # for each partition; Faust takes nearly all the process may open
}

STALE_S = 12 * 3600
"""Files that nobody has written for so long are no start for a recovery: the changelog keeps a deletion for a day
(Kafka's `delete.retention.ms`), and what was deleted after they were left would come back."""

PartitionHook = Callable[[int], None]


class Write(NamedTuple):
    """One change of state: the new value of a key, or None to delete it."""

    table: str
    key: bytes
    value: bytes | None


class StateTable(faust.Table):  # type: ignore[misc]
    """A Faust table of bytes by bytes. Make it with `BatchApp.state_table`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.on_recovered: list[PartitionHook] = []  # a partition's state is complete (again): rebuild what follows it
        self.on_lost: list[PartitionHook] = []  # the partition goes to another worker: forget what follows it
        self._current: set[int] = set()
        self._stamps: dict[int, tuple[int, int]] = {}  # of each partition: generation, and what marks its records

    def of(self, partition: int) -> Mapping[bytes, bytes]:
        """The state of an owned partition; a view that follows every `apply`."""
        return self.data.of(partition)  # type: ignore[no-any-return]

    def changelog(self, partition: int, writes: Iterable[Write], generation: int) -> list[Send]:
        """The records to send, and have acknowledged, before `apply` of the same writes."""
        headers = [(STAMP_HEADER, b"%d" % self._stamp(partition, generation))]
        topic = self.changelog_topic_name
        return [Send(topic, write.key, write.value, headers, partition) for write in writes]

    def apply(self, partition: int, writes: Iterable[Write], generation: int, offset: int) -> None:
        """Make acknowledged writes visible; `offset` is the changelog's offset of the last of them.

        Unless these writes follow in the changelog what the store has, somebody else wrote in between. The store then
        keeps its offset, so that the next recovery reads that too.
        """
        writes = list(writes)
        before = self.data.offset(partition)
        reached = offset if offset == before + len(writes) else before
        stamp = self._stamp(partition, generation)
        self.data.write(partition, {write.key: write.value for write in writes}, reached, stamp)

    def reached(self, partition: int, offset: int) -> None:
        """The changelog has been read up to an offset, without records: compaction removed them."""
        if offset > self.data.offset(partition):
            self.data.write(partition, {}, offset, self.data.stamp(partition))

    def _stamp(self, partition: int, generation: int) -> int:
        """What marks the records written now: the generation, or more when the group began again at 1."""
        known, stamp = self._stamps.get(partition, (-1, 0))
        if known != generation:
            stamp = max(generation, self.data.stamp(partition) + 1)
            self._stamps[partition] = generation, stamp
        return stamp

    def restore(self, partition: int, records: Sequence[Any]) -> int:
        """Apply changelog records, in order; returns how many were fenced off."""
        stamp, fenced = self.data.stamp(partition), 0
        changes: dict[bytes, bytes | None] = {}
        for record in records:
            theirs = _stamp_of(record)
            if theirs < stamp:
                fenced += 1
                continue
            stamp = theirs
            changes[record.key] = record.value
        self.data.write(partition, changes, records[-1].offset, stamp)
        self._current.discard(partition)
        if fenced:
            self.log.warning("Fenced off %d changelog records of partition %d", fenced, partition)
        return fenced

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        topic = self.changelog_topic_name
        owned = {tp.partition for tp in assigned if tp.topic == topic}
        for partition in self.data.partitions() - owned:
            self.data.forget(partition)
        for partition in self._current - owned:
            self._current.discard(partition)
            for hook in self.on_lost:
                hook(partition)
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        try:
            for partition in sorted({tp.partition for tp in active_tps} - self._current):
                for hook in self.on_recovered:
                    hook(partition)
                self._current.add(partition)
            await self.call_recover_callbacks()
        except Exception as error:  # Faust gathers the tables' callbacks and never looks at their errors
            self.app.fail(f"recovering table {self.name}", error)
            raise

    def _new_store_by_url(self, url: Any) -> Any:
        store = {"memory": MemoryStore, "rocksdb": RocksStore}[str(url).partition(":")[0]]
        return store(
            url,
            self.app,
            self,
            table_name=self.name,
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            loop=self.loop,
            options=dict(ROCKSDB_OPTIONS, **(self.options or {})),
        )


def _stamp_of(record: Any) -> int:
    for name, value in record.headers:
        if name == STAMP_HEADER:
            return int(value)
    return 0


class CurrentState:
    """What a changelog says, read in order: the newest value of each key, without what is fenced off."""

    def __init__(self, kept: Callable[[bytes], bool] = lambda _key: True) -> None:
        """`kept`: the keys whose values are wanted."""
        self.values: dict[bytes, bytes] = {}
        self._kept = kept
        self._stamps: dict[int, int] = {}

    def take(self, record: Any) -> bool:
        """Takes in the next record; whether it counts."""
        theirs = _stamp_of(record)
        if theirs < self._stamps.get(record.partition, 0):
            return False
        self._stamps[record.partition] = theirs
        if record.value is None:
            self.values.pop(record.key, None)
        elif self._kept(record.key):
            self.values[record.key] = record.value
        return True


def current_state(records: Iterable[Any]) -> dict[bytes, bytes]:
    """What a changelog says, read whole and in order."""
    state = CurrentState()
    for record in records:
        state.take(record)
    return state.values


class MemoryStore(memory.Store):  # type: ignore[misc]
    """A dictionary for each partition."""

    def __post_init__(self) -> None:
        self._states: dict[int, dict[bytes, bytes]] = {}
        self._marks: dict[int, tuple[int, int]] = {}  # offset applied, largest stamp

    @property
    def data(self) -> Mapping[bytes, bytes]:
        """All partitions as one mapping, a copy: for Faust's displays."""
        return {key: value for state in self._states.values() for key, value in state.items()}

    def of(self, partition: int) -> Mapping[bytes, bytes]:
        return self._states.setdefault(partition, {})

    def partitions(self) -> set[int]:
        return set(self._states) | set(self._marks)

    def forget(self, partition: int) -> None:
        self._states.pop(partition, None)
        self._marks.pop(partition, None)

    def offset(self, partition: int) -> int:
        return self._marks.get(partition, (-1, 0))[0]

    def stamp(self, partition: int) -> int:
        return self._marks.get(partition, (-1, 0))[1]

    def write(self, partition: int, changes: Mapping[bytes, bytes | None], offset: int, stamp: int) -> None:
        state = self._states.setdefault(partition, {})
        for key, value in changes.items():
            if value is None:
                state.pop(key, None)
            else:
                state[key] = value
        self._marks[partition] = offset, stamp

    def persisted_offset(self, tp: TP) -> int:
        """The changelog offset this store stands at; -1 for the start.

        Never None: then Faust would keep an offset from before the partition was lost, and skip state.
        """
        return self.offset(tp.partition)

    def reset_state(self) -> None:
        self._states.clear()
        self._marks.clear()


class RocksStore(rocksdb.Store):  # type: ignore[misc]
    """A RocksDB for each partition, in the app's data directory, opened and locked by Faust's own store."""

    stamp_key = b"__faust\0stamp__"

    def of(self, partition: int) -> Mapping[bytes, bytes]:
        return _RocksState(self, partition)

    def partitions(self) -> set[int]:
        return set(self._dbs)

    def forget(self, partition: int) -> None:
        """Close the files of a partition; they stay, and are the start when it comes back before they are stale."""
        db = self._dbs.pop(partition, None)
        if db is not None:
            db.close()

    def _open_for_partition(self, partition: int) -> Any:
        path = Path(self.partition_path(partition))
        if _is_stale(path):
            self.log.warning("Partition %d of %s is read anew: its files are old", partition, self.table_name)
            shutil.rmtree(path)
        return super()._open_for_partition(partition)

    def offset(self, partition: int) -> int:
        found = self._db_for_partition(partition).get(self.offset_key)
        return -1 if found is None else int(found)

    def stamp(self, partition: int) -> int:
        return int(self._db_for_partition(partition).get(self.stamp_key) or 0)

    def write(self, partition: int, changes: Mapping[bytes, bytes | None], offset: int, stamp: int) -> None:
        batch = rocksdb.rocksdict.WriteBatch(raw_mode=True)
        for key, value in changes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        batch.put(self.offset_key, b"%d" % offset)
        batch.put(self.stamp_key, b"%d" % stamp)
        self._db_for_partition(partition).write(batch)

    def persisted_offset(self, tp: TP) -> int:
        return self.offset(tp.partition)

    async def stop(self) -> None:
        for partition in list(self._dbs):
            self.forget(partition)


def _is_stale(path: Path) -> bool:
    written = [file.stat().st_mtime for file in path.iterdir()] if path.is_dir() else []
    return bool(written) and max(written) < time.time() - STALE_S


class _RocksState(Mapping[bytes, bytes]):
    """One partition's RocksDB as a mapping. It holds no handle, so it never keeps files open."""

    def __init__(self, store: RocksStore, partition: int) -> None:
        self._store = store
        self._partition = partition

    def __getitem__(self, key: bytes) -> bytes:
        value = self._store._db_for_partition(self._partition).get(key)
        if value is None:
            raise KeyError(key)
        return bytes(value)

    def __iter__(self) -> Iterator[bytes]:
        own = (self._store.offset_key, self._store.stamp_key)
        for key in self._store._db_for_partition(self._partition).keys():  # noqa: SIM118 (it has no __iter__)
            if key not in own:
                yield bytes(key)

    def items(self) -> ItemsView[bytes, bytes]:
        return _RocksItems(self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _RocksItems(ItemsView[bytes, bytes]):
    """Keys with their values in one pass over the files: `Mapping` would look every value up by itself."""

    _mapping: _RocksState

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        store = self._mapping._store
        own = (store.offset_key, store.stamp_key)
        for key, value in store._db_for_partition(self._mapping._partition).items():
            if key not in own:
                yield bytes(key), bytes(value)
