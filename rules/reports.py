"""The reports that a subject remembers, and the mail about them: what it asks of reporters, hears from them, and tells
them. Pure; a function of the set of reports and testimonies, whatever order they come in."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import datetime
from ipaddress import IPv6Address, ip_address, ip_network

import msgspec

from rules.decisions import content_id
from rules.events import Report, from_millis, millis
from rules.packs.model import Reports
from rules.reporters import MAX_COMPANY, Inquiry, Outcome, Testimony, reporter_key, short_hash

MAX_REPORTS = 200
"""Reports remembered of one subject, the newest."""
REPORTS_EACH = 4
"""Of them by one person, the newest: a person counts once, and cannot make a subject forget the others' reports."""
NEW_FOR = 86_400_000
"""How long after the first report somebody is a new reporter, in ms."""


class StoredReport(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A report as a subject remembers it, with what is known of its reporter. `time` in ms.

    device, network: 8-byte hashes of what it was sent from, mixed with the subject's name; b"" where unknown. They say
                     who of a subject's reporters are linked, and nothing across subjects.
    known:           how many outcomes the testimony rests on; -1 where none was heard yet.
    upheld, rejected, company: the testimony's. new: whether this was within a day of the reporter's first report.
    """

    time: int
    id: str
    reporter: str
    category: str
    device: bytes = b""
    network: bytes = b""
    known: int = -1
    upheld: int = 0
    rejected: int = 0
    new: bool = True
    company: bytes = b""


def stored(report: Report) -> StoredReport:
    """A report that has just arrived."""
    subject = report.subject
    device = short_hash("device", subject, report.device) if report.device is not None else b""
    network = short_hash("network", subject, _network(report.ip)) if report.ip is not None else b""
    return StoredReport(millis(report.time), report.id, report.reporter, report.category, device, network)


def answered(testimony: Testimony) -> StoredReport:
    """A report by what was heard of its reporter, which may come before the report itself."""
    time = millis(testimony.time)
    return StoredReport(
        time,
        testimony.report,
        testimony.reporter,
        testimony.category,
        testimony.device,
        testimony.network,
        testimony.known,
        testimony.upheld,
        testimony.rejected,
        time - millis(testimony.first) < NEW_FOR,
        testimony.company,
    )


def remember(reports: list[StoredReport], report: StoredReport) -> list[StoredReport]:
    """`reports`, as this function last returned them, with one more, or with more known of one of them: sorted by time
    and bounded. The very same list if it changes nothing."""
    same = next((old for old in reports if _key(old) == _key(report)), None)
    if same is None:
        changed = sorted([*reports, report], key=_key)
        by_same = [old for old in changed if old.reporter == report.reporter]
        if len(by_same) > REPORTS_EACH:
            changed.remove(by_same[0])
        changed = changed[-MAX_REPORTS:]
        return reports if changed == reports else changed
    joined = _joined(same, report)
    return reports if joined == same else [joined if old is same else old for old in reports]


def hashes_of(company: bytes) -> list[bytes]:
    """The subjects in a testimony's `company`."""
    return [company[start : start + 8] for start in range(0, len(company), 8)]


def inquiry(subject: str, report: StoredReport) -> Inquiry:
    """What `subject` asks of the reporter of a report that it remembers."""
    key, time = reporter_key(report.reporter), from_millis(report.time)
    return Inquiry(
        id=content_id("inquiry", subject, report.id, key, report.category, str(report.time)),
        subject=key,
        about=subject,
        report=report.id,
        category=report.category,
        time=time,
        device=report.device,
        network=report.network,
    )


def outcomes(
    subject: str,
    case: str,
    reports: Iterable[StoredReport],
    *,
    upheld: bool,
    decided: datetime,
    times: Iterable[int],
    wanted: Reports,
) -> list[Outcome]:
    """What to tell each reporter heard in a case of `subject` once it is decided: one outcome for each of them.

    case:    what was decided; the same for a review, and for an appeal against what it led to.
    reports: all that the subject remembers.
    upheld:  whether what was reported was right; `decided`: when that was found.
    times:   ms; of the case's violations of a clause that waits for the reports `wanted`.

    Heard are reports near one of them of the categories asked for, made before the case was decided: nobody earns a
    record by reporting what is known already. That holds for those in bursts too: a brigade pays for what it reports.
    """
    ordered = sorted(times)
    at = millis(decided)
    heard = dict.fromkeys(
        report.reporter
        for report in reports
        if report.time < at
        and (not wanted.categories or report.category in wanted.categories)
        and _near(report.time, ordered, wanted.within)
    )
    return [
        Outcome(
            id=content_id("outcome", subject, reporter, case, str(upheld), str(at)),
            subject=reporter_key(reporter),
            about=subject,
            case=case,
            upheld=upheld,
            time=from_millis(at),
        )
        for reporter in heard
    ]


def _near(time: int, ordered: Sequence[int], within: int) -> bool:
    place = bisect_left(ordered, time - within)
    return place < len(ordered) and ordered[place] <= time + within


def _key(report: StoredReport) -> tuple[int, str, str, str]:
    """Reports that agree in this are one."""
    return report.time, report.id, report.reporter, report.category


def _joined(one: StoredReport, other: StoredReport) -> StoredReport:
    """All that two accounts of a report know; the same whichever is first, and however often."""
    known, upheld, rejected = max((one.known, one.upheld, one.rejected), (other.known, other.upheld, other.rejected))
    company = {*hashes_of(one.company), *hashes_of(other.company)}
    return StoredReport(
        *_key(one),
        max(one.device, other.device),
        max(one.network, other.network),
        known,
        upheld,
        rejected,
        one.new and other.new,
        b"".join(sorted(company)[:MAX_COMPANY]),
    )


def _network(ip: str) -> str:
    """What one connection has: an IPv4 address, or the /64 of an IPv6 one (RFC 6177: a site has at least that)."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip.lower()
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return str(ip_network((int(address), 64), strict=False))
        address = address.ipv4_mapped
    return str(address)
