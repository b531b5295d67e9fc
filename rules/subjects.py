"""Whom a violation is charged to, and what each sanction lands on."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address

from rules.decisions import SUBJECT_KINDS, Action, SubjectKind, content_id
from rules.events import Content, MassSend, Share, links_of
from rules.links import Host, parse_link

LANDS_ON: dict[Action, frozenset[SubjectKind]] = {
    "warn": frozenset({"account"}),
    "stop_spread": frozenset({"link"}),
    "block_access": frozenset({"domain", "ip"}),
    "suspend_share_api": frozenset({"app"}),
    "suspend_account": frozenset({"account"}),
    "ban_account": frozenset({"account"}),
    "ban_domain": frozenset({"domain"}),
    "ban_ip": frozenset({"ip"}),
    "ban_share_api": frozenset({"app"}),
}
"""Where the source documents put each sanction. The two share-interface sanctions fall back to the
account when the event names no application: see `sanctions_for`."""

_KINDS: dict[str, SubjectKind] = {kind: kind for kind in SUBJECT_KINDS}
SHARE_API_ACTIONS: frozenset[Action] = frozenset({"suspend_share_api", "ban_share_api"})


@lru_cache(4096)
def sanctions_for(kind: SubjectKind, actions: tuple[Action, ...], owns_share_api: bool) -> tuple[Action, ...]:
    """Those of `actions` that land on a subject of `kind`.

    `owns_share_api`: the violation named no application, so the account answers for the interface.
    """
    return tuple(
        action
        for action in actions
        if kind in LANDS_ON[action] or (kind == "account" and owns_share_api and action in SHARE_API_ACTIONS)
    )


def kind_of(subject: str) -> SubjectKind:
    """The kind in `kind:key`. Raises ValueError for a subject that has none of the five."""
    kind = _KINDS.get(subject.partition(":")[0])
    if kind is not None:
        return kind
    raise ValueError(f"{subject!r} is no subject: it starts with one of {', '.join(SUBJECT_KINDS)}")


_MAX_KEY = 2000
"""Longest key of a subject in code points; a longer link is cut and told apart by a hash."""


def subjects_of(event: Content, protected: Callable[[Host], bool]) -> list[tuple[SubjectKind, str]]:
    """(kind, subject) for the account, and each link, domain, serving IP and application of an event.

    Domains and IPs of link shorteners are left out: a block there would hit everybody else's links as well.
    Protected domains are charged all the same, so that a person is told what is found there: that no sanction
    lands on them by itself is `rules.protection`'s to see to. The address that serves a page is left out where
    `protected(host)` holds for the host it stands on, since an address alone does not tell who lives there.
    """
    found: dict[str, SubjectKind] = {f"account:{event.account}": "account"}
    urls = links_of(event)
    page = event.page if isinstance(event, Share) else None
    if page is not None and page.final_url:
        urls = [*urls, page.final_url]
    links = [link for url in urls if (link := parse_link(url)) is not None]
    for link in links:
        found[f"link:{_bounded(link.href)}"] = "link"
    for link in links:
        host = link.host
        if not host.is_shortener:
            found[f"{'ip' if host.is_ip else 'domain'}:{_bounded(host.domain)}"] = "ip" if host.is_ip else "domain"
    if page is not None and page.ip and links:
        host = links[-1].host  # the page's final one, where it is known
        if not host.is_shortener and not protected(host):
            found[f"ip:{_canonical_ip(page.ip)}"] = "ip"
    if not isinstance(event, MassSend) and event.app:
        found[f"app:{event.app}"] = "app"
    return [(kind, subject) for subject, kind in found.items()]


def _canonical_ip(ip: str) -> str:
    """One spelling of an address, the one of links; what is no address stays as it is, in lower case."""
    try:
        return str(ip_address(ip))
    except ValueError:
        return ip.lower()


def _bounded(key: str) -> str:
    return key if len(key) <= _MAX_KEY else f"{key[:_MAX_KEY]}~{content_id(key)}"
