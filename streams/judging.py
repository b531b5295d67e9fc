"""One batch of events, judged by whatever packs are in force for each: live, canary and shadow, and across a switch.

With one pack for all of them, which is nearly always, this adds nothing to `Screen.screen`.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import msgspec

from rules.decisions import Violation, content_id
from rules.screen import Arrival, Screen, Screened
from rules.sightings import Sighting
from streams.ledger import stamp
from streams.pack_metrics import Agreement
from streams.packs_in_force import Judges

StateOf = Callable[[str], bytes | None]


@dataclass(slots=True)
class Judged:
    """What a batch led to.

    live:     by the packs that count. shadow: violations by shadow packs, each with the index of its arrival in
              `shadow_arrivals`; they have ids of their own and the mode "shadow".
    compared: events in which a rule hit, by (rule, who found it), where a shadow pack judged too.
    """

    live: Screened
    shadow: list[Violation] = field(default_factory=list)
    shadow_arrivals: list[int] = field(default_factory=list)
    compared: Counter[tuple[str, Agreement]] = field(default_factory=Counter)

    def cut(self, sizes: Sequence[int], batch_of: Mapping[str, int]) -> list["Judged"]:
        """The same for each of several batches whose arrivals were judged as one, without `compared`.

        `sizes`: of the batches. `batch_of`: the batch that each account has arrivals in.
        """
        ends = list(accumulate(sizes))
        parts = [Judged(Screened([], [], {})) for _ in sizes]

        def place(at: int) -> tuple["Judged", int]:
            which = bisect_right(ends, at)
            return parts[which], at - ends[which] + sizes[which]

        for violation, at in zip(self.live.violations, self.live.arrivals, strict=True):
            part, own = place(at)
            part.live.violations.append(violation)
            part.live.arrivals.append(own)
        for at, sighting in self.live.sightings:
            part, own = place(at)
            part.live.sightings.append((own, sighting))
        for violation, at in zip(self.shadow, self.shadow_arrivals, strict=True):
            part, own = place(at)
            part.shadow.append(violation)
            part.shadow_arrivals.append(own)
        for account, state in self.live.states.items():
            parts[batch_of[account]].live.states[account] = state
        return parts


def judge(arrivals: Sequence[Arrival], judges: Judges | Sequence[Judges], state_of: StateOf) -> Judged:
    """Judges events, all by one standing or each by its own. `state_of`: as for `Screen.screen`."""
    if isinstance(judges, Judges):
        if judges.canary is None and judges.shadow is None:
            return Judged(judges.live.screen(arrivals, state_of))
        judges = [judges] * len(arrivals)
    by_shadow: dict[int, tuple[Screen, list[int]]] = {}
    for index, its in enumerate(judges):
        if its.shadow is not None:
            by_shadow.setdefault(id(its.shadow), (its.shadow, []))[1].append(index)
    judged = Judged(_together(arrivals, _parts(arrivals, judges), state_of))
    for shadow, indexes in by_shadow.values():
        # From the states before the batch: what the live pack has counted of it is not known yet
        found = shadow.screen([arrivals[at] for at in indexes], state_of)
        places = [indexes[at] for at in found.arrivals]
        judged.shadow += [_in_shadow(violation) for violation in found.violations]
        judged.shadow_arrivals += places
        theirs = {(at, violation.rule) for at, violation in zip(places, found.violations, strict=True)}
        theirs |= {(indexes[at], sighting.rule) for at, sighting in found.sightings}
        judged.compared += _compared(_hits(judged.live, set(indexes)), theirs)
    return judged


def stamper(judges: Judges | Sequence[Judges]) -> Callable[[int], list[tuple[str, bytes]]]:
    """The headers of what an arrival led to, by its index."""
    if isinstance(judges, Judges):
        headers = stamp(judges.at)
        return lambda _: headers
    return lambda index: stamp(judges[index].at)


def _parts(arrivals: Sequence[Arrival], judges: Sequence[Judges]) -> list[tuple[Screen, list[int]]]:
    """What each screen judges, one part after the other: an account's events stay in their order.

    An account may be judged by one pack and then by another, as a canary that becomes the live pack has it: judged
    later than those that came after it, an event would count as one that its account's state knows already.
    """
    parts: list[tuple[Screen, list[int]]] = []
    open_parts: dict[int, tuple[Screen, list[int]]] = {}
    judged_by: dict[str, int] = {}
    for index, (arrival, its) in enumerate(zip(arrivals, judges, strict=True)):
        account = arrival.event.account
        screen = its.screen_of(account)
        if judged_by.setdefault(account, id(screen)) != id(screen):
            parts += open_parts.values()
            open_parts, judged_by = {}, {account: id(screen)}
        open_parts.setdefault(id(screen), (screen, []))[1].append(index)
    return [*parts, *open_parts.values()]


def _together(arrivals: Sequence[Arrival], parts: list[tuple[Screen, list[int]]], state_of: StateOf) -> Screened:
    """Each part judged by its screen, one after the other, as one result in order of arrival."""
    states: dict[str, bytes] = {}
    violations: list[tuple[int, Violation]] = []
    sightings: list[tuple[int, Sighting]] = []

    def so_far(account: str) -> bytes | None:
        return states.get(account) or state_of(account)

    for screen, indexes in parts:
        found = screen.screen([arrivals[at] for at in indexes], so_far)
        violations += [(indexes[at], each) for at, each in zip(found.arrivals, found.violations, strict=True)]
        sightings += [(indexes[at], each) for at, each in found.sightings]
        states |= found.states
    violations.sort(key=lambda found: found[0])
    sightings.sort(key=lambda found: found[0])
    return Screened([each for _, each in violations], [at for at, _ in violations], states, sightings)


def _in_shadow(violation: Violation) -> Violation:
    """The violation as it is published: without effect, and told from the live pack's by its ids."""
    return msgspec.structs.replace(
        violation,
        id=content_id("shadow", violation.pack, violation.id),
        cause=content_id("shadow", violation.pack, violation.cause),
        mode="shadow",
    )


def _hits(screened: Screened, among: set[int]) -> set[tuple[int, str]]:
    """(index of the arrival, rule) of what was found in these arrivals."""
    found = {(at, each.rule) for at, each in zip(screened.arrivals, screened.violations, strict=True)}
    found |= {(at, each.rule) for at, each in screened.sightings}
    return {hit for hit in found if hit[0] in among}


def _compared(live: set[tuple[int, str]], shadow: set[tuple[int, str]]) -> Counter[tuple[str, Agreement]]:
    counts: Counter[tuple[str, Agreement]] = Counter()
    counts.update((rule, "both") for _, rule in live & shadow)
    counts.update((rule, "live") for _, rule in live - shadow)
    counts.update((rule, "shadow") for _, rule in shadow - live)
    return counts
