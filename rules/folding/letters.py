"""Characters that are shown as others: under a right-to-left override, and regional indicators that are no flag."""

import numpy as np

from rules.folding.codes import CodePoints, Flags
from rules.folding.points import DROPPED, Kinds

OVERRIDE = 0x202E
"""Right-to-left override: what follows is shown backwards."""
INDICATORS = (0x1F1E6, 0x1F1FF)
"""Regional indicators A and Z; two of them are shown as a flag if they are a country's code."""
_ENDS = frozenset((0x202C, 0x2069, 0x202D, 0x202A, 0x202B, 10, 0))
_JOINER = 0x200D
_SKIN_TONES = (0x1F3FB, 0x1F3FF)
_FIRST_SYMBOL = 0x2190
_COUNTRIES = frozenset(
    """ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bl bm bn bo bq br bs bt bv bw by bz ca
    cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg eh er es et eu fi fj fk fm fo fr ga
    gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke
    kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mf mg mh mk ml mm mn mo mp mq mr ms mt mu
    mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa
    sb sc sd se sg sh si sj sk sl sm sn so sr ss st sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug um
    un us uy uz va vc ve vg vi vn vu wf ws xk ye yt za zm zw""".split()
)
"""ISO 3166-1 alpha-2, and the union, the nations and Kosovo, which have flags too."""


def overrides(codes: CodePoints) -> list[tuple[int, int]]:
    """[start, end) of what stands under a right-to-left override, none within another."""
    found: list[tuple[int, int]] = []
    for start in np.flatnonzero(codes == OVERRIDE).tolist():
        if found and start < found[-1][1]:
            continue
        end = start + 1
        while end < codes.size and int(codes[end]) not in _ENDS:
            end += 1
        found.append((start + 1, end))
    return found


def spelled(codes: CodePoints) -> CodePoints:
    """With regional indicators as letters where they do not make flags: 🇼🇽 is shown as W X."""
    first, last = INDICATORS
    places = np.flatnonzero((codes >= first) & (codes <= last))
    if not places.size:
        return codes
    result = codes.copy()
    for run in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
        letters = "".join(chr(code - first + ord("a")) for code in codes[run].tolist())
        pairs = [letters[at : at + 2] for at in range(0, len(letters), 2)]
        if not all(pair in _COUNTRIES for pair in pairs):
            result[run] = codes[run] - np.uint32(first - ord("a"))
    return result


def joined_on(codes: CodePoints, kinds: Kinds) -> Flags:
    """bool[n]: the symbols that are shown as one with the symbol before them: families, skin tones."""
    joined = (codes >= _SKIN_TONES[0]) & (codes <= _SKIN_TONES[1])
    joined[1:] |= (codes[:-1] == _JOINER) & ((kinds[1:] & DROPPED) != 0) & (codes[1:] >= _FIRST_SYMBOL)
    return joined
