"""What every technique needs: which characters to touch, and what a reader sees as one character."""

import random
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar

_ZERO_WIDTH_JOINER = "\u200d"
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters by their category that show nothing."""

T = TypeVar("T")


def is_chinese(character: str) -> bool:
    """Whether it is a Han character (unified ideographs and their extensions; not radicals or strokes)."""
    code = ord(character)
    return 0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF or 0x20000 <= code <= 0x3FFFF


def is_letter(character: str) -> bool:
    """Whether it is an ASCII letter."""
    return character.isascii() and character.isalpha()


def is_digit(character: str) -> bool:
    """Whether it is an ASCII digit."""
    return "0" <= character <= "9"


def pick(eligible: Sequence[T], strength: float, rng: random.Random) -> list[T]:
    """A share `strength` (0 to 1) of the eligible ones, in their order; at least one if there is any."""
    if not eligible:
        return []
    count = min(len(eligible), max(1, round(strength * len(eligible))))
    return [eligible[at] for at in sorted(rng.sample(range(len(eligible)), count))]


def replace_picked(
    text: str,
    wanted: Callable[[str], bool],
    change: Callable[[str], str],
    strength: float,
    rng: random.Random,
) -> str:
    """Changes a share of the characters that are wanted."""
    characters = list(text)
    for at in pick([at for at, character in enumerate(characters) if wanted(character)], strength, rng):
        characters[at] = change(characters[at])
    return "".join(characters)


def insert_between(
    text: str, between: Callable[[str, str], bool], insert: Callable[[], str], rng: random.Random, strength: float
) -> str:
    """Inserts something in a share of the gaps between two neighbours that `between` accepts."""
    gaps = [at for at in range(1, len(text)) if between(text[at - 1], text[at])]
    pieces: list[str] = []
    start = 0
    for at in pick(gaps, strength, rng):
        pieces += (text[start:at], insert())
        start = at
    return "".join([*pieces, text[start:]])


def runs(text: str, wanted: Callable[[str], bool]) -> list[tuple[int, int]]:
    """(start, end) of each longest run of characters that are wanted."""
    found: list[tuple[int, int]] = []
    start = -1
    for at, character in enumerate(text):
        if wanted(character):
            start = at if start < 0 else start
        elif start >= 0:
            found.append((start, at))
            start = -1
    return [*found, (start, len(text))] if start >= 0 else found


def replace_spans(text: str, spans: Sequence[tuple[int, int, str]]) -> str:
    """Replaces each (start, end, new); spans in order, none overlapping."""
    pieces: list[str] = []
    last = 0
    for start, end, new in spans:
        pieces += (text[last:start], new)
        last = end
    return "".join([*pieces, text[last:]])


def clusters(text: str) -> list[str]:
    """What a reader sees as one character: a base with the marks, selectors and joiners that follow it."""
    found: list[str] = []
    for character in text:
        joined = bool(found) and found[-1].endswith(_ZERO_WIDTH_JOINER)
        follows = joined or character in _FILLERS or unicodedata.category(character) in {"Mn", "Me", "Mc", "Cf", "Sk"}
        if found and follows and character != "\n":
            found[-1] += character
        else:
            found.append(character)
    return found
