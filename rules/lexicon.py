"""All words of a pack found in a whole folded batch: short ones by hashing, longer ones by one Aho-Corasick automaton.

Most words have up to four characters, and ordinary text is full of those: `rules.ngrams` finds them without stopping
at each of them in Python. For the longer ones there are two steps. A lookup of every two neighbouring characters says
which positions can start a word at all, and how far the longest such word reaches; only those stretches are handed to
pyahocorasick. Characters are carried as two latin-1 bytes of a dense alphabet (high byte 0x80-0xFF, low byte
0x00-0x7F): a node then has at most 256 children however many characters the words use, no match can start in the
middle of a character, and a position is the byte index halved.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import ahocorasick
import numpy as np
from numpy.typing import NDArray

from rules.ngrams import MAX_NGRAM, AlphabetError, Ngrams, dense_alphabet
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
        short = [index for index, word in enumerate(self.words) if len(word) <= MAX_NGRAM]
        self._short = np.array(short, np.int64)
        longer = [index for index, word in enumerate(self.words) if len(word) > MAX_NGRAM]
        try:
            self._ngrams = Ngrams(self.words[index] for index in short)
            self._alphabet = dense_alphabet((self.words[index] for index in longer), _MAX_ALPHABET)
        except AlphabetError as error:
            raise LexiconError(f"the words have too many different characters: {error}") from None
        self._reach = np.zeros(1 << _PAIR_BITS, np.uint8)
        automaton = ahocorasick.Automaton(ahocorasick.STORE_INTS)
        for index in longer:
            letters = self._alphabet[encode_points(self.words[index])]
            automaton.add_word(_two_bytes(letters), index)
            slot = _pair_slots(letters)[0]
            self._reach[slot] = max(int(self._reach[slot]), len(self.words[index]))
        automaton.make_automaton()
        self._automaton = automaton if longer else None

    def scan(self, folded: Folded) -> Matches:
        """Every occurrence of every word, overlaps included."""
        windows = self._ngrams.find(folded.codes)
        end, word = self._longer(folded)
        end = np.concatenate((windows.start + windows.length, end))
        word = np.concatenate((self._short.take(windows.ngram), word))
        order = np.argsort(end, kind="stable")
        end, word = end.take(order), word.take(order)
        text = np.searchsorted(folded.bounds, end, side="left") - 1
        return Matches(text, end - self._lengths[word], end, word)

    def _longer(self, folded: Folded) -> tuple[Positions, Positions]:
        """Where words of more than MAX_NGRAM characters end, and which."""
        none = np.empty(0, np.int64)
        if self._automaton is None or folded.codes.size < 2:
            return none, none
        letters = self._alphabet.take(folded.codes)
        stretch = self._stretches(letters)
        if not stretch.size:
            return none, none
        candidates = letters[stretch]
        # The last character of a stretch only parts it from the next one.
        candidates[np.flatnonzero(np.diff(stretch) > 1)] = 0
        pairs = np.fromiter(chain.from_iterable(self._automaton.iter(_two_bytes(candidates))), np.int64).reshape(-1, 2)
        return stretch[pairs[:, 0] >> 1] + 1, pairs[:, 1]

    def _stretches(self, letters: NDArray[np.uint16]) -> Positions:
        """Indices of the characters that a word can cover, each stretch with one character to spare."""
        reach = self._reach.take(_pair_slots(letters))
        starts = np.flatnonzero(reach != 0)
        # +1 where a stretch begins, -1 one past its end: the running sum is positive inside.
        edges = np.bincount(starts, minlength=letters.size + MAX_WORD + 2)
        edges -= np.bincount(starts + reach[starts] + 1, minlength=edges.size)
        return np.flatnonzero(np.cumsum(edges[: letters.size]) > 0)


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
