"""What the reports of a subject weigh near a violation that waits for them: distinct people, by their records, with
those who count together counted as one (`rules.reporter_groups`)."""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from rules.packs.model import Reports
from rules.reporter_groups import UNIT, Person, people_of
from rules.reports import StoredReport


@dataclass(frozen=True, slots=True)
class Heard:
    """What was reported near a violation.

    people:  distinct reporters whose testimony was heard.
    weight:  how many people without a record they count for.
    brigade: they would be enough, were they not linked or a burst: a case for a person instead.
    """

    people: int
    weight: float
    brigade: bool


def heard(time: int, wanted: Reports, reports: Iterable[StoredReport]) -> Heard:
    """What was reported within `wanted.within` of a violation at `time` (ms), before it or after."""
    return weigh([time], wanted, reports)[time]


def weigh(times: Iterable[int], wanted: Reports, reports: Iterable[StoredReport]) -> dict[int, Heard]:
    """`heard` for each of `times` (ms), in one pass over the reports."""
    known = [report for report in reports if report.known >= 0]
    tally = _Tally(people_of(known, wanted.reporters))
    near = sorted(
        (report.time, report.reporter)
        for report in known
        if not wanted.categories or report.category in wanted.categories
    )
    found: dict[int, Heard] = {}
    first = last = 0  # near[first:last] lie near the time that is looked at
    for time in sorted(set(times)):
        while last < len(near) and near[last][0] <= time + wanted.within:
            tally.enter(near[last][1])
            last += 1
        while first < last and near[first][0] < time - wanted.within:
            tally.leave(near[first][1])
            first += 1
        found[time] = tally.heard(wanted.reporters)
    return found


class _Group(NamedTuple):
    """Weights of those who are near and count together, each list sorted."""

    others: list[int]
    in_burst: list[int]


class _Tally:
    """The people near a time. A group counts as its weightiest who is in no burst; all groups that have nobody but of
    bursts count together, as the weightiest of them."""

    def __init__(self, people: dict[str, Person]) -> None:
        self._people = people
        self._near: Counter[str] = Counter()
        self._groups: dict[str, _Group] = {}
        self._apart = 0
        self._others = 0
        self._bursts: list[int] = []

    def heard(self, wanted: int) -> Heard:
        weight = self._others + (self._bursts[-1] if self._bursts else 0)
        return Heard(len(self._near), weight / UNIT, weight < wanted * UNIT <= self._apart)

    def enter(self, name: str) -> None:
        self._near[name] += 1
        if self._near[name] == 1:
            person = self._people[name]
            group = self._groups.setdefault(person.group, _Group([], []))
            self._count(group, -1)
            insort(group.in_burst if person.in_burst else group.others, person.weight)
            self._count(group, 1)
            self._apart += person.weight

    def leave(self, name: str) -> None:
        self._near[name] -= 1
        if not self._near[name]:
            del self._near[name]
            person = self._people[name]
            group = self._groups[person.group]
            self._count(group, -1)
            _drop(group.in_burst if person.in_burst else group.others, person.weight)
            self._count(group, 1)
            self._apart -= person.weight

    def _count(self, group: _Group, sign: int) -> None:
        """Adds what a group counts, or takes it away."""
        if group.others:
            self._others += sign * group.others[-1]
        elif group.in_burst and sign > 0:
            insort(self._bursts, group.in_burst[-1])
        elif group.in_burst:
            _drop(self._bursts, group.in_burst[-1])


def _drop(ordered: list[int], value: int) -> None:
    del ordered[bisect_left(ordered, value)]
