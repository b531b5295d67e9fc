"""The body of a post, in pieces: decompressed and split into lines within bounds, whatever comes."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import NamedTuple

from aiohttp import web

from streams.http.problems import Problem

PIECE_BYTES = 64 << 10
"""Most of a piece, roughly."""
MAX_LINES = 200_000
"""Most lines of a body, blank ones among them: those are small to send, and not free to read."""
PIECE_S = 30.0
"""How long the next piece may take."""
_BOM = b"\xef\xbb\xbf"
_GZIP = 16 + zlib.MAX_WBITS


class Line(NamedTuple):
    """A line that is not blank, and its number, from 1."""

    number: int
    body: bytes


class TooLongError(ValueError):
    """A line is longer than lines may be. `number`: which."""

    def __init__(self, number: int) -> None:
        super().__init__(f"line {number} is too long")
        self.number = number


class Lines:
    """Splits pieces into lines; of a line that is not over it keeps `most` bytes at most."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._number = 0
        self._tail: list[bytes] = []
        self.held = 0
        """Bytes of the line that is not over."""

    def feed(self, piece: bytes) -> Iterator[Line]:
        """The lines that end in this piece. Raises TooLongError, after the lines before, and Problem (413)."""
        *ends, rest = piece.split(b"\n")
        if len(ends) + self._number > MAX_LINES:
            raise Problem(413, "too_large", "Too large", f"a body has at most {MAX_LINES} lines here: post in parts")
        for end in ends:
            if self._tail:
                end = b"".join((*self._tail, end))  # noqa: PLW2901 - the line that began in a piece before
                self._tail, self.held = [], 0
            if end:
                yield from self._line(end)
            else:
                self._number += 1
        if rest:
            self._tail.append(rest)
            self.held += len(rest)
            if self.held > self._most + len(_BOM) + 1:
                raise TooLongError(self._number + 1)

    def finish(self) -> Iterator[Line]:
        """The last line, if it has no end. Raises TooLongError."""
        yield from self._line(b"".join(self._tail))
        self._tail, self.held = [], 0

    def _line(self, body: bytes) -> Iterator[Line]:
        self._number += 1
        if self._number == 1:
            body = body.removeprefix(_BOM)
        body = body.strip()
        if len(body) > self._most:
            raise TooLongError(self._number)
        if body:
            yield Line(self._number, body)


async def pieces(request: web.Request, most: int) -> AsyncIterator[bytes]:
    """The body as it comes, decompressed, of `most` bytes at most.

    Raises Problem: 400 when it breaks off, or is no gzip; 408; 413; 415 for another encoding.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip"}:
        raise Problem(415, "media_type", "Unknown Content-Encoding", "send gzip, or none")
    if (request.content_length or 0) > most:
        raise _too_large(most)
    size = packed = 0
    unpack = _Gunzip() if encoding == "gzip" else None
    while raw := await _read(request):
        packed += len(raw)
        if packed > most:
            raise _too_large(most)
        for piece in (raw,) if unpack is None else unpack.feed(raw):
            size += len(piece)
            if size > most:
                raise _too_large(most)
            yield piece
            await asyncio.sleep(0)  # others have their turn, even where a small body stands for a large one
    if unpack is not None:
        unpack.finish()


async def _read(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(PIECE_S):
            return await request.content.read(PIECE_BYTES)
    except TimeoutError:
        raise Problem(408, "timeout", "Too slow", f"nothing came for {PIECE_S:g} s") from None
    except web.RequestPayloadError:
        raise Problem(
            400, "broken_off", "The body breaks off", "it stopped before its end, or its chunks are wrong"
        ) from None


class _Gunzip:
    """Decompresses a piece at a time: a small body that stands for a large one takes no more memory than another."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP)

    def feed(self, raw: bytes) -> Iterator[bytes]:
        """What it stands for. Raises Problem (400)."""
        while True:
            if self._stream.eof:
                if not raw:
                    return
                self._stream = zlib.decompressobj(_GZIP)  # files of several members, as `cat a.gz b.gz` makes them
            try:
                piece = self._stream.decompress(raw, PIECE_BYTES)
            except zlib.error:
                raise _no_gzip() from None
            raw = self._stream.unconsumed_tail or self._stream.unused_data
            if piece:
                yield piece
            if not raw and len(piece) < PIECE_BYTES:
                return

    def finish(self) -> None:
        """Raises Problem (400) when the end is missing."""
        if not self._stream.eof:
            raise _no_gzip()


def _no_gzip() -> Problem:
    return Problem(400, "undecodable", "No gzip", "Content-Encoding says gzip, and the body is none, or not all of it")


def _too_large(most: int) -> Problem:
    return Problem(413, "too_large", "Too large", f"a body has at most {most} bytes here, unpacked: post in parts")
