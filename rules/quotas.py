"""Quotas of automatic actions: how many were taken of a rule, of a clause, and in all, by hour and day of event time.

Subjects are partitioned and nothing is shared between partitions, so each partition has an equal share of every quota,
rounded up: all of them together never grant more than the quota and one for each partition. A partition whose share is
used up grants nothing more even while others have room: the quota is a net for what should never happen, and where
subjects are spread by a hash, the shares fill alike.

What was granted is counted by hours and days (UTC) of *event time*, so that a replay counts where the events were. Of
each counter the newest KEPT periods are kept. By number and not by age, so that one event with a date in the future
takes one of them and does not push out what is counted now. An event older than all that are kept counts in the oldest:
a period that was dropped never comes back with all its room, and a flood of old events, each from an hour of its own,
is stopped when that one is full.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from rules.packs.model import Quota, QuotaPer

KEPT = 49
"""Periods of one counter: two days of hours and the one that has begun. 9 bytes each at the most, encoded."""
PERIOD_MS: dict[QuotaPer, int] = {"hour": 3_600_000, "day": 86_400_000}


class QuotaState(msgspec.Struct, array_like=True):
    """What one partition has granted: counter of a quota -> rule or clause (empty for all) -> period -> actions.

    Periods are numbered from 1970. A counter exists only where something was granted; 67 rules and 29 clauses that all
    act in each of 49 hours take 40 kB encoded, which is what the shipped pack can come to.
    """

    granted: dict[str, dict[str, dict[int, int]]] = {}


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a quota one rule, clause, or all (an empty `of`) have used in the period that begins at `starts` ms.

    at_most: what may be granted: the share of one partition, or, merged, the whole quota.
    full:    how many partitions have used up their share, and hold what comes.
    """

    quota: Quota
    of: str
    starts: int
    used: int
    at_most: int
    full: int


class _Counter(NamedTuple):
    """One counter of a quota: its name in the state, of which rule or clause, a partition's share, and how long its
    period lasts, in ms."""

    quota: Quota
    name: str
    key: str
    share: int
    lasts: int


_MAX_ABOUT = 4096
_NONE: Mapping[str, dict[int, int]] = {}
_NO_PERIODS: dict[int, int] = {}
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(QuotaState)


class Quotas:
    """The quotas of a pack, for one of `shares` partitions. Keeps no state itself."""

    def __init__(self, quotas: Sequence[Quota], shares: int = 1) -> None:
        """`shares`: how many partitions share each quota. Raises ValueError for fewer than 1."""
        if shares < 1:
            raise ValueError(f"a quota is shared by at least 1 partition, not {shares}")
        self._quotas = tuple(quotas)
        self._share = {quota.name: -(-quota.at_most // shares) for quota in quotas}
        self._counters = {quota.name: _counter(quota) for quota in quotas}
        self._about: dict[tuple[str, str], list[_Counter]] = {}

    def decode(self, data: bytes | None) -> QuotaState:
        """The state in `data`, empty without any. Counters of quotas that the pack no longer has are left out."""
        if data is None:
            return QuotaState()
        state, counters = _DECODER.decode(data), set(self._counters.values())
        state.granted = {name: counts for name, counts in state.granted.items() if name in counters}
        return state

    def exceeded(self, state: QuotaState, rule: str, clause: str, time_ms: int) -> Quota | None:
        """The first quota that has no room for an action of this event time; None when it may be taken."""
        for quota, name, key, share, lasts in self._counting(rule, clause):
            periods = state.granted.get(name, _NONE).get(key, _NO_PERIODS)
            if periods.get(_period(time_ms // lasts, periods), 0) >= share:
                return quota
        return None

    def count(self, state: QuotaState, rule: str, clause: str, time_ms: int, actions: int = 1) -> None:
        """Counts actions that were taken, in every quota that is about them."""
        for _, name, key, _, lasts in self._counting(rule, clause):
            periods = state.granted.setdefault(name, {}).setdefault(key, {})
            period = _period(time_ms // lasts, periods)
            periods[period] = periods.get(period, 0) + actions
            if len(periods) > KEPT:
                del periods[min(periods)]

    def _counting(self, rule: str, clause: str) -> list[_Counter]:
        """The counters that an action of a rule and clause is counted by."""
        found = self._about.get((rule, clause))
        if found is None:
            if len(self._about) >= _MAX_ABOUT:  # more than a pack has: rules of packs long gone
                self._about.clear()
            found = self._about[rule, clause] = [
                _Counter(
                    quota,
                    self._counters[quota.name],
                    _key(quota, rule, clause),
                    self._share[quota.name],
                    PERIOD_MS[quota.per],
                )
                for quota in self._quotas
                if quota.covers(rule, clause)
            ]
        return found

    def used(self, state: QuotaState, at_ms: int) -> list[Usage]:
        """How much of each quota is used at a time, in the order of the pack; rules and clauses without any left out.

        A quota of all actions is always there.
        """
        return [usage for quota in self._quotas for usage in self._used(quota, state, at_ms)]

    def _used(self, quota: Quota, state: QuotaState, at_ms: int) -> Iterator[Usage]:
        counts = state.granted.get(self._counters[quota.name], {})
        period, share = at_ms // PERIOD_MS[quota.per], self._share[quota.name]
        for of in sorted(counts) if quota.each != "all" else [""]:
            used = counts.get(of, {}).get(period, 0)
            if used or quota.each == "all":
                yield Usage(quota, of, period * PERIOD_MS[quota.per], used, share, int(used >= share))


def encode(state: QuotaState) -> bytes:
    """The state as bytes, for `Quotas.decode`."""
    return _ENCODER.encode(state)


def merge(partitions: Iterable[Iterable[Usage]]) -> list[Usage]:
    """What several partitions used at the same time, together, each against the whole quota. Quotas stay in order."""
    found: dict[str, dict[tuple[str, int], Usage]] = {}
    for usages in partitions:
        for usage in usages:
            same = found.setdefault(usage.quota.name, {})
            before = same.get((usage.of, usage.starts))
            used, full = (before.used, before.full) if before is not None else (0, 0)
            same[usage.of, usage.starts] = Usage(
                usage.quota, usage.of, usage.starts, used + usage.used, usage.quota.at_most, full + usage.full
            )
    return [same[key] for same in found.values() for key in sorted(same)]


def _counter(quota: Quota) -> str:
    """The name of a quota's counter: with another period, or counted for others, it is another one."""
    return f"{quota.name}/{quota.each}/{quota.per}"


def _key(quota: Quota, rule: str, clause: str) -> str:
    match quota.each:
        case "rule":
            return rule
        case "clause":
            return clause
        case "all":
            return ""


def _period(period: int, periods: dict[int, int]) -> int:
    """The period that an event of a period counts in."""
    return period if period in periods or len(periods) < KEPT else max(period, min(periods))
