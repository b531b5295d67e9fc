"""Which names from outside may go into another program's file: checked, never repaired."""

import re
from collections.abc import Collection
from ipaddress import ip_address

from rules.decisions import Action, Ban
from rules.subjects import kind_of
from streams.bans.table import ends_of

_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_MAX_NAME = 253
_LINK = re.compile(r"https?://[!-~]+")
MAX_LINK = 2000
"""Longest link in code points; the engine cuts longer ones and adds a hash, so no URL equals them."""


def domain_in(subject: str) -> str | None:
    """The host name of a `domain:…` subject; None unless it is lower-case letters, digits, `-` and `_` in labels
    of at most 63 characters, at least two of them, the last not all digits, 253 characters in all."""
    name = subject.removeprefix("domain:")
    labels = name.split(".")
    if len(name) == len(subject) or len(name) > _MAX_NAME or len(labels) < 2 or labels[-1].isdecimal():
        return None
    return name if all(_LABEL.fullmatch(label) for label in labels) else None


def address_in(subject: str) -> str | None:
    """The address of an `ip:…` subject in its canonical spelling; None for anything else."""
    text = subject.removeprefix("ip:")
    if len(text) == len(subject) or "%" in text:  # a zone index could hold anything
        return None
    try:
        return str(ip_address(text))
    except ValueError:
        return None


def link_in(subject: str) -> str | None:
    """The URL of a `link:…` subject: http or https, visible ASCII only, as URL parsing leaves it, and not cut."""
    url = subject.removeprefix("link:")
    return url if len(url) < len(subject) and len(url) <= MAX_LINK and _LINK.fullmatch(url) else None


def held(ban: Ban, at: float, actions: Collection[Action]) -> list[Action]:
    """Those of `actions` that are in force at `at` (seconds since 1970), sorted."""
    return sorted(action for action, end in ends_of(ban).items() if end > at and action in actions)


def kind_or_none(subject: str) -> str | None:
    """The subject's kind; None for what is no subject."""
    try:
        return kind_of(subject)
    except ValueError:
        return None
