"""Clauses that wait for users' reports: how many, from whom, about what and when; and that order does not matter."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.decisions import Review, Violation
from rules.enforce import Enforcer
from rules.events import Report
from rules.packs import InvalidPackError, Pack, load_pack
from rules.subject_state import decode_subject
from tests.rules.conftest import WritePack
from tests.rules.making import Court, at, violation

PACK = """
    pack: {name: p, version: "1"}
    clauses:
      accounts.1:
        title: {zh: 群发, en: mass sends}
        handling: by_report
        reports: {reporters: 3, within: 7d}
        first: [suspend_account]
        egregious: [ban_account]
      accounts.2:
        title: {zh: 互推, en: promotion}
        handling: by_report
        reports: {reporters: 1, within: 1h, categories: [spam, fraud]}
        first: [suspend_account]
        egregious: [ban_account]
      accounts.3: {title: {zh: 附近, en: nearby}, first: [suspend_account]}
    ladders:
      all: {clauses: [accounts], window: 180d, grace: 1h, rungs: [{apply: first, for: 1d}, {apply: egregious}]}
    """


def report(number: int, time: datetime, reporter: str = "", category: str = "spam") -> Report:
    return Report(
        id=f"r{number}", subject="account:alice", reporter=reporter or f"user{number}", category=category, time=time
    )


def broken(clause: str, time: datetime) -> Violation:
    return violation(time, clause=clause, rule="r")


@pytest.fixture
def pack(write_pack: WritePack) -> Pack:
    return load_pack(write_pack(pack=PACK))


@pytest.fixture
def court(pack: Pack) -> Court:
    return Court(Enforcer(pack))


def test_a_violation_waits_for_so_many_reporters(court: Court) -> None:
    assert court.hear(broken("accounts.1", at())) == []
    assert court.hear(report(1, at(hours=1)), report(2, at(hours=2))) == []
    (review,) = court.hear(report(3, at(hours=3)))
    assert isinstance(review, Review)
    assert (review.reason, review.reporters, review.time) == ("by_report", 3, at(hours=3))
    assert (review.rule, review.clauses, review.proposed) == ("r", ["accounts.1"], ["suspend_account"])
    assert review.violations == [broken("accounts.1", at()).id]
    assert review.evidence == []
    assert not court.bans.get("account:alice")


def test_reports_may_come_before_the_violation(court: Court) -> None:
    assert court.hear(*(report(number, at(hours=number)) for number in range(3))) == []
    (review,) = court.hear(broken("accounts.1", at(days=1)))
    assert isinstance(review, Review)
    assert review.time == at(days=1)


def test_one_reporter_counts_once_and_one_review_is_opened(court: Court) -> None:
    court.hear(broken("accounts.1", at()))
    assert court.hear(*(report(number, at(hours=number), "same") for number in range(5))) == []
    assert len(court.hear(report(6, at(hours=6)), report(7, at(hours=7)), report(8, at(hours=8)))) == 1


@pytest.mark.parametrize(
    ("hours", "category", "opens"), [(1, "spam", True), (-1, "fraud", True), (1.1, "spam", False), (0, "abuse", False)]
)
def test_only_reports_of_the_category_and_near_in_time_count(
    court: Court, hours: float, category: str, opens: bool
) -> None:
    court.hear(broken("accounts.2", at(days=1)))
    assert bool(court.hear(report(1, at(days=1, hours=hours), category=category))) == opens


def test_only_violations_with_enough_reports_lead_to_something(court: Court) -> None:
    court.hear(broken("accounts.2", at()), broken("accounts.1", at(hours=3)))
    (review,) = court.hear(report(1, at(minutes=5)))
    assert isinstance(review, Review)
    assert review.clauses == ["accounts.2"]


def test_clauses_that_wait_for_nobody_are_enforced_as_ever(court: Court) -> None:
    assert [decision.subject for decision in court.hear(broken("accounts.3", at()))] == ["account:alice"]
    assert court.actions("account:alice", at(hours=1)) == {"suspend_account"}
    assert court.hear(*(report(number, at(hours=number)) for number in range(5))) == []


EVENTS = st.lists(
    st.one_of(
        st.builds(broken, st.sampled_from(["accounts.1", "accounts.2"]), st.integers(0, 20).map(lambda h: at(hours=h))),
        st.builds(
            lambda number, hour, who: report(number, at(hours=hour), who),
            st.integers(0, 10_000),
            st.integers(0, 200),
            st.sampled_from(["a", "b", "c", "d"]),
        ),
    ),
    max_size=10,
    unique_by=lambda event: event.id,
)


@settings(max_examples=60)
@given(EVENTS, st.randoms())
def test_where_it_ends_does_not_depend_on_the_order(events: list[Violation | Report], random: st.random.Random) -> None:  # type: ignore[name-defined]
    ends = []
    for _ in range(2):
        court = Court(Enforcer(TINY_PACK))
        court.hear(*events)
        data = court.states.get("account:alice")
        case = decode_subject(data).cases.get("all??") if data else None
        ends.append(msgspec.structs.astuple(case)[1:] if case is not None else None)  # its id tells who came first
        random.shuffle(events)
    assert ends[0] == ends[1]


def _pack() -> Pack:
    import tempfile
    from textwrap import dedent

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pack.yaml").write_text(dedent(PACK), "utf-8")
        return load_pack(Path(folder))


TINY_PACK = _pack()

ERRORS = [
    ("reports: {reporters: 3}", "'within' is missing"),
    ("reports: {within: 1d}", "'reporters' is missing"),
    ("reports: {reporters: 0, within: 1d}", "expected a whole number, found '0'"),
    ("reports: {reporters: 1.5, within: 1d}", "expected a whole number, found '1.5'"),
    ("reports: {reporters: 101, within: 1d}", "1 to 100"),
    ("reports: {reporters: 3, within: 1d, category: [a]}", "did you mean 'categories'?"),
]


@pytest.mark.parametrize(("text", "message"), ERRORS)
def test_what_is_wrong_with_reports_is_refused(write_pack: WritePack, text: str, message: str) -> None:
    clause = f"clauses: {{accounts.4: {{title: {{zh: 一, en: one}}, handling: by_report, {text}}}}}"
    with pytest.raises(InvalidPackError, match=message.replace("?", r"\?")):
        load_pack(write_pack(pack=PACK, more=clause))


def test_reports_go_with_clauses_that_are_handled_by_report(write_pack: WritePack) -> None:
    clause = "clauses: {accounts.4: {title: {zh: 一, en: one}, reports: {reporters: 3, within: 1d}}}"
    with pytest.raises(InvalidPackError, match="`reports` goes with `handling: by_report`"):
        load_pack(write_pack(pack=PACK, more=clause))
