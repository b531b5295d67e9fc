"""Labelled events: rows, hosts and pages, each with the clause groups that a hit on it counts for."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lab.corpus import Row, event_of, group_of, groups_of
from lab.sites import IMITATION, Host, SavedPage, share_of_host, share_of_page
from rules.events import Content


class Labelled(NamedTuple):
    """An event, and what is known of it. `groups`: the clause groups it belongs to; None: unknown, it counts for
    nothing but its source. Empty: it is benign. `text`: what to show of it."""

    id: str
    source: str
    groups: frozenset[str] | None
    text: str
    event: Content


def of_rows(rows: Iterable[Row]) -> Iterator[Labelled]:
    """Rows of labelled text; each from an account of its own."""
    for number, row in enumerate(rows):
        text = f"{row.title} | {row.text}" if row.title else row.text
        yield Labelled(row.id, row.source, groups_of(row), text, event_of(row, f"row-{number}"))


def of_hosts(hosts: Iterable[Host]) -> Iterator[Labelled]:
    """Labelled hosts: official and benign ones are benign, look-alikes break links.4.3; of other bad ones nothing
    can be known from their name. The source is the label."""
    for host in hosts:
        groups = frozenset({group_of(IMITATION)}) if host.label == "bad_lookalike" else frozenset[str]()
        yield Labelled(host.id, host.label, None if host.label == "bad" else groups, host.id, share_of_host(host))


def of_pages(pages: Iterable[SavedPage]) -> Iterator[Labelled]:
    """Saved pages on a foreign host: WeChat articles break links.4.3 there, ordinary pages are benign."""
    for page in pages:
        groups = frozenset({group_of(IMITATION)}) if page.label == "wechat_article" else frozenset[str]()
        yield Labelled(page.id, page.label, groups, page.id, share_of_page(page))
