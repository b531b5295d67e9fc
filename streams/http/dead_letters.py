"""GET /v1/dead-letters: the newest records that could not be taken, why, and what they held."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from streams.http.asking import BUSY, Before, Limit, Since, ask
from streams.http.routes import Call, Route
from streams.http.times import since_ms, told
from streams.journal import questions
from streams.journal.journal import Journal


class DeadLettersQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which dead letters."""

    before: Before | None = None
    limit: Limit = 50
    reason: Annotated[str, msgspec.Meta(max_length=50)] | None = None
    since: Since | None = None


class FoundDeadLetter(msgspec.Struct):
    """A record that could not be taken. `seq`: its number, by which pages go on; `at`: when the dead letter was
    produced; topic, partition, offset: of the record as it came, null where the dead letter does not say; bytes: of its
    value; value: the first of them, as UTF-8 with U+FFFD for what is none; cut: whether there are more."""

    seq: int
    at: datetime
    reason: str
    detail: str
    topic: str | None
    partition: int | None
    offset: int | None
    bytes: int
    value: str
    cut: bool


class DeadLettersAnswer(msgspec.Struct):
    """Dead letters, the newest first. `oldest`: to be given as `before` for what is older; null when the journal has
    nothing older."""

    items: list[FoundDeadLetter]
    oldest: int | None


def dead_letter_routes(journal: Journal) -> Sequence[Route]:
    """GET /v1/dead-letters."""

    async def listed(call: Call) -> DeadLettersAnswer:
        query: DeadLettersQuery = call.query
        found = await ask(
            journal,
            questions.dead_letters,
            query.before,
            query.limit,
            reason=query.reason,
            since=since_ms(query.since),
        )
        return DeadLettersAnswer([_told(each) for each in found.items], found.oldest)

    return (
        Route(method="GET", path="/v1/dead-letters", role="read", handler=listed, query=DeadLettersQuery,
              answer=DeadLettersAnswer, tag="dead letters", problems=BUSY,
              summary="The newest records that could not be taken, and why",
              description="The journal keeps the newest 1,000, with 2 KiB of each; the topic has all of them, whole."),
    )  # fmt: skip


def _told(letter: questions.KeptLetter) -> FoundDeadLetter:
    return FoundDeadLetter(
        seq=letter.seq,
        at=told(letter.at),
        reason=letter.reason,
        detail=letter.detail,
        topic=letter.topic,
        partition=letter.partition,
        offset=letter.place,
        bytes=letter.size,
        value=letter.value.decode("utf-8", "replace"),
        cut=letter.size > len(letter.value),
    )
