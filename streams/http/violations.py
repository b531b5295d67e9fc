"""GET /v1/violations: what rules found, the newest first: what the counts of violations count."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from rules.decisions import Mode, SubjectKind, Violation
from streams.http.asking import BUSY, Before, Limit, Since, ask, raw
from streams.http.routes import Call, Route
from streams.http.times import since_ms, told
from streams.journal import questions
from streams.journal.journal import Journal


class ViolationsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which violations. mode: how they were meant, `enforce` or `shadow`."""

    before: Before | None = None
    limit: Limit = 50
    mode: Mode | None = None
    clause: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    rule: Annotated[str, msgspec.Meta(max_length=256)] | None = None
    subject_kind: SubjectKind | None = None
    since: Since | None = None


class FoundViolation(msgspec.Struct):
    """A violation. `seq`: its number, by which pages go on; `at`: when it was produced."""

    seq: int
    at: datetime
    item: Violation


class ViolationsAnswer(msgspec.Struct):
    """Violations, the newest first. `oldest`: to be given as `before` for what is older; null when nothing is. With a
    filter that little passes, a page may have few or none, and there may be more all the same."""

    items: list[FoundViolation]
    oldest: int | None


def violation_routes(journal: Journal) -> Sequence[Route]:
    """GET /v1/violations."""

    async def listed(call: Call) -> ViolationsAnswer:
        query: ViolationsQuery = call.query
        wanted = questions.Filter(
            action=query.mode,
            clause=query.clause,
            rule=query.rule,
            subject_kind=query.subject_kind,
            since=since_ms(query.since),
        )
        found = await ask(journal, questions.violations_page, query.before, query.limit, wanted)
        return ViolationsAnswer(
            [FoundViolation(each.seq, told(each.at), raw(each.body)) for each in found.items], found.oldest
        )

    return (
        Route(method="GET", path="/v1/violations", role="read", handler=listed, query=ViolationsQuery,
              answer=ViolationsAnswer, tag="violations", problems=BUSY,
              summary="What rules found, the newest first, in force and in shadow"),
    )  # fmt: skip
