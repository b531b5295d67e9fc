"""Arithmetic on intervals: what an expression can come to, when its operands lie between two numbers.

The operations are those of `rules.conditions`, so they have no exceptions: a division by zero is 0, and so is the
root of a negative number. Rounding is monotone in IEEE arithmetic, so the bounds hold for computed values as they
are, and not only for exact ones.
"""

import math
from collections.abc import Callable
from typing import NamedTuple


class Interval(NamedTuple):
    """All numbers from `low` to `high`, both included."""

    low: float
    high: float


EVERYTHING = Interval(-math.inf, math.inf)


def divide(left: float, right: float) -> float:
    """`left / right`, 0 where `right` is 0."""
    return left / right if right else 0.0


def root(value: float) -> float:
    """The square root, 0 for negative numbers."""
    return math.sqrt(value) if value > 0 else 0.0


def added(left: Interval, right: Interval) -> Interval:
    """What a sum can be."""
    return _checked(left.low + right.low, left.high + right.high)


def subtracted(left: Interval, right: Interval) -> Interval:
    """What a difference can be."""
    return _checked(left.low - right.high, left.high - right.low)


def multiplied(left: Interval, right: Interval) -> Interval:
    """What a product can be; no factor is infinite, so 0 times anything is 0."""
    corners = [x * y if x and y else 0.0 for x in left for y in right]
    return _checked(min(corners), max(corners))


def divided(left: Interval, right: Interval) -> Interval:
    """What a quotient can be, see `divide`."""
    if right.low > 0 or right.high < 0:
        if math.inf in map(abs, (*left, *right)):
            return EVERYTHING
        corners = [x / y for x in left for y in right]
        return _checked(min(corners), max(corners))
    if right.low == right.high == 0 or left.low == left.high == 0:
        return Interval(0.0, 0.0)
    if right.low < 0 < right.high:
        return EVERYTHING
    sign = 1 if right.high > 0 else -1  # divisors of one sign, as small as can be
    signed = (left.low, left.high) if sign > 0 else (-left.high, -left.low)
    return Interval(-math.inf if signed[0] < 0 else 0.0, math.inf if signed[1] > 0 else 0.0)


def rooted(value: Interval) -> Interval:
    """What a root can be, see `root`."""
    return Interval(root(value.low), root(value.high))


def least_of(values: list[Interval]) -> Interval:
    """What the smallest of several can be."""
    return Interval(min(value.low for value in values), min(value.high for value in values))


def most_of(values: list[Interval]) -> Interval:
    """What the largest of several can be."""
    return Interval(max(value.low for value in values), max(value.high for value in values))


def largest(holds: Callable[[float], bool], top: float) -> float:
    """The largest number up to `top` found for which `holds`, which no larger number does once one does not.

    Numbers below 1e-9 count as 0, for which it holds.
    """
    if holds(top):
        return top
    low, high = 1e-9, top
    if not holds(low):
        return 0.0
    for _ in range(80):
        middle = math.sqrt(low) * math.sqrt(high)
        if holds(middle):
            low = middle
        else:
            high = middle
    return low


def _checked(low: float, high: float) -> Interval:
    return EVERYTHING if math.isnan(low) or math.isnan(high) else Interval(low, high)
