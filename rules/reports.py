"""What users' reports of a subject say about a violation that waits for them."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from rules.packs.model import Reports


class StoredReport(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A report as a subject remembers it. `time` in ms."""

    time: int
    id: str
    reporter: str
    category: str


def reporters(time: int, wanted: Reports, reports: Iterable[StoredReport]) -> set[str]:
    """Who reported the subject within `wanted.within` of a violation at `time` (ms), before it or after."""
    return {
        report.reporter
        for report in reports
        if abs(report.time - time) <= wanted.within and (not wanted.categories or report.category in wanted.categories)
    }


def reported_times(times: Iterable[int], wanted: Reports, reports: Iterable[StoredReport]) -> set[int]:
    """Those of `times` (ms) at which enough people had reported, or would within the time given."""
    heard = sorted(
        (report.time, report.reporter)
        for report in reports
        if not wanted.categories or report.category in wanted.categories
    )
    found: set[int] = set()
    near: Counter[str] = Counter()
    first = last = 0  # heard[first:last] lie near the time that is looked at
    for time in sorted(set(times)):
        while last < len(heard) and heard[last][0] <= time + wanted.within:
            near[heard[last][1]] += 1
            last += 1
        while first < last and heard[first][0] < time - wanted.within:
            near[heard[first][1]] -= 1
            if not near[heard[first][1]]:
                del near[heard[first][1]]
            first += 1
        if len(near) >= wanted.reporters:
            found.add(time)
    return found
