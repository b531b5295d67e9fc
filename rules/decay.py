"""Counters that forget by halves: what was counted one half-life ago weighs half as much (exponential decay).

Forward decay (Cormode et al. 2009) in whole numbers: time is cut into slots of a half-life, an amount is added to the
slot of its event time, already weighed within it, and slots are weighed against each other when the value is asked
for. Adding whole numbers commutes, so a counter is a function of the set of events, to the last bit, in whatever
order they come. Slots older than SLOTS half-lives are dropped: what was in them weighs less than 1/65,536.
"""

SLOTS = 16
"""Slots that are kept, so a counter has at most 16 pairs of numbers, 19 bytes each."""
_ONE = 1 << 20
_FULL = 1 << 62
"""Slots are full at 2⁶² and stay there, so that they fit where they are stored."""

Decayed = dict[int, int]
"""Slot -> what was counted in it, in 1/1,048,576."""


def add(counter: Decayed, time: int, amount: int, half_life: int) -> None:
    """Counts `amount` (0 or more) at `time`; `time` and `half_life` in ms."""
    slot, within = divmod(time, half_life)
    newest = max(counter, default=slot)
    if slot <= newest - SLOTS or amount <= 0:
        return
    if slot > newest:
        for old in [old for old in counter if old <= slot - SLOTS]:
            del counter[old]
    counter[slot] = min(counter.get(slot, 0) + round(amount * 2 ** (within / half_life) * _ONE), _FULL)


def value_at(counter: Decayed, time: int, half_life: int) -> float:
    """The decayed sum at `time`. Later slots do not count; later events of the same slot do, at most doubled."""
    slot, within = divmod(time, half_life)
    total = sum(counter[old] * 2.0 ** (old - slot) for old in sorted(counter) if old <= slot)
    return float(round(total / _ONE / 2 ** (within / half_life), 3))
