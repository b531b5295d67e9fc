"""`POST /v1/events`: events in, acknowledged once they are on their topics.

Lines are taken in order, and sent while later ones are still being read. The first that is wrong ends the post: those
before it are on the topics, and it and those behind it are not. So `line` of a problem is always where to go on.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec
from aiokafka.errors import TopicAuthorizationFailedError

from rules.events import InvalidEventError
from streams.codec import one_line
from streams.http.ingest.pieces import Line, Lines, TooLongError, pieces
from streams.http.ingest.records import MAX_LINE_BYTES, CloudEvent, Limits, PostedEvent, Record, of_cloud_event, of_line
from streams.http.ingest.room import Room, Share, busy
from streams.http.ingest.writer import UnavailableError, Writer, connected
from streams.http.problems import Problem
from streams.http.rights import forbidden
from streams.http.routes import Call, Route
from streams.http.state import ProcessState
from streams.plausible import span
from streams.rights import Right, RightsError
from streams.settings import Settings

BATCH_EVENTS = 500
BATCH_BYTES = 1 << 20
"""So much is sent at a time: what is being read waits for it, and so does whoever sends it."""
MAX_BODY_BYTES = 64 << 20
"""Longest body of lines: some 100,000 posts."""
MAX_BATCH_BYTES = 16 << 20
"""Longest CloudEvents batch, which cannot be decoded in pieces."""
UNAVAILABLE_S = 2

JSON, NDJSON, JSONL = "application/json", "application/x-ndjson", "application/jsonl"
CLOUD_EVENT, CLOUD_EVENTS = "application/cloudevents+json", "application/cloudevents-batch+json"

_Of = Callable[[bytes, Limits], Record]
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])


class Accepted(msgspec.Struct):
    """All events are on their topics, on as many copies as the brokers ask for.

    accepted: how many; repeated: how many of them had been acknowledged a moment ago, and were not written again.
    """

    accepted: int
    repeated: int


@contextlib.asynccontextmanager
async def door(settings: Settings, state: ProcessState) -> AsyncIterator[Sequence[Route]]:
    """The door, open for the length of the block."""
    async with connected(settings) as writer:
        state.checks["events"] = lambda: "" if writer.ready else "Kafka does not take events"
        yield (events_route(settings, writer, Room(), state),)


def events_route(settings: Settings, writer: Writer, room: Room, state: ProcessState) -> Route:
    """The route, before a writer."""
    state.metrics.watch_door(lambda: room.bytes, lambda: writer.written, lambda: writer.repeated)

    async def post(call: Call) -> Accepted:
        limits = Limits(span(settings.max_ahead_s, settings.max_late_days), settings.max_record_bytes)
        with room.post(call.who.digest) as share:
            intake = _Intake(writer, share, limits, state)
            try:
                await _take(call, intake)
            except Problem as problem:
                raise problem if problem.details.line is not None else intake.placed(problem) from None
            except TopicAuthorizationFailedError as error:
                raise intake.placed(_forbidden(settings, error)) from None
            return Accepted(accepted=intake.accepted, repeated=intake.repeated)

    return Route(
        method="POST", path="/v1/events", role="feed", handler=post, raw=True, answer=Accepted, tag="events",
        max_body_bytes=MAX_BODY_BYTES,
        summary="Post events: one, lines of them, or CloudEvents",
        description=(
            "Answered when all are on their topics. The first event that is wrong ends the post: those before it are "
            "on the topics, and `line` says which it is (of a CloudEvents batch: which element), so that the "
            "rest can be posted from there. Posting the same events again is safe: ids make repeats harmless. "
            "Bodies may be compressed with gzip."
        ),
        takes={
            JSON: PostedEvent, NDJSON: PostedEvent, JSONL: PostedEvent,
            CLOUD_EVENT: CloudEvent, CLOUD_EVENTS: list[CloudEvent],
        },
        problems={
            408: "the body comes too slowly",
            413: "a line or the body is too large",
            415: "none of these content types, or another encoding than gzip",
            422: "an event is wrong: see `line`, `reason` and `detail`",
            429: "too much at once: try again after Retry-After",
            503: "Kafka does not take events now: try again after Retry-After",
        },
    )  # fmt: skip


class _Intake:
    """One post on its way: what was read of it and is not sent yet, and what is on the topics."""

    def __init__(self, writer: Writer, share: Share, limits: Limits, state: ProcessState) -> None:
        self._writer, self._share, self._limits, self._state = writer, share, limits, state
        self._records: list[Record] = []
        self._bytes = 0
        self._next = 1
        self._last = 0
        self.accepted = 0
        self.repeated = 0

    async def make_room(self, size: int, tail: int = 0) -> None:
        """Before so many bytes are kept; `tail`: bytes of a line that is not over. Raises Problem (429, 503)."""
        if self._state.stopping:
            await self.send()
            raise self._unavailable()
        if not self._share.grow(size):
            await self.send()
            self.settle(tail)
            if not self._share.grow(size):
                raise busy("too many bytes wait to be acknowledged", line=self._next, accepted=self.accepted)

    def settle(self, tail: int = 0) -> None:
        """Gives room back for all but what waits to be sent, and a line that is not over."""
        self._share.shrink(max(0, self._share.held - self._bytes - tail))

    async def add(self, line: Line, of: _Of) -> None:
        """Takes an event. Raises Problem (413, 422), after those before it were sent."""
        try:
            record = of(line.body, self._limits)
        except InvalidEventError as error:
            raise await self.refusal(line.number, error) from None
        self._records.append(record)
        self._bytes += record.size
        self._last = line.number
        if len(self._records) >= BATCH_EVENTS or self._bytes >= BATCH_BYTES:
            await self.send()

    async def refusal(self, number: int, error: InvalidEventError) -> Problem:
        """What a wrong event is answered with, after those before it were sent. Raises Problem (503)."""
        await self.send()
        self._state.metrics.refused(error.reason)
        large = error.reason == "oversize"
        return Problem(
            413 if large else 422,
            "too_large" if large else "refused",
            "An event is too large" if large else "An event is wrong",
            one_line(str(error)),
            reason=error.reason,
            line=number,
            accepted=self.accepted,
        )

    async def send(self) -> None:
        """Sends what was taken. Raises Problem (503)."""
        if self._records:
            try:
                repeated = await self._writer.send(self._records)
            except UnavailableError:
                raise self._unavailable() from None
            self.accepted += len(self._records)
            self.repeated += repeated
            self._records, self._bytes = [], 0
        self._next = self._last + 1

    def placed(self, problem: Problem) -> Problem:
        """A problem of the body, with where to go on."""
        problem.details.line, problem.details.accepted = self._next, self.accepted
        return problem

    def _unavailable(self) -> Problem:
        return Problem(
            503,
            "unavailable",
            "Events are not taken now",
            "post again from `line` on; what is behind it may be on the topics already, which is harmless",
            retry_after_s=UNAVAILABLE_S,
            line=self._next,
            accepted=self.accepted,
        )


async def _take(call: Call, intake: _Intake) -> None:
    """Takes a post's events. Raises Problem."""
    media = call.request.content_type
    if media in {NDJSON, JSONL}:
        await _take_lines(call, intake)
    elif media == CLOUD_EVENTS:
        for number, element in enumerate(_elements(await _whole(call, intake, MAX_BATCH_BYTES)), 1):
            await intake.add(Line(number, bytes(element)), of_cloud_event)
    else:
        body = await _whole(call, intake, MAX_LINE_BYTES)
        await intake.add(Line(1, body), of_cloud_event if media == CLOUD_EVENT else of_line)
    await intake.send()


async def _take_lines(call: Call, intake: _Intake) -> None:
    lines = Lines(MAX_LINE_BYTES)
    try:
        async for piece in pieces(call.request, MAX_BODY_BYTES):
            await intake.make_room(len(piece), lines.held)
            for line in lines.feed(piece):
                await intake.add(line, of_line)
            intake.settle(lines.held)
        for line in lines.finish():
            await intake.add(line, of_line)
    except TooLongError as error:
        too_long = InvalidEventError("oversize", f"an event has at most {MAX_LINE_BYTES} bytes")
        raise await intake.refusal(error.number, too_long) from None


async def _whole(call: Call, intake: _Intake, most: int) -> bytes:
    body = bytearray()
    async for piece in pieces(call.request, most):
        await intake.make_room(len(piece), len(body))
        body += piece
    return bytes(body)


def _forbidden(settings: Settings, error: TopicAuthorizationFailedError) -> Problem:
    return forbidden(RightsError(settings, [Right("Write", "topic", str(error.args[0]))]))


def _elements(body: bytes) -> list[msgspec.Raw]:
    try:
        return _ELEMENTS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(400, "undecodable", "No batch", "a CloudEvents batch is a JSON array of objects") from None
