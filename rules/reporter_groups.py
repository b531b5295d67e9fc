"""Which of a subject's reporters count together, and how much each counts: against one person with many accounts, and
against brigades of accounts made for the purpose. Looks at all reports of the subject that a testimony was heard of.

*Linked* are those who reported from one device or network, and those whose company shares three subjects; and whoever
is linked to the same person. In a *burst* are new reporters, many within an hour.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple

from rules.reports import StoredReport, hashes_of

UNIT = 1000
"""Weights are counted in thousandths: sums of whole numbers are the same in every order."""
COMPANY_SHARED = 3
"""Other subjects in common that link two reporters. Two people meet at one much reported subject by chance, at three of
the six that a testimony names hardly; accounts that are sent from target to target do at once."""
BURST = 5
"""New reporters of one subject within BURST_WITHIN that make a burst; fewer where a clause waits for fewer reporters,
so that new accounts alone never are enough. Chosen, not measured: no data of report brigades is public."""
BURST_WITHIN = 3_600_000
"""How near each other the reports of a burst are, in ms. Calls to report somebody are answered while they are read."""


class Person(NamedTuple):
    """One reporter of a subject. `group`: who counts together; `weight` in thousandths of somebody without record;
    `in_burst`: counts together with all the others of bursts, unless somebody else of the group is heard."""

    group: str
    weight: int
    in_burst: bool


def trust(upheld: int, rejected: int) -> int:
    """The weight of a record, in thousandths of that of none: between 0 and 2.

    Laplace's rule of succession, (upheld + 1) / (upheld + rejected + 2), is the chance that the next report is right if
    nothing but the record is known ("Essai philosophique sur les probabilités", 1814). It is a half without a record
    and never 1, so twice of it counts somebody unknown as one person and nobody as two.
    """
    return 2 * UNIT * (upheld + 1) // (upheld + rejected + 2)


def people_of(reports: Iterable[StoredReport], wanted: int) -> dict[str, Person]:
    """The reporters whose testimony was heard, by name. `wanted`: how many reporters a clause waits for.

    A reporter's record is that of the newest report; somebody new, or in a burst, counts no more than 1.
    """
    heard = sorted((report for report in reports if report.known >= 0), key=_order)
    groups, bursts = _linked(heard), _in_bursts(heard, min(BURST, wanted))
    people: dict[str, Person] = {}
    for report in heard:
        in_burst = report.reporter in bursts
        weight = trust(report.upheld, report.rejected)
        people[report.reporter] = Person(
            groups[report.reporter], min(weight, UNIT) if report.new or in_burst else weight, in_burst
        )
    return people


def _linked(reports: list[StoredReport]) -> dict[str, str]:
    """Reporter -> one reporter that stands for all who are linked."""
    leader: dict[str, str] = {report.reporter: report.reporter for report in reports}

    def lead(name: str) -> str:
        while leader[name] != name:
            leader[name] = name = leader[leader[name]]
        return name

    for one, other in chain(_from_one_place(reports), _of_one_company(reports)):
        leader[lead(one)] = lead(other)
    return {name: lead(name) for name in leader}


def _from_one_place(reports: list[StoredReport]) -> Iterator[tuple[str, str]]:
    """Pairs of reporters who reported from one device or network."""
    for places in ([report.device for report in reports], [report.network for report in reports]):
        first: dict[bytes, str] = {}
        for place, report in zip(places, reports, strict=True):
            if place and first.setdefault(place, report.reporter) != report.reporter:
                yield first[place], report.reporter


def _of_one_company(reports: list[StoredReport]) -> Iterator[tuple[str, str]]:
    """Pairs of reporters by which all are joined who reported COMPANY_SHARED other subjects alike.

    A company is a number with a bit for each subject that is in two of them. Whoever is found is compared with those
    who are not yet: n times for a brigade of n, and for strangers, who have hardly such a bit, never.
    """
    companies = [hashes_of(report.company) for report in reports]
    times = Counter(chain.from_iterable(companies))
    bits = {subject: 1 << number for number, subject in enumerate(name for name, many in times.items() if many > 1)}
    first: dict[int, str] = {}
    for report, company in zip(reports, companies, strict=True):
        shared = sum(bits.get(subject, 0) for subject in company)
        if shared.bit_count() >= COMPANY_SHARED:
            yield first.setdefault(shared, report.reporter), report.reporter
    rest = [*first.items()]
    while rest:
        found = [rest.pop()]
        while found:
            shared, name = found.pop()
            near = [other for other in rest if (other[0] & shared).bit_count() >= COMPANY_SHARED]
            if near:
                yield from ((name, other) for _, other in near)
                rest = [other for other in rest if (other[0] & shared).bit_count() < COMPANY_SHARED]
                found += near


def _in_bursts(reports: list[StoredReport], least: int) -> set[str]:
    """New reporters of whom `least` reported within BURST_WITHIN. `reports` are sorted by time."""
    new = [report for report in reports if report.new]
    found: set[str] = set()
    near: Counter[str] = Counter()
    first = done = 0  # new[first:last] lie near each other; new[:done] are in `found` if they are in a burst
    for last, report in enumerate(new, 1):
        near[report.reporter] += 1
        while new[first].time < report.time - BURST_WITHIN:
            near[new[first].reporter] -= 1
            if not near[new[first].reporter]:
                del near[new[first].reporter]
            first += 1
        if len(near) >= least:
            found.update(old.reporter for old in new[max(first, done) : last])
            done = last
    return found


def _order(report: StoredReport) -> tuple[int, str, str]:
    return report.time, report.id, report.category
