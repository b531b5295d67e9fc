"""Folding by table, and taking out what stands between two Chinese characters."""

from rules.scans.constants import (
    CHINESE,
    DROPPED,
    FIRST_INDICATOR,
    GONE,
    LAST_INDICATOR,
    LOOKED_AT,
    MARKED,
    OVERRIDE,
    WIDE,
)


def fold(
    joined: memoryview, starts: memoryview, fold_to: memoryview, kind_of: memoryview, wide: memoryview,
    wide_at: memoryview, wide_codes: memoryview, codes: memoryview, kinds: memoryview, origin: memoryview,
    marks: memoryview, bounds: memoryview, gone: memoryview, shown: memoryview,
) -> int:  # fmt: skip
    """Folds texts plainly; returns the number of codes, or, if that is more than there is room for, some greater
    number that is enough, having written less.

    joined: uint32[n], texts with a NUL after each; starts: int64[texts + 1], where each starts. fold_to, kind_of: the
    tables by code point, uint32 and uint8. wide: uint32[m], in order, the code points that fold to several characters:
    those in wide_codes (uint32) from wide_at[i] to wide_at[i + 1]. Written are: codes (uint32), kinds (uint8), origin
    (int64) for each code; marks: int64, as many as codes, the places of the codes that are no letters of Chinese or
    foreign scripts: punctuation, separators, a to z, digits, and each NUL; bounds: int64[texts + 1]; gone: int64, the
    places of what is invisible, and a -1 after the last; shown: uint8[texts], 1 for texts with characters that are
    shown in another order or as letters.
    """
    size, room = len(joined), len(codes)
    out, lost, marked, at, end = 0, 0, 0, 0, 0
    inside = False
    for text in range(len(bounds) - 1):
        bounds[text] = out
        while at < starts[text + 1]:
            code = joined[at]
            kind = kind_of[code]
            if kind & LOOKED_AT:
                if kind & (DROPPED | GONE):
                    if at >= end:  # the first of a run of them
                        end = at + 1
                        while end < size and kind_of[joined[end]] & (DROPPED | GONE):
                            end += 1
                        inside = (
                            at > 0 and end < size and (kind_of[joined[at - 1]] & kind_of[joined[end]] & CHINESE) != 0
                        )
                    if code == OVERRIDE or FIRST_INDICATOR <= code <= LAST_INDICATOR:
                        shown[text] = 1
                    if kind & GONE:
                        gone[lost] = at
                        lost += 1
                    if inside or kind & GONE:
                        at += 1
                        continue
                if kind & WIDE:
                    low, high = 0, len(wide) - 1
                    while low < high:
                        middle = (low + high) >> 1
                        if wide[middle] < code:
                            low = middle + 1
                        else:
                            high = middle
                    if out + wide_at[low + 1] - wide_at[low] > room:
                        return 2 * size + 64 * (size - at)
                    for place in range(wide_at[low], wide_at[low + 1]):
                        kind = kind_of[wide_codes[place]]
                        codes[out], kinds[out], origin[out] = wide_codes[place], kind, at
                        if kind & MARKED:
                            marks[marked] = out
                            marked += 1
                        out += 1
                    at += 1
                    continue
            if out == room:
                return 2 * size + 64 * (size - at)
            codes[out], kinds[out], origin[out] = fold_to[code], kind, at
            marks[marked] = out
            marked += (kind & MARKED) != 0
            out += 1
            at += 1
    bounds[len(bounds) - 1] = out
    gone[lost] = -1
    return out
