"""The same characters in another order on the page: columns, grids, backwards."""

import random
import re
from collections.abc import Callable

from lab.evasions.picking import clusters, pick, replace_spans

_CLAUSE = re.compile(r"(?:[^，。！？；：、,.!?;:\s]|(?<=[0-9A-Za-z])[.:](?=[0-9A-Za-z/]))+")
_ASCII_RUN = re.compile(r"[!-~]+|.", re.DOTALL)
_MOST_COLUMNS = 24
_RIGHT_TO_LEFT_OVERRIDE, _END = "\u202e", "\u202c"


def vertical(text: str, strength: float, rng: random.Random) -> str:
    """One character a line: a share of the text, in one piece, or all of it."""
    seen = clusters(text.replace("\n", " "))
    count = max(2, round(strength * len(seen)))
    start = rng.randrange(max(1, len(seen) - count + 1))
    column = "\n".join(seen[start : start + count])
    before, after = "".join(seen[:start]), "".join(seen[start + count :])
    return "\n".join(piece for piece in (before, column, after) if piece)


def vertical_grid(text: str, strength: float, rng: random.Random) -> str:
    """Columns read downwards and from right to left, as on a scroll; greater strength, higher columns (3 to 10).

    Longer texts have columns as high as they need: no screen shows more than some dozen columns.
    """
    seen = clusters("".join(text.split()))
    height = min(len(seen), max(3 + round(strength * 7), -(-len(seen) // _MOST_COLUMNS)))
    if height < 2:
        return text
    gap = rng.choice(("", " ", "\u3000", "|", "  ", "︱", "丨"))
    columns = [seen[at : at + height] for at in range(0, len(seen), height)]
    columns[-1] += ["\u3000"] * (height - len(columns[-1]))
    return "\n".join(gap.join(column[row] for column in reversed(columns)) for row in range(height))


def reversed_text(text: str, strength: float, rng: random.Random) -> str:
    """The whole text backwards, numbers and addresses too."""
    return "".join(reversed(clusters(text)))


def reversed_clauses(text: str, strength: float, rng: random.Random) -> str:
    """A share of the clauses backwards; numbers and addresses in them stay as they are."""
    return _change_clauses(text, strength, rng, backwards)


def bidi_override(text: str, strength: float, rng: random.Random) -> str:
    """A share of the clauses stored backwards under a right-to-left override: shown as if nothing had happened."""
    return _change_clauses(
        text, strength, rng, lambda clause: f"{_RIGHT_TO_LEFT_OVERRIDE}{''.join(reversed(clusters(clause)))}{_END}"
    )


def backwards(clause: str) -> str:
    """Backwards, with runs of letters and digits left readable."""
    return "".join(reversed(_ASCII_RUN.findall(clause)))


def _change_clauses(text: str, strength: float, rng: random.Random, change: Callable[[str], str]) -> str:
    found = [match.span() for match in _CLAUSE.finditer(text) if match.end() - match.start() > 1]
    return replace_spans(text, [(start, end, change(text[start:end])) for start, end in pick(found, strength, rng)])
