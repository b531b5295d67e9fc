"""GET /v1/evidence: what a violation is about, in its context: the event as it came, marked, and its folded form.

Nothing keeps events but their topics. A violation's record has the timestamp of its event's, and the event lies in the
partition of its account: so a few records are read from there on, and no more.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from datetime import datetime

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from rules.decisions import Evidence, Violation
from rules.events import CONTENT_TYPES, Content, InvalidEventError, Name, millis
from rules.wording import Change, FoldedText, folded_texts
from streams.access.clients import client_options, started
from streams.codec import decode_record
from streams.http.asking import BUSY, ask
from streams.http.policy import Policy
from streams.http.problems import Problem
from streams.http.routes import Call, Route
from streams.journal import questions
from streams.journal.journal import Journal
from streams.rights import Right, RightsError, say
from streams.sending import partition_of
from streams.settings import Settings
from streams.topics import topic_names

logger = logging.getLogger(__name__)

LOOKED_AT = 5_000
"""Records read in search of an event."""
MOST_BYTES = 32 << 20
LOOK_S = 3.0
"""How long it is searched for."""
WAITING = 8
_EARLIER_MS = 2_000
"""Clocks of feeds and brokers differ: an event may be on its topic a little before its own time."""
MAX_SHOWN = 50_000
"""Longest text told, in code points."""
BEFORE = 1_000
"""Of a longer one, what is told in front of what was found in it."""
_CONTENT = {"post", "share", "mass_send"}


class EvidenceQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which violation."""

    violation: Name


class EventTold(msgspec.Struct):
    """The event. fields: its texts as they were judged, without markup, each at most MAX_SHOWN characters; of a longer
    one the part that the evidence stands in, and left_out: how many characters of a field are before that."""

    type: str
    id: str
    account: str
    time: datetime
    fields: dict[str, str]
    left_out: dict[str, int]


class FoldedTold(msgspec.Struct):
    """A text as it came and as it is matched, as much of it as is told of the event, and what folding changed, in code
    points of that."""

    field: str
    original: str
    folded: str
    changes: list[Change]


class EvidenceAnswer(msgspec.Struct):
    """A violation in context. event: null when it is not to be had any more, and why_not says why then; marks: where
    the evidence stands, in code points of what is told of the field."""

    violation: Violation
    event: EventTold | None
    marks: list[Evidence]
    folded: list[FoldedTold]
    why_not: str


class Events:
    """Finds events on their topics, with one consumer, one at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._names = settings, topic_names(settings)
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._reader: AIOKafkaConsumer | None = None

    async def close(self) -> None:
        """Ends the consumer."""
        reader, self._reader = self._reader, None
        if reader is not None:
            with contextlib.suppress(KafkaError, OSError, TimeoutError):
                await reader.stop()

    async def find(self, violation: Violation, at: int) -> tuple[Content | None, str]:
        """The event of a violation whose record has the timestamp `at` (ms); or why there is none to be had."""
        kind = violation.event.type
        accounts = [each for each in (violation.subject, *violation.linked) if each.startswith("account:")]
        if kind not in _CONTENT or not accounts:
            return None, "the violation does not say whose event it was"
        if self._waiting > WAITING:
            raise Problem(503, "busy", "Too many events are looked for", "try again", retry_after_s=1)
        self._waiting += 1
        try:
            async with self._lock, asyncio.timeout(3 * LOOK_S):
                return await self._found(violation, accounts[0].partition(":")[2], at)
        except TopicAuthorizationFailedError as error:
            await self.close()
            lacking = RightsError(self._settings, [Right("Read", "topic", str(error.args[0]))])
            say(lacking, "Evidence is shown without its event")
            return None, f"this server may not read the event: its login lacks {lacking.rights[0]}"
        except (KafkaError, OSError, TimeoutError) as error:
            logger.warning("An event cannot be looked for: %s", str(error) or type(error).__name__)
            await self.close()
            return None, "the brokers do not answer"
        finally:
            self._waiting -= 1

    async def _found(self, violation: Violation, account: str, at: int) -> tuple[Content | None, str]:
        kind = violation.event.type
        topic = self._names.input(kind)  # type: ignore[arg-type] # one of _CONTENT
        tp = TopicPartition(topic, partition_of(account.encode(), self._settings.partitions))
        reader = await self._started()
        reader.assign([tp])
        event, why_not = await self._near(reader, tp, violation, account, at)
        before = millis(violation.time) - _EARLIER_MS
        if event is None and before < at:  # of a crowd, the violations are recorded when it is complete
            event, why_not = await self._near(reader, tp, violation, account, before)
        return event, why_not

    async def _near(
        self, reader: AIOKafkaConsumer, tp: TopicPartition, violation: Violation, account: str, at: int
    ) -> tuple[Content | None, str]:
        """Looks from a time on."""
        kind = violation.event.type
        found = (await reader.offsets_for_times({tp: at}))[tp]
        if found is None:
            return None, "the event is no longer on its topic"
        reader.seek(tp, found.offset)
        deadline, looked, size = time.monotonic() + LOOK_S, 0, 0
        while looked < LOOKED_AT and size < MOST_BYTES and time.monotonic() < deadline:
            fetched = await reader.getmany(tp, timeout_ms=200, max_records=500)
            records = fetched.get(tp, [])
            for record in records:
                looked, size = looked + 1, size + len(record.value or b"")
                if record.key != account.encode():
                    continue
                try:
                    event, _ = decode_record(kind, record.key, record.value, record.headers)  # type: ignore[arg-type]
                except InvalidEventError:
                    continue
                if event.id == violation.event.id and isinstance(event, CONTENT_TYPES):
                    return event, ""
            if not records and await reader.position(tp) >= (reader.highwater(tp) or 0):
                break
        return None, "the event is not near where its violation says"

    async def _started(self) -> AIOKafkaConsumer:
        if self._reader is None:
            reader = AIOKafkaConsumer(
                **client_options(self._settings), enable_auto_commit=False, auto_offset_reset="earliest"
            )
            self._reader = reader
            await started(reader)
        return self._reader


def evidence_routes(journal: Journal, policy: Policy, events: Events) -> Sequence[Route]:
    """GET /v1/evidence."""

    async def show(call: Call) -> EvidenceAnswer:
        query: EvidenceQuery = call.query
        found = await ask(journal, questions.violation, query.violation)
        if found is None:
            raise Problem(404, "not_found", "No such violation", "the journal has no violation of this id")
        violation, at = found
        event, why_not = await events.find(violation, at)
        texts: list[FoldedText] = []
        if event is not None:
            pack, loop = policy.live, asyncio.get_running_loop()
            content = event
            texts = await loop.run_in_executor(
                policy.executor, lambda: folded_texts(policy.screen(pack).facts(content).scored)
            )
        return EvidenceAnswer(
            violation=violation,
            event=None if event is None else _told(event, texts, violation.evidence),
            marks=_marks(texts, violation.evidence),
            folded=[_folded(each, _left_out(each, violation.evidence)) for each in texts],
            why_not=why_not,
        )

    return (
        Route(method="GET", path="/v1/evidence", role="read", handler=show, query=EvidenceQuery, answer=EvidenceAnswer,
              tag="subjects", summary="What a violation is about: the event, what was found in it, and its folded form",
              problems={404: "no such violation", **BUSY}),
    )  # fmt: skip


def _standing_in(text: FoldedText, evidence: Sequence[Evidence]) -> list[Evidence]:
    """The evidence that stands in a text; of several texts of a field in the one that has the quote there."""
    return [
        each
        for each in evidence
        if each.field == text.field and each.end > each.start and text.text[each.start : each.end] == each.quote
    ]


def _left_out(text: FoldedText, evidence: Sequence[Evidence]) -> int:
    """How much of a text is not told in front of what was found in it: nothing, where that is within MAX_SHOWN."""
    marks = _standing_in(text, evidence)
    if len(text.text) <= MAX_SHOWN or not marks or max(each.end for each in marks) <= MAX_SHOWN:
        return 0
    return max(0, min(each.start for each in marks) - BEFORE)


def _marks(texts: Sequence[FoldedText], evidence: Sequence[Evidence]) -> list[Evidence]:
    """Where the evidence stands in what is told; where the event is not to be had, in the event."""
    found = [each for each in evidence if each.end > each.start]
    moved = {id(each): _left_out(text, evidence) for text in texts for each in _standing_in(text, evidence)}
    return [
        msgspec.structs.replace(each, start=each.start - by, end=each.end - by)
        for each in found
        for by in (moved.get(id(each), 0),)
        if not texts or each.start - by < MAX_SHOWN
    ]


def _folded(text: FoldedText, left_out: int) -> FoldedTold:
    end = left_out + MAX_SHOWN
    told = [each for each in text.changes if left_out <= each.start and each.end <= end]
    # as much longer or shorter as folding has made what is left out
    first = left_out + sum(len(each.folded) - (each.end - each.start) for each in text.changes if each.end <= left_out)
    return FoldedTold(
        text.field,
        text.text[left_out:end],
        text.folded[first : first + MAX_SHOWN],
        [Change(each.start - left_out, each.end - left_out, each.original, each.folded) for each in told],
    )


def _told(event: Content, texts: Sequence[FoldedText], evidence: Sequence[Evidence]) -> EventTold:
    """The event; of several texts of a field the one that the evidence stands in."""
    fields: dict[str, str] = {}
    left_out: dict[str, int] = {}
    for text in texts:
        if _standing_in(text, evidence) or text.field not in fields:
            before = _left_out(text, evidence)
            fields[text.field] = text.text[before : before + MAX_SHOWN]
            left_out.pop(text.field, None)
            if before:
                left_out[text.field] = before
    return EventTold(event.type, event.id, event.account, event.time, fields, left_out)
