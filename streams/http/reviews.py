"""GET /v1/reviews: the cases that wait for a person, as `warden reviews` shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from rules.decisions import Action, Ban, Review, Violation
from rules.events import Name
from streams.bans.records import in_force
from streams.http.asking import BUSY, Before, Limit, ask, raw
from streams.http.problems import Problem
from streams.http.routes import Call, Route
from streams.http.spans import span_en, span_zh
from streams.http.times import now, now_ms, told
from streams.journal import questions
from streams.journal.journal import Journal

_VIOLATION = msgspec.json.Decoder(Violation)
Status = Literal["open", "approved", "rejected", "closed"]


class ReviewsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which reviews, in which order. before: for the page after, of the newest first; after: for that of the oldest
    first, the id of the last one that was told, whatever has become of it since."""

    status: Status = "open"
    order: Literal["newest", "oldest"] = "newest"
    before: Before | None = None
    after: Name | None = None
    limit: Limit = 50


class Waiting(msgspec.Struct):
    """A review's newest record. waits_s: since it opened, in seconds; seq: its number, for the page after it."""

    review: Review
    waits_s: float
    subject_in_force: list[Action]
    seq: int


class ReviewsAnswer(msgspec.Struct):
    """Reviews, the newest or the oldest first. `open`: how many wait for a person, whatever was asked for."""

    reviews: list[Waiting]
    open: int


class HistorySummary(msgspec.Struct):
    """What the journal knows of the subject. first_seen: null when it knows nothing."""

    violations: int
    enforcements: int
    overturned: int
    first_seen: datetime | None


class Would(msgspec.Struct):
    """What approving does, in a sentence."""

    zh: str
    en: str


class ReviewAnswer(msgspec.Struct):
    """A case with all that it is about."""

    review: Review
    waits_s: float
    violations: list[Violation]
    linked_open: list[Review]
    subject_in_force: list[Action]
    history_summary: HistorySummary
    would: Would


def review_routes(journal: Journal) -> Sequence[Route]:
    """GET /v1/reviews and GET /v1/reviews/{id}."""

    async def listed(call: Call) -> ReviewsAnswer:
        query: ReviewsQuery = call.query
        found = await _page(journal, query)
        held = await ask(journal, questions.bans, [each.review.subject for each in found])
        at = now_ms()  # of all alike: a page is in the order of what it says
        waiting = [
            Waiting(each.review, _waits(each.first, at), actions_of(held, each.review.subject), each.seq)
            for each in found
        ]
        return ReviewsAnswer(waiting, await ask(journal, questions.open_reviews))

    async def show(call: Call) -> ReviewAnswer:
        found = await found_review(journal, call.path["id"])
        bodies = await ask(journal, questions.violations, found.review.violations)
        about = [_VIOLATION.decode(body) for body in bodies]
        linked = sorted({subject for each in about for subject in each.linked})
        others = await ask(journal, questions.reviews_of, linked)
        held = await ask(journal, questions.bans, [found.review.subject])
        return ReviewAnswer(
            review=found.review,
            waits_s=_waits(found.first, now_ms()),
            violations=[raw(body) for body in bodies],
            linked_open=others,
            subject_in_force=actions_of(held, found.review.subject),
            history_summary=_summary(await ask(journal, questions.totals, found.review.subject)),
            would=would(found.review),
        )

    return (
        Route(method="GET", path="/v1/reviews", role="read", handler=listed, query=ReviewsQuery, answer=ReviewsAnswer,
              tag="reviews", summary="Reviews by their status, the newest first or those that wait longest",
              problems={404: "no such review to go on behind", **BUSY}),
        Route(method="GET", path="/v1/reviews/{id}", role="read", handler=show, answer=ReviewAnswer, tag="reviews",
              summary="A review, the violations it is about, and what approving it would do",
              problems={404: "no such review", **BUSY}),
    )  # fmt: skip


async def found_review(journal: Journal, identifier: str) -> questions.FoundReview:
    """A review by its id. Raises Problem (404)."""
    found = await ask(journal, questions.review, identifier)
    if found is None:
        raise Problem(404, "not_found", "No such review", "no review of this id is on the topic")
    return found


def actions_of(bans: Mapping[str, Ban], subject: str) -> list[Action]:
    """What is in force for a subject."""
    ban = bans.get(subject)
    held = in_force(ban, now()) if ban is not None else None
    return list(dict.fromkeys(entry.action for entry in held.sanctions)) if held is not None else []


def would(review: Review) -> Would:
    """What approving a review does; of one that has ended, what it would have done."""
    if not review.proposed:
        return Would("不会产生任何处罚", "nothing would come into force")
    actions = ", ".join(review.proposed)
    if review.proposed == ["warn"]:
        return Would(
            f"警告 {review.subject}（阶梯 {review.ladder} 第 {review.rung} 级），不限制任何功能",
            f"warns {review.subject} (step {review.rung} of {review.ladder}), which forbids nothing",
        )
    lasts = None if review.lasts is None else review.lasts * 1000
    return Would(
        f"对 {review.subject} 执行 {actions}，{span_zh(lasts)}（阶梯 {review.ladder} 第 {review.rung} 级）",
        f"puts {actions} in force for {review.subject} {span_en(lasts)} (step {review.rung} of {review.ladder})",
    )


async def _page(journal: Journal, query: ReviewsQuery) -> list[questions.FoundReview]:
    """Raises Problem (400, 404)."""
    if query.order == "newest":
        if query.after is not None:
            raise Problem(400, "invalid", "Bad parameter", "`after` goes with the order `oldest`: give `before`")
        return await ask(journal, questions.reviews, query.status, query.before, query.limit)
    if query.before is not None:
        raise Problem(400, "invalid", "Bad parameter", "`before` goes with the order `newest`: give `after`")
    found = await ask(journal, questions.oldest_reviews, query.status, query.after, query.limit)
    if found is None:
        raise Problem(404, "not_found", "No such review", "`after` is no review that the journal has: begin anew")
    return found


def _waits(first: int, at: int) -> float:
    return max(0.0, (at - first) / 1000)


def _summary(found: questions.Totals) -> HistorySummary:
    first = None if found.first is None else told(found.first)
    return HistorySummary(found.violations, found.enforcements, found.overturned, first)
