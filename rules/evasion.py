"""Evasion: what sends a subject to the last rung of its ladder at once, because it dodges the sanctions before.

Published practice bans accounts for good that spread through ever new domains, and bans new domains on an IP that is
punished already. One landing page under rotating domains shows in several events only: rules with a `crowd` find it.
"""

from collections.abc import Callable, Sequence

from rules.offences import Offence, domain_of
from rules.packs.model import Evasion


def many_domains(offences: Sequence[Offence], index: int, evasion: Evasion) -> bool:
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


def evading(offence: Offence, others: Sequence[Offence], punished: Callable[[list[Offence]], bool]) -> str:
    """The domain of an offence on an IP, where that is new there while the IP is under a sanction; else empty.

    others: the IP's offences on the same ladder. punished: whether some of them hold anything but a warning against the
    IP at the time of the offence, after what moderators forgave.
    """
    domain = domain_of(offence.linked)
    earlier = [other for other in others if other.time < offence.time]
    if not domain or not earlier or any(domain in other.linked for other in earlier):
        return ""
    return domain if punished(earlier) else ""
