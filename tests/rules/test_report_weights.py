"""What reports weigh: records, linked reporters and bursts, against a definition that compares all with all."""

from __future__ import annotations

import random
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.events import Report, from_millis
from rules.packs.model import Reports
from rules.report_weights import Heard, heard, weigh
from rules.reporter_groups import BURST, BURST_WITHIN, COMPANY_SHARED, trust
from rules.reporters import MAX_OUTCOMES, Outcome, short_hash
from rules.reports import MAX_REPORTS, REPORTS_EACH, StoredReport, inquiry, outcomes, remember, stored
from tests.rules.making import DAY, HOUR, at

THREE = Reports(3, 7 * DAY, frozenset())
TARGETS = [bytes([number] * 8) for number in range(10)]


def report(
    who: int | str,
    time: int | None = None,
    *,
    record: tuple[int, int] | None = (0, 0),
    new: bool = False,
    device: bytes = b"",
    network: bytes = b"",
    company: tuple[int, ...] = (),
    category: str = "spam",
) -> StoredReport:
    """A report by somebody known for long, an hour after the one before by number; `record` None: nothing heard yet."""
    upheld, rejected = record or (0, 0)
    return StoredReport(
        time=int(who) * HOUR if time is None else time,
        id=f"r{who}-{time}",
        reporter=f"user{who}",
        category=category,
        device=device,
        network=network,
        known=-1 if record is None else upheld + rejected,
        upheld=upheld,
        rejected=rejected,
        new=new,
        company=b"".join(sorted(TARGETS[number] for number in company)),
    )


def test_people_without_a_record_count_one_each() -> None:
    assert heard(0, THREE, [report(1), report(2), report(2, 5), report(3)]) == Heard(3, 3.0, False)


def test_only_reports_near_in_time_and_of_the_category_count() -> None:
    wanted = Reports(1, HOUR, frozenset({"fraud"}))
    fraud = [report(1, HOUR, category="fraud"), report(2, -HOUR - 1, category="fraud"), report(3, 0)]
    assert heard(0, wanted, fraud) == Heard(1, 1.0, False)


def test_a_report_whose_testimony_has_not_come_counts_nothing() -> None:
    assert heard(0, THREE, [report(1, record=None), report(2)]) == Heard(1, 1.0, False)


@pytest.mark.parametrize(
    ("record", "weight"),
    [((0, 0), 1.0), ((1, 0), 1.333), ((3, 3), 1.0), ((0, 1), 0.666), ((0, 10), 0.166), ((18, 0), 1.9)],
)
def test_a_reporter_counts_by_the_record(record: tuple[int, int], weight: float) -> None:
    assert heard(0, THREE, [report(1, record=record)]).weight == weight


def test_ten_reporters_who_were_always_wrong_are_not_three() -> None:
    liars = [report(number, record=(0, 10)) for number in range(10)]
    assert heard(0, THREE, liars) == Heard(10, 1.66, False)


def test_nobody_counts_two() -> None:
    assert trust(MAX_OUTCOMES, 0) < 2000


def test_the_record_of_the_newest_report_counts() -> None:
    assert heard(0, THREE, [report(1, 5, record=(0, 3)), report(1, 3, record=(3, 0))]).weight == 0.4


@pytest.mark.parametrize(
    "shared",
    [{"device": b"a" * 8}, {"network": b"a" * 8}, {"company": (1, 2, 3)}],
    ids=["device", "network", "company"],
)
def test_linked_reporters_count_as_one_and_raise_a_brigade(shared: dict[str, object]) -> None:
    linked = [report(number, **shared) for number in range(20)]  # type: ignore[arg-type]
    assert heard(0, THREE, linked) == Heard(20, 1.0, True)
    assert heard(0, THREE, [*linked, report(30), report(31)]) == Heard(22, 3.0, False)


def test_two_targets_in_common_are_chance() -> None:
    assert COMPANY_SHARED == 3
    apart = [report(1, company=(1, 2, 3)), report(2, company=(2, 3, 4)), report(3, company=(3, 4, 5))]
    assert heard(0, THREE, apart).weight == 3


def test_links_lead_on() -> None:
    chain = [report(1, device=b"d" * 8), report(2, device=b"d" * 8, network=b"n" * 8), report(3, network=b"n" * 8)]
    assert heard(0, THREE, chain) == Heard(3, 1.0, True)


def test_targets_in_common_lead_on_too() -> None:
    companies = [(0, 1, 2, 3), (1, 2, 3, 4, 5), (3, 4, 5, 6)]
    sent = [report(number, company=company) for number, company in enumerate(companies)]
    assert heard(0, THREE, sent) == Heard(3, 1.0, True)


def test_linked_reporters_count_as_the_weightiest_who_is_near() -> None:
    linked = [report(1, 0, record=(0, 3), device=b"d" * 8), report(2, HOUR, record=(3, 0), device=b"d" * 8)]
    wanted = Reports(1, HOUR - 1, frozenset())
    assert [found.weight for found in weigh([0, 1, HOUR], wanted, linked).values()] == [0.4, 1.6, 1.6]


def test_new_reporters_count_together_in_a_burst_only() -> None:
    burst = [report(number, number, new=True) for number in range(3)]
    slowly = [report(number, number * BURST_WITHIN, new=True) for number in range(3)]
    assert heard(0, THREE, burst) == Heard(3, 1.0, True)
    assert heard(0, THREE, slowly) == Heard(3, 3.0, False)


def test_where_more_reporters_are_wanted_a_burst_is_larger() -> None:
    ten = Reports(10, DAY, frozenset())
    few = [report(number, number, new=True) for number in range(BURST - 1)]
    assert heard(0, ten, few).weight == BURST - 1
    assert heard(0, ten, [*few, report(99, 99, new=True)]).weight == 1


def test_somebody_new_counts_no_more_than_one() -> None:
    assert heard(0, THREE, [report(1, record=(5, 0), new=True)]).weight == 1


def test_somebody_of_a_burst_counts_no_more_than_one_later() -> None:
    burst = [report(number, number, new=True) for number in range(3)]
    later = [report(number, 3 * DAY, record=(9, 0)) for number in range(3)]
    assert heard(0, THREE, burst + later) == Heard(3, 1.0, True)


def test_people_with_a_record_are_enough_beside_a_burst() -> None:
    burst = [report(number, number, new=True) for number in range(20)]
    trusted = [report(number, number, record=(9, 0)) for number in (30, 31)]
    assert heard(0, THREE, [*burst, *trusted]) == Heard(22, 4.636, False)


def test_of_a_group_with_old_and_new_accounts_only_one_counts() -> None:
    mixed = [report(number, number, new=number > 2, device=b"d" * 8) for number in range(9)]
    assert heard(0, THREE, mixed) == Heard(9, 1.0, True)


SHARES = st.sampled_from([b"", b"", b"", b"1" * 8, b"2" * 8])
REPORTS = st.lists(
    st.builds(
        report,
        st.integers(0, 9),
        st.integers(0, 6).map(lambda number: number * BURST_WITHIN // 2),
        record=st.one_of(st.none(), st.tuples(st.integers(0, 3), st.integers(0, 3))),
        new=st.booleans(),
        device=SHARES,
        network=SHARES,
        company=st.lists(st.integers(0, 9), max_size=5, unique=True).map(tuple),
        category=st.sampled_from("xy"),
    ),
    max_size=14,
)
TIMES = st.lists(st.integers(0, 6).map(lambda number: number * BURST_WITHIN // 2), max_size=6)
WANTED = st.builds(
    Reports, st.integers(1, 6), st.integers(0, 2 * BURST_WITHIN), st.sampled_from([frozenset(), frozenset("x")])
)


def defined(time: int, wanted: Reports, reports: list[StoredReport]) -> Heard:
    """The definition, said as plainly as it can be."""
    known = sorted((r for r in reports if r.known >= 0), key=lambda r: (r.time, r.id))
    newest = {r.reporter: r for r in known}
    new = [r for r in known if r.new]
    bursts = set()
    for last in new:
        near = [r for r in new if 0 <= last.time - r.time <= BURST_WITHIN]
        if len({r.reporter for r in near}) >= min(BURST, wanted.reporters):
            bursts |= {r.reporter for r in near}

    def targets(r: StoredReport) -> set[bytes]:
        return {r.company[start : start + 8] for start in range(0, len(r.company), 8)}

    def linked(a: StoredReport, b: StoredReport) -> bool:
        same = (a.device and a.device == b.device) or (a.network and a.network == b.network)
        return bool(same) or len(targets(a) & targets(b)) >= COMPANY_SHARED

    groups = {name: {name} for name in newest}
    for a in known:
        for b in known:
            if linked(a, b) and groups[a.reporter] is not groups[b.reporter]:
                joined = groups[a.reporter] | groups[b.reporter]
                groups |= dict.fromkeys(joined, joined)

    def weight(name: str) -> int:
        full = trust(newest[name].upheld, newest[name].rejected)
        return min(full, 1000) if newest[name].new or name in bursts else full

    here = {
        r.reporter
        for r in known
        if abs(r.time - time) <= wanted.within and (not wanted.categories or r.category in wanted.categories)
    }
    total, of_bursts = 0, 0
    for group in {id(group): group & here for group in groups.values()}.values():
        if group - bursts:
            total += max(weight(name) for name in group - bursts)
        elif group:
            of_bursts = max(of_bursts, *(weight(name) for name in group))
    apart = sum(weight(name) for name in here)
    total += of_bursts
    return Heard(len(here), total / 1000, total < wanted.reporters * 1000 <= apart)


@given(TIMES, WANTED, REPORTS, st.randoms(use_true_random=False))
def test_weights_are_as_defined_in_any_order(
    times: list[int], wanted: Reports, reports: list[StoredReport], chance: random.Random
) -> None:
    reports = list({(r.id, r.reporter): r for r in reports}.values())
    expected = {time: defined(time, wanted, reports) for time in times}
    chance.shuffle(reports)
    assert weigh(times, wanted, reports) == expected
    assert all(heard(time, wanted, reports) == found for time, found in expected.items())


@given(REPORTS, WANTED, st.integers(0, 20), st.integers(0, 20))
def test_somebody_who_is_neither_new_nor_linked_adds_the_own_weight_whatever_else_is_there(
    reports: list[StoredReport], wanted: Reports, upheld: int, rejected: int
) -> None:
    before = heard(0, wanted, reports)
    extra = report(77, 0, record=(upheld, rejected), category="x")
    after = heard(0, wanted, [*reports, extra])
    assert round(1000 * (after.weight - before.weight)) == trust(upheld, rejected)
    assert after.people == before.people + 1


@given(REPORTS, WANTED)
def test_a_better_record_never_weighs_less(reports: list[StoredReport], wanted: Reports) -> None:
    record = {"known": 9, "rejected": 0}
    better = [
        StoredReport(**{**{name: getattr(r, name) for name in r.__struct_fields__}, **record, "upheld": r.upheld + 1})
        if r.known >= 0
        else r
        for r in reports
    ]
    assert heard(0, wanted, better).weight >= heard(0, wanted, reports).weight


@given(
    st.integers(2, 100),
    st.integers(0, 300),
    st.lists(st.integers(0, BURST_WITHIN), min_size=300, max_size=300),
)
def test_no_number_of_new_accounts_within_an_hour_is_ever_enough(wanted: int, size: int, times: list[int]) -> None:
    brigade = [report(number, times[number], new=True) for number in range(size)]
    seen: list[StoredReport] = []
    for one in brigade:
        seen = remember(seen, one)
        if len(seen) in (1, 2, 3, 4, 5, 6, wanted, size):
            assert heard(0, Reports(wanted, DAY, frozenset()), seen).weight < wanted
    found = heard(0, Reports(wanted, DAY, frozenset()), seen)
    assert found.brigade == (min(size, MAX_REPORTS) >= wanted)
    assert found.weight <= max(1, min(BURST, wanted) - 1)


@given(st.integers(2, 100), st.integers(0, 200), st.sampled_from(["device", "network", "company"]), st.integers(0, 100))
def test_no_number_of_linked_accounts_is_ever_enough_whatever_their_record(
    wanted: int, size: int, by: str, upheld: int
) -> None:
    shared = {by: (1, 2, 3, 4) if by == "company" else b"same" * 2}
    brigade = [report(number, number, record=(upheld, 0), **shared) for number in range(size)]  # type: ignore[arg-type]
    found = heard(0, Reports(wanted, DAY, frozenset()), brigade)
    assert found.weight < 2 <= wanted
    assert found.brigade == (size * trust(upheld, 0) >= wanted * 1000)


def test_a_subject_is_told_apart_by_its_hashes() -> None:
    sent = {"id": "r", "reporter": "b", "category": "c", "time": at(), "ip": "192.0.2.1", "device": "d"}
    one, other = (stored(Report(subject=subject, **sent)) for subject in ("account:a", "account:b"))  # type: ignore[arg-type]
    assert one.device != other.device
    assert one.network != other.network
    assert len({one.device, one.network}) == 2


@pytest.mark.parametrize(
    ("ip", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:DB8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::::A", "::::a", True),
    ],
)
def test_a_network_is_an_address_or_a_site(ip: str, other: str, same: bool) -> None:
    one, two = (
        stored(Report(id="r", subject="account:a", reporter="b", category="c", time=at(), ip=text)).network
        for text in (ip, other)
    )
    assert (one == two) is same


@given(REPORTS, st.randoms(use_true_random=False))
def test_what_is_remembered_does_not_depend_on_order_or_repeats(
    reports: list[StoredReport], chance: random.Random
) -> None:
    ends = []
    for _ in range(2):
        kept: list[StoredReport] = []
        for one in reports:
            kept = remember(kept, one)
        ends.append(kept)
        reports = [*reports, *reports[:3]]
        chance.shuffle(reports)
    assert ends[0] == ends[1]
    assert all(a.time <= b.time for a, b in pairwise(ends[0]))


def test_a_repeat_changes_nothing() -> None:
    kept = remember([], report(1))
    assert remember(kept, report(1)) is kept
    assert remember(kept, report(1, record=None)) is kept


def test_reports_remembered_by_an_older_version_are_read() -> None:
    old = msgspec.msgpack.encode([7, "r1", "bob", "spam"])
    assert msgspec.msgpack.decode(old, type=StoredReport) == StoredReport(7, "r1", "bob", "spam")


def test_memory_is_bounded_and_nobody_fills_it_alone() -> None:
    kept: list[StoredReport] = []
    for number in range(300):
        kept = remember(kept, report("1", number))
    assert [one.time for one in kept] == [*range(300 - REPORTS_EACH, 300)]
    for number in range(1000, 1000 + MAX_REPORTS + 50):
        kept = remember(kept, report(number))
    assert len(kept) == MAX_REPORTS
    assert remember(kept, report(5, -HOUR)) is kept


def test_outcomes_go_to_those_who_were_heard_before_the_decision() -> None:
    wanted = Reports(1, HOUR, frozenset({"spam"}))
    reports = [
        report(1, 0),
        report(1, 1),
        report(2, HOUR, record=None),
        report(3, HOUR + 1),
        report(4, 30 * DAY),
        report(5, 0, category="abuse"),
    ]

    def told(decided: int, upheld: bool = True) -> list[Outcome]:
        when, times = from_millis(decided), [20 * DAY, 0]
        return outcomes("account:a", "case", reports, upheld=upheld, decided=when, times=times, wanted=wanted)

    assert told(0) == []
    assert told(HOUR)[:1] != told(DAY)[:1]  # another decision is another outcome
    assert [(one.subject, one.about, one.case, one.upheld, one.time) for one in told(DAY)] == [
        ("reporter:user1", "account:a", "case", True, from_millis(DAY)),
        ("reporter:user2", "account:a", "case", True, from_millis(DAY)),
    ]
    assert told(DAY) == told(DAY)
    assert len({one.id for one in [*told(DAY), *told(DAY, False)]}) == 4


def test_an_inquiry_names_the_report_and_where_it_came_from() -> None:
    sent = Report(id="r1", subject="account:a", reporter="bob", category="spam", time=at(hours=1), device="phone")
    asked = inquiry("account:a", stored(sent))
    assert (asked.subject, asked.about, asked.report, asked.time) == ("reporter:bob", "account:a", "r1", at(hours=1))
    assert asked.device == short_hash("device", "account:a", "phone")
    assert asked == inquiry("account:a", stored(sent))
