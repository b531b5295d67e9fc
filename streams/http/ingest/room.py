"""Back-pressure: how much may be under way at a time, in all and for one token. Beyond, a post is sent away at once
(429), before memory is taken for it: whoever posts knows better than this process what to keep and what to drop."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from streams.http.problems import Problem

RETRY_AFTER_S = 1


@dataclass(frozen=True, slots=True)
class Bounds:
    """Most bytes that were read and are not acknowledged, and most posts at a time."""

    bytes_in_all: int = 64 << 20
    bytes_of_token: int = 32 << 20
    posts_in_all: int = 128
    posts_of_token: int = 32


class Room:
    """What is under way now."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self.bytes = 0
        self.posts = 0
        self._bytes_of: Counter[bytes] = Counter()
        self._posts_of: Counter[bytes] = Counter()

    @contextmanager
    def post(self, token: bytes) -> Iterator["Share"]:
        """Room for one post by a token, known by its digest. Raises Problem (429)."""
        if self.posts >= self.bounds.posts_in_all:
            raise busy("too many posts at a time")
        if self._posts_of[token] >= self.bounds.posts_of_token:
            raise busy("too many posts at a time with this token")
        self.posts += 1
        self._posts_of[token] += 1
        share = Share(self, token)
        try:
            yield share
        finally:
            share.shrink(share.held)
            self.posts -= 1
            self._posts_of[token] -= 1
            self._posts_of += Counter()  # forgets zeros
            self._bytes_of += Counter()

    def _take(self, token: bytes, size: int) -> bool:
        if self.bytes + size > self.bounds.bytes_in_all or self._bytes_of[token] + size > self.bounds.bytes_of_token:
            return False
        self.bytes += size
        self._bytes_of[token] += size
        return True

    def _give(self, token: bytes, size: int) -> None:
        self.bytes -= size
        self._bytes_of[token] -= size


class Share:
    """What one post holds, in bytes."""

    def __init__(self, room: Room, token: bytes) -> None:
        self._room, self._token = room, token
        self.held = 0

    def grow(self, size: int) -> bool:
        """Takes room for so many bytes more; False, and none is taken, when there is not as much."""
        if not self._room._take(self._token, size):
            return False
        self.held += size
        return True

    def shrink(self, size: int) -> None:
        """Gives room back."""
        self._room._give(self._token, size)
        self.held -= size


def busy(why: str, *, line: int | None = None, accepted: int | None = None) -> Problem:
    """What a post is told that finds no room."""
    return Problem(429, "busy", "Too much at once", why, retry_after_s=RETRY_AFTER_S, line=line, accepted=accepted)
