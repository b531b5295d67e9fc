"""The topic `packs`: published packs, and the activations that put them in force. Written here, and read.

A pack goes in pieces under the keys `pack/DIGEST/NUMBER`, an activation under `activation/ID`. Every key is written
once, so compaction, which keeps the newest record of each, keeps all; offsets are never given twice, so the offset of
an activation names what is in force from there on, for good. One partition gives all of it one order.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
from aiokafka.errors import KafkaError

from rules.activations import Activation, ActivationLog
from rules.packs.archive import Archive, ArchiveError, unpacked
from streams.access.clients import started_producer
from streams.codec import Record, one_line
from streams.compacted import opened, until_now
from streams.rights import kafka_error
from streams.settings import Settings
from streams.topics import topic_names

PIECE_BYTES = 512 << 10
"""A pack goes in pieces of so many bytes: below what clients and brokers take by default."""
_PIECES = "pieces"
"""The header that says how many there are."""
_ACTIVATION = msgspec.json.Decoder(Activation)
_ENCODER = msgspec.json.Encoder()


class PackTopic:
    """What the topic says as of the last record that was applied. Packs lie in files, not in memory."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder`: for the packs' pieces, which are small and may stay; one that is removed at the end by default."""
        self.log = ActivationLog()
        self.position = 0
        """The offset after the last record applied."""
        self.problems: list[str] = []
        """Records that change nothing, and why."""
        self._temporary = tempfile.TemporaryDirectory(prefix="warden-packs-") if folder is None else None
        self._folder = Path(self._temporary.name) if self._temporary is not None else folder or Path()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._pieces: dict[str, int] = {}
        self._found: dict[str, set[int]] = {}

    def apply(self, record: Record) -> bool:
        """Takes in one record; whether it changed what is in force, or may have brought what was missing."""
        self.position = record.offset + 1
        key = (record.key or b"").decode("utf-8", "replace")
        kind, _, name = key.partition("/")
        try:
            if kind == "pack":
                self._piece(name, record)
                return self.has(name.partition("/")[0])
            if kind != "activation":
                raise ValueError("the key is neither pack/… nor activation/…")
            why = self.log.add(record.offset, _ACTIVATION.decode(record.value or b""))
            if not why:
                return True
            raise ValueError(why)
        except (ValueError, RecursionError) as error:  # msgspec's errors are ValueErrors
            self.problems.append(one_line(f"{record.topic}, offset {record.offset} changes nothing: {error}"))
            return False

    def has(self, digest: str) -> bool:
        """Whether the whole pack has been read."""
        return digest in self._pieces and len(self._found[digest]) == self._pieces[digest]

    def archive(self, digest: str) -> Archive:
        """A published pack. Raises ArchiveError when it is not there, or not what it should be."""
        if not self.has(digest):
            raise ArchiveError(f"pack {digest[:12]} is not on the topic, or not all of it")
        return unpacked(b"".join(self._file(digest, n).read_bytes() for n in range(self._pieces[digest])), digest)

    def _piece(self, name: str, record: Record) -> None:
        digest, _, number = name.partition("/")
        pieces = int(dict(record.headers).get(_PIECES) or b"0")
        index = int(number)
        if len(digest) != 32 or not set(digest) <= set("0123456789abcdef") or not 0 <= index < pieces <= 1_000:
            raise ValueError("it is no piece of a pack")
        if record.value is None:
            raise ValueError("packs are kept for good")
        if self._pieces.setdefault(digest, pieces) != pieces:
            raise ValueError(f"the pack has {self._pieces[digest]} pieces, not {pieces}")
        target = self._file(digest, index)
        written = target.with_suffix(f".{os.getpid()}")
        written.write_bytes(record.value)
        written.replace(target)  # whole, whoever else reads or writes it
        self._found.setdefault(digest, set()).add(index)

    def _file(self, digest: str, index: int) -> Path:
        return self._folder / f"{digest}-{index}"


async def current_packs(settings: Settings, folder: Path | None = None) -> PackTopic:
    """What the topic says as of now; `folder`: as for `PackTopic`.

    Raises TopicsError when it is missing, or the brokers do not answer.
    """
    found = PackTopic(folder)
    async with opened(settings, topic_names(settings).packs) as reader:
        async for record in until_now(reader):
            found.apply(record)
    return found


def pieces_of(archive: Archive) -> list[tuple[bytes, bytes, list[tuple[str, bytes]]]]:
    """(key, value, headers) of the records that hold a pack."""
    data = archive.packed()
    cut = [data[start : start + PIECE_BYTES] for start in range(0, len(data), PIECE_BYTES)]
    headers = [(_PIECES, b"%d" % len(cut))]
    return [(f"pack/{archive.digest}/{number}".encode(), piece, headers) for number, piece in enumerate(cut)]


async def publish(settings: Settings, archive: Archive | None, activation: Activation) -> int:
    """Writes a pack, and then what puts it in force; returns the offset of the latter, once all is acknowledged.

    `archive`: None for a pack that the topic has. Raises TopicsError; then the pack may be there, and is not in force.
    """
    topic = topic_names(settings).packs
    async with opened(settings, topic):  # says what to do when the topic is missing, and does not create it
        pass
    records: Sequence[tuple[bytes, bytes, list[tuple[str, bytes]]]] = pieces_of(archive) if archive else ()
    try:
        async with started_producer(settings) as producer:
            for key, value, headers in records:
                await producer.send_and_wait(topic, value, key, partition=0, headers=headers)
            key = f"activation/{activation.id}".encode()
            written = await producer.send_and_wait(topic, _ENCODER.encode(activation), key, partition=0)
    except (KafkaError, OSError, TimeoutError) as error:
        raise await kafka_error(settings, error, "Write") from error
    return int(written.offset)
