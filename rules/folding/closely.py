"""The closer steps of folding, for the texts with signs of being written around words."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from rules.folding import contacts, homophones, letters, numbers, order, parts, spacing, spelling
from rules.folding.codes import SEPARATOR, CodePoints, Flags, Positions
from rules.folding.points import GONE, WIDE, points
from rules.folding.work import Change, Work

CLOSELY = 10_000
"""Characters of a text that are read closely: hostile ones cost up to 40 µs each. The rest is folded plainly."""


class Places(NamedTuple):
    """Where the codes of a batch come from: as in the plainly folded `plain`, but for the texts in `read`, of which it
    has the first and the last original position of each code. They are asked for at a few places only, so they are not
    put together for a whole batch."""

    plain: Work
    read: Mapping[int, tuple[Positions, Positions]]

    def span(self, text: int, start: int, end: int) -> tuple[int, int]:
        """The first and the last of the original positions of the codes [start, end) of a text; not of none."""
        if text in self.read:
            first, last = self.read[text]
            return min(first[start:end].tolist()), max(last[start:end].tolist())
        base = self.plain.bounds.item(text)  # folded plainly, characters stay in their order
        return self.plain.first.item(base + start), self.plain.last.item(base + end - 1)

    def together(self, which: int) -> Positions:
        """int64[n]: the first (0) or the last (1) positions of all codes."""
        plain, bounds = (self.plain.first, self.plain.last)[which], self.plain.bounds
        pieces: list[Positions] = []
        at = 0
        for text in sorted(self.read):
            pieces += (plain[at : bounds[text]], self.read[text][which])
            at = int(bounds[text + 1])
        return np.concatenate((*pieces, plain[at:]))


class Closely(NamedTuple):
    """A batch of which some texts were read closely: its codes, where each text starts in them, and where they come
    from."""

    codes: CodePoints
    bounds: Positions
    places: Places


def read_closely(joined: CodePoints, starts: Positions, work: Work, reorder: Flags, reread: Flags) -> Closely:
    """`work` with some of its texts read closely.

    joined, starts: the originals. reorder: bool[texts], which may have to be spaced or ordered anew before they are
    read; reread: which only have to be read.
    """
    groups: list[tuple[Positions, Positions, Work]] = []
    if (chosen := np.flatnonzero(reread & ~reorder)).size:
        ends = np.minimum(work.bounds[chosen + 1] - 1, work.bounds[chosen] + CLOSELY)
        groups.append((chosen, ends, _part(work, chosen, ends)))
    if (chosen := np.flatnonzero(reorder)).size:
        within = np.minimum(starts[chosen + 1] - 1, starts[chosen] + CLOSELY)
        ends = np.maximum(np.searchsorted(work.first, within), work.bounds[chosen])
        groups.append((chosen, ends, _ordered(_written(joined, starts[chosen], within))))
    if not groups:
        return Closely(work.codes, work.bounds, Places(work, {}))
    chosen, ends = (np.concatenate(both) for both in list(zip(*groups, strict=True))[:2])
    return _with(work, chosen, ends, _read(_together([part for _, _, part in groups])))


def _ordered(written: Work) -> Work:
    """Texts as they were written, folded and put in reading order."""
    codes = letters.spelled(written.codes)
    tables = points()
    kinds = tables.kind[codes]
    keep = ((kinds & GONE) == 0) & ~letters.joined_on(codes, kinds)
    before = np.concatenate(([0], np.cumsum(keep)))
    spans = [(int(before[start]), int(before[end])) for start, end in letters.overrides(written.codes)]
    # What folds to several characters stays as it was written until the order is settled: it is one of a column.
    folded = np.where((kinds & WIDE) != 0, codes, tables.fold[codes])
    work = Work(folded, written.first, written.last, written.bounds).keeping(keep)
    if spans:
        work = order.overridden(work, spans)
    work = order.columns(work)
    work = order.reading_direction(work, spaced=True)
    work = spacing.single_characters(work)
    work = _expanded(spacing.close_up(work))
    work = spacing.misplaced_breaks(work)
    return order.reading_direction(work)


def _read(work: Work) -> Work:
    """With split characters, numbers and words as what they stand for."""
    work = parts.joined(work)
    work = numbers.dictated(work)
    work = homophones.chinese_variants(work)
    work = spelling.latin_variants(work)
    return spacing.close_up(contacts.contacts(work))


def _expanded(work: Work) -> Work:
    """With what folds to several characters as these."""
    wide = np.flatnonzero((work.kinds() & WIDE) != 0).tolist()
    expansions = points().expansions
    return work.changed([Change(place, place + 1, expansions[int(work.codes[place])]) for place in wide])


def _part(work: Work, chosen: Positions, ends: Positions) -> Work:
    """The texts with the numbers `chosen`, up to the places `ends`, and a NUL after each."""
    pieces = [slice(int(start), int(end)) for start, end in zip(work.bounds[chosen], ends, strict=True)]
    return _joined(
        [work.codes[piece] for piece in pieces],
        [work.first[piece] for piece in pieces],
        [work.last[piece] for piece in pieces],
    )


def _written(joined: CodePoints, starts: Positions, ends: Positions) -> Work:
    """The originals [start, end), and a NUL after each."""
    spans = list(zip(starts.tolist(), ends.tolist(), strict=True))
    places = [np.arange(start, end) for start, end in spans]
    return _joined([joined[start:end] for start, end in spans], places, places)


def _together(parts: list[Work]) -> Work:
    """The texts of several, one after the other."""
    if len(parts) == 1:
        return parts[0]
    before = np.cumsum([0, *(part.codes.size for part in parts)])
    bounds = [part.bounds[:-1] + start for part, start in zip(parts, before, strict=False)]
    return Work(
        np.concatenate([part.codes for part in parts]),
        np.concatenate([part.first for part in parts]),
        np.concatenate([part.last for part in parts]),
        np.concatenate((*bounds, before[-1:])),
    )


def _joined(codes: list[CodePoints], first: list[Positions], last: list[Positions]) -> Work:
    nul, nowhere = np.full(1, SEPARATOR, np.uint32), np.zeros(1, np.int64)
    return Work(
        np.concatenate([part for piece in codes for part in (piece, nul)]),
        np.concatenate([part for piece in first for part in (piece, nowhere)]),
        np.concatenate([part for piece in last for part in (piece, nowhere)]),
        np.cumsum([0, *(piece.size + 1 for piece in codes)]),
    )


def _with(work: Work, chosen: Positions, ends: Positions, read: Work) -> Closely:
    """`work` with the texts with the numbers `chosen`, up to the places `ends`, as they were read."""
    new: dict[int, tuple[CodePoints, Positions, Positions]] = {}
    bounds = work.bounds
    for number, (text, end) in enumerate(zip(chosen.tolist(), ends.tolist(), strict=True)):
        own, before = slice(int(read.bounds[number]), int(read.bounds[number + 1]) - 1), slice(int(bounds[text]), end)
        pairs = ((work.codes, read.codes), (work.first, read.first), (work.last, read.last))
        if all(old[before].tobytes() == as_read[own].tobytes() for old, as_read in pairs):
            continue  # as most are: signs are there to be looked at
        rest = slice(end, int(bounds[text + 1]))
        new[text] = (
            np.concatenate((read.codes[own], work.codes[rest])),
            np.concatenate((read.first[own], work.first[rest])),
            np.concatenate((read.last[own], work.last[rest])),
        )
    if not new:
        return Closely(work.codes, bounds, Places(work, {}))
    codes_of: list[CodePoints] = []
    sizes = np.diff(bounds)
    at = 0
    for text in sorted(new):
        codes_of += (work.codes[at : bounds[text]], new[text][0])
        sizes[text] = new[text][0].size
        at = int(bounds[text + 1])
    return Closely(
        np.concatenate((*codes_of, work.codes[at:])),
        np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes))),
        Places(work, {text: (first, last) for text, (_, first, last) in new.items()}),
    )
