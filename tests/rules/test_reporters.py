"""A reporter's record: what a reported subject is told, whatever order things come in."""

from __future__ import annotations

import random
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decisions import content_id
from rules.events import Report, from_millis
from rules.packs.model import Reports
from rules.reporters import (
    FORGET_AFTER,
    MAX_ASKED,
    MAX_COMPANY,
    MAX_OUTCOMES,
    Inquiry,
    Outcome,
    ReporterState,
    decode_reporter,
    encode_reporter,
    forgotten,
    is_reporter,
    learn,
    reporter_key,
    short_hash,
    take,
)
from rules.reporters import Testimony as Said  # a name that begins with Test is a class of tests to pytest
from rules.reports import StoredReport, answered, inquiry, outcomes, remember, stored
from tests.rules.making import DAY, HOUR, at

BOB = reporter_key("bob")


def asks(number: int, hours: float = 0, about: str = "", **fields: str) -> Inquiry:
    about = about or f"account:a{number}"
    report = Report(id=f"r{number}", subject=about, reporter="bob", category="spam", time=at(hours=hours), **fields)
    return inquiry(about, stored(report))


def tells(number: int, upheld: bool, hours: float) -> Outcome:
    return Outcome(
        id=content_id(str(number), str(upheld), str(hours)),
        subject=BOB,
        about=f"account:a{number}",
        case=f"c{number}",
        upheld=upheld,
        time=at(hours=hours),
    )


def hear(state: ReporterState, *letters: Inquiry | Outcome) -> list[Said]:
    said: list[Said] = []
    for letter in letters:
        said += take(state, letter) if isinstance(letter, Inquiry) else learn(state, letter)
    return said


def test_somebody_unknown_has_no_record() -> None:
    (said,) = hear(ReporterState(), asks(1, hours=1))
    assert (said.subject, said.report, said.reporter, said.category) == ("account:a1", "r1", "bob", "spam")
    assert (said.known, said.upheld, said.rejected, said.company) == (0, 0, 0, b"")
    assert said.time == said.first == at(hours=1)


def test_the_record_is_that_of_the_time_of_the_report() -> None:
    state = ReporterState()
    hear(state, asks(1), asks(2), tells(1, True, 5), tells(2, False, 6))
    assert [(said.upheld, said.rejected) for said in hear(state, asks(3, 5), asks(4, 5.5), asks(5, 7))] == [
        (0, 0),
        (1, 0),
        (1, 1),
    ]


def test_a_repeat_does_not_count_twice_and_is_answered_again() -> None:
    state = ReporterState()
    first = hear(state, asks(1), tells(1, True, 5), tells(1, True, 5), asks(2, 6))
    data = encode_reporter(state)
    assert hear(state, tells(1, True, 5)) == []
    assert hear(state, asks(2, 6)) == first[-1:]
    assert encode_reporter(state) == data


def test_the_newest_outcome_of_a_case_counts() -> None:
    state = ReporterState()
    hear(state, tells(1, False, 6), tells(1, True, 5))
    before, after = hear(state, asks(2, 5.5), asks(3, 7))
    assert (before.upheld, before.rejected) == (1, 0)
    assert (after.upheld, after.rejected) == (0, 1)


def test_what_comes_late_corrects_what_was_said() -> None:
    state = ReporterState()
    hear(state, asks(3, 30), asks(2, 20))
    assert [(said.report, said.known, said.upheld) for said in hear(state, tells(1, True, 25))] == [("r3", 1, 1)]
    answer, *corrected = hear(state, asks(1, 10))
    assert answer.report == "r1"
    assert [(said.report, said.first, said.company.count(short_hash("account:a1"))) for said in corrected] == [
        ("r2", at(hours=10), 1),
        ("r3", at(hours=10), 1),
    ]


def test_the_company_are_other_subjects_of_the_last_thirty_days() -> None:
    state = ReporterState()
    hear(state, asks(1, 0, "account:old"), asks(2, 24, "account:near"), asks(3, 25, "account:same"))
    (said,) = hear(state, asks(4, 30 * 24 + 1, "account:same"))
    assert said.company == short_hash("account:near")


def test_no_address_is_kept_or_sent() -> None:
    state = ReporterState()
    sent = asks(1, ip="192.0.2.77", device="phone-0123456789")
    said = hear(state, sent)
    for data in (encode_reporter(state), msgspec.json.encode(sent), msgspec.json.encode(said)):
        assert b"192.0.2" not in data
        assert b"0123456789" not in data
    assert len(sent.device) == len(sent.network) == 8
    assert (said[0].device, said[0].network) == (sent.device, sent.network)


def test_somebody_silent_for_half_a_year_is_forgotten() -> None:
    state = ReporterState()
    hear(state, asks(1, 0), tells(1, True, 24))
    due = decode_reporter(encode_reporter(state)).due
    assert due == stored_time(24) + FORGET_AFTER
    assert not forgotten(encode_reporter(state), due - 1)
    assert forgotten(encode_reporter(state), due)
    assert msgspec.msgpack.decode(encode_reporter(state))[:2] == [due, False]


def stored_time(hours: int) -> int:
    return stored(Report(id="r", subject="account:a", reporter="b", category="c", time=at(hours=hours))).time


def test_keys_of_reporters_are_no_subjects() -> None:
    assert is_reporter(BOB)
    assert not is_reporter("account:reporter:bob")
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(
            {"id": "r", "subject": BOB, "reporter": "b", "category": "c", "time": "2026-01-01T00:00:00Z"}, Report
        )


def test_letters_survive_their_encoding() -> None:
    state = ReporterState()
    letters = [asks(2, 1), tells(2, True, 0), *hear(state, asks(1, 0), asks(2, 1))]
    for letter in letters:
        data = msgspec.json.encode(letter)
        assert msgspec.json.decode(data, type=Inquiry | Said | Outcome) == letter


@pytest.mark.parametrize(("hours", "new"), [(0, True), (23.9, True), (24, False), (-1, True)])
def test_somebody_is_new_for_a_day(hours: float, new: bool) -> None:
    state = ReporterState()
    (_, said, *_) = hear(state, asks(1, 0), asks(2, hours))
    assert answered(said).new is new


LETTERS = st.lists(
    st.one_of(
        st.builds(asks, st.integers(0, 12), st.integers(0, 40), st.sampled_from(["", "account:s", "account:t"])),
        st.builds(tells, st.integers(0, 12), st.booleans(), st.integers(0, 40)),
    ),
    max_size=MAX_ASKED,
)


@given(LETTERS, st.randoms(use_true_random=False), st.integers(0, MAX_ASKED))
def test_order_and_repeats_change_nothing(
    letters: list[Inquiry | Outcome], chance: random.Random, repeats: int
) -> None:
    ends = []
    for turn in range(2):
        state = ReporterState()
        subjects: dict[str, list[StoredReport]] = {}
        heard = hear(state, *letters)
        if turn:  # a network may deliver the answers in any order, some of them twice
            heard += chance.choices(heard, k=repeats) if heard else []
            chance.shuffle(heard)
        for said in heard:
            subjects[said.subject] = remember(subjects.get(said.subject, []), answered(said))
        ends.append((encode_reporter(state), subjects))
        letters = letters + (chance.choices(letters, k=repeats) if letters else [])
        chance.shuffle(letters)
    assert ends[0] == ends[1]


@given(LETTERS, st.randoms(use_true_random=False))
def test_what_a_subject_ends_up_with_is_the_record_as_of_the_report(
    letters: list[Inquiry | Outcome], chance: random.Random
) -> None:
    chance.shuffle(letters)
    final: dict[tuple[str, str, object], Said] = {}
    for said in hear(ReporterState(), *letters):
        final[said.subject, said.report, said.time] = said
    for said in final.values():
        told = [letter for letter in letters if isinstance(letter, Outcome) and letter.time < said.time]
        newest = {
            letter.case: letter.upheld for letter in sorted(told, key=lambda letter: (letter.time, letter.upheld))
        }
        asked = [letter for letter in letters if isinstance(letter, Inquiry) and letter.time < said.time]
        others = {short_hash(letter.about) for letter in asked if letter.about != said.subject}
        assert (said.upheld, said.rejected) == (sum(newest.values()), len(newest) - sum(newest.values()))
        assert said.first == min([said.time, *(letter.time for letter in asked)])
        assert said.company == b"".join(sorted(others)[:MAX_COMPANY])


def test_a_state_is_bounded() -> None:
    state = ReporterState()
    for number in range(500):
        about = "account:" + "名" * 240 + f"{number:04}"
        hear(state, asks(number, number, about), tells(number, number % 2 == 0, number + 0.5))
    assert len(state.asked) == MAX_ASKED
    assert len(state.outcomes) == MAX_OUTCOMES
    assert len(encode_reporter(state)) < 20_000


def test_a_report_with_an_endless_name_is_answered_and_leaves_a_hash() -> None:
    state = ReporterState()
    link = "link:https://shared.example/" + "x" * 2000
    (said,) = hear(state, asks(1, 0, link))
    assert said.subject == link
    assert len(encode_reporter(state)) < 100
    (said,) = hear(state, asks(2, 1))
    assert said.company == short_hash(link)


def test_only_the_newest_outcomes_count() -> None:
    state = ReporterState()
    hear(state, *(tells(number, True, number / 60) for number in range(MAX_OUTCOMES)))
    hear(state, *(tells(number, False, number / 60) for number in range(MAX_OUTCOMES, 2 * MAX_OUTCOMES)))
    (said,) = hear(state, asks(1, 24))
    assert (said.upheld, said.rejected) == (0, MAX_OUTCOMES)


def test_the_start_of_1970_is_a_time_like_any_other() -> None:
    state = ReporterState()
    early = msgspec.structs.replace(asks(1), time=from_millis(0))
    (said,) = hear(state, early)
    assert said.first == from_millis(0)
    (said,) = hear(state, msgspec.structs.replace(asks(2), time=from_millis(2 * DAY + HOUR)))
    assert said.first == from_millis(0)


REPORTS = st.lists(
    st.builds(
        lambda number, about, who, hour, device: Report(
            id=f"r{number}", subject=about, reporter=who, category="spam", time=at(hours=hour), device=device
        ),
        st.integers(0, 1000),
        st.sampled_from(["account:a", "account:b", "account:c", "account:d", "account:e"]),
        st.sampled_from(["bob", "eve"]),
        st.integers(0, 60),
        st.sampled_from([None, "phone"]),
    ),
    max_size=10,
    unique_by=lambda report: report.id,
)


def exchange(reports: list[Report], chance: random.Random) -> dict[str, list[StoredReport]]:
    """What subjects remember after all mail is delivered, in random order, much of it twice. Cases whose report came an
    even number of hours after the start are upheld, two hours after it."""
    subjects: dict[str, list[StoredReport]] = {}
    states: dict[str, ReporterState] = {}
    post: list[Report | Inquiry | Said | Outcome] = [*reports]
    budget = 2 * len(reports)
    while post:
        letter = post.pop(chance.randrange(len(post)))
        if budget and chance.random() < 0.5:
            budget -= 1
            post.append(letter)
        match letter:
            case Report(subject=subject):
                sent = stored(letter)
                subjects[subject] = remember(subjects.get(subject, []), sent)
                post.append(inquiry(subject, sent))
                post += outcomes(
                    subject,
                    f"case of {letter.id}",
                    [sent],
                    upheld=letter.time.hour % 2 == 0,
                    decided=letter.time + timedelta(hours=2),
                    times=[sent.time],
                    wanted=Reports(1, HOUR, frozenset()),
                )
            case Said(subject=subject):
                subjects[subject] = remember(subjects.get(subject, []), answered(letter))
            case Inquiry() | Outcome():
                post += hear(states.setdefault(letter.subject, ReporterState()), letter)
    return subjects


@given(REPORTS, st.randoms(use_true_random=False))
def test_subjects_end_up_knowing_the_same_whatever_order_the_mail_comes_in(
    reports: list[Report], chance: random.Random
) -> None:
    one, other = exchange(reports, chance), exchange(reports, chance)
    assert one == other
    assert all(report.known >= 0 for kept in one.values() for report in kept)
