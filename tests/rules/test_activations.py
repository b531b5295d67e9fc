"""Which packs are in force, as a function of the log; and which accounts are a canary's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from rules.activations import CONFIGURED, Activation, ActivationLog, Standing, is_canary

A, B, C = "a" * 32, "b" * 32, "c" * 32


def activation(do: Any, pack: str = "", number: int = 0, **more: Any) -> Activation:
    return Activation(
        id=f"{do}{pack[:1]}{number}", do=do, pack=pack, label=f"p@{pack[:1]}", by="lin", why="test",
        time=datetime(2026, 1, 1, tzinfo=UTC), **more,
    )  # fmt: skip


def log(*records: Activation) -> ActivationLog:
    """The log of these records at the offsets 10, 20 and so on."""
    found = ActivationLog()
    for number, record in enumerate(records, 1):
        found.add(10 * number, record)
    return found


def test_a_pack_is_tried_on_some_accounts_and_becomes_the_live_one() -> None:
    found = log(
        activation("live", A), activation("shadow", B), activation("canary", B, percent=5.0), activation("live", B)
    )
    assert list(found.standings.values()) == [
        Standing(),
        Standing(10, A),
        Standing(20, A, shadow=B),
        Standing(30, A, canary=B, percent=5.0),
        Standing(40, B),
    ]
    assert [each.packs for each in found.standings.values()] == [("",), (A,), (A, B), (A, B), (B,)]
    assert found.labels() == {A: "p@a", B: "p@b"}


def test_a_canary_leaves_another_shadow_in_place() -> None:
    found = log(activation("live", A), activation("shadow", B), activation("canary", C, percent=1.0))
    assert found.newest == Standing(30, A, canary=C, percent=1.0, shadow=B)
    assert found.newest.packs == (A, C, B)


def test_a_rollback_leads_to_what_was_before_and_another_one_further_back() -> None:
    found = log(activation("live", A), activation("canary", B, percent=5.0), activation("live", C))
    assert found.rolled_back() == Standing(20, A, canary=B, percent=5.0)
    assert found.add(40, activation("rollback", of=30)) == ""
    assert found.newest == Standing(40, A, canary=B, percent=5.0)
    assert found.add(50, activation("rollback", number=1, of=40)) == ""
    assert found.newest == Standing(50, A)
    assert found.add(60, activation("rollback", number=2, of=50)) == ""
    assert found.newest == Standing(60)
    assert found.add(70, activation("live", B)) == ""
    assert found.add(80, activation("rollback", number=3, of=70)) == ""
    assert found.newest == Standing(80)


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (activation("rollback", of=5), "it takes back 5, and 10 is in force"),
        (activation("rollback"), "it takes back None, and 10 is in force"),
        (activation("live", A), "it is a repeat"),
        (activation("canary", B), "a canary without a percentage"),
        (activation("shadow"), "it names no pack"),
    ],
)
def test_what_cannot_be_done_changes_nothing(record: Activation, why: str) -> None:
    found = log(activation("live", A))
    assert found.add(20, record) == why
    assert found.newest == Standing(10, A)
    assert list(found.standings) == [CONFIGURED, 10]


def test_nothing_is_before_the_first() -> None:
    found = ActivationLog()
    assert found.rolled_back() is None
    assert found.add(5, activation("rollback", of=CONFIGURED)) == "there is nothing to take back"


def test_a_canary_is_the_same_accounts_always_and_more_of_them_for_more() -> None:
    accounts = [f"wx{number}" for number in range(20_000)]
    chosen = {share: {account for account in accounts if is_canary(account, share)} for share in (0.5, 5, 50, 100)}
    assert chosen[0.5] < chosen[5] < chosen[50] < chosen[100] == set(accounts)
    assert abs(len(chosen[5]) - 1_000) < 150
    assert abs(len(chosen[50]) - 10_000) < 350
