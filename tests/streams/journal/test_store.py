"""The journal's file: each thing once, whatever is killed in between; counts that fit; and bounds."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.controls import ControlRecord
from rules.decisions import Ban
from rules.events import Appeal, millis
from streams.journal import questions
from streams.journal.dead_letters import MOST_KEPT
from streams.journal.entries import MOST_VALUE
from streams.journal.file import JournalError
from streams.journal.journal import connected
from streams.journal.questions import Filter, value
from streams.journal.store import Store
from tests.streams.journal.making import (
    NAMES,
    NOW,
    a_lift,
    a_review,
    a_violation,
    an_enforcement,
    hours_ago,
    opened,
    record,
    written,
)
from tests.streams.making_bans import ban

AN_APPEAL = Appeal(
    id="a1", subject="account:alice", enforcement="e1", verdict="overturned", moderator="lin", reason="wrong", time=NOW
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = opened(tmp_path)
    yield store
    store.close()


def asked(store: Store) -> sqlite3.Connection:
    return connected(store.path)


def test_what_is_written_can_be_asked_for(store: Store) -> None:
    done = written(
        store,
        record("violations", a_violation(1), 0),
        record("enforcements", an_enforcement(1), 0),
        record("enforcements", an_enforcement(2, "domain:quiz.example", action="ban_domain"), 1),
        record("enforcements", a_lift(1), 2),
        record("reviews", a_review(1), 0),
        record("appeals", AN_APPEAL, 0),
        record("bans", ban("domain:quiz.example", "ban_domain"), 0),
    )
    assert done.new == 6
    assert len(done.feed) == 4
    told = asked(store)
    kinds = sorted(msgspec.json.decode(shown.body)["kind"] for shown in questions.feed(told, None, 50, Filter()).items)
    assert kinds == ["enforcement", "enforcement", "lift", "review"]
    assert [each.kind for each in questions.timeline(told, "account:alice")].count("violation") == 1
    assert questions.violation(told, a_violation(1).id) == (a_violation(1), millis(NOW))
    assert questions.bans(told, ["domain:quiz.example", "account:alice"]).keys() == {"domain:quiz.example"}
    assert [appeal.id for appeal in questions.appeals(told, "account:alice")] == ["a1"]
    assert [entry.kind for entry in questions.audit(told, None, 10)] == ["appeal"]
    assert questions.totals(told, "account:alice")[:3] == (1, 1, 1)
    found = questions.counts(told, millis(NOW))
    assert found.actions == {"ban_account": 1, "ban_domain": 1}
    assert (found.minute["violation"], found.hour["lift"], found.reviews_opened, found.reviews_open) == (1, 1, 1, 1)
    assert found.in_force == {"domain": 1}
    hours = {(hour.kind, hour.n) for hour in questions.rule_hours(told, 0)}
    assert hours == {("enforce", 1), ("overturned", 1)}


def test_the_feed_is_filtered_and_paged(store: Store) -> None:
    made = [an_enforcement(n, f"{'domain' if n % 3 else 'account'}:s{n}", rule=f"r{n % 2}") for n in range(20)]
    written(store, *(record("enforcements", each, n) for n, each in enumerate(made)))
    told = asked(store)
    first = questions.feed(told, None, 12, Filter())
    rest = questions.feed(told, first.oldest, 12, Filter())
    seen = [msgspec.json.decode(shown.body)["id"] for page in (first, rest) for shown in page.items]
    assert seen == [f"e{n}" for n in reversed(range(20))]
    assert rest.oldest is None
    assert len(questions.feed(told, None, 50, Filter(subject_kind="account")).items) == 7
    assert len(questions.feed(told, None, 50, Filter(rule="r1", kind="enforcement")).items) == 10
    assert questions.feed(told, None, 50, Filter(clause="links")).items == []
    assert len(questions.feed(told, None, 50, Filter(clause="links.1", action="ban_account")).items) == 20


def test_violations_are_listed_by_what_counts_them(store: Store) -> None:
    made = [
        a_violation(n, mode="shadow" if n % 2 else "enforce", rule=f"r{n % 3}", clause=f"links.{n % 3}")
        for n in range(9)
    ]
    written(
        store,
        *(record("violations", each, n, at=hours_ago(8 - n)) for n, each in enumerate(made)),
        record("enforcements", an_enforcement(1, rule="r1"), 0),
    )
    told = asked(store)

    def ids(**wanted: Any) -> list[str]:
        found = questions.violations_page(told, None, 50, Filter(**wanted)).items
        return [msgspec.json.decode(shown.body)["id"] for shown in found]

    assert ids() == [each.id for each in reversed(made)]
    assert ids(rule="r1", action="shadow") == [made[7].id, made[1].id]
    assert ids(clause="links.2") == [made[n].id for n in (8, 5, 2)]
    assert ids(since=millis(hours_ago(2))) == [made[n].id for n in (8, 7, 6)]
    first = questions.violations_page(told, None, 2, Filter(rule="r0"))
    rest = questions.violations_page(told, first.oldest, 2, Filter(rule="r0"))
    assert [len(first.items), len(rest.items), rest.oldest] == [2, 1, None]


def a_letter(offset: int, reason: str = "undecodable", value: bytes | None = b"no event", **given: Any) -> Any:
    about = {
        "topic": b"posts",
        "partition": b"1",
        "offset": b"%d" % offset,
        "reason": reason.encode(),
        "detail": b"why",
    }
    headers = tuple((about | {name: data.encode() for name, data in given.pop("headers", {}).items()}).items())
    return record("dead_letters", value, offset, headers=headers, **given)


def test_dead_letters_are_listed_by_what_counts_them(store: Store) -> None:
    made = [a_letter(n, "invalid" if n % 2 else "undecodable", at=hours_ago(5 - n)) for n in range(5)]
    written(store, *made)
    told = asked(store)

    def places(**wanted: Any) -> list[int | None]:
        return [each.place for each in questions.dead_letters(told, None, 50, **wanted).items]

    assert places() == [4, 3, 2, 1, 0]
    assert places(reason="invalid") == [3, 1]
    assert places(since=millis(hours_ago(2))) == [4, 3]
    first = questions.dead_letters(told, None, 2, reason="undecodable")
    rest = questions.dead_letters(told, first.oldest, 2, reason="undecodable")
    assert [[each.place for each in page.items] for page in (first, rest)] == [[4, 2], [0]]
    assert rest.oldest is None
    (newest, *_) = first.items
    assert (newest.topic, newest.partition, newest.detail, newest.size, newest.value) == (
        "posts",
        1,
        "why",
        8,
        b"no event",
    )


def test_of_dead_letters_the_beginning_of_the_newest_is_kept(store: Store) -> None:
    written(store, *(a_letter(n) for n in range(MOST_KEPT)))
    written(store, a_letter(MOST_KEPT, value=b"x" * 5000), a_letter(MOST_KEPT + 1, value=None))
    kept = questions.dead_letters(asked(store), None, 2 * MOST_KEPT).items
    assert [each.place for each in kept] == list(range(MOST_KEPT + 1, 1, -1))
    assert [(each.size, len(each.value)) for each in kept[:2]] == [(0, 0), (5000, MOST_VALUE)]
    written(store, *(a_letter(n) for n in range(MOST_KEPT * 3)))
    assert len(questions.dead_letters(asked(store), None, 2 * MOST_KEPT).items) == MOST_KEPT


@pytest.mark.parametrize(
    "headers",
    [
        {"offset": "9" * 30},
        {"partition": "-1"},
        {"offset": "\u0661"},
        {"topic": "t" * 9999},
        {"original_bytes": "9" * 40},
        {"original_bytes": "\u0661"},
    ],
)
def test_whatever_the_headers_of_a_dead_letter_say_it_is_kept(store: Store, headers: dict[str, str]) -> None:
    written(store, a_letter(1, headers=headers))
    (kept,) = questions.dead_letters(asked(store), None, 5).items
    assert kept.size == 8
    assert kept.topic is None or len(kept.topic) <= 249


def test_old_dead_letters_go_with_the_records_of_their_time(store: Store) -> None:
    written(store, a_letter(1, at=hours_ago(24 * 365)), a_letter(2))
    while store.prune():
        pass
    assert [each.place for each in questions.dead_letters(asked(store), None, 5).items] == [2]


def test_what_was_overturned_is_listed_by_each_of_its_rules(store: Store) -> None:
    lift = msgspec.structs.replace(a_lift(1), rules=["sharing.unlock", "fraud.prize"])
    written(store, record("enforcements", lift, 0, at=hours_ago(1)), record("enforcements", an_enforcement(2), 1))
    told = asked(store)
    for rule in lift.rules:
        (found,) = questions.feed(told, None, 50, Filter(rule=rule, kind="lift")).items
        assert msgspec.json.decode(found.body)["id"] == lift.id
    assert questions.feed(told, None, 50, Filter(rule="sharing.unlock", kind="lift", since=millis(NOW))).items == []


def test_a_rare_filter_looks_at_a_part_and_says_where_to_go_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.journal.questions.feed_pages.LOOKED_AT", 5)
    rare = [an_enforcement(n, rule="rare" if n == 0 else "usual") for n in range(12)]
    written(store, *(record("enforcements", each, n) for n, each in enumerate(rare)))
    told, before, pages, found = asked(store), None, 0, 0
    while pages == 0 or before is not None:
        page = questions.feed(told, before, 50, Filter(rule="rare"))
        before, pages, found = page.oldest, pages + 1, found + len(page.items)
    assert (pages, found) == (3, 1)


def test_who_comes_back_is_given_what_followed_or_told_that_it_is_too_much(store: Store) -> None:
    done = written(store, *(record("enforcements", an_enforcement(n), n) for n in range(10)))
    told, numbers = asked(store), [shown.seq for shown in done.feed]
    missed = questions.missed(told, numbers[6], 5)
    assert (missed.known, missed.number) == (True, 3)
    assert [shown.seq for shown in missed.items] == numbers[7:]
    much = questions.missed(told, numbers[0], 5)
    assert (much.known, much.number, much.newest, much.oldest) == (True, 9, numbers[-1], numbers[0])
    assert not questions.missed(told, 17, 5).known
    assert questions.missed(told, None, 5).items == []


def test_a_review_is_shown_as_it_opens_and_ends_and_counts_once(store: Store) -> None:
    changed = a_review(1, detail="and another")
    first = written(store, record("reviews", a_review(1), 0), record("reviews", changed, 1))
    assert [msgspec.json.decode(shown.body)["detail"] for shown in first.feed] == ["a person decides"]
    told = asked(store)
    assert questions.open_reviews(told) == 1
    found = questions.review(told, "r1")
    assert found is not None
    assert found.review == changed
    last = written(store, record("reviews", a_review(1, "approved"), 2))
    assert len(last.feed) == 1
    assert questions.open_reviews(told) == 0
    assert [each.review.status for each in questions.reviews(told, "approved", None, 10)] == ["approved"]
    assert questions.reviews_of(told, ["account:bob"]) == []


def test_cases_are_read_from_those_that_wait_longest_whatever_happens_meanwhile(store: Store) -> None:
    made = [a_review(n, subject=f"account:s{n}") for n in range(7)]
    opened_at = [5, 5, 3, 3, 9, 1, 2]  # hours ago; at the same time, in the order of their ids
    pairs = sorted(zip(opened_at, made, strict=True), key=lambda pair: -pair[0])
    written(store, *(record("reviews", each, n, at=hours_ago(hours)) for n, (hours, each) in enumerate(pairs)))
    told = asked(store)
    first = questions.oldest_reviews(told, "open", None, 3)
    assert first is not None
    assert [each.review.id for each in first] == ["r4", "r0", "r1"]
    changed = msgspec.structs.replace(made[2], detail="changed")  # keeps its place
    written(store, record("reviews", a_review(1, "approved", "account:s1"), 7), record("reviews", changed, 8))
    rest = questions.oldest_reviews(told, "open", "r1", 10)
    assert rest is not None
    assert [each.review.id for each in rest] == ["r2", "r3", "r6", "r5"]
    assert rest[0].review.detail == "changed"
    assert questions.oldest_reviews(told, "open", "nobody", 10) is None


def test_halts_hold_until_their_own_target_is_resumed(store: Store) -> None:
    def control(offset: int, do: Any, rule: str | None) -> Any:
        made = ControlRecord(id=f"c{offset}", do=do, rule=rule, by="lin", why="because", time=NOW)
        return record("controls", made, offset, key=made.target)

    written(store, control(0, "halt", None), control(1, "halt", "fraud.prize"), control(2, "resume", None))
    (left,) = questions.halts(asked(store))
    assert msgspec.json.decode(left)["rule"] == "fraud.prize"


def test_what_workers_refused_is_no_verdict(store: Store) -> None:
    letter = [("topic", NAMES.appeals.encode()), ("reason", b"unknown_enforcement"), ("detail", b"none such")]
    body = msgspec.json.encode(AN_APPEAL)
    written(
        store,
        record("appeals", AN_APPEAL, 0),
        record("dead_letters", body, 0, key="account:alice", headers=letter),
        record("dead_letters", b"?", 1, key="x", headers=[("topic", b"posts"), ("reason", b"undecodable")]),
    )
    told = asked(store)
    assert questions.appeals(told, "account:alice") == []
    assert questions.refusals(told, "account:alice") == {"a1": ("unknown_enforcement", "none such")}
    assert questions.refused_among(told, ["a1", "a2"]) == {"a1": "unknown_enforcement: none such"}
    assert questions.counts(told, millis(NOW)).hour["dead_letter"] == 2


def test_subjects_are_found_by_the_start_of_their_name(store: Store) -> None:
    names = ["account:al", "account:alice", "account:al%", "account:bob", "domain:al.example"]
    written(store, *(record("violations", a_violation(n, name), n) for n, name in enumerate(names)))
    written(store, record("bans", ban("account:alan", "ban_account"), 0), record("bans", ban("ip:::1", "ban_ip"), 1))
    told = asked(store)
    found = [each.subject for each in questions.subjects(told, "account:al", 10)]
    assert found == ["account:al", "account:al%", "account:alan", "account:alice"]
    assert [each.subject for each in questions.subjects(told, "", 3)] == ["account:al", "account:al%", "account:alan"]
    assert questions.subjects(told, "account:zzz", 3) == []
    assert questions.subjects(told, "link:", 3) == []


HOSTILE = ["account:'; DROP TABLE records; --", 'link:https://x.example/"><script>', "account:\u202eevil", "account:%_"]


@pytest.mark.parametrize("subject", HOSTILE)
def test_hostile_names_are_values_and_nothing_else(store: Store, subject: str) -> None:
    written(store, record("violations", a_violation(1, subject), 0))
    told = asked(store)
    (entry,) = questions.timeline(told, subject)
    assert msgspec.json.decode(entry.body)["subject"] == subject
    assert [each.subject for each in questions.subjects(told, subject, 5)] == [subject]
    assert value(told, "SELECT count(*) FROM records") == 1


@pytest.mark.parametrize(
    "wrong", [b"", b"{", b"[]", b'{"kind":"lift"}', b"\xff", b'{"kind":"enforcement"' + b"[" * 9000]
)
def test_records_that_are_none_are_left_out(store: Store, wrong: bytes) -> None:
    made = [record(topic, wrong, 0, key="account:alice") for topic in
            ("violations", "enforcements", "reviews", "reports", "appeals", "orders", "controls", "bans")]  # fmt: skip
    done = written(store, *made, record("enforcements", an_enforcement(1), 1))
    assert done.new == 1
    assert store.positions()[NAMES.enforcements, 0] == 2


def test_subjects_are_paged_and_those_that_are_held_told_apart(store: Store) -> None:
    written(
        store,
        *(record("violations", a_violation(n, f"account:s{n}"), n) for n in range(5)),
        *(record("bans", ban(f"account:s{n}", "ban_account"), n) for n in (1, 3, 7)),
    )
    told = asked(store)

    def names(limit: int, **given: Any) -> list[str]:
        return [each.subject.removeprefix("account:") for each in questions.subjects(told, "account:", limit, **given)]

    assert names(3) == ["s0", "s1", "s2"]
    assert names(9, behind="account:s2") == ["s3", "s4", "s7"]
    assert names(9, held=True) == ["s1", "s3", "s7"]
    assert names(9, held=True, behind="account:s1") == ["s3", "s7"]
    assert names(9, behind="a") == names(9)


def test_counts_of_the_ban_list_follow_it(store: Store) -> None:
    rng = random.Random(4)
    held: dict[str, Ban] = {}
    for step in range(200):
        subject = f"{rng.choice(['account', 'domain'])}:{rng.randrange(20)}"
        body = ban(subject, "ban_account") if rng.random() < 0.6 else None
        written(store, record("bans", body, step, key=subject))
        if body is None:
            held.pop(subject, None)
        else:
            held[subject] = body
    kinds = Counter(subject.partition(":")[0] for subject in held)
    assert questions.counts(asked(store), millis(NOW)).in_force == dict(kinds)


def test_who_left_the_ban_list_without_a_trace_is_gone_once_it_is_read_again(store: Store) -> None:
    written(store, *(record("bans", ban(f"account:{name}", "ban_account"), n) for n, name in enumerate("abc")))
    store.begin_bans()
    written(store, record("bans", ban("account:b", "warn"), 7))
    assert len(questions.bans(asked(store), ["account:a", "account:b", "account:c"])) == 3
    assert store.end_bans() == 2
    assert list(questions.bans(asked(store), ["account:a", "account:b", "account:c"])) == ["account:b"]
    assert questions.counts(asked(store), millis(NOW)).in_force == {"account": 1}


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_each_thing_is_told_once_over_restarts_and_repeats(data: st.DataObject, tmp_path_factory: Any) -> None:
    """Partitions are read in pieces; pieces are written, lost before they are written, or written by a process that
    then ends. Workers repeat what they sent before a crash. What comes out is each thing once, in its partition's
    order, under numbers that only grow."""
    folder = tmp_path_factory.mktemp("journal")
    partitions: list[list[Any]] = []
    for partition in range(2):
        numbers = data.draw(st.lists(st.integers(0, 12), max_size=25))
        topic = data.draw(st.sampled_from(["violations", "enforcements"]))
        make = a_violation if topic == "violations" else an_enforcement
        partitions.append([
            record(topic, make(100 * partition + number), offset, partition=partition, at=hours_ago(-offset / 3600))
            for offset, number in enumerate(numbers)
        ])  # fmt: skip
    store = opened(folder)
    feed: list[int] = []
    for _ in range(200):
        positions = store.positions()
        left = [
            [each for each in records if each.offset >= positions.get((each.topic, each.partition), 0)]
            for records in partitions
        ]
        if not any(left):
            break
        act = data.draw(st.sampled_from(["write", "write", "lose", "restart"]))
        if act == "restart":
            store.close()
            store = opened(folder)
        elif act == "write":
            piece = [each for records in left for each in records[: data.draw(st.integers(1, 6))]]
            feed += [shown.seq for shown in written(store, *piece).feed]
    else:
        store.close()
        return
    told = asked(store)
    rows = told.execute("SELECT seq, body FROM records ORDER BY seq").fetchall()
    seen = [msgspec.json.decode(body)["id"] for _, body in rows]
    first_seen = [
        list(dict.fromkeys(msgspec.json.decode(each.value)["id"] for each in records)) for records in partitions
    ]
    assert sorted(seen) == sorted(name for names in first_seen for name in names)
    for names in first_seen:
        assert [name for name in seen if name in set(names)] == names
    assert feed == sorted(set(feed))
    total = told.execute("SELECT coalesce(sum(n), 0) FROM minutes").fetchone()[0]
    assert total == len(seen) == store.records
    store.close()


def test_a_batch_is_written_whole_or_not_at_all(store: Store) -> None:
    written(store, record("enforcements", an_enforcement(1), 0))
    before = store.positions()
    broken = [record("enforcements", an_enforcement(2), 1), record("reviews", a_review(1), 0)]
    store._connection.execute("CREATE TRIGGER full BEFORE INSERT ON minutes BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(JournalError, match="full"):
        written(store, *broken)
    store._connection.execute("DROP TRIGGER full")
    assert store.positions() == before
    assert len(written(store, *broken).feed) == 2


def test_what_is_old_goes_first_and_what_people_did_stays(store: Store) -> None:
    old, young = hours_ago(200), hours_ago(1)
    act = record("appeals", AN_APPEAL, 0, at=old)
    written(
        store,
        record("enforcements", an_enforcement(1), 0, at=old),
        record("enforcements", an_enforcement(2), 1, at=young),
        act,
        record("reviews", a_review(1), 0, at=old),
        record("reviews", a_review(2, "rejected"), 1, at=old),
        record("bans", ban("account:alice", "ban_account"), 0, at=old),
    )
    while store.prune(millis(NOW)):
        pass
    told = asked(store)
    kinds = [row[0] for row in told.execute("SELECT kind FROM records ORDER BY seq")]
    assert sorted(kinds) == ["appeal", "enforcement"]
    assert questions.review(told, "r1") is not None
    assert questions.review(told, "r2") is None
    assert questions.bans(told, ["account:alice"])
    assert store.records == 2
    assert store.since >= millis(hours_ago(168))


def test_the_file_stays_within_its_bytes(tmp_path: Path) -> None:
    store = opened(tmp_path, max_bytes=1 << 20)
    for start in range(0, 8_000, 500):
        written(store, *(record("violations", a_violation(n), n) for n in range(start, start + 500)))
        while store.prune(millis(NOW)):
            pass
    assert store.prune(millis(NOW)) is False
    assert store.size <= 1 << 20
    newest = questions.timeline(asked(store), "account:alice")
    assert newest[-1].body.find(a_violation(7_999).id.encode()) > 0
    assert 0 < store.records < 8_000
    assert (tmp_path / "journal.sqlite3").stat().st_size < 6 << 20
    store.close()


def test_a_file_of_other_topics_or_none_at_all_is_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = opened(tmp_path)
    first = written(store, record("enforcements", an_enforcement(1), 0)).feed[0].seq
    store.close()
    other = opened(tmp_path, scope="others")
    assert (other.records, other.positions()) == (0, {})
    other.close()
    (tmp_path / "journal.sqlite3").write_bytes(b"no database at all" * 300)
    broken = opened(tmp_path)
    assert broken.records == 0
    assert "made anew" in caplog.text
    assert written(broken, record("enforcements", an_enforcement(1), 0)).feed[0].seq >= first
    broken.anew()
    assert (broken.records, broken.positions()) == (0, {})
    broken.close()


def test_two_processes_do_not_share_a_journal(store: Store) -> None:
    with pytest.raises(JournalError, match="is in use"):
        Store(store.path, "tests", hours=1, max_bytes=1 << 20)


def test_readers_cannot_write_and_do_not_wait(store: Store) -> None:
    written(store, record("enforcements", an_enforcement(1), 0))
    told = asked(store)
    store._connection.execute("BEGIN IMMEDIATE")
    assert value(told, "SELECT count(*) FROM records") == 1
    store._connection.execute("ROLLBACK")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        told.execute("DELETE FROM records")
