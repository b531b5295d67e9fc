"""Records of the topic that are no ban list entries are named, and never raise."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.bans.records import change_in
from streams.codec import encode
from tests.streams.making_bans import ban

GOOD = encode(ban("account:a", "ban_account"))


def record(key: bytes | None, value: bytes | None) -> Any:
    return SimpleNamespace(topic="bans", partition=1, offset=7, key=key, value=value)


def test_a_ban_and_a_tombstone() -> None:
    assert change_in(record(b"account:a", GOOD)) == ("account:a", ban("account:a", "ban_account"), "", 1, 7)
    assert change_in(record(b"account:a", None)) == ("account:a", None, "", 1, 7)


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        (b"\xff", GOOD, "can't decode"),
        (b"account:b", GOOD, "the key is 'account:b'"),
        (None, GOOD, "the key is ''"),
        (b"account:a", b"[" * 100_000, "bans, partition 1, offset 7"),
        (b"account:a", GOOD.replace(b"Z", b""), "a time without a zone"),
        (b"account:a", GOOD.replace(b"ban_account", b"smile"), "Invalid enum value"),
    ],
)
def test_what_is_wrong_is_said(key: bytes | None, value: bytes, why: str) -> None:
    assert why in change_in(record(key, value)).wrong


@given(st.binary() | st.none(), st.binary() | st.none())
def test_anything_is_a_change_or_wrong(key: bytes | None, value: bytes | None) -> None:
    change = change_in(record(key, value))

    assert value is None or change.wrong
