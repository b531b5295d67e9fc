"""A subject's violations -> the sanctions they lead to. Pure, and a function of the *set* of violations.

The rung of a violation is the number of offences in the ladder's window that lie at least `grace`
apart, counted back from it, where an older one counts half as much for each half-life, if the ladder has one; an
egregious one goes straight to the last rung, and so does an evasion (`rules/evasion.py`). What the rungs then put in
force is `rules/standing.py`'s. So neither the order of arrival nor a repeat changes where a subject ends.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from rules.climbing import left, rung_of_worth
from rules.decisions import SubjectKind
from rules.evasion import many_domains
from rules.offences import Gravity, Offence, domain_of
from rules.packs.model import Ladder

MAX_WAITING = 200
"""Offences remembered of a subject and ladder while they wait for reports."""
SLOTS = 10
"""`window` and `grace` are measured in slots of a tenth of `grace`, cut at fixed instants. Of one slot, clause, gravity
and domain only the first violation decides: what it leads to does not depend on the others."""
OF_A_KIND = 3
"""Of those that lead to the same, so many are remembered: when some are retracted, the next decides."""
AFTERMATH = 8
"""Offences that decide, remembered after the one that led to the last rung for good: when that is retracted, they
count. The first of each clause stays as well. What lies beyond these limits is forgotten in the subject's favour."""
AT_ONCE = 3 * AFTERMATH
"""The same of those in the very slot of the one that led to it; whatever comes before it in time stays."""


_NEAR = 8
"""How many sanctions of their own may follow a last rung for good and still be told apart from a burst at a glance."""


Cell = tuple[int, str, Gravity, bool, str]
"""Offences of one cell lead to the same: slot, clause, gravity, whether the account answers for interfaces, domain."""
_Kind = tuple[int, str, bool, bool, str]


def remembered(offences: Iterable[Offence], ladder: Ladder, kind: SubjectKind = "account") -> list[Offence]:
    """The part of a set of offences that decides: bounded, and the same whatever order they came in.

    Once the last rung is reached for good, AT_ONCE of its slot and AFTERMATH of what follows stay. Of one slot the
    first OF_A_KIND of each clause, severity and domain are kept, and the first OF_A_KIND evasions among them: an
    offence may turn out to be one after others have come. What lies two windows behind the newest is forgotten: no
    sanction in force can still depend on it, nor one that an offence leads to which comes up to a window late.
    """
    ordered = _thinned(sorted(set(offences)), ladder, kind)
    window = ladder.window // slot_of(ladder)
    first = deciding(ordered, ladder, kind)
    for index, offence in enumerate(first if _may_end(first, ladder) else ()):
        if lasts_for_good(ladder, rung_of(first, ladder, index, kind)):
            oldest = offence.time // slot_of(ladder) - 2 * window
            kept = _since(ordered, oldest, ladder)
            gone = _beyond(first, index, ladder, kind)
            if not gone:
                return kept
            return [each for cell, each in zip(cells_of(kept, ladder, kind), kept, strict=True) if cell not in gone]
    return _since(ordered, ordered[-1].time // slot_of(ladder) - 2 * window, ladder) if ordered else []


def _beyond(first: Sequence[Offence], index: int, ladder: Ladder, kind: SubjectKind) -> set[Cell]:
    """Of those that decide, and follow the one at `index` that led to the last rung for good, what is not remembered:
    all but the first few, and the first of each kind that may bring a sanction of its own.

    They are counted slot by slot, and in a slot by what they are: which of them came first may turn out later, and one
    that is remembered when all are known has to be so before.
    """
    if index + AFTERMATH >= len(first) - 1:
        return set()
    began = first[index].time // slot_of(ladder)
    kinds = sorted({found for found in _kinds(first, ladder, kind) if found[0] >= began})
    at_once = bisect_left(kinds, (began + 1,))
    stays = {*kinds[: min(at_once, AT_ONCE)], *kinds[at_once : at_once + AFTERMATH]}
    brought: set[tuple[str, bool]] = set()
    for found in kinds:
        brings = found[1], found[3]
        if brings not in brought:
            brought.add(brings)
            stays.add(found)
    after = first[index + 1 :]
    cells = zip(cells_of(after, ladder, kind), _kinds(after, ladder, kind), strict=True)
    return {cell for cell, found in cells if found not in stays}


def waiting(offences: Iterable[Offence], ladder: Ladder, kind: SubjectKind = "account") -> list[Offence]:
    """The same of offences that lead to nothing before users report: none of them can end what others lead to, so
    the newest MAX_WAITING stay."""
    ordered = _thinned(sorted(set(offences)), ladder, kind)
    window = ladder.window // slot_of(ladder)
    return _since(ordered, ordered[-1].time // slot_of(ladder) - 2 * window, ladder)[-MAX_WAITING:] if ordered else []


def matters(old: Sequence[Offence], offence: Offence, ladder: Ladder, kind: SubjectKind = "account") -> bool:
    """False where `remembered([*old, offence])` is sure to be `old`, itself remembered: most of a burst."""
    found = alike(old, offence, ladder, kind)
    return not _is_full(found, offence) and (bool(found) or _matters(old, offence, ladder, kind))


def _matters(old: Sequence[Offence], offence: Offence, ladder: Ladder, kind: SubjectKind) -> bool:
    """The same of an offence that none of `old` leads to the same as."""
    if not old or offence <= old[-1]:
        return True
    length = slot_of(ladder)
    before = offence.time // length  # what its own slot has may stand behind it
    first = [each for each in deciding(old, ladder, kind) if each.time // length < before]
    last = len(first) - 1 - AFTERMATH
    for index in range(last, max(last - _NEAR, -1), -1):  # little lies between the last rung for good and the end
        after = [each for each in first[index + 1 :] if each.time // length > first[index].time // length]
        if len({*_kinds(after, ladder, kind)}) >= AFTERMATH and lasts_for_good(
            ladder, rung_of(first, ladder, index, kind)
        ):
            brings = offence.clause, offence.holds_share_api
            return all((each.clause, each.holds_share_api) != brings for each in after)
    return True


def deciding(ordered: Sequence[Offence], ladder: Ladder, kind: SubjectKind = "account") -> list[Offence]:
    """Of offences in order, those that decide: the first of each kind in a slot."""
    first: dict[Cell, Offence] = {}
    for cell, offence in zip(cells_of(ordered, ladder, kind), ordered, strict=True):
        if cell not in first:
            first[cell] = offence
    return [*first.values()]


def added(
    old: Sequence[Offence],
    offence: Offence,
    ladder: Ladder,
    kind: SubjectKind = "account",
    is_open: Callable[[], bool] = lambda: False,
) -> tuple[list[Offence], bool] | None:
    """`remembered([*old, offence])` of what is itself remembered, and whether the offence decides anything; None where
    nothing changes. Most of a burst is told apart by a look at those that lead to the same.

    is_open: whether it is known of `old` that all of it stays whatever comes after it in time; see `Climb.is_open`.
    """
    if not old and ladder.window >= slot_of(ladder):  # a first offence
        return [offence], True
    found = alike(old, offence, ladder, kind)
    if offence in found or _is_full(found, offence):
        return None
    if found and found[0] <= offence and all(other.gravity == offence.gravity for other in found):
        kept = sorted([*old, offence])
        if len(found) >= OF_A_KIND:
            kept.remove(found[-1])
        return kept, offence.time > found[0].time == found[-1].time  # the first that repeats another renews it
    both = [*old, offence]
    if old and not found and offence > old[-1]:
        if is_open() or not _may_end(both, ladder):
            return _since(both, offence.time // slot_of(ladder) - 2 * (ladder.window // slot_of(ladder)), ladder), True
        if not _matters(old, offence, ladder, kind):
            return None
    kept = remembered(both, ladder, kind)
    return (kept, True) if kept != old else None


def of_a_kind(
    offences: Iterable[Offence], chosen: Iterable[Offence], ladder: Ladder, kind: SubjectKind
) -> list[Offence]:
    """Those of `offences` that lead to the same as one of `chosen`, these included."""
    cells = {*cells_of(chosen, ladder, kind)}
    offences = list(offences)
    return [offence for cell, offence in zip(cells_of(offences, ladder, kind), offences, strict=True) if cell in cells]


def alike(old: Sequence[Offence], offence: Offence, ladder: Ladder, kind: SubjectKind) -> list[Offence]:
    """Those of `old`, sorted, of which OF_A_KIND are remembered together with an offence, evasions or not: a look at
    its slot, which is mostly the last."""
    length = slot_of(ladder)
    slot = offence.time // length
    end = len(old) if not old or old[-1].time // length <= slot else bisect_left(old, ((slot + 1) * length,))
    start = bisect_left(old, (slot * length,), hi=end)
    if start == end:
        return []
    clause, owns, egregious = offence.clause, offence.holds_share_api, offence.gravity == "egregious"
    found = [
        other
        for other in old[start:end]
        if other.clause == clause and other.holds_share_api == owns and (other.gravity == "egregious") == egregious
    ]
    if not found or not _tells_domains_apart(ladder, kind):
        return found
    domain = domain_of(offence.linked)
    return [other for other in found if domain_of(other.linked) == domain]


def _is_full(found: Sequence[Offence], offence: Offence) -> bool:
    """Whether so many of those that are alike came before an offence that it is not remembered."""
    earlier = [other for other in found if other <= offence]
    if offence.gravity == "evasion":
        earlier = [other for other in earlier if other.gravity == "evasion"]
    return len(earlier) >= OF_A_KIND


def _may_end(first: Sequence[Offence], ladder: Ladder) -> bool:
    """False where offences that decide cannot have reached a rung for good: none is there, or too close together."""
    least = next((rung for rung in range(1, len(ladder.rungs) + 1) if lasts_for_good(ladder, rung)), None)
    if not first or least is None:
        return False
    apart = (first[-1].time - first[0].time) // max(ladder.grace, 1) + 2
    return (
        apart >= least
        or any(offence.gravity != "ordinary" for offence in first)
        or (ladder.evasion is not None and 0 < ladder.evasion.domains <= len(first))
    )


def slot_of(ladder: Ladder) -> int:
    """The length of a ladder's slots in ms."""
    return ladder.grace // SLOTS or 1


def _since(ordered: list[Offence], slot: int, ladder: Ladder) -> list[Offence]:
    length = slot_of(ladder)
    if not ordered or ordered[0].time // length > slot:  # as mostly
        return ordered
    return [offence for offence in ordered if offence.time // length > slot]


def _thinned(ordered: list[Offence], ladder: Ladder, kind: SubjectKind) -> list[Offence]:
    seen: Counter[_Kind] = Counter()
    evasions: Counter[_Kind] = Counter()
    kept = []
    for found, offence in zip(_kinds(ordered, ladder, kind), ordered, strict=True):
        evading = offence.gravity == "evasion"
        seen[found] += 1
        evasions[found] += evading
        if seen[found] <= OF_A_KIND or (evading and evasions[found] <= OF_A_KIND):
            kept.append(offence)
    return kept


def _kinds(offences: Iterable[Offence], ladder: Ladder, kind: SubjectKind) -> list[_Kind]:
    """The cells, evasions in one with others: whether an offence is one may turn out later."""
    return [
        (slot, clause, gravity == "egregious", owns, domain)
        for slot, clause, gravity, owns, domain in cells_of(offences, ladder, kind)
    ]


def cells_of(offences: Iterable[Offence], ladder: Ladder, kind: SubjectKind) -> list[Cell]:
    """The cell of each of some offences; see `cell_of`."""
    length, apart = slot_of(ladder), _tells_domains_apart(ladder, kind)
    return [
        (time // length, clause, gravity, owns, domain_of(linked) if apart else "")
        for time, _, clause, _, gravity, owns, linked in offences
    ]


def cell_of(offence: Offence, ladder: Ladder, kind: SubjectKind) -> Cell:
    """Offences of one cell lead to the same: the first of them stands for all. An account's domains tell evasions
    apart; of what many share, they would fill the record."""
    time, _, clause, _, gravity, owns, linked = offence
    domain = domain_of(linked) if linked and _tells_domains_apart(ladder, kind) else ""
    return time // slot_of(ladder), clause, gravity, owns, domain


def _tells_domains_apart(ladder: Ladder, kind: SubjectKind) -> bool:
    return kind == "account" and ladder.evasion is not None and ladder.evasion.domains > 0


def lasts_for_good(ladder: Ladder, rung: int) -> bool:
    """Whether a ladder's rung, counted from 1, forbids something and never ends."""
    step = ladder.rungs[rung - 1]
    return step.duration is None and step.apply != "warn"


def rung_of(offences: Sequence[Offence], ladder: Ladder, index: int = -1, kind: SubjectKind = "account") -> int:
    """The rung of one of `offences`, which decide and are sorted by time; of the newest by default. Only an account
    dodges by many domains: an address, or an application, may be shared by many that have one each."""
    offence = offences[index]
    if offence.gravity != "ordinary":
        return len(ladder.rungs)
    if kind == "account" and ladder.evasion is not None and many_domains(offences, index, ladder.evasion):
        return len(ladder.rungs)
    return counted(offences, ladder, index)[1]


def counted(offences: Sequence[Offence], ladder: Ladder, index: int) -> tuple[list[Offence], int]:
    """An offence and those before it in the window that lie `grace` apart, no more than the last rung takes, oldest
    first; and the rung. The nearest is always taken, so nothing else could weigh more."""
    length, top = slot_of(ladder), len(ladder.rungs)
    newest = last = offences[index].time // length
    oldest, apart = newest - ladder.window // length, ladder.grace // length
    if index == 0 and apart > 0:  # as mostly
        return [offences[0]], 1
    chosen, worth, rung = [offences[index]], 1.0, rung_of_worth(1.0)
    for before in range(index if index >= 0 else len(offences) + index, -1, -1):
        slot = offences[before].time // length
        if slot <= oldest or rung >= top:
            break
        if slot <= last - apart:
            chosen.append(offences[before])
            worth += left((newest - slot) * length, ladder.half_life)
            last, rung = slot, rung_of_worth(worth)
    return chosen[::-1], min(rung, top)
