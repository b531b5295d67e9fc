"""All lexicons of a pack in one Aho-Corasick automaton, run over a whole folded batch.

Two steps. A lookup of every two neighbouring characters says which positions can start a word at
all, and how far the longest such word reaches; only those stretches are handed to pyahocorasick.
Characters are carried as two latin-1 bytes of a dense alphabet (high byte 0x80-0xFF, low byte
0x00-0x7F): a node then has at most 256 children however many characters the words use, no match
can start in the middle of a character, and a position is the byte index halved.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import ahocorasick
import numpy as np
from numpy.typing import NDArray

from rules.text import Folded, Positions, encode_points

MAX_WORD = 60
"""Longest folded word in characters: the prefilter keeps the reach of a pair in one byte."""
_MAX_ALPHABET = 128 * 128 - 1
_PAIR_BITS = 20
"""2^20 one-byte slots: 39,000 words fill 4 % of them, so 4 % of positions pass by chance."""


class LexiconError(ValueError):
    """The words cannot be compiled; the message names the word."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Where words stand in a folded batch; parallel arrays sorted by end.

    text: int64[n], which text of the batch; start, end: int64[n], positions in `Folded.codes`;
    word: int64[n], index of the word in `Automaton.words`.
    """

    text: Positions
    start: Positions
    end: Positions
    word: Positions


class Automaton:
    """A compiled set of words."""

    def __init__(self, words: Iterable[str]) -> None:
        """`words` are folded and distinct, as `rules.words.forms_of` gives them."""
        self.words = list(words)
        self._lengths = np.array([len(word) for word in self.words], np.int64)
        self._alphabet = _alphabet(self.words)
        self._reach = np.zeros(1 << _PAIR_BITS, np.uint8)
        self._single = np.zeros(_MAX_ALPHABET + 1, np.uint8)
        self._automaton = ahocorasick.Automaton(ahocorasick.STORE_INTS)
        for index, word in enumerate(self.words):
            letters = self._alphabet[encode_points(word)]
            self._automaton.add_word(_two_bytes(letters), index)
            if len(word) == 1:
                self._single[letters[0]] = 1
            else:
                slot = _pair_slots(letters)[0]
                self._reach[slot] = max(int(self._reach[slot]), len(word))
        if self.words:
            self._automaton.make_automaton()

    def scan(self, folded: Folded) -> Matches:
        """Every occurrence of every word, overlaps included."""
        letters = self._alphabet[folded.codes]
        stretch = self._stretches(letters) if self.words and letters.size > 1 else np.empty(0, np.int64)
        if not stretch.size:
            none = np.empty(0, np.int64)
            return Matches(none, none, none, none)
        candidates = letters[stretch]
        # The last character of a stretch only parts it from the next one.
        candidates[np.flatnonzero(np.diff(stretch) > 1)] = 0
        found = [*self._automaton.iter(_two_bytes(candidates))]
        pairs = np.array(found, np.int64).reshape(-1, 2)
        end = stretch[pairs[:, 0] >> 1] + 1
        word = pairs[:, 1]
        text = np.searchsorted(folded.bounds, end, side="left") - 1
        return Matches(text, end - self._lengths[word], end, word)

    def _stretches(self, letters: NDArray[np.uint16]) -> Positions:
        """Indices of the characters that a word can cover, each stretch with one character to spare."""
        reach = np.maximum(self._reach[_pair_slots(letters)], self._single[letters[:-1]])
        starts = np.flatnonzero(reach)
        # +1 where a stretch begins, -1 one past its end: the running sum is positive inside.
        edges = np.bincount(starts, minlength=letters.size + MAX_WORD + 2)
        edges -= np.bincount(starts + reach[starts] + 1, minlength=edges.size)
        return np.flatnonzero(np.cumsum(edges[: letters.size]) > 0)


def _alphabet(words: list[str]) -> NDArray[np.uint16]:
    """Code point -> dense letter; 0 for every character that no word uses."""
    table = np.zeros(0x110000, np.uint16)
    used = np.unique(encode_points("".join(words)))
    if used.size > _MAX_ALPHABET:
        raise LexiconError(f"the lexicons use {used.size} characters; at most {_MAX_ALPHABET} fit")
    table[used] = np.arange(1, used.size + 1, dtype=np.uint16)
    return table


def _pair_slots(letters: NDArray[np.uint16]) -> NDArray[np.int64]:
    """The prefilter slot of each two neighbours (Knuth's multiplicative hash)."""
    wide = letters.astype(np.int64)
    return ((wide[:-1] * 40503) ^ (wide[1:] * 9973)) & ((1 << _PAIR_BITS) - 1)


def _two_bytes(letters: NDArray[np.uint16]) -> str:
    """Dense letters as two latin-1 characters each."""
    pairs = np.empty((letters.size, 2), np.uint8)
    pairs[:, 0] = 0x80 | (letters >> 7)
    pairs[:, 1] = letters & 0x7F
    return pairs.tobytes().decode("latin-1")
