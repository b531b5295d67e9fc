"""The first step of folding, for every text: code points by table, and separators between Chinese characters."""

from dataclasses import dataclass

import numpy as np

from rules.folding.codes import CodePoints, Flags, Positions
from rules.folding.points import Kinds, points
from rules.folding.work import Work
from rules.scans import plain


@dataclass(frozen=True, slots=True)
class Plain:
    """Texts folded plainly.

    kinds: uint8[codes]. marks: int64, the places of the codes that are punctuation, separators, a to z, digits or NULs,
    up to the last code, which is a NUL. gone: int64[n], the original places of what is invisible, in order, up to the
    first -1. shown_otherwise: bool[texts], which texts have characters that are shown in another order or as letters
    (overrides, regional indicators).
    """

    work: Work
    kinds: Kinds
    marks: Positions
    gone: Positions
    shown_otherwise: Flags


def fold_plainly(joined: CodePoints, starts: Positions) -> Plain:
    """joined: uint32[n], texts with a NUL after each. starts: int64[texts + 1], where each starts."""
    tables = points()
    bounds, gone = np.empty(starts.size, np.int64), np.empty(joined.size + 1, np.int64)
    shown = np.zeros(starts.size - 1, np.uint8)
    room = joined.size
    while True:
        codes, kinds, origin = np.empty(room, np.uint32), np.empty(room, np.uint8), np.empty(room, np.int64)
        marks = np.empty(room, np.int64)
        size = plain.fold(
            joined.data, starts.data, tables.fold.data, tables.kind.data, tables.wide.data, tables.wide_at.data,
            tables.wide_codes.data, codes.data, kinds.data, origin.data, marks.data, bounds.data, gone.data, shown.data,
        )  # fmt: skip
        if size <= room:
            break
        room = size
    work = Work(codes[:size], origin[:size], origin[:size], bounds)
    return Plain(work, kinds[:size], marks, gone, shown.view(np.bool_))
