"""How high offences climb: what is left of each after its age, and the rung that they make together."""

import math


def left(age: int, half_life: int | None) -> float:
    """How much of an offence counts after `age` ms: 1 without a half-life (ms)."""
    return 1.0 if half_life is None else 0.5 ** (age / half_life)


def rung_of_worth(worth: float) -> int:
    """The rung, from 1, that offences of so much worth together make. Halves are rounded up, so that an offence of one
    half-life ago still counts."""
    return math.floor(worth + 0.5)


def highest_rung(window: int, grace: int, half_life: int | None, rungs: int) -> int:
    """The rung that offences as close together as can be reach, `rungs` at most. Times in ms."""
    worth = 0.0
    for age in range(0, window, max(grace, 1)):
        worth += left(age, half_life)
        if rung_of_worth(worth) >= rungs:
            return rungs
    return rung_of_worth(worth)
