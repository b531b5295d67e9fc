"""What must have fired before a rule can be true of an event of some type.

A condition's own `least` names a set of signals of which one must have fired (`rules.conditions`). Here it is found
anew for each type of event, knowing which signals no event of that type can fire: a rule that asks for `is_mass_send`
is never looked at for a post, whatever words the post has.
"""

from collections.abc import Iterator, Mapping

from rules.conditions import compile_condition
from rules.events import Content, MassSend, Post, Share
from rules.packs.bounds import Bounds
from rules.packs.load import signal_cost
from rules.packs.model import EventSignal, Pack, PageSignal, Signal

TYPES: tuple[type[Content], ...] = (Post, Share, MassSend)
KIND = {struct: kind for kind, struct in enumerate(TYPES)}
"""The index of each in TYPES."""
_PREFIX = "rules."


def needs_by_type(pack: Pack) -> list[dict[str, Mapping[str, float]]]:
    """For each of TYPES: rule -> signal -> value; one of these signals must have at least its value, and more than 0,
    for the rule to be true of such an event. Empty for a rule that never is."""
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


def _needs(pack: Pack, struct: type[Content]) -> Iterator[tuple[str, Mapping[str, float]]]:
    never = {name for name, signal in pack.signals.items() if not can_fire(signal, struct)}
    found: dict[str, Mapping[str, float]] = {}

    def cost(name: str) -> float | None:
        """As when the pack was read, but that what cannot fire is the cheapest of all."""
        if name in never or (name.startswith(_PREFIX) and not found[name.removeprefix(_PREFIX)]):
            return 0.0
        if name.startswith(_PREFIX):
            return sum(cost(needed) or 0.0 for needed in found[name.removeprefix(_PREFIX)])
        return signal_cost(pack.signals[name])

    bounds = Bounds(pack.signals, pack.lexicons)
    for rule in pack.rules.values():  # in an order in which those referred to come first
        when = compile_condition(rule.when.source, lambda _: True, cost, bounds)
        needs: dict[str, float] = {}
        for name, value in (when.least or {}).items():
            of_name = found[name.removeprefix(_PREFIX)] if name.startswith(_PREFIX) else {name: value}
            for signal, smallest in of_name.items():
                if signal not in never:
                    needs[signal] = min(smallest, needs.get(signal, smallest))
        found[rule.name] = needs
        yield rule.name, needs
