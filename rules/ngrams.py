"""A set of character n-grams found in a whole folded batch at once: a trie, walked from every character.

Learned lexicons hold tens of thousands of n-grams of one to four characters, and ordinary text is full of them: an
automaton would stop at every one of them, in Python. Here the walk is compiled (`rules.scans.ngrams`), and Python sees
only what was found.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rules.scans import ngrams as scans
from rules.text import CodePoints, Positions, encode_points

MAX_NGRAM = 4
"""Longest n-gram in characters."""
_MAX_ALPHABET = (1 << 14) - 1
_MAX_NODE = (1 << 24) - 1
"""A node and a letter fit the key of the trie's table."""
_MIN_BITS = 8
_ROOM = 1024
_LAST_MARK = (1 << 31) - 1
_COUNT_BITS = 40
"""Of a sum of 64 bits the lower 40 hold the weights, and those above how many there are: both are added at once."""


class NgramError(ValueError):
    """The n-grams cannot be compiled."""


class AlphabetError(NgramError):
    """The n-grams use too many different characters; the message says how many."""


@dataclass(frozen=True, slots=True)
class Windows:
    """N-grams found; parallel arrays, ordered by start and then by length.

    start: int64[n], positions in the codes; ngram: int32[n], indices of n-grams; length: int8[n], in characters.
    """

    start: Positions
    ngram: NDArray[np.int32]
    length: NDArray[np.int8]


class Trie:
    """N-grams by number, as `rules.scans.ngrams` walks them."""

    def __init__(self, ngrams: Sequence[str], numbers: NDArray[np.integer], inner: int) -> None:
        """`ngrams` are folded and distinct, of 1 to MAX_NGRAM characters; numbers: their numbers, distinct, from 1 and
        below `inner`. Raises NgramError."""
        if any(not 0 < len(ngram) <= MAX_NGRAM for ngram in ngrams):
            raise NgramError(f"an n-gram has 1 to {MAX_NGRAM} characters")
        self._alphabet = dense_alphabet(ngrams, _MAX_ALPHABET)
        lengths = np.fromiter(map(len, ngrams), np.int8, len(ngrams))
        letters = np.zeros((len(ngrams), MAX_NGRAM), np.uint16)
        letters[np.arange(MAX_NGRAM) < lengths[:, None]] = self._alphabet[encode_points("".join(ngrams))]
        parent, letter, node, more = _nodes(letters, lengths, numbers, inner)
        if node.size and node.max() > _MAX_NODE:
            raise NgramError(f"the n-grams and their prefixes take {node.max():,} numbers, and {_MAX_NODE:,} fit")
        bits = max(_MIN_BITS, int(node.size * 2).bit_length())
        first = np.zeros(_MAX_ALPHABET + 1, np.uint32)
        table = np.zeros(1 << bits, np.uint64)
        sieve = np.zeros(1 << (bits - 2), np.uint8)
        scans.fill(first.data, table.data, sieve.data, 64 - bits,
                   parent.astype(np.int32).data, letter.astype(np.uint16).data,
                   node.astype(np.int32).data, more.astype(np.uint8).data)  # fmt: skip
        self.walked = (first.data, table.data, sieve.data, 64 - bits, inner)
        """What the scans take."""

    def letters(self, codes: CodePoints) -> memoryview:
        """uint16[n]: the letters of folded code points."""
        return self._alphabet.take(codes).data

    def find(self, codes: CodePoints) -> tuple[Positions, NDArray[np.int32]]:
        """Start and number of every n-gram in folded code points, by start and then by length."""
        letters = self.letters(codes)
        room = _ROOM + codes.size // 2
        while True:
            starts, numbers = np.empty(room, np.int64), np.empty(room, np.int32)
            count = scans.find(letters, *self.walked, starts.data, numbers.data)
            if count <= room:
                return starts[:count], numbers[:count]
            room = count


class Ngrams:
    """A compiled set of n-grams."""

    def __init__(self, ngrams: Iterable[str]) -> None:
        """`ngrams` are folded and distinct, of 1 to MAX_NGRAM characters. Raises NgramError."""
        self.ngrams = list(ngrams)
        self._lengths = np.fromiter(map(len, self.ngrams), np.int8, len(self.ngrams))
        self._trie = Trie(self.ngrams, np.arange(1, len(self.ngrams) + 1), len(self.ngrams) + 1)

    def find(self, codes: CodePoints) -> Windows:
        """Every occurrence of every n-gram in folded code points, overlaps included."""
        start, number = self._trie.find(codes)
        number -= 1
        return Windows(start, number, self._lengths.take(number))


class WeightedNgrams:
    """N-grams that weigh something in one or more columns."""

    def __init__(self, columns: Sequence[dict[str, int]]) -> None:
        """`columns`: for each, its n-grams and what they weigh there. Raises NgramError."""
        entries: dict[str, list[int]] = {}
        for column, weights in enumerate(columns):
            for ngram, weight in weights.items():
                entries.setdefault(ngram, []).extend((column, weight))
        self.ngrams = list(entries)
        self._lengths = np.fromiter(map(len, self.ngrams), np.int64, len(self.ngrams))
        self._width = len(columns)
        sizes = np.fromiter((2 + len(found) for found in entries.values()), np.int64, len(entries))
        self._starts = 1 + np.cumsum(sizes) - sizes
        """int64[n-grams]: where the record of each begins: its number."""
        flat = [value for found in entries.values() for value in (0, len(found) // 2, *found)]
        self._records = np.array([0, *flat], np.int32)
        self._mark = 1
        self._trie = Trie(self.ngrams, self._starts, self._records.size)

    def sums(
        self, codes: CodePoints, bounds: Positions, events: NDArray[np.int64], read: NDArray[np.bool_], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """What the distinct n-grams of each event weigh together, and how many they are; int64[count, columns] each.

        bounds: int64[texts + 1]; events: int64[texts], below `count` and in order; read: bool[texts], which to read.
        """
        sums = np.zeros((count, self._width), np.int64)
        if self._mark + count > _LAST_MARK:
            self._records[self._starts] = 0
            self._mark = 1
        mark, self._mark = self._mark, self._mark + count
        scans.add_up(self._trie.letters(codes), bounds.data, events.data, read.view(np.uint8).data, *self._trie.walked,
                     self._records.data, mark, self._width, sums.reshape(-1).data)  # fmt: skip
        counts = (sums + (1 << (_COUNT_BITS - 1))) >> _COUNT_BITS
        return sums - (counts << _COUNT_BITS), counts

    def speaking(self, codes: CodePoints, column: int, most: int) -> list[tuple[int, int, int]]:
        """Weight, start and end of the n-grams in folded code points that weigh more than 0 in `column`: the `most`
        that weigh most, and of equal ones the last in the text."""
        starts, numbers = self._trie.find(codes)
        weights = np.empty(numbers.size, np.int32)
        scans.weigh(self._records.data, numbers.data, column, weights.data)
        own = np.flatnonzero(weights > 0)
        starts, weights = starts[own], weights[own]
        ends = starts + self._lengths.take(np.searchsorted(self._starts, numbers[own]))
        order = np.lexsort((ends, starts, weights))[: -most - 1 : -1]
        return list(zip(weights[order].tolist(), starts[order].tolist(), ends[order].tolist(), strict=True))


def _nodes(
    letters: NDArray[np.uint16], lengths: NDArray[np.int8], numbers: NDArray[np.integer], inner: int
) -> tuple[NDArray[np.int64], ...]:
    """The nodes of a trie, parents first: parent, letter, number, and 1 if n-grams go on; int64[nodes] each.

    letters: uint16[n, MAX_NGRAM]; inner: the first number of a node that is no n-gram.
    """
    levels: list[tuple[NDArray[np.int64], ...]] = [(np.zeros(0, np.int64),) * 4]
    above = np.zeros(lengths.size, np.int64)
    for depth in range(1, MAX_NGRAM + 1):
        rows = np.flatnonzero(lengths >= depth)
        keys, at = np.unique(above[rows] << 16 | letters[rows, depth - 1], return_inverse=True)
        ends = lengths[rows] == depth
        node, more = (np.zeros(keys.size, np.int64) for _ in range(2))
        node[at[ends]] = numbers[rows[ends]]
        more[at[~ends]] = 1
        prefixes = np.flatnonzero(node == 0)
        node[prefixes] = np.arange(inner, inner + prefixes.size)
        inner += prefixes.size
        levels.append((keys >> 16, keys & 0xFFFF, node, more))
        above[rows] = node[at]
    return tuple(np.concatenate(column) for column in zip(*levels, strict=True))


def dense_alphabet(words: Iterable[str], most: int) -> NDArray[np.uint16]:
    """Code point -> letter from 1, for the characters that `words` use; 0 for all others.

    Raises AlphabetError when there are more than `most`.
    """
    table = np.zeros(0x110000, np.uint16)
    used = np.unique(encode_points("".join(words)))
    if used.size > most:
        raise AlphabetError(f"{used.size}, and at most {most} fit")
    table[used] = np.arange(1, used.size + 1, dtype=np.uint16)
    return table
