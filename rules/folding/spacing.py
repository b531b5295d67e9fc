"""What is put between characters is taken out: separators, emoji, punctuation, line ends.

Between two Chinese characters a separator or a symbol always goes (微.信). Sentence punctuation and line ends part
clauses, so they go only where they cannot: between single characters in a row (加，微，信，办，证), and in a text in
which they keep parting pairs that belong together (优，惠活，动).
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from rules.folding.codes import CodePoints, Flags, Positions
from rules.folding.language import language, pair_keys
from rules.folding.points import BREAK, CHINESE, DIGIT, DROPPED, LETTER, Kinds
from rules.folding.work import Work

_NEWLINE = 10
_LONGEST_GAP = 8
"""Characters that part two single ones."""
_LEAST_RUN = 4
"""Single characters in a row."""
_LEAST_DIGITS = 6
_COUNTED, _COUNTED_SHARE = 3, 0.45
"""Level of a pair that words are made of, and how many of them single characters in a row have to make."""
_COMMON = 7
"""Level of which one is enough."""
_INNER = 8.0
"""Bits by which a pair is likelier than an end and a beginning, for the gap between them to be no boundary."""
_LIKELY = 3.0
"""The same, in a text that has enough of the surer ones."""
LEAST_INNER = 2
_INNER_SHARE = 0.3
_REVERSED_SHARE = 0.5
"""The same, of breaks within pairs the wrong way round: text may run backwards, too."""
_MANY_INNER, _MANY_SHARE = 3, 0.15
"""Breaks within pairs that a text must have, of all breaks between Chinese characters; or more, of more."""
SURPLUS, LEAST_BITS = 6.0, 12.0
"""Their bits beyond the first must come to the second together."""


def between_chinese(kinds: Kinds, special: Positions) -> Flags:
    """bool[n]: which of the `special` positions, all of kind DROPPED or GONE, stand between two Chinese characters.

    special: int64[n], sorted.
    """
    if not special.size:
        return np.zeros(0, np.bool_)
    begins = np.concatenate(([0], np.flatnonzero(special[1:] - special[:-1] > 1) + 1))
    lengths = np.diff(begins, append=special.size)
    before = special[begins] - 1
    after = np.minimum(special[begins] + lengths, kinds.size - 1)  # the last is the NUL after the last text
    inside = (kinds[np.maximum(before, 0)] & kinds[after] & CHINESE) != 0
    return np.repeat(inside & (before >= 0), lengths)


def close_up(work: Work) -> Work:
    """Takes out what `between_chinese` finds."""
    kinds = work.kinds()
    special = np.flatnonzero((kinds & DROPPED) != 0)
    special = special[between_chinese(kinds, special)]
    if not special.size:
        return work
    keep = np.ones(work.codes.size, np.bool_)
    keep[special] = False
    return work.keeping(keep)


@cache
def inner_pairs() -> dict[int, float]:
    """The keys of the pairs that a clause hardly ever ends within, and by how many bits."""
    counted = np.array(list(language().pairs), np.uint32)
    costs = boundary_costs(counted >> np.uint32(16), counted & np.uint32(0xFFFF))
    inner = costs > _INNER
    return dict(zip(counted[inner].tolist(), costs[inner].tolist(), strict=True))


def boundary_costs(left: CodePoints, right: CodePoints) -> NDArray[np.float32]:
    """float32[n]: by how many bits each pair is likelier within a clause than `left` ending one and `right`
    beginning another."""
    costs, edge = language().costs, np.zeros_like(left)
    return costs(left, edge) + costs(edge, right) - costs(left, right)


class Gaps:
    """Stretches of punctuation, separators and line ends between written characters.

    start, end: int64[n], [start, end) of each stretch; the written characters around it are start - 1 and end.
    Stretches at the edge of a text are none.
    """

    def __init__(self, codes: CodePoints, filling: Positions) -> None:
        """`filling`: the places of all BREAK and DROPPED characters."""
        start, end = runs_of(filling[codes[filling] != 0])
        whole = (start > 0) & (codes[np.maximum(start - 1, 0)] != 0) & (codes[np.minimum(end, codes.size - 1)] != 0)
        self.start, self.end = start[whole], end[whole]


def runs_of(places: Positions) -> tuple[Positions, Positions]:
    """[start, end) of each run of places that follow one another. places: int64[n], sorted."""
    parted = places[1:] - places[:-1] > 1
    edge = places[:1] >= 0
    return places[np.concatenate((edge, parted))], places[np.concatenate((parted, edge))] + 1


def _filling(kinds: Kinds) -> Positions:
    return np.flatnonzero((kinds & (BREAK | DROPPED)) != 0)


def single_characters(work: Work) -> Work:
    """Takes out what parts four or more single characters in a row, or three written one below the other."""
    codes, kinds = work.codes, work.kinds()
    gaps = Gaps(codes, _filling(kinds))
    if gaps.start.size < 2:
        return work
    short = gaps.end - gaps.start <= _LONGEST_GAP
    # A gap continues the one before when a single character lies between them.
    follows = np.zeros(short.size, np.bool_)
    follows[1:] = (gaps.start[1:] == gaps.end[:-1] + 1) & short[1:] & short[:-1]
    heads = np.flatnonzero(~follows)
    sizes = np.diff(heads, append=short.size)
    keep = np.ones(codes.size, np.bool_)
    # Two gaps are enough for three characters below one another only.
    begins, ends = codes[gaps.start] == _NEWLINE, codes[gaps.end - 1] == _NEWLINE
    after = np.minimum(heads + 1, short.size - 1)
    longer = (sizes > 2) | ((sizes == 2) & ((begins[heads] & begins[after]) | (ends[heads] & ends[after])))
    heads, sizes = heads[longer], sizes[longer]
    for head, size in zip(heads.tolist(), sizes.tolist(), strict=True):
        run = slice(head, head + size)
        _close_run(codes, kinds, gaps.start[run], gaps.end[run], keep)
    return work if keep.all() else work.keeping(keep)


def _close_run(codes: CodePoints, kinds: Kinds, starts: Positions, ends: Positions, keep: Flags) -> None:
    """Takes the gaps [start, end) of one run of single characters out of what to keep, if it is one."""
    units = np.concatenate((starts - 1, ends[-1:]))
    # The characters at both ends count only when they stand alone too.
    first = 0 if _alone(codes, kinds, int(units[0]) - 1) else 1
    last = units.size if _alone(codes, kinds, int(units[-1]) + 1) else units.size - 1
    units, starts, ends = units[first:last], starts[first : last - 1], ends[first : last - 1]
    if units.size < _LEAST_RUN - 1:
        return
    downwards = bool((codes[starts] == _NEWLINE).all() or (codes[ends - 1] == _NEWLINE).all())
    if units.size < (_LEAST_RUN - 1 if downwards else _LEAST_RUN):
        return
    if _is_spelled(codes[units], kinds[units], downwards):
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            # Punctuation that has a line of its own is part of the column.
            keep[start:end] = downwards & ((kinds[start:end] & BREAK) != 0) & (codes[start:end] != _NEWLINE)


def _alone(codes: CodePoints, kinds: Kinds, position: int) -> bool:
    return position < 0 or position >= codes.size or bool(kinds[position] & (BREAK | DROPPED)) or codes[position] == 0


def _is_spelled(units: CodePoints, kinds: Kinds, downwards: bool) -> bool:
    """Whether single characters in a row are one word or number, not the items of a list."""
    steps = np.diff(units.astype(np.int64))
    if (np.abs(steps) == 1).mean() > 0.6 or not steps.any():  # 1、2、3 and A B C are counting
        return False
    if (kinds & DIGIT).all():
        return units.size >= _LEAST_DIGITS
    chinese = (kinds & CHINESE) != 0
    beside = chinese[:-1] & chinese[1:]
    if not beside.any():
        written = bool((kinds & (LETTER | DIGIT | CHINESE)).all())
        return written and (units.size >= _LEAST_DIGITS or bool((kinds & LETTER).all()))
    left, right = units[:-1][beside], units[1:][beside]
    # Either way round: which one it is, is settled when they stand together.
    ways = ((left, right), (right, left))
    if downwards:
        return max(float(boundary_costs(*way).mean()) for way in ways) > 0.0
    levels = [language().levels(*way) for way in ways]
    return any((level >= _COUNTED).mean() >= _COUNTED_SHARE or level.max() >= _COMMON for level in levels)


def misplaced_breaks(work: Work) -> Work:
    """Takes punctuation and line ends out of the middle of words, in texts where they stand there often."""
    codes, kinds = work.codes, work.kinds()
    gaps = Gaps(codes, _filling(kinds))
    left, right = codes[gaps.start - 1], codes[np.minimum(gaps.end, codes.size - 1)]
    fits = (kinds[gaps.start - 1] & kinds[np.minimum(gaps.end, codes.size - 1)] & CHINESE) != 0
    fits &= gaps.end - gaps.start <= _LONGEST_GAP
    if fits.sum() < LEAST_INNER:
        return work
    start, end = gaps.start[fits], gaps.end[fits]
    left, right = left[fits], right[fits]
    text = work.text_of(start)
    chosen = _misplaced(text, left, right, work.bounds.size - 1, _INNER_SHARE)
    chosen |= _misplaced(text, right, left, work.bounds.size - 1, _REVERSED_SHARE)
    if not chosen.any():
        return work
    edges = np.zeros(codes.size + 1, np.int64)
    edges[start[chosen]] += 1
    edges[end[chosen]] -= 1
    return work.keeping(np.cumsum(edges[:-1]) == 0)


def _misplaced(text: Positions, left: CodePoints, right: CodePoints, texts: int, share: float) -> Flags:
    """bool[n]: which breaks stand within pairs, in texts that have enough of them.

    text, left, right: of each break, the text it is in and the characters around it. share: of the breaks of a text
    that must stand within pairs, if they are not many.
    """
    costs = boundary_costs(left, right)
    # A pair counts once for a text: what is said twice is a list.
    _, once = np.unique((text << 32) | pair_keys(left, right), return_index=True)
    within = costs[once] > _INNER
    inner = np.bincount(text[once], weights=within, minlength=texts)
    bits = np.bincount(text[once], weights=np.where(within, costs[once] - SURPLUS, 0.0), minlength=texts)
    gaps = np.bincount(text, minlength=texts)
    broken = (bits >= LEAST_BITS) & (enough_inner(inner, gaps) if share == _INNER_SHARE else inner >= share * gaps)
    return np.asarray(broken[text] & (costs > _LIKELY), np.bool_)


def enough_inner(inner: NDArray[np.integer], gaps: NDArray[np.integer]) -> Flags:
    """bool[n]: whether breaks within pairs are no accident in texts with so many, of so many between characters."""
    share = inner / np.maximum(gaps, 1)
    enough = ((inner >= _MANY_INNER) & (share >= _MANY_SHARE)) | ((inner >= LEAST_INNER) & (share >= _INNER_SHARE))
    return np.asarray(enough, np.bool_)
