"""The first step of folding, for every text: code points by table, and separators between Chinese characters."""

from dataclasses import dataclass

import numpy as np

from rules.folding.codes import CodePoints, Flags, Positions, encode_points
from rules.folding.letters import INDICATORS, OVERRIDE
from rules.folding.points import DROPPED, GONE, WIDE, Kinds, points
from rules.folding.spacing import between_chinese
from rules.folding.work import Work


@dataclass(frozen=True, slots=True)
class Plain:
    """Texts folded plainly.

    kinds: uint8[codes]. gone: int64[n], the original places of what is invisible. shown_otherwise: bool[texts], which
    texts have characters that are shown in another order or as letters (overrides, regional indicators).
    """

    work: Work
    kinds: Kinds
    gone: Positions
    shown_otherwise: Flags


def fold_plainly(joined: CodePoints, starts: Positions) -> Plain:
    """joined: uint32[n], texts with a NUL after each. starts: int64[texts + 1], where each starts."""
    tables = points()
    kinds = tables.kind.take(joined, mode="clip")
    codes = tables.fold.take(joined, mode="clip")
    special = np.flatnonzero((kinds & (DROPPED | GONE | WIDE)) != 0)
    marks = kinds[special]
    gone = special[(marks & GONE) != 0]
    out = (marks & GONE) != 0
    noise = np.flatnonzero((marks & (DROPPED | GONE)) != 0)
    out[noise] |= between_chinese(kinds, special[noise])
    removed, wide = special[out], special[((marks & WIDE) != 0) & ~out]
    origin, bounds = np.arange(joined.size), starts
    if removed.size or wide.size:
        origin = _places(joined, removed, wide)
        codes, kinds = codes.take(origin, mode="clip"), kinds.take(origin, mode="clip")
        bounds = np.searchsorted(origin, starts)
        if wide.size:
            _expand(joined, codes, kinds, wide)
    return Plain(Work(codes, origin, origin, bounds), kinds, gone, _shown_otherwise(joined, special, starts))


def _shown_otherwise(joined: CodePoints, special: Positions, starts: Positions) -> Flags:
    found = np.zeros(starts.size - 1, np.bool_)
    written = joined[special]
    first, last = INDICATORS
    odd = special[(written == OVERRIDE) | ((written >= first) & (written <= last))]
    if odd.size:
        found[np.searchsorted(starts, odd, side="right") - 1] = True
    return found


def _places(joined: CodePoints, removed: Positions, wide: Positions) -> Positions:
    """int64[n]: for each folded character the place of its original: `removed` have none, `wide` several."""
    expansions = points().expansions
    more = [len(expansions[code]) - 1 for code in joined[wide].tolist()]
    # Places run on by one but at these: after one that is removed by two, at one that is repeated by none.
    repeated = np.repeat(wide, more)
    at = np.concatenate((removed, repeated))
    step = np.concatenate((np.ones(removed.size, np.int64), np.full(repeated.size, -1)))
    order = np.argsort(at, kind="stable")
    offset = np.concatenate(([0], np.cumsum(step[order])))
    # Where in the folded text each such step comes: a removed place before its own, a repeated one after.
    turn = at[order] - offset[:-1] + (step[order] < 0)
    size = joined.size - removed.size + repeated.size
    places: Positions = np.arange(size) + np.repeat(offset, np.diff(turn, prepend=0, append=size))
    return places


def _expand(joined: CodePoints, codes: CodePoints, kinds: Kinds, wide: Positions) -> None:
    """Writes what the code points at `wide` fold to into the places made for it."""
    kept = np.flatnonzero((kinds & WIDE) != 0)
    codes[kept] = encode_points("".join(points().expansions[code] for code in joined[wide].tolist()))
    kinds[kept] = points().kind[codes[kept]]
