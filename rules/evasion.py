"""Evasion: what sends a subject to the last rung of its ladder at once, because it dodges the sanctions before.

Published practice bans accounts for good that spread through ever new domains, and bans new domains on an IP that is
punished already. One landing page under rotating domains shows in several events only: rules with a `crowd` find it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from rules.packs.model import Evasion

if TYPE_CHECKING:
    from rules.holdings import Holding
    from rules.sanctions import Offence

Gravity = Literal["ordinary", "egregious", "evasion"]
"""How grave an offence is: as its violation says, or `evasion` when a domain was new on a punished IP."""


def domain_of(linked: Iterable[str]) -> str:
    """The first domain among the subjects that a violation was charged to besides; empty without one."""
    for subject in linked:
        if subject.startswith("domain:"):
            return subject
    return ""


def many_domains(offences: Sequence["Offence"], index: int, evasion: Evasion) -> bool:
    """Whether an offence and those before it, sorted by time, have as many domains as make an evasion."""
    offence = offences[index]
    if not evasion.domains or not domain_of(offence.linked):
        return False
    oldest = offence.time - evasion.within
    found: set[str] = set()
    for before in range(index % len(offences), -1, -1):
        earlier = offences[before]
        if earlier.time < oldest:
            break
        for subject in earlier.linked:
            if subject.startswith("domain:"):
                found.add(subject)
        if len(found) >= evasion.domains:
            return True
    return False


def evading(
    offence: "Offence", others: Sequence["Offence"], held: Callable[[list["Offence"]], Sequence["Holding"]]
) -> str:
    """The domain of an offence on an IP, where that is new there while the IP is under a sanction; else empty.

    others: the IP's offences on the same ladder. held: what some of them hold against the IP, after what moderators
    forgave.
    """
    domain = domain_of(offence.linked)
    earlier = [other for other in others if other.time < offence.time]
    if not domain or not earlier or any(domain in other.linked for other in earlier):
        return ""
    punished = any(each.action != "warn" and each.holds(offence.time) for each in held(earlier))
    return domain if punished else ""
