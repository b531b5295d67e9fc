"""All words of a pack found in a whole folded batch: short ones in a trie, longer ones by one Aho-Corasick automaton.

Most words have up to four characters, and ordinary text is full of those: `rules.ngrams` finds them without stopping
at each of them in Python. It finds the first four characters of longer words, too. Only where those stand the stretch
that such words may cover is handed to pyahocorasick. Characters are carried as two latin-1 bytes of a dense alphabet
(high byte 0x80-0xFF, low byte 0x00-0x7F): a node then has at most 256 children however many characters the words use,
no match can start in the middle of a character, and a position is the byte index halved.
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
"""Longest folded word in characters."""
_MAX_ALPHABET = 128 * 128 - 1


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
        longer = [index for index, word in enumerate(self.words) if len(word) > MAX_NGRAM]
        try:
            self._alphabet = dense_alphabet((self.words[index] for index in longer), _MAX_ALPHABET)
            self._heads = self._compiled()
        except AlphabetError as error:
            raise LexiconError(f"the words have too many different characters: {error}") from None
        automaton = ahocorasick.Automaton(ahocorasick.STORE_INTS)
        for index in longer:
            automaton.add_word(_two_bytes(self._alphabet[encode_points(self.words[index])]), index)
        automaton.make_automaton()
        self._automaton = automaton

    def _compiled(self) -> Ngrams:
        """The words of up to MAX_NGRAM characters and the beginnings of the others; for each the word and the reach."""
        found: dict[str, tuple[int, int]] = {}
        for index, word in enumerate(self.words):
            head, length = word[:MAX_NGRAM], len(word)
            known, reach = found.get(head, (-1, 0))
            found[head] = (index, reach) if length <= MAX_NGRAM else (known, max(reach, length))
        self._word, self._reach = np.array(list(found.values()), np.int64).reshape(-1, 2).T
        return Ngrams(found)

    def scan(self, folded: Folded) -> Matches:
        """Every occurrence of every word, overlaps included."""
        heads = self._heads.find(folded.codes, folded.bounds)
        word = self._word.take(heads.ngram)
        short = np.flatnonzero(word >= 0)
        start, word = heads.start.take(short), word.take(short)
        reach = self._reach.take(heads.ngram)
        long = np.flatnonzero(reach)
        if long.size:
            long = long.take(np.argsort(heads.start.take(long)))
            of_longer = self._longer(folded, heads.start.take(long), reach.take(long))
            start, word = (np.concatenate(both) for both in zip((start, word), of_longer, strict=True))
        length = self._lengths.take(word)
        end = start + length
        order = np.argsort(end * (MAX_WORD + 1) + length)
        start, end = start.take(order), end.take(order)
        text = np.searchsorted(folded.bounds, start, side="right") - 1
        return Matches(text, start, end, word.take(order))

    def _longer(self, folded: Folded, starts: Positions, reach: Positions) -> tuple[Positions, Positions]:
        """Where words of more than MAX_NGRAM characters start, and which; `starts`: where they may, in order; `reach`:
        how long they may be."""
        ends = np.minimum(np.maximum.accumulate(starts + reach), folded.codes.size)
        # Stretches that overlap are one; each has one character to spare, which parts it from the next.
        apart = np.flatnonzero(starts[1:] >= ends[:-1]) + 1
        first, last = starts[np.append(0, apart)], ends[np.append(apart - 1, starts.size - 1)]
        sizes = last - first + 1
        offset = first - (np.cumsum(sizes) - sizes)
        places = np.arange(int(sizes.sum())) + np.repeat(offset, sizes)
        letters = self._alphabet.take(folded.codes.take(places, mode="clip"))
        letters[np.cumsum(sizes) - 1] = 0
        found = self._automaton.iter(_two_bytes(letters))
        pairs = np.fromiter(chain.from_iterable(found), np.int64).reshape(-1, 2)
        end, word = places.take(pairs[:, 0] >> 1) + 1, pairs[:, 1]
        return end - self._lengths.take(word), word


def _two_bytes(letters: NDArray[np.uint16]) -> str:
    """Dense letters as two latin-1 characters each."""
    pairs = np.empty((letters.size, 2), np.uint8)
    pairs[:, 0] = 0x80 | (letters >> 7)
    pairs[:, 1] = letters & 0x7F
    return pairs.tobytes().decode("latin-1")
