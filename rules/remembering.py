"""Which offences a subject's record keeps, with what moderators forgave taken into account. Pure.

A sanction for good ends what has to be remembered. One that a moderator cleared does not: what is done after the
order counts anew, and has to be remembered as if there were nothing before it.
"""

from collections.abc import Callable, Sequence

from rules.holdings import forgiven
from rules.offences import Offence
from rules.packs.model import Ladder
from rules.sanctions import added, matters, remembered
from rules.subject_state import Record
from rules.subjects import kind_of


def remembered_after(of: Record, offences: Sequence[Offence], ladder: Ladder) -> list[Offence]:
    """`remembered` for each of the times up to which something was forgiven. Two windows of what is forgiven
    altogether stay, so that an appeal can still take it back."""
    kind, since = kind_of(of.subject), forgiven(of.state.orders)
    if not offences or all(time < 0 for time in since):
        return remembered(offences, ladder, kind)
    kept: set[Offence] = set()
    for time in since:
        kept.update(remembered([each for each in offences if each.time > time], ladder, kind))
    oldest = max(offence.time for offence in offences) - 2 * ladder.window
    past = remembered([each for each in offences if each.time <= min(since)], ladder, kind)
    return sorted({*kept, *(offence for offence in past if offence.time > oldest)})


def added_after(
    of: Record, old: Sequence[Offence], offence: Offence, ladder: Ladder, is_open: Callable[[], bool] = lambda: False
) -> tuple[list[Offence], bool] | None:
    """`remembered_after([*old, offence])`, and whether the offence decides anything; None where nothing changes.
    is_open: see `added`."""
    orders = of.state.orders
    if not orders or all(time < 0 for time in forgiven(orders)):
        return added(old, offence, ladder, kind_of(of.subject), is_open)
    if not matters_after(of, old, offence, ladder):
        return None
    kept = remembered_after(of, [*old, offence], ladder)
    return (kept, True) if kept != old else None


def matters_after(of: Record, old: Sequence[Offence], offence: Offence, ladder: Ladder) -> bool:
    """False where `remembered_after([*old, offence])` is sure to be `old`, itself remembered: most of a burst."""
    kind, since = kind_of(of.subject), forgiven(of.state.orders)
    if all(time < 0 for time in since):
        return matters(old, offence, ladder, kind)
    return offence.time <= min(since) or any(
        matters([each for each in old if each.time > time], offence, ladder, kind)
        for time in since
        if offence.time > time
    )
