"""How what is in force is undone: by an appeal, or, where a verdict is final, by an order."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from rules.decisions import BY_HAND, Action, BanEntry


@dataclass(frozen=True, slots=True)
class Undo:
    """What undoes a sanction. appeal: overturn this enforcement; clear: order this away, when a verdict is final."""

    appeal: str | None = None
    clear: Action | None = None


def undo_of(entry: BanEntry, final: Collection[str]) -> Undo:
    """What undoes a sanction. `final`: the enforcements that there is a verdict on."""
    if entry.enforcement in final:
        return Undo(clear=entry.action)
    return Undo(appeal=entry.enforcement)


def undo_all(entries: Iterable[BanEntry], final: Collection[str]) -> list[Undo]:
    """What undoes all of them: one appeal takes back all that a ladder holds."""
    chosen: dict[str, Undo] = {}
    for entry in entries:
        undo = undo_of(entry, final)
        if undo.clear is not None:
            chosen.setdefault(f"{entry.ladder} {entry.action}", undo)
        elif entry.ladder == BY_HAND:
            chosen[f"{entry.ladder} {entry.action}"] = undo
        else:
            chosen.setdefault(entry.ladder, undo)
    return list(chosen.values())
