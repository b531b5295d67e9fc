"""Folding by table, and taking out what stands between two Chinese characters."""

_CHINESE, _DROPPED, _GONE, _WIDE = 1, 2, 64, 128
"""Kinds, as in `rules.folding.points`."""
_OVERRIDE = 0x202E
_FIRST_INDICATOR, _LAST_INDICATOR = 0x1F1E6, 0x1F1FF


def fold(
    joined: memoryview, starts: memoryview, fold_to: memoryview, kind_of: memoryview, wide: memoryview,
    wide_at: memoryview, wide_codes: memoryview, codes: memoryview, kinds: memoryview, origin: memoryview,
    bounds: memoryview, gone: memoryview, shown: memoryview,
) -> int:  # fmt: skip
    """Folds texts plainly; returns the number of codes, or, if that is more than there is room for, some greater
    number that is enough, having written less.

    joined: uint32[n], texts with a NUL after each; starts: int64[texts + 1], where each starts. fold_to, kind_of: the
    tables by code point, uint32 and uint8. wide: uint32[m], in order, the code points that fold to several characters:
    those in wide_codes (uint32) from wide_at[i] to wide_at[i + 1]. Written are: codes (uint32), kinds (uint8), origin
    (int64) for each code; bounds: int64[texts + 1]; gone: int64, the places of what is invisible, and a -1 after the
    last; shown: uint8[texts], 1 for texts with characters that are shown in another order or as letters.
    """
    size, room = len(joined), len(codes)
    text, out, lost, at, end = 0, 0, 0, 0, 0
    inside = False
    while at < size:
        if at == starts[text]:
            bounds[text] = out
            text += 1
        code = joined[at]
        kind = kind_of[code]
        if kind & (_DROPPED | _GONE):
            if at >= end:  # the first of a run of them
                end = at + 1
                while end < size and kind_of[joined[end]] & (_DROPPED | _GONE):
                    end += 1
                inside = at > 0 and end < size and (kind_of[joined[at - 1]] & kind_of[joined[end]] & _CHINESE) != 0
            if code == _OVERRIDE or _FIRST_INDICATOR <= code <= _LAST_INDICATOR:
                shown[text - 1] = 1
            if kind & _GONE:
                gone[lost] = at
                lost += 1
            if inside or kind & _GONE:
                at += 1
                continue
        if kind & _WIDE:
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
                codes[out] = wide_codes[place]
                kinds[out] = kind_of[wide_codes[place]]
                origin[out] = at
                out += 1
        else:
            if out == room:
                return 2 * size + 64 * (size - at)
            codes[out] = fold_to[code]
            kinds[out] = kind
            origin[out] = at
            out += 1
        at += 1
    bounds[text] = out
    gone[lost] = -1
    return out
