"""Unwinding: which offences stand behind an enforcement, and taking offences back. Pure.

An enforcement's id is a function of what holds: the offences are looked through in order until they lead to it, and
those that came later without a change of it stand behind it as well. Where that finds nothing, because an offence came
late, or others were retracted or forgiven since, the record's trail says which they were. Those that led to the same as
one of them go with it.
"""

from collections.abc import Iterable, Iterator

from rules.holdings import of_ladder
from rules.offences import Offence
from rules.packs.model import Ladder, Pack
from rules.sanctions import of_a_kind
from rules.subject_state import CAUSE, MAX_RETRACTED, Record, SubjectState, is_enforced
from rules.subjects import kind_of


def behind(of: Record, pack: Pack, enforcement: str) -> list[Offence] | None:
    """The offences behind one of the subject's enforcements, be it in force, over or taken back in part; None when it
    has no such enforcement, as far as is remembered."""
    state = of.state
    for key, offences in state.offences.items():
        ladder = pack.ladders.get(key)
        if is_enforced(key) and ladder is not None:
            gone = [each for each in state.retracted if pack.ladder_of.get(each.clause) is ladder]
            for history in (offences, sorted({*offences, *gone})) if gone else (offences,):
                found = _behind(of, history, ladder, pack, enforcement)
                if found is not None:
                    return found
    return _behind_retracted(of, pack, enforcement) or _on_the_trail(of, pack, enforcement)


def _behind_retracted(of: Record, pack: Pack, enforcement: str) -> list[Offence] | None:
    """The same for a ladder of which nothing is left."""
    state = of.state
    ladders = {pack.ladder_of[each.clause].name for each in state.retracted if each.clause in pack.ladder_of}
    for name in ladders - {key for key in state.offences if is_enforced(key)}:
        gone = [each for each in state.retracted if pack.ladder_of.get(each.clause) is pack.ladders[name]]
        found = _behind(of, sorted(gone), pack.ladders[name], pack, enforcement)
        if found is not None:
            return found
    return None


def _on_the_trail(of: Record, pack: Pack, enforcement: str) -> list[Offence] | None:
    """The same of one that was announced, though nothing that is remembered leads to it."""
    state = of.state
    told = next((told for told in state.trail if told.id.hex() == enforcement), None)
    ladder = pack.ladders.get(told.ladder) if told is not None else None
    if told is None or ladder is None:
        return None
    gone = [each for each in state.retracted if pack.ladder_of.get(each.clause) is ladder]
    history = sorted({*state.enforced(ladder.name), *gone})
    chosen = [offence for offence in history if offence.cause[:CAUSE] in told.causes]
    return of_a_kind(history, chosen, ladder, kind_of(of.subject)) or None


def _behind(of: Record, history: list[Offence], ladder: Ladder, pack: Pack, enforcement: str) -> list[Offence] | None:
    for end in range(len(history), 0, -1):  # most appeals are about what holds now
        for holding in of_ladder(of, history[:end], ladder, pack):
            if holding.id == enforcement and holding.standing is not None:
                chosen = (*holding.standing.led, *holding.standing.spell)
                return of_a_kind(history[:end], chosen, ladder, kind_of(of.subject))
    return None


def retract(state: SubjectState, causes: Iterable[bytes], time: int) -> list[Offence]:
    """Takes offences out of the record, wherever they stand; returns those that were there and counted, or waited.

    Causes that are not there are remembered at `time` ms, so that they do not count when they come.
    """
    wanted = set(causes) - {offence.cause for offence in state.retracted}
    found: list[Offence] = []
    for key, offences in list(state.offences.items()):
        gone = [offence for offence in offences if offence.cause in wanted]
        if not gone:
            continue
        found += gone
        state.offences[key] = [offence for offence in offences if offence.cause not in wanted]
        if not state.offences[key]:
            del state.offences[key]
    missing = wanted - {offence.cause for offence in found}
    unknown = [Offence(time, cause, "", "", "ordinary", False) for cause in missing]
    state.retracted = sorted({*state.retracted, *found, *unknown})[-MAX_RETRACTED:]
    return found


def linked_subjects(offences: Iterable[Offence]) -> Iterator[tuple[str, list[str]]]:
    """(subject, causes in hex) of all others that are charged with the same."""
    causes: dict[str, list[str]] = {}
    for offence in offences:
        for other in offence.linked:
            causes.setdefault(other, []).append(offence.cause.hex())
    yield from causes.items()
