"""Readers of clauses, ladders, lists and notices. Each raises PackError at the value that is wrong."""

import re
from typing import get_args

from rules.climbing import highest_rung
from rules.decisions import Action, Notice
from rules.packs.model import Clause, Evasion, HostList, Ladder, Reports, Rung
from rules.packs.source import Node, did_you_mean

_ACTIONS: tuple[Action, ...] = get_args(Action)
MAX_REPORTERS = 100
"""Most reporters a clause may wait for; 200 reports of a subject are remembered (`rules.enforce`)."""
_LEAST_DOMAINS = 2
"""Fewer domains than two dodge nothing."""
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_BRAND = re.compile(r"[a-z0-9]+")


def read_notice(node: Node) -> Notice:
    """`{zh: …, en: …}`."""
    body = node.mapping()
    notice = Notice(zh=body.need("zh").text(), en=body.need("en").text())
    body.done()
    return notice


def read_clause(name: str, node: Node) -> Clause:
    """One entry of `clauses`."""
    body = node.mapping()
    text = " / ".join(part.text() for key in ("text", "allowed", "banned", "note") if (part := body.take(key)))
    handling, first, egregious = body.take("handling"), body.take("first"), body.take("egregious")
    by_report = handling is not None and handling.choice(("by_report", "automatic")) == "by_report"
    reports = body.take("reports")
    if reports is not None and not by_report:
        raise reports.error("`reports` goes with `handling: by_report`", "other clauses are enforced without reports")
    clause = Clause(
        id=name,
        title=read_notice(body.need("title")),
        text=text,
        first=_actions(first) if first else (),
        egregious=_actions(egregious) if egregious else (),
        by_report=by_report,
        reports=_reports(reports) if reports is not None else None,
    )
    body.done()
    return clause


def _reports(node: Node) -> Reports:
    body = node.mapping()
    reporters, within, categories = body.need("reporters"), body.need("within"), body.take("categories")
    body.done()
    count = reporters.number()
    if count != int(count) or not 1 <= count <= MAX_REPORTERS:
        raise reporters.error(f"expected a whole number, found {reporters.text()!r}", f"1 to {MAX_REPORTERS}")
    return Reports(int(count), within.duration(), frozenset(categories.texts()) if categories else frozenset())


def _actions(node: Node) -> tuple[Action, ...]:
    return tuple(action.choice(_ACTIONS) for action in node.sequence())  # type: ignore[misc]


def read_ladder(name: str, node: Node) -> Ladder:
    """One entry of `ladders`."""
    body = node.mapping()
    rungs_node = body.need("rungs")
    half_life = body.take("half_life")
    evasion = body.take("evasion")
    ladder = Ladder(
        name=name,
        clauses=tuple(body.need("clauses").texts()),
        window=body.need("window").duration(),
        grace=body.need("grace").duration(),
        rungs=tuple(_rung(rung) for rung in rungs_node.sequence()),
        half_life=half_life.duration() if half_life is not None else None,
        evasion=_evasion(evasion) if evasion is not None else None,
    )
    body.done()
    if not ladder.rungs:
        raise rungs_node.error("a ladder has at least one rung")
    longest = max((rung.duration or 0 for rung in ladder.rungs), default=0)
    if longest > ladder.window:
        raise rungs_node.error(
            "a rung lasts longer than the window", "violations would be forgotten while their sanction holds"
        )
    if ladder.grace * len(ladder.rungs) > ladder.window:
        raise rungs_node.error("the last rung cannot be reached: the window is shorter than its graces")
    if half_life is not None:
        highest = highest_rung(ladder.window, ladder.grace, ladder.half_life, len(ladder.rungs))
        if highest < len(ladder.rungs):
            raise half_life.error(
                f"the last rung cannot be reached: with this half-life the highest is {highest}",
                "a longer half-life, or a shorter grace",
            )
    return ladder


def _evasion(node: Node) -> Evasion:
    body = node.mapping()
    domains, within, punished_ip = body.take("domains"), body.take("within"), body.take("punished_ip")
    body.done()
    if (domains is None) != (within is None):
        raise node.error("`domains` and `within` go together", "{domains: 5, within: 30d}")
    if domains is None and punished_ip is None:
        raise node.error("nothing counts as an evasion", "domains and within, or punished_ip: true")
    number = domains.number() if domains is not None else 0
    if domains is not None and (number != int(number) or number < _LEAST_DOMAINS):
        raise domains.error(f"expected a whole number from {_LEAST_DOMAINS} on, found {domains.text()!r}")
    return Evasion(int(number), within.duration() if within else 0, punished_ip is not None and punished_ip.boolean())


def _rung(node: Node) -> Rung:
    body = node.mapping()
    apply = body.need("apply").choice(("warn", "first", "egregious"))
    lasts = body.take("for")
    body.done()
    return Rung(apply, lasts.duration() if lasts else None)  # type: ignore[arg-type]


def read_list(name: str, node: Node) -> HostList:
    """One entry of `lists`."""
    body = node.mapping()
    hosts = [_host(host) for host in named.sequence()] if (named := body.take("hosts")) is not None else []
    brands = [_brand(brand) for brand in named.sequence()] if (named := body.take("brands")) is not None else []
    protected = (flag := body.take("protected")) is not None and flag.boolean()
    shared = (flag := body.take("shared")) is not None and flag.boolean()
    if protected and shared and flag is not None:
        raise flag.error("`shared` hosts are protected, but not what customers have below them", "say one of the two")
    body.take("description")
    body.done()
    found = dict.fromkeys(hosts)
    for change in node.changes:
        for host in change["remove"].sequence() if "remove" in change else ():
            if host.text() not in found:
                raise host.error(f"{host.text()!r} is not in the list", did_you_mean(host.text(), found))
            del found[host.text()]
        for host in change["add"].sequence() if "add" in change else ():
            found[_host(host)] = None
    return HostList(name, frozenset(found), tuple(brands), protected, shared)


def _host(node: Node) -> str:
    host = node.text()
    if not _HOST.fullmatch(host):
        hint = "lower case, no scheme, no port, no path, no wildcard; other scripts as xn--…: example.com"
        raise node.error(f"{host!r} is no host name", hint)
    return host


def _brand(node: Node) -> str:
    brand = node.text()
    if not _BRAND.fullmatch(brand):
        raise node.error(f"{brand!r} cannot stand in a host name", "small letters and digits: weixin")
    return brand
