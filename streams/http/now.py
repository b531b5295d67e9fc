"""GET /v1/now: what is happening, in numbers. Worked out at most once in REFRESH_S, whoever asks."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from rules.controls import ControlRecord
from streams.http.asking import BUSY, ask
from streams.http.policy import Policy
from streams.http.routes import Call, Route
from streams.http.times import now, now_ms, told
from streams.http.workers import Standing, Workers
from streams.journal import questions
from streams.journal.journal import Journal

REFRESH_S = 1.0


class JournalNow(msgspec.Struct):
    """How far the journal is: see `streams.journal.following.Progress`."""

    complete: bool
    records: int
    behind_s: float | None
    since: datetime
    problem: str
    unreadable: int


class MinuteNow(msgspec.Struct):
    """Of the last whole minute and the one that runs."""

    enforcements: int
    violations: int


class HourNow(msgspec.Struct):
    """Of the last 60 minutes. `enforcements`: by action; `dead_letter_reasons`: the dead letters by their reason."""

    enforcements: dict[str, int]
    violations: int
    lifts: int
    dead_letters: int
    dead_letter_reasons: dict[str, int]
    reviews_opened: int


class Halted(msgspec.Struct):
    """Who put all automatic enforcement to shadow."""

    by: str
    why: str
    at: datetime


class PacksNow(msgspec.Struct):
    """Labels of the packs in force; empty for none, and while they are not known."""

    live: str
    canary: str = ""
    canary_percent: float = 0.0
    shadow: str = ""


class NowAnswer(msgspec.Struct):
    """What is happening now."""

    time: datetime
    journal: JournalNow
    minute: MinuteNow
    hour: HourNow
    reviews_open: int
    halted: Halted | None
    rules_halted: list[str]
    packs: PacksNow
    workers: list[Standing]
    in_force: dict[str, int]


class Now:
    """Works the answer out, once for all who ask at the same time."""

    def __init__(self, journal: Journal, policy: Policy, workers: Workers) -> None:
        self._journal, self._policy, self._workers = journal, policy, workers
        self._lock = asyncio.Lock()
        self._made = 0.0
        self._answer: NowAnswer | None = None

    async def answer(self) -> NowAnswer:
        """The numbers, at most REFRESH_S old. Raises Problem (503)."""
        async with self._lock:
            if self._answer is None or time.monotonic() - self._made > REFRESH_S:
                self._answer = await self._work_out()
                self._made = time.monotonic()
            return self._answer

    async def _work_out(self) -> NowAnswer:
        progress = self._journal.progress
        counted = await ask(self._journal, questions.counts, now_ms())
        standing = [msgspec.json.decode(body, type=ControlRecord) for body in await ask(self._journal, questions.halts)]
        everything = next((each for each in standing if each.rule is None), None)
        behind = progress.behind_s
        return NowAnswer(
            time=now(),
            journal=JournalNow(
                progress.complete, progress.records, behind, told(progress.since), progress.problem, progress.unreadable
            ),
            minute=MinuteNow(counted.minute.get("enforcement", 0), counted.minute.get("violation", 0)),
            hour=HourNow(
                enforcements=counted.actions,
                violations=counted.hour.get("violation", 0),
                lifts=counted.hour.get("lift", 0),
                dead_letters=counted.hour.get("dead_letter", 0),
                dead_letter_reasons=counted.dead_letters,
                reviews_opened=counted.reviews_opened,
            ),
            reviews_open=counted.reviews_open,
            halted=None if everything is None else Halted(everything.by, everything.why, everything.time),
            rules_halted=sorted(each.rule for each in standing if each.rule is not None),
            packs=self._packs(),
            workers=self._workers.standings(),
            in_force=counted.in_force,
        )

    def _packs(self) -> PacksNow:
        known, log = self._policy.known, self._policy.topic.log
        labels, standing = log.labels(), log.newest
        return PacksNow(
            live=known.label if known is not None else labels.get(standing.live, ""),
            canary=labels.get(standing.canary, ""),
            canary_percent=standing.percent if standing.canary else 0.0,
            shadow=labels.get(standing.shadow, ""),
        )


def now_routes(now: Now) -> Sequence[Route]:
    """GET /v1/now."""

    async def show(_: Call) -> Any:
        return await now.answer()

    return (
        Route(method="GET", path="/v1/now", role="read", handler=show, answer=NowAnswer, tag="now",
              summary="What is happening: counts, what waits, what is halted, how far everything is", problems=BUSY),
    )  # fmt: skip
