"""Text written in another order is put into reading order: backwards, by clause or as a whole, and in columns.

Which order is the right one is told by how many pairs of neighbours are common (`Language.levels`): a clause read
the wrong way round has hardly any.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rules.folding.codes import CodePoints, Positions, decode_points
from rules.folding.language import language
from rules.folding.points import BREAK, CHINESE, DIGIT, DROPPED, LETTER, NUMERAL, Kinds
from rules.folding.work import Work

Bits = NDArray[np.float64]

BACKWARDS = 12.0
"""Bits by which a clause must read better the other way round. One in 20,000 ordinary clauses does."""
_ALSO = 3.0
"""The same, in a text with a clause that surely runs backwards."""
_ROUNDING = 0.001
"""More than sums of bits in different orders differ by."""
_LEAST_PAIRS = 2
"""Pairs of characters in a clause; edges alone say little."""
_SHARE = 0.9
"""Of the bits by which the clauses of a text prefer a direction, those for the other one, for all of it to run so."""
_NEWLINE = 10
_LEAST_LINES = 3
LONGEST_LINE = 400
"""Characters of a line that may be one of several that are read in columns."""
_LEAST_COLUMNS = 12
_COLUMNS_OVER_LINES = 1.6
_FORWARDS = re.compile(
    r"https?:|www\.|\.(?:com|cn|net|cc|top|vip|xyz|pw)(?![a-z])|cell|app|vip|1[3-9]\d{9}|(?<!\d)[1-9]\d*0(?!\d)"
)
_BACKWARDS = re.compile(
    r":s?ptth|\.www|(?<![a-z])(?:moc|nc|ten|cc|pot|piv|zyx|wp)\.|llec|ppa|piv|\d{9}[3-9]1|(?<!\d)0\d*[1-9]"
)
"""What shows which way letters and digits run: addresses, mobile numbers, zeros at the end or the beginning."""


def _savings(codes: CodePoints, kinds: Kinds, clause: Positions) -> Bits:
    """float64[clauses]: by how many bits each clause reads better the other way round.

    clause: int64[n], the number of the clause that each code belongs to, a break to the one after it.
    """
    edge = np.zeros(1, np.uint8)
    around = np.concatenate((edge, kinds, edge))
    written = np.where((around & CHINESE) != 0, np.concatenate((edge, codes, edge)), np.uint32(0))
    left, right = written[:-1], written[1:]
    # Chinese digits in a row run either way.
    beside = np.flatnonzero(((left | right) != 0) & ((around[:-1] & around[1:] & NUMERAL) == 0))
    left, right = left[beside], right[beside]
    costs = language().costs
    saved = costs(left, right).astype(np.float64) - costs(right, left)
    # A pair belongs to the clause of its first character, the edge before a character to that of the character.
    owner = clause[beside - (left != 0)]
    clauses = int(clause[-1]) + 1
    pairs = np.bincount(owner, weights=(left != 0) & (right != 0), minlength=clauses)
    total = np.bincount(owner, weights=saved, minlength=clauses)
    return np.where(pairs >= _LEAST_PAIRS, total, 0.0)


def reading_direction(work: Work, *, spaced: bool = False) -> Work:
    """Turns round the clauses and texts that run backwards. spaced: spaces part clauses, too."""
    codes, kinds = work.codes, work.kinds()
    breaks = (kinds & BREAK) != 0
    if spaced:
        breaks |= codes == ord(" ")
    clause = np.cumsum(breaks)
    savings = _savings(codes, kinds, clause)
    # Only texts that save enough in all can have a clause that does, or save it as a whole.
    begins, ends = work.bounds[:-1], work.bounds[1:] - 1
    total = np.concatenate((np.zeros(1), np.cumsum(np.maximum(savings, 0.0))))
    saved_by = total[clause[np.maximum(begins, ends - 1)] + 1] - total[clause[begins]]
    likely = np.flatnonzero(saved_by >= BACKWARDS - _ROUNDING)
    if not likely.size:
        return work
    order = np.arange(codes.size)
    for begin, end in zip(begins[likely].tolist(), ends[likely].tolist(), strict=True):
        first, last = int(clause[begin]), int(clause[max(begin, end - 1)]) + 1
        saved = savings[first:last]
        turned = saved >= BACKWARDS
        against = saved[saved > 0].sum()
        whole = saved.sum() >= BACKWARDS and against >= _SHARE * np.abs(saved).sum()
        if whole and not _is_readable(decode_points(codes[begin:end])):
            order[begin:end] = order[begin:end][::-1]
        elif whole or turned.any():
            for number in (np.flatnonzero(turned | (saved >= _ALSO)) + first).tolist():
                low, high = (int(place) + begin for place in np.searchsorted(clause[begin:end], (number, number + 1)))
                inside = np.arange(low + bool(breaks[low]), high)
                order[inside] = _backwards(inside, kinds)
    return work.ordered(order)


def _is_readable(text: str) -> bool:
    """Whether the letters and digits of a text are in reading order."""
    return len(_FORWARDS.findall(text)) > len(_BACKWARDS.findall(text))


def overridden(work: Work, spans: Sequence[tuple[int, int]]) -> Work:
    """Turns round what stands under a right-to-left override, if it reads better so: that is how it is shown.

    spans: [start, end) in the codes, none overlapping, each within one text.
    """
    order = np.arange(work.codes.size)
    kinds = work.kinds()
    for start, end in spans:
        one = np.zeros(end - start, np.int64)
        if end > start and _savings(work.codes[start:end], kinds[start:end], one).sum() > 0:
            order[start:end] = order[start:end][::-1]
    return work.ordered(order)


def _backwards(positions: Positions, kinds: Kinds) -> Positions:
    """The positions from last to first, with runs of letters and digits as they are."""
    plain = (kinds[positions] & (LETTER | DIGIT)) == 0
    begins = plain.copy()
    begins[1:] |= plain[:-1]
    return np.asarray(positions[np.argsort(-np.cumsum(begins), kind="stable")], np.int64)


def columns(work: Work) -> Work:
    """Reads lines of equal length from top to bottom where that makes more sense than from left to right."""
    codes, kinds = work.codes, work.kinds()
    order = np.arange(codes.size)
    keep = np.ones(codes.size, np.bool_)
    for start, end in _blocks(codes):
        cells = _cells(codes, kinds, start, end)
        if cells is None:
            continue
        best = _best_reading(codes, kinds, cells)
        if best is not None:
            order[start : start + best.size] = best
            keep[start + best.size : end] = False
    return work if keep.all() else work.ordered(order).keeping(keep)


def _blocks(codes: CodePoints) -> Iterator[tuple[int, int]]:
    """[start, end) of lines of about equal length, three or more that follow one another in a text."""
    ends = np.flatnonzero((codes == _NEWLINE) | (codes == 0))
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1))
    lengths = ends - starts
    alike = (np.abs(np.diff(lengths)) <= 2) & (codes[ends[:-1]] == _NEWLINE)
    alike &= (lengths[1:] > 1) & (lengths[:-1] > 1) & (lengths[1:] <= LONGEST_LINE)
    at = 0
    while at < alike.size:
        if not alike[at]:
            at += 1
            continue
        last = at
        while last < alike.size and alike[last]:
            last += 1
        if last - at + 1 >= _LEAST_LINES:
            yield int(starts[at]), int(ends[last])
        at = last + 1


def _cells(codes: CodePoints, kinds: Kinds, start: int, end: int) -> NDArray[np.int64] | None:
    """int64[lines, columns]: the position of each cell, -1 for none; None when the lines are no grid."""
    ends = np.append(np.flatnonzero(codes[start:end] == _NEWLINE) + start, end)
    starts = np.concatenate(([start], ends[:-1] + 1))
    lines = [np.arange(low, high) for low, high in zip(starts.tolist(), ends.tolist(), strict=True)]
    for step in (3, 2, 1):
        offsets = [np.arange(line.size) % step != 0 for line in lines]
        if all((kinds[line[between]] & DROPPED).all() for line, between in zip(lines, offsets, strict=True)):
            picked = [line[::step] for line in lines]
            width = max(line.size for line in picked)
            if width < 2 or min(line.size for line in picked) < width - 1:
                return None
            return np.stack([np.pad(line, (0, width - line.size), constant_values=-1) for line in picked])
    return None


def _best_reading(codes: CodePoints, kinds: Kinds, cells: NDArray[np.int64]) -> Positions | None:
    """The positions in the order of the columns, without blanks, if that reads better than the lines."""

    def written(reading: NDArray[np.int64]) -> Positions:
        found = reading[reading >= 0]
        return np.asarray(found[codes[found] != ord(" ")], np.int64)

    def score(positions: Positions) -> int:
        chosen, beside = codes[positions], kinds[positions]
        pairs = np.flatnonzero(beside[:-1] & beside[1:] & CHINESE)
        return int(language().levels(chosen[pairs], chosen[pairs + 1]).sum())

    readings = [written(grid.ravel()) for grid in (cells.T, cells[:, ::-1].T, cells[::-1].T, cells[::-1, ::-1].T)]
    scores = [score(reading) for reading in readings]
    lines = max(score(written(cells.ravel())), score(written(cells[:, ::-1].ravel())))
    best = max(range(len(scores)), key=scores.__getitem__)
    if scores[best] < max(_LEAST_COLUMNS, lines * _COLUMNS_OVER_LINES):
        return None
    return readings[best]
