"""Labelled rows as a learner reads them: folded texts, and which rows are of a clause, of another one, or benign."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lab.corpus import Row
from rules.text import fold_batch

_FOLDED_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Documents:
    """Rows, in order. titles, texts: folded; clauses, sources: those of each row."""

    titles: list[str]
    texts: list[str]
    clauses: list[list[str]]
    sources: list[str]

    def labels(self, clauses: Sequence[str]) -> "Labels":
        """Which rows are of one of `clauses`, or of what stands below one (`links.4`), and which are benign."""
        positive = [any(_is_of(clause, wanted) for clause in own for wanted in clauses) for own in self.clauses]
        benign = [not own for own in self.clauses]
        alike = {source for source, is_of in zip(self.sources, positive, strict=True) if is_of}
        near = [fine and source in alike for source, fine in zip(self.sources, benign, strict=True)]
        return Labels(
            np.array(positive, np.bool_), np.array(benign, np.bool_), np.array(near if any(near) else benign, np.bool_)
        )


@dataclass(frozen=True, slots=True)
class Labels:
    """positive: bool[rows], of the clause; benign: bool[rows]. The others are of other clauses.

    near: bool[rows], benign rows of the sources that rows of the clause come from: what is hardest to tell from them.
    All benign rows where those sources have none.
    """

    positive: NDArray[np.bool_]
    benign: NDArray[np.bool_]
    near: NDArray[np.bool_]


def read_documents(rows: Iterable[Row]) -> Documents:
    """The rows, folded."""
    kept = list(rows)
    titles, texts = _folded([row.title for row in kept]), _folded([row.text for row in kept])
    return Documents(list(titles), list(texts), [row.clauses for row in kept], [row.source for row in kept])


def _is_of(clause: str, wanted: str) -> bool:
    return clause == wanted or clause.startswith(wanted + ".")


def _folded(texts: Sequence[str]) -> Iterator[str]:
    for at in range(0, len(texts), _FOLDED_AT_ONCE):
        batch = texts[at : at + _FOLDED_AT_ONCE]
        folded = fold_batch(batch)
        yield from (folded.text(index) for index in range(len(batch)))
