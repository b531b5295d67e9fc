"""Split characters are put together again: 弓长 reads 张, 讠正 reads 证.

What may be a split is looked up; what it is depends on its neighbours. 女子 stays a word, but 你女子 is 你好: the
reading that costs fewer bits wins (`Language.cost`), and a split must win clearly.
"""

import itertools
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from rules.folding.codes import CodePoints, Positions
from rules.folding.language import PairSet, language
from rules.folding.work import Change, Work

_POSSIBLE = 6.0
"""Bits by which a split must be the cheaper reading to be looked at."""
_SEVERAL = 8.0
"""The same, to be taken where a text has two splits or more: spammers do not stop at one."""
_ONE = 22.0
"""The same, for the only split of a text if its parts are words of their own (走秀 is no 透)."""
_SLACK = 3.0
"""Bits by which the neighbours may be splits themselves, and cost more than they will."""
_MOST_PIECES = 3
_RARE = 2
"""Level (see `Language.single`) up to which a part is none of the characters that people write."""


class Way(NamedTuple):
    """One way to split `character`, in code points. `rare`: a piece is none of the characters that people write.

    bits: the cost of the pieces, each after the one before.
    """

    pieces: tuple[int, ...]
    character: int
    rare: bool
    bits: float


@dataclass(frozen=True, slots=True)
class Parts:
    """All ways to split. pairs: of the first two pieces; ways: by key of these, those that begin so."""

    pairs: PairSet
    ways: dict[int, list[Way]]

    @property
    def split(self) -> list[Way]:
        """Every way."""
        return [way for ways in self.ways.values() for way in ways]


@cache
def parts() -> Parts:
    """The table `rules/data/parts.tsv`, read once."""
    found: dict[int, list[Way]] = {}
    for line in (files("rules.data") / "parts.tsv").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        character, ways = line.split("\t")
        for way in ways.split(" "):
            pieces = tuple(map(ord, way))
            found.setdefault(pieces[0] << 16 | pieces[1], []).append(
                Way(pieces, ord(character), _is_rare(pieces), _path(pieces))
            )
    return Parts(PairSet(found), found)


class Join(NamedTuple):
    """[start, end) reads `character`, by `gain` bits the cheaper reading. `rare`: a piece is no word of its own."""

    start: int
    end: int
    character: int
    gain: float
    rare: bool


def joined(work: Work) -> Work:
    """With split characters put together."""
    codes = work.codes
    places = parts().pairs.places(codes)
    if not places.size:
        return work
    joins = _choose(codes.tolist(), places)
    if not joins:
        return work
    text = work.text_of(np.array([join.start for join in joins], np.int64))
    likely = np.array([join.gain >= _SEVERAL for join in joins])
    several = np.bincount(text, weights=likely, minlength=1) > 1
    return work.changed(
        [
            Change(join.start, join.end, chr(join.character))
            for join, of in zip(joins, text.tolist(), strict=True)
            if join.gain >= (_SEVERAL if join.rare or several[of] else _ONE)
        ]
    )


def _choose(codes: list[int], places: Positions) -> list[Join]:
    """The cheapest reading of each stretch of possible splits (a shortest path, stretch by stretch)."""
    found: list[Join] = []
    stretch: list[tuple[int, Way]] = []
    reach = -1
    for place in places.tolist():
        ways = _ways_at(codes, place)
        if stretch and place > reach:
            found += _cheapest(codes, stretch, reach)
            stretch = []
        stretch += [(place, way) for way in ways]
        reach = max([reach, *(place + len(way.pieces) for way in ways)])
    if stretch:
        found += _cheapest(codes, stretch, reach)
    return found


_Joins = tuple[Join, "_Joins"] | None
"""Joins, the last one first."""


def _cheapest(codes: list[int], stretch: list[tuple[int, Way]], end: int) -> list[Join]:
    """The splits in the cheapest reading of codes[start:end], where start is that of the first of `stretch`."""
    if len(stretch) == 1:
        return _alone(codes, *stretch[0])
    cost = language().cost
    start = stretch[0][0]
    by_start: dict[int, list[Way]] = {}
    for place, way in stretch:
        by_start.setdefault(place, []).append(way)
    # Position -> last character read -> (bits, joins) of the cheapest reading up to there.
    reached: dict[int, dict[int, tuple[float, _Joins]]] = {start: {_edge(codes, start - 1): (0.0, None)}}

    def reach(place: int, character: int, bits: float, joins: _Joins) -> None:
        known = reached.setdefault(place, {})
        if character not in known or bits < known[character][0]:
            known[character] = (bits, joins)

    for place in range(start, end):
        for left, (bits, joins) in reached.get(place, {}).items():
            here = _edge(codes, place)
            reach(place + 1, here, bits + cost(left, here), joins)
            for way in by_start.get(place, ()):
                after = place + len(way.pieces)
                right = _edge(codes, after)
                gain = way.bits + cost(left, way.pieces[0]) + cost(way.pieces[-1], right)
                gain -= cost(left, way.character) + cost(way.character, right)
                join = Join(place, after, way.character, gain, way.rare)
                reach(after, way.character, bits + cost(left, way.character) + _POSSIBLE, (join, joins))
    last = _edge(codes, end)
    _, best = min(((bits + cost(left, last), joins) for left, (bits, joins) in reached[end].items()), key=_bits)
    chosen: list[Join] = []
    while best is not None:
        join, best = best
        chosen.append(join)
    return chosen[::-1]


def _alone(codes: list[int], start: int, way: Way) -> list[Join]:
    """As `_cheapest`, of a stretch with a single possible split, as nearly all are."""
    cost = language().cost
    end = start + len(way.pieces)
    before, last = _edge(codes, start - 1), _edge(codes, end)
    read = cost(before, way.character) + _POSSIBLE + cost(way.character, last)
    written, left = 0.0, before
    for place in range(start, end):
        here = _edge(codes, place)
        written += cost(left, here)
        left = here
    if written + cost(left, last) < read:
        return []
    gain = way.bits + cost(before, way.pieces[0]) + cost(way.pieces[-1], last)
    gain -= cost(before, way.character) + cost(way.character, last)
    return [Join(start, end, way.character, gain, way.rare)]


def _bits(reading: tuple[float, _Joins]) -> float:
    return reading[0]


def _path(points: tuple[int, ...]) -> float:
    cost = language().cost
    return sum(cost(left, right) for left, right in itertools.pairwise(points))


def _is_rare(pieces: tuple[int, ...]) -> bool:
    single = language().single
    return any(single[piece] <= _RARE for piece in pieces)


def _edge(codes: CodePoints | list[int], place: int) -> int:
    """The character at `place`, 0 if there is none of a clause."""
    if not 0 <= place < len(codes):
        return 0
    point = int(codes[place])
    return point if 0x3400 <= point < 0xA000 else 0


def possible(codes: CodePoints, places: Positions) -> Positions:
    """Those of the `places`, of two pieces, at which `joined` may find a split sure enough to be the only one."""
    cost, known = language().cost, parts().ways
    found = []
    for place in places.tolist():
        here = codes[place : place + _MOST_PIECES + 1].tolist()
        left = _edge(codes, place - 1)
        for way in known.get(here[0] << 16 | here[1], ()):  # characters beyond U+FFFF share the numbers of others
            count = len(way.pieces)
            if tuple(here[:count]) != way.pieces:
                continue
            right = _edge(codes, place + count)
            gain = way.bits + cost(left, here[0]) + cost(way.pieces[-1], right)
            gain -= cost(left, way.character) + cost(way.character, right)
            if gain >= (_SEVERAL if way.rare else _ONE) - _SLACK:
                found.append(place)
    return np.array(found, np.int64)


def _ways_at(codes: list[int], place: int) -> list[Way]:
    """The ways of which all pieces stand at `place`, where the first two of some do."""
    ways = parts().ways.get(codes[place] << 16 | codes[place + 1], ())
    return [way for way in ways if tuple(codes[place : place + len(way.pieces)]) == way.pieces]
