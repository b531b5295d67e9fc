"""What one event is counted under for a rule with a `crowd` or a `ring`, how far it gets alone, and how many it takes.

For explaining. The sightings are those of the screen; this module gives their hashes their names back. An event
counts once for each of its members: as 1 where accounts are told apart, as more where it has several domains, say.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Literal

from rules.crowd_keys import MIN_TAGS, READ, codes_of, html_of, layout_of
from rules.decisions import SubjectKind
from rules.events import Content, MassSend
from rules.near_duplicates import MIN_TOKENS, compared, minhash_bands
from rules.packs.model import Crowd, CrowdKey, Pack, Ring
from rules.protection import Protection
from rules.scoring import Scored
from rules.sightings import Sighting, describe, hashed, key_of, pair_key
from rules.subjects import subjects_of

_SERVED = ("domain", "ip")


@dataclass(frozen=True, slots=True)
class Counted:
    """One thing that the event may have in common with others, and whom it is counted for there.

    under:   a kind of subject, `text`, `page`, `layout` (of a page without text) or `pair` (of accounts in a ring).
    value:   the subject; the letters that are compared; the number of a layout's tags; who promotes whom.
    key:     the hash by which such events meet: the key of the record on the topic `sightings`.
    groups:  the keys under which near copies meet; none of them for anything else.
    members: who is counted, as subjects.
    """

    under: CrowdKey | Literal["layout", "pair"]
    value: str
    key: str
    groups: list[str]
    members: list[str]


@dataclass(frozen=True, slots=True)
class CrowdTrace:
    """A rule's `crowd` or `ring`, and what the event is counted under for it.

    needs:    what must come together, in words.
    same:     what the events of a crowd have in common; None for a ring.
    distinct: what is counted, and at_least: how many it takes; longest: most accounts of a ring, None for a crowd.
    within_ms: the length of the window.
    counted:  nothing where the rule's condition does not hold, or where `uncounted` says why.
    """

    kind: Literal["crowd", "ring"]
    needs: str
    same: CrowdKey | None
    distinct: SubjectKind
    at_least: int
    longest: int | None
    within_ms: int
    counted: list[Counted]
    uncounted: str | None


def trace_crowd(
    pack: Pack, crowd: Crowd | Ring, event: Content, scored: Scored, sightings: Iterable[Sighting], *, holds: bool
) -> CrowdTrace:
    """What comes of the only event of a batch. `sightings`: those of the rule that has `crowd`; `holds`: its `when`."""
    protection = Protection(pack)
    charged = subjects_of(event, protection.covers)
    shared = protection.shared(charged)
    subjects = [(kind, name) for kind, name in charged if name not in shared]
    counted = [_counted(crowd, event, scored, [name for _, name in subjects], sighting) for sighting in sightings]
    uncounted = _reason(crowd, {kind for kind, _ in subjects}) if holds and not counted else None
    if isinstance(crowd, Ring):
        return CrowdTrace("ring", describe(crowd), None, "account", 2, crowd.longest, crowd.within, counted, uncounted)
    same, distinct, at_least = crowd.same, crowd.distinct, crowd.at_least
    return CrowdTrace("crowd", describe(crowd), same, distinct, at_least, None, crowd.within, counted, uncounted)


def _counted(
    crowd: Crowd | Ring, event: Content, scored: Scored, subjects: Iterable[str], sighting: Sighting
) -> Counted:
    key, rule = sighting.key, sighting.rule
    if isinstance(crowd, Ring):
        source, promoted = hashed(event.account), event.promotes if isinstance(event, MassSend) else []
        pairs = {pair_key(rule, crowd, source, hashed(other)): other for other in promoted}
        return Counted("pair", f"{event.account} promotes {pairs[key]}", key, [], [f"account:{event.account}"])
    known = {hashed(name): name for name in subjects}
    members = [known[member] for member in sighting.members]
    if crowd.same not in READ:
        keys = {key_of(rule, crowd, name): name for name in known.values()}
        return Counted(crowd.same, keys[key], key, [], members)
    codes = codes_of(scored, 0, crowd.same)
    if minhash_bands([codes])[0]:
        return Counted(crowd.same, compared(codes), key, sighting.groups, members)
    return Counted("layout", f"{layout_of(html_of(event)).size} tags", key, sighting.groups, members)


def _reason(crowd: Crowd | Ring, kinds: Container[SubjectKind]) -> str:
    """Why an event with subjects of these kinds is not counted, though the condition holds."""
    if isinstance(crowd, Ring):
        return "it is no mass send that promotes another account"
    for kind in (crowd.distinct, crowd.same):
        if kind not in READ and kind not in kinds:
            return f"it has no {kind}" + (", leaving out protected hosts and link shorteners" * (kind in _SERVED))
    if crowd.same == "page":
        return f"its page has fewer than {MIN_TOKENS} characters or words, and fewer than {MIN_TAGS} tags"
    return f"its text has fewer than {MIN_TOKENS} characters or words"
