"""The closer steps of folding, for the texts with signs of being written around words."""

import numpy as np

from rules.folding import contacts, homophones, letters, numbers, order, parts, spacing, spelling
from rules.folding.codes import SEPARATOR, CodePoints, Flags, Positions
from rules.folding.points import GONE, WIDE, points
from rules.folding.work import Change, Work

CLOSELY = 10_000
"""Characters of a text that are read closely: hostile ones cost up to 40 µs each. The rest is folded plainly."""


def read_closely(joined: CodePoints, starts: Positions, work: Work, reorder: Flags, reread: Flags) -> Work:
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
        return work
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


def _with(work: Work, chosen: Positions, ends: Positions, read: Work) -> Work:
    """`work` with the texts with the numbers `chosen`, up to the places `ends`, as they were read."""
    new = {
        text: (end, int(read.bounds[number]), int(read.bounds[number + 1]) - 1)
        for number, (text, end) in enumerate(zip(chosen.tolist(), ends.tolist(), strict=True))
    }
    codes: list[CodePoints] = []
    first: list[Positions] = []
    last: list[Positions] = []
    sizes = np.diff(work.bounds)
    at = 0
    for text in sorted(new):
        end, low, high = new[text]
        start = int(work.bounds[text])
        codes += (work.codes[at:start], read.codes[low:high])
        first += (work.first[at:start], read.first[low:high])
        last += (work.last[at:start], read.last[low:high])
        sizes[text] += high - low - (end - start)
        at = end
    return Work(
        np.concatenate((*codes, work.codes[at:])),
        np.concatenate((*first, work.first[at:])),
        np.concatenate((*last, work.last[at:])),
        np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes))),
    )
