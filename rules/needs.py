"""What must have fired before a rule can be true of an event of some type.

A condition's own `least` names a set of signals of which one must have fired (`rules.conditions`). Here it is found
anew for each type of event, knowing which signals no event of that type can fire: a rule that asks for `is_mass_send`
is never looked at for a post, whatever words the post has.
"""

from collections.abc import Container, Iterator, Mapping, Sequence

from rules.conditions import compile_condition
from rules.events import Content, MassSend, Post, Share
from rules.packs.bounds import Bounds
from rules.packs.load import signal_cost
from rules.packs.model import EventSignal, Pack, PageSignal, Signal

TYPES: tuple[type[Content], ...] = (Post, Share, MassSend)
KIND = {struct: kind for kind, struct in enumerate(TYPES)}
"""The index of each in TYPES."""
_PREFIX = "rules."


Needs = Sequence[Mapping[str, float]]
"""Signal -> value, several times, the one that is met least often first; of each one signal must have at least its
value, and more than 0. The first is empty for a rule that is never true."""


def needs_by_type(pack: Pack) -> list[dict[str, Needs]]:
    """For each of TYPES what each rule needs to be true of such an event."""
    return [dict(_needs(pack, struct)) for struct in TYPES]


def can_fire(signal: Signal, struct: type[Content]) -> bool:
    """Whether an event of a type can fire a signal. True where that is not known from the type alone."""
    match signal:
        case EventSignal(test="type", any_of=types) if types is not None:
            return struct.type in types
        case EventSignal(test=test):
            return test == "type" or test in struct.__struct_fields__
        case PageSignal():
            return struct is not MassSend
        case _:
            return True


def _needs(pack: Pack, struct: type[Content]) -> Iterator[tuple[str, Needs]]:
    never = {name for name, signal in pack.signals.items() if not can_fire(signal, struct)}
    found: dict[str, Needs] = {}

    def cost(name: str) -> float | None:
        """As when the pack was read, but that what cannot fire is the cheapest of all."""
        if name in never:
            return 0.0
        if name.startswith(_PREFIX):
            return sum(cost(needed) or 0.0 for needed in found[name.removeprefix(_PREFIX)][0])
        return signal_cost(pack.signals[name])

    bounds = Bounds(pack.signals, pack.lexicons)
    for rule in pack.rules.values():  # in an order in which those referred to come first
        when = compile_condition(rule.when.source, lambda _: True, cost, bounds)
        found[rule.name] = [_of_signals(needs, found, never) for needs in when.needs]
        yield rule.name, found[rule.name]


def _of_signals(needs: Mapping[str, float], found: Mapping[str, Needs], never: Container[str]) -> dict[str, float]:
    """`needs` with what a rule needs first in place of that rule, and without what cannot fire."""
    result: dict[str, float] = {}
    for name, value in needs.items():
        of_name = found[name.removeprefix(_PREFIX)][0] if name.startswith(_PREFIX) else {name: value}
        for signal, smallest in of_name.items():
            if signal not in never:
                result[signal] = min(smallest, result.get(signal, smallest))
    return result
