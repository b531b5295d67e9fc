"""Readers of what stands in many places of a scenario file: times, and subjects."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rules.decisions import SUBJECT_KINDS, Action
from rules.links import parse_link
from rules.packs.source import Node, did_you_mean
from rules.subjects import LANDS_ON, kind_of, sanctions_for

MOST = 1000
"""Most events of one step, and names of one range."""
_PART = re.compile(r"([0-9]{1,6})(s|m|h|d|w)")
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_LAST = 3650 * 86_400_000
"""Longest scenario, in ms."""
_RANGE = re.compile(r"\{(\d{1,3})-(\d{1,3})\}")


def time(node: Node, text: str | None = None) -> int:
    """A time since the scenario's begin, or an interval, in ms: `0h`, `90m`, `7d 1h`."""
    written = node.text() if text is None else text
    parts = [_PART.fullmatch(part) for part in written.split()]
    if not parts or None in parts:
        hint = "whole numbers, each with one of s, m, h, d, w: 0h, 90m, 7d 1h"
        raise node.error(f"expected a time, found {written!r}", hint)
    time = sum(int(part[1]) * _UNIT_MS[part[2]] for part in parts if part)
    if time > _LAST:
        raise node.error(f"{written!r} is too long", "a scenario lasts at most 10 years")
    return time


def subjects(node: Node, text: str | None = None) -> Iterator[str]:
    """`kind:name` for each subject that `kind name` stands for: several with a range, `account seller{1-5}`."""
    written = node.text() if text is None else text
    kind, _, name = written.partition(" ")
    if kind not in SUBJECT_KINDS or not name:
        hint = did_you_mean(kind, SUBJECT_KINDS) + ", then a space and its name"
        raise node.error(f"{written!r} is no subject", hint)
    span = _RANGE.search(name)
    numbers = range(int(span[1]), int(span[2]) + 1) if span else range(1)
    if span and (not numbers or len(numbers) > MOST):
        raise node.error(f"{span[0]!r} is no range", "{1-5}")
    for number in numbers:
        own = _RANGE.sub(str(number), name, count=1) if span else name
        if kind == "link" and not (own.startswith(("http://", "https://")) and parse_link(own)):
            raise node.error(f"{own!r} is no link", "write it in full: link http://site.example/page")
        yield f"{kind}:{own}"


def sanction(subject: str, node: Node, name: str, *, warning: bool = False) -> Action:
    """A sanction that lands on a subject, by its name. `warning`: whether a warning is one."""
    kind = kind_of(subject)
    known = [action for action in LANDS_ON if sanctions_for(kind, (action,), True) and (warning or action != "warn")]
    if name not in known:
        raise node.error(f"no sanction {name!r} lands on this subject", did_you_mean(name, known))
    return name
