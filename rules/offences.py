"""A violation as its subject's record remembers it."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

Gravity = Literal["ordinary", "egregious", "evasion"]
"""How grave an offence is: as its violation says, or `evasion` when a domain was new on a punished IP."""


class Offence(NamedTuple):
    """One violation as a subject remembers it. `time` in ms; sorts by time, then cause.

    `cause` is that of the violation, 16 bytes; `linked` are the other subjects that are charged with the same.
    """

    time: int
    cause: bytes
    clause: str
    rule: str
    gravity: Gravity
    holds_share_api: bool
    linked: tuple[str, ...] = ()


def domain_of(linked: Iterable[str]) -> str:
    """The first domain among the subjects that a violation was charged to besides; empty without one."""
    for subject in linked:
        if subject.startswith("domain:"):
            return subject
    return ""
