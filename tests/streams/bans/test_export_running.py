"""What an export holds between the topic and its target: what changed, when something ends, and a load that is lost."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from math import inf
from pathlib import Path

import pytest

from streams.bans.export.nginx import NginxMap
from streams.bans.export.running import _Held, next_end
from streams.bans.export.tables import CsvTable
from streams.bans.records import Change
from streams.bans.state import FollowState
from tests.streams.making_bans import NOW, ban


def put(subject: str) -> Change:
    return Change(subject, ban(subject, "ban_account"))


def holding(test: Callable[[_Held, list[str]], None]) -> None:
    """Runs `test` in an event loop, with what an export to CSV holds and what it tells."""

    async def run() -> None:
        told: list[str] = []
        test(_Held(CsvTable(Path("unused")), FollowState(), told.append), told)

    asyncio.run(run())


def loaded(held: _Held, *changes: Change) -> None:
    held.begin()
    held.take(changes)
    held.loaded()


def test_after_a_load_everything_counts_as_changed_and_then_only_what_did() -> None:
    def test(held: _Held, _: list[str]) -> None:
        loaded(held, put("account:a"), put("account:b"))
        first = held.taken()
        assert (first.changed, set(first.bans)) == (None, {"account:a", "account:b"})

        held.take([Change("account:a", None), put("account:c")])

        snapshot = held.taken()
        assert (snapshot.changed, set(snapshot.bans)) == ({"account:a", "account:c"}, {"account:b", "account:c"})
        assert held.taken().changed == set()

    holding(test)


def test_after_a_failure_everything_counts_as_changed() -> None:
    def test(held: _Held, _: list[str]) -> None:
        loaded(held, put("account:a"))
        held.taken()
        held.take([put("account:b")])
        held.taken()
        held.again()
        held.take([put("account:c")])

        assert held.taken().changed is None

    holding(test)


def test_a_load_that_is_lost_half_way_leaves_the_list_as_it_was() -> None:
    def test(held: _Held, told: list[str]) -> None:
        loaded(held, put("account:a"))
        held.begin()
        held.take([put("account:b")])
        held.lost("gone")

        assert set(held.taken().bans) == {"account:a"}
        assert told == ["gone"]
        loaded(held, put("account:b"))
        assert set(held.taken().bans) == {"account:b"}

    holding(test)


def test_what_is_no_ban_is_told_and_what_is_not_wanted_is_not_held() -> None:
    async def run() -> None:
        told: list[str] = []
        held = _Held(NginxMap(Path("unused")), FollowState(), told.append)
        loaded(held, Change("", None, "no ban"), put("account:a"), put("domain:a.example"), put("no subject"))
        assert told == ["no ban"]
        assert set(held.taken().bans) == {"domain:a.example"}

    asyncio.run(run())


@pytest.mark.parametrize("what", ["change", "end", "heartbeat"])
def test_it_is_due_with_a_change_an_end_or_the_heartbeat(what: str) -> None:
    async def run() -> float:
        held = _Held(CsvTable(Path("unused")), FollowState(), print)
        loaded(held, put("account:a"))
        held.taken()
        if what == "change":
            asyncio.get_running_loop().call_later(0.1, held.take, [put("account:b")])
        if what == "end":
            held.next_end = time.time() + 0.1
        began = time.monotonic()
        async with asyncio.timeout(10):
            await held.due(0.1 if what == "heartbeat" else None)
        return time.monotonic() - began

    assert 0.05 < asyncio.run(run()) < 5


def test_nothing_is_due_before_the_first_load() -> None:
    async def run() -> None:
        held = _Held(CsvTable(Path("unused")), FollowState(), print)
        held.begin()
        held.take([put("account:a")])
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await held.due(0.01)

    asyncio.run(run())


def test_the_next_end_is_the_first_that_is_yet_to_come() -> None:
    hours = (-1, 2, 1)
    ends = {f"account:{each}": ban(f"account:{each}", "ban_ip", ends=NOW + timedelta(hours=each)) for each in hours}
    ends["account:good"] = ban("account:good", "ban_ip")

    assert next_end(ends, NOW) == (NOW + timedelta(hours=1)).timestamp()
    assert next_end({}, NOW) == inf
