"""The live feed: what workers have decided, a page at a time, and as it comes (server-sent events).

What comes is encoded once, for all readers, and goes out a few times a second. A reader has a queue of bounded size;
who does not keep up is cut off, connects again, and says with `Last-Event-ID` where it was: what it missed comes from
the journal, or a `gap` says that it was too much.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from rules.decisions import Action, Enforcement, Lift, Review, SubjectKind
from streams.http.asking import BUSY, Before, Limit, Since, ask, raw
from streams.http.now import Now
from streams.http.problems import Problem
from streams.http.routes import Call, Route
from streams.http.server import Doorkeeper, add_headers
from streams.http.times import since_ms, told
from streams.journal import questions
from streams.journal.journal import Journal
from streams.journal.store import Shown

logger = logging.getLogger(__name__)

TICK_S = 0.2
"""How long what comes is gathered before it goes out."""
NOW_S = 2.0
"""Between two `now` events."""
HEARTBEAT_S = 10.0
"""Between two signs of life, after each of which the reader's token is looked at again."""
MOST_READERS = 500
MOST_WAITING_BYTES = 1 << 20
"""What may wait for one reader; who has more to come is cut off."""
STALLED_S = 15.0
"""How long one write may take."""
RESUMED = 1_000
"""Decisions that a reader who comes back is given; who missed more is told so."""
RETRY_MS = 2_000

_ENCODER = msgspec.json.Encoder()


class Item(msgspec.Struct):
    """One decision. `seq`: its number, by which pages and readers go on; `at`: when it was produced."""

    seq: int
    at: datetime
    item: Enforcement | Lift | Review


class FeedAnswer(msgspec.Struct):
    """Decisions, the newest first. `oldest`: to be given as `before` for what is older; null when nothing is. With a
    filter that little passes, a page may have few decisions or none, and there may be more all the same."""

    items: list[Item]
    oldest: int | None


class FeedQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which decisions."""

    before: Before | None = None
    limit: Limit = 50
    kind: Literal["enforcement", "lift", "review"] | None = None
    action: Action | None = None
    clause: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    rule: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    subject_kind: SubjectKind | None = None
    since: Since | None = None


class StreamQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Where to go on; the header `Last-Event-ID` wins."""

    after: Before | None = None


class Gap(msgspec.Struct):
    """What a reader has missed and is not given. missed: how many at least, null where nobody knows; oldest: the oldest
    number that GET /v1/feed still has."""

    missed: int | None
    oldest: int | None


def item_of(shown: Shown) -> Item:
    """A decision as the API tells it."""
    return Item(shown.seq, told(shown.at), raw(shown.body))


def event(name: str, data: bytes, identifier: int | None = None) -> bytes:
    """One server-sent event; JSON has no line breaks."""
    number = b"" if identifier is None else b"id: %d\n" % identifier
    return number + b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"


def decision(shown: Shown) -> bytes:
    """A decision as a server-sent event."""
    return event("decision", _ENCODER.encode(item_of(shown)), shown.seq)


class Reader:
    """One stream: what waits for it. `reached`: the number up to which it has been told all, None before it is known
    where it begins; what comes until then is `early`."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()
        self.reached: int | None = None
        self.early: list[tuple[int, bytes]] = []
        self.cut = False

    def begin(self, reached: int) -> bytes:
        """Says up to where it has been told all; returns what came since."""
        chunk = b"".join(data for seq, data in self.early if seq > reached)
        self.reached = max([reached, *(seq for seq, _ in self.early)])
        self.early = []
        return chunk

    def put(self, chunk: bytes) -> None:
        """Adds what is to be sent; past the limit the reader is cut off."""
        if self._waiting + len(chunk) > MOST_WAITING_BYTES:
            self.cut = True
        else:
            self._chunks.append(chunk)
            self._waiting += len(chunk)
        self._wake.set()

    async def next(self, seconds: float) -> bytes:
        """All that waits, or nothing after so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()
        chunk = b"".join(self._chunks)
        self._chunks.clear()
        self._waiting = 0
        return chunk


class Feed:
    """What is shown of the journal as it comes, to all readers."""

    def __init__(self, journal: Journal, doorkeeper: Doorkeeper, now: Now) -> None:
        self.journal, self._doorkeeper, self._now = journal, doorkeeper, now
        self._readers: set[Reader] = set()
        self._gathered: list[Shown] = []
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        journal.listen(self._take)

    def start(self) -> None:
        """Begins to send."""
        self._tasks = [asyncio.create_task(self._send()), asyncio.create_task(self._tell_now())]

    async def stop(self) -> None:
        """Ends all streams."""
        for task in self._tasks:
            task.cancel()
        for reader in self._readers:
            reader.cut = True
            reader.put(b"")

    def _take(self, shown: Sequence[Shown]) -> None:
        self._doorkeeper.state.metrics.lateness.observe(max(0.0, time.time() - shown[0].at / 1000))
        if self._readers:
            self._gathered.extend(shown)
            self._arrived.set()

    async def _send(self) -> None:
        while True:
            await self._arrived.wait()
            await asyncio.sleep(TICK_S)
            self._arrived.clear()
            gathered, self._gathered = self._gathered, []
            if gathered:
                self._send_all(gathered)

    def _send_all(self, gathered: Sequence[Shown]) -> None:
        encoded = [(shown.seq, decision(shown)) for shown in gathered]
        chunk, first, last = b"".join(data for _, data in encoded), encoded[0][0], encoded[-1][0]
        for reader in self._readers:
            if reader.reached is None:
                reader.early += encoded
                continue
            if reader.reached < first:
                reader.put(chunk)
            else:  # it came in between: the journal has given it the first of them
                reader.put(b"".join(data for seq, data in encoded if seq > reader.reached))
            reader.reached = max(reader.reached, last)

    async def _tell_now(self) -> None:
        complete = self.journal.progress.complete
        while True:
            await asyncio.sleep(NOW_S)
            was_complete, complete = complete, self.journal.progress.complete
            if not self._readers:
                continue
            try:
                chunk = event("now", _ENCODER.encode(await self._now.answer()))
                if complete and not was_complete:  # what it caught up with has gone to nobody
                    found = await ask(self.journal, questions.missed, None, 0)
                    chunk += event("gap", _ENCODER.encode(Gap(None, found.oldest)))
            except Problem:
                continue
            except Exception:
                logger.exception("The numbers of now cannot be told")
                continue
            for reader in self._readers:
                reader.put(chunk)

    async def page(self, call: Call) -> FeedAnswer:
        """GET /v1/feed."""
        query: FeedQuery = call.query
        wanted = questions.Filter(query.kind, query.action, query.clause, query.rule, query.subject_kind,
                                  since_ms(query.since))  # fmt: skip
        found = await ask(self.journal, questions.feed, query.before, query.limit, wanted)
        return FeedAnswer([item_of(shown) for shown in found.items], found.oldest)

    async def stream(self, call: Call) -> web.StreamResponse:
        """GET /v1/feed/stream."""
        if len(self._readers) >= MOST_READERS:
            raise Problem(503, "busy", "Too many readers", f"{MOST_READERS} read already", retry_after_s=30)
        after = _last_event_id(call)
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"})
        add_headers(answer)
        reader = Reader()
        self._readers.add(reader)  # before the journal is asked: what comes meanwhile waits
        try:
            begin = await self._begin(reader, after)
            await answer.prepare(call.request)
            await self._write_all(call, answer, reader, begin)
        except (ConnectionResetError, TimeoutError):
            pass
        finally:
            self._readers.discard(reader)
            if reader.cut:
                self._doorkeeper.state.metrics.cut_off.inc()
        if call.request.transport is not None and reader.cut:
            call.request.transport.abort()  # what is buffered for it is not worth waiting for
        return answer

    async def _begin(self, reader: Reader, after: int | None) -> bytes:
        """What a reader is told first: what it has missed."""
        missed = await ask(self.journal, questions.missed, after, RESUMED)
        parts = [b"retry: %d\n\n" % RETRY_MS]
        if not missed.known or missed.number > len(missed.items):
            gap = Gap(missed.number if missed.known else None, missed.oldest)
            parts.append(event("gap", _ENCODER.encode(gap), missed.newest))
        else:
            parts += [decision(shown) for shown in missed.items]
        told_up_to = max([missed.newest, *(shown.seq for shown in missed.items)])
        parts.append(event("now", _ENCODER.encode(await self._now.answer()), told_up_to))
        parts.append(reader.begin(told_up_to))
        return b"".join(parts)

    async def _write_all(self, call: Call, answer: web.StreamResponse, reader: Reader, chunk: bytes) -> None:
        beat = time.monotonic()
        while not reader.cut:
            if time.monotonic() - beat >= HEARTBEAT_S:
                if not self._doorkeeper.tokens.still(call.who):
                    return
                chunk += b": still here\n\n"
                beat = time.monotonic()
            if chunk:
                async with asyncio.timeout(STALLED_S):
                    await answer.write(chunk)
            chunk = await reader.next(HEARTBEAT_S)


def _last_event_id(call: Call) -> int | None:
    """Where the reader was. Raises Problem (400)."""
    given = call.request.headers.get("Last-Event-ID")
    if given is None:
        return call.query.after  # type: ignore[no-any-return]
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise Problem(400, "invalid", "Bad header", "Last-Event-ID is the number of an event of this stream")
    return int(given)


def feed_routes(feed: Feed) -> Sequence[Route]:
    """GET /v1/feed and GET /v1/feed/stream."""
    return (
        Route(method="GET", path="/v1/feed", role="read", handler=feed.page, query=FeedQuery, answer=FeedAnswer,
              tag="feed", summary="What workers have decided, the newest first", problems=BUSY),
        Route(method="GET", path="/v1/feed/stream", role="read", handler=feed.stream, query=StreamQuery, answer=Item,
              tag="feed", content="text/event-stream", problems={503: "too many readers, or requests, wait"},
              summary="The same as it comes, as server-sent events",
              description="`decision`: data is the Item shown here, `id` its number. `now`: what GET /v1/now answers, "
              "every two seconds. `gap`: {missed, oldest}, where the reader has missed what is not given: load "
              "GET /v1/feed."),
    )  # fmt: skip
