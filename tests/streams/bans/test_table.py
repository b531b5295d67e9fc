"""The lookup table, and `BanList` as far as no broker is needed."""

from __future__ import annotations

from datetime import timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.decisions import Ban
from streams.bans import BanList, subjects_of_url
from streams.bans.client import _Filling
from streams.bans.records import Change
from streams.bans.table import ACTIONS, Table, ends_of
from streams.settings import Settings
from tests.streams.making_bans import NOW, ban, entry


def test_the_last_of_several_ladders_counts_and_a_warning_does_not() -> None:
    later = NOW + timedelta(days=2)
    two = Ban(
        subject="account:a",
        sanctions=[entry("ban_account", later), entry("ban_account", NOW, "spam"), entry("warn"), entry("ban_ip")],
        time=NOW,
    )

    assert ends_of(two) == {"ban_account": later.timestamp(), "ban_ip": inf}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from(ACTIONS), unique=True, max_size=3))))
def test_the_newest_of_each_subject_is_what_holds(puts: list[tuple[str, list[str]]]) -> None:
    table = Table()
    expected: dict[str, set[str]] = {}
    for subject, actions in puts:
        table.put(subject, ban(subject, *actions) if actions else None)  # type: ignore[arg-type]
        expected[subject] = set(actions)

    found = {subject: {action for action in ACTIONS if subject in table.ends[action]} for subject in expected}
    assert found == expected
    assert len(table) == sum(map(bool, expected.values()))


def listed(bans: BanList, *changes: Change) -> None:
    filling = _Filling(bans)
    filling.begin()
    filling.take(changes)
    filling.loaded()


def test_a_sanction_ends_on_time_without_a_message() -> None:
    now = [NOW.timestamp()]
    bans = BanList(Settings(), clock=lambda: now[0])
    listed(bans, Change("account:a", ban("account:a", "suspend_account", ends=NOW + timedelta(seconds=5))))

    assert bans.is_blocked("account:a", "suspend_account")
    now[0] += 5
    assert not bans.is_blocked("account:a", "suspend_account")
    assert bans.actions("account:a") == {}


def test_before_the_first_load_nothing_is_blocked_and_the_list_says_so() -> None:
    bans = BanList(Settings())

    assert (bans.ready, bans.staleness_s, bans.is_blocked("account:a", "ban_account")) == (False, inf, False)
    assert not bans.wait_ready(0)


def test_an_action_that_there_is_not_is_an_error() -> None:
    with pytest.raises(KeyError):
        BanList(Settings()).is_blocked("account:a", "banned")  # type: ignore[arg-type]


def test_a_load_that_fails_half_way_changes_nothing() -> None:
    bans = BanList(Settings())
    listed(bans, Change("account:a", ban("account:a", "ban_account")))
    filling = _Filling(bans)

    filling.begin()
    filling.take([Change("account:b", ban("account:b", "ban_account"))])
    filling.lost("gone")

    assert bans.is_blocked("account:a", "ban_account")
    assert not bans.is_blocked("account:b", "ban_account")
    assert bans.state.trouble == "gone"


def test_a_url_leads_to_the_subjects_it_is_charged_to() -> None:
    assert subjects_of_url("HTTPS://www.Evil.example/a?x=1#f") == (
        "link:https://www.evil.example/a?x=1",
        "domain:evil.example",
    )
    assert subjects_of_url("http://203.0.113.9/x") == ("link:http://203.0.113.9/x", "ip:203.0.113.9")
    assert subjects_of_url("javascript:alert(1)") == ()
