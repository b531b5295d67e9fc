"""The reader of `limits`: quotas of automatic actions, and what is protected from them."""

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network

from rules.packs.include import Entries
from rules.packs.model import QUOTA_EACH, QUOTA_PER, Limits, Protected, Quota, begins
from rules.packs.source import Node, PackError, did_you_mean

_NAME = re.compile(r"[a-z][a-z0-9_]*")
MAX_COUNT = 10**12
"""Highest number a limit may name: above any platform."""


def read_limits(entries: Entries, sections: Mapping[str, Entries]) -> Limits:
    """`limits: {quotas: …, protected: …}`; `sections` has the names of lists, rules and clauses that it may use."""
    for name, (key, _) in entries.items():
        if name not in {"quotas", "protected"}:
            raise key.error(f"unknown key {name!r}", did_you_mean(name, ("quotas", "protected")))
    quotas, protected = entries.get("quotas"), entries.get("protected")
    names = [*sections["rules"], *sections["clauses"]]
    return Limits(
        tuple(_quota(name, key, value, names) for name, key, value in quotas[1].items()) if quotas else (),
        _protected(protected[1], sections["lists"]) if protected else Protected(),
    )


def _quota(name: str, key: Node, node: Node, names: Iterable[str]) -> Quota:
    if not _NAME.fullmatch(name):
        raise key.error(f"{name!r} is no name for one of the quotas", f"names look like {_NAME.pattern}")
    body = node.mapping()
    each, per = body.need("each").choice(QUOTA_EACH), body.need("per").choice(QUOTA_PER)
    at_most, only = _count(body.need("at_most"), 0), body.take("only")
    body.done()
    return Quota(name, each, per, at_most, _only(only, names) if only is not None else ())  # type: ignore[arg-type]


def _only(node: Node, names: Iterable[str]) -> tuple[str, ...]:
    found = node.sequence()
    if not found:
        raise node.error("`only` names at least one rule or clause", "leave it out for all of them")
    for each in found:
        if not any(begins(name, each.text()) for name in names):
            raise each.error(f"no rule and no clause is {each.text()!r}", did_you_mean(each.text(), names))
    return tuple(node.texts())


def _protected(node: Node, lists: Entries) -> Protected:
    body = node.mapping()
    hosts, networks, accounts = body.take("hosts"), body.take("networks"), body.take("accounts")
    followers, recipients = body.take("followers"), body.take("recipients")
    body.done()
    named = hosts.sequence() if hosts is not None else []
    for each in named:
        if each.text() not in lists:
            raise each.unknown("lists", lists)
    return Protected(
        tuple(each.text() for each in named),
        tuple(_network(each) for each in networks.sequence()) if networks is not None else (),
        frozenset(accounts.texts()) if accounts is not None else frozenset(),
        _count(followers, 1) if followers is not None else None,
        _count(recipients, 1) if recipients is not None else None,
    )


def _network(node: Node) -> IPv4Network | IPv6Network:
    try:
        return ip_network(node.text())
    except ValueError as error:
        raise _no_network(node, error) from None


def _no_network(node: Node, error: ValueError) -> PackError:
    hint = "the first address of the block and its length: 192.0.2.0/24, 2001:db8::/32"
    return node.error(f"no block of addresses: {error}", hint)


def _count(node: Node, least: int) -> int:
    count = node.number()
    if count != int(count) or not least <= count <= MAX_COUNT:
        raise node.error(f"expected a whole number, found {node.text()!r}", f"{least} to {MAX_COUNT}")
    return int(count)
