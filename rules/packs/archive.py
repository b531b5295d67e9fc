"""A pack as one value: every file it is made of, those it includes among them, named by a digest of them all.

Files keep their places relative to each other, so the pack reads on another machine as it does here. Packs that are
included by name alone (the shipped ones) are part of it: what a pack means does not change with the version of this
software. Equal files give equal bytes, and so the same digest.
"""

import os
import tempfile
import zlib
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from pathlib import Path, PurePosixPath

import msgspec

from rules.packs.include import SHIPPED_PACKS
from rules.packs.load import load_pack
from rules.packs.model import Pack
from rules.packs.source import InvalidPackError, PackError, Place, files_read

MAX_BYTES = 64 << 20
"""Largest pack, in bytes of its files."""
_SHIPPED = "@shipped"
_DIGEST_BYTES = 16


class ArchiveError(ValueError):
    """Bytes that are no archive of a pack, or not the one they are said to be."""


class _Content(msgspec.Struct, frozen=True):
    """`folder` is the pack's own; `files` are texts by path."""

    folder: str
    files: dict[str, str]


_ENCODER = msgspec.json.Encoder(order="sorted")
_DECODER = msgspec.json.Decoder(_Content)


@dataclass(frozen=True)
class Archive:
    """A pack's files. `folder`: its own, `files`: text by path; paths have `/`, and none leads out."""

    folder: str
    files: dict[str, str]

    @cached_property
    def raw(self) -> bytes:
        """The bytes that the digest is of."""
        return _ENCODER.encode(_Content(self.folder, self.files))

    @property
    def digest(self) -> str:
        """32 hexadecimal digits: the same for the same files."""
        return blake2b(self.raw, digest_size=_DIGEST_BYTES).hexdigest()

    def packed(self) -> bytes:
        """The archive, compressed."""
        return zlib.compress(self.raw, 9)

    def load(self) -> Pack:
        """The pack, without the operator's words. Raises InvalidPackError."""
        with tempfile.TemporaryDirectory(prefix="warden-pack-") as name:
            root = Path(name)
            for path, text in self.files.items():
                target = root / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(text.encode())
            (root / _SHIPPED).mkdir(exist_ok=True)
            with files_read() as read:
                pack = load_pack(root / self.folder, shipped=root / _SHIPPED)
            outside = [path for path in read if not Path(os.path.abspath(path)).is_relative_to(root)]
            if outside:
                hint = "write it relative to the file that includes it"
                raise InvalidPackError(
                    [PackError(Place(str(path), 1, 1), "is included by an absolute path", hint) for path in outside]
                )
            return pack


def archived(folder: Path) -> Archive:
    """The pack in `folder` with all it includes. Raises InvalidPackError when it cannot be loaded, is too large, or
    reads a file by an absolute path."""
    with files_read() as read:
        load_pack(folder)
    files = {Path(os.path.abspath(path)): data for path, data in read.items()}
    if (size := sum(map(len, files.values()))) > MAX_BYTES:
        message = f"the pack has {size:,} bytes, and {MAX_BYTES:,} is the most that can be published"
        raise InvalidPackError([PackError(Place(str(folder), 1, 1), message)])
    own = Path(os.path.abspath(folder))
    shipped = Path(os.path.abspath(SHIPPED_PACKS))
    others = [path.parent for path in files if not path.is_relative_to(shipped)]
    base = Path(os.path.commonpath([own.parent, *others]))

    def placed(path: Path) -> str:
        if path.is_relative_to(shipped):
            return (PurePosixPath(_SHIPPED) / path.relative_to(shipped).as_posix()).as_posix()
        return path.relative_to(base).as_posix()

    return Archive(placed(own), {placed(path): data.decode() for path, data in sorted(files.items())})


def unpacked(data: bytes, digest: str) -> Archive:
    """The archive in what `packed` gave. Raises ArchiveError unless it has that digest and is safe to write to disk."""
    opened = zlib.decompressobj()
    try:
        raw = opened.decompress(data, 2 * MAX_BYTES)
    except zlib.error as error:
        raise ArchiveError(f"it cannot be decompressed: {error}") from None
    if opened.unconsumed_tail or not opened.eof:
        raise ArchiveError("it is too large, or cut off")
    if (found := blake2b(raw, digest_size=_DIGEST_BYTES).hexdigest()) != digest:
        raise ArchiveError(f"its digest is {found}, not {digest}")
    try:
        content = _DECODER.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ArchiveError(f"it is no pack: {error}") from None
    for path in (content.folder, *content.files):
        if not _is_inside(path):
            raise ArchiveError(f"it holds a path that leads out of it: {path[:100]!r}")
    return Archive(content.folder, content.files)


def _is_inside(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and not set(path) & {"\\", ":", "\0"}
