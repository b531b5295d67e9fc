"""JSON lines of a known shape, from a file that may be gzipped, with errors that name the line.

Memory stays bounded: one line at a time, none longer than MAX_LINE bytes, however far a gzip file unpacks.
"""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import msgspec

from rules.events import MAX_EVENT_BYTES

MAX_LINE = 2 * MAX_EVENT_BYTES
"""Longest line in bytes. A saved page of 2 million characters fits."""
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"

T = TypeVar("T")


class CorpusError(ValueError):
    """A file cannot be used: `path`, `line` (from 1; 0 for the file as a whole) and what is wrong with it."""

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}:{line}: {problem}" if line else f"{path}: {problem}")
        self.path, self.line, self.problem = path, line, problem


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The bytes of `path`, unpacked when it is gzipped (by its first bytes, not its name).

    Raises CorpusError when it cannot be opened, or ends or breaks within its compressed data.
    """
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == _GZIP
            plain.seek(0)
            if packed:
                with gzip.open(plain) as unpacked:
                    yield cast(BinaryIO, unpacked)
            else:
                yield plain
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CorpusError(path, 0, f"its compressed data is damaged: {error}") from None
    except OSError as error:
        raise CorpusError(path, 0, error.strerror or str(error)) from None


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number from 1, bytes without the line break) of the lines that are not blank.

    Raises CorpusError for a line beyond MAX_LINE.
    """
    with opened(path) as stream:
        number = 0
        while raw := stream.readline(MAX_LINE + 1):
            number += 1
            if len(raw) > MAX_LINE:
                raise CorpusError(path, number, f"the line is longer than {MAX_LINE:,} bytes")
            body = raw.removeprefix(_BOM) if number == 1 else raw
            if body.strip():
                yield number, body.rstrip(b"\r\n")


def read_structs(path: Path, shape: type[T]) -> Iterator[tuple[int, T]]:
    """(line number, value) of each line, a JSON object of the msgspec struct `shape`.

    Raises CorpusError that names the line: no JSON, a field missing, or one of a wrong type.
    """
    decoder = msgspec.json.Decoder(shape)
    for number, body in numbered_lines(path):
        try:
            yield number, decoder.decode(body)
        except msgspec.ValidationError as error:
            raise CorpusError(path, number, str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CorpusError(path, number, f"no JSON object: {error}") from None
