"""A set of character n-grams found in a whole folded batch at once: a trie, walked from every character.

Learned lexicons hold tens of thousands of n-grams of one to four characters, and ordinary text is full of them: an
automaton would stop at every one of them, in Python. Here the walk is compiled (`rules.scans.ngrams`), and Python sees
only what was found.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rules.scans import ngrams as scans
from rules.scans.constants import CHUNK
from rules.text import CodePoints, Positions, encode_points

MAX_NGRAM = 4
"""Longest n-gram in characters."""
_MAX_ALPHABET = (1 << 14) - 1
_MAX_NODE = (1 << 24) - 1
"""A node and a letter fit the key of the trie's table."""
_MIN_BITS = 8
_ROOM = 1024
MAX_WEIGHT = (1 << 15) - 1
_MOST_TOGETHER = (1 << 31) - 1
"""So that no sum of weights overflows."""
_BLOCK = 8


class NgramError(ValueError):
    """The n-grams cannot be compiled."""


class AlphabetError(NgramError):
    """The n-grams use too many different characters; the message says how many."""


@dataclass(frozen=True, slots=True)
class Windows:
    """N-grams found; parallel arrays, text by text, but within one in no order.

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

    def find(self, codes: CodePoints, bounds: Positions) -> tuple[Positions, NDArray[np.int32]]:
        """Start and number of every n-gram in folded texts, text by text but within one in no order.

        bounds: int64[texts + 1], where the texts start, each of which ends with a NUL.
        """
        letters, scratch, room = self.letters(codes), np.empty(4 * CHUNK, np.int64), _ROOM + 2 * codes.size
        while True:
            starts, numbers = np.empty(room, np.int64), np.empty(room, np.int32)
            count = scans.find(letters, bounds.data, *self.walked, scratch.data, starts.data, numbers.data)
            if count <= room:
                return starts[:count], numbers[:count]
            room = count + MAX_NGRAM * CHUNK


class Ngrams:
    """A compiled set of n-grams."""

    def __init__(self, ngrams: Iterable[str]) -> None:
        """`ngrams` are folded and distinct, of 1 to MAX_NGRAM characters. Raises NgramError."""
        self.ngrams = list(ngrams)
        self._lengths = np.fromiter(map(len, self.ngrams), np.int8, len(self.ngrams))
        self._trie = Trie(self.ngrams, np.arange(1, len(self.ngrams) + 1), len(self.ngrams) + 1)

    def find(self, codes: CodePoints, bounds: Positions) -> Windows:
        """Every occurrence of every n-gram in folded texts, overlaps included. bounds: int64[texts + 1]."""
        start, number = self._trie.find(codes, bounds)
        number -= 1
        return Windows(start, number, self._lengths.take(number))


class WeightedNgrams:
    """N-grams that weigh something in one or more columns."""

    def __init__(self, columns: Sequence[dict[str, int]]) -> None:
        """`columns`: for each, its n-grams and what they weigh there, from -MAX_WEIGHT to MAX_WEIGHT. Raises
        NgramError."""
        numbers: dict[str, int] = {}
        for weights in columns:
            if weights and max(map(abs, weights.values())) > MAX_WEIGHT:
                raise NgramError(f"an n-gram weighs more than {MAX_WEIGHT}, or less than -{MAX_WEIGHT}")
            if sum(map(abs, weights.values())) > _MOST_TOGETHER:
                raise NgramError(f"the n-grams of a lexicon weigh more than {_MOST_TOGETHER} together")
            for ngram in weights:
                numbers.setdefault(ngram, len(numbers) + 1)
        self.ngrams = list(numbers)
        self._lengths = np.fromiter(map(len, self.ngrams), np.int64, len(self.ngrams))
        self._blocks = -(-len(columns) // _BLOCK)
        records = np.zeros((len(numbers) + 1, 1 + self._blocks + _BLOCK * self._blocks), np.int16)
        for column, weights in enumerate(columns):
            rows = np.fromiter(map(numbers.__getitem__, weights), np.int64, len(weights))
            records[rows, 1 + column // _BLOCK] |= 1 << column % _BLOCK
            records[rows, 1 + self._blocks + column] = np.fromiter(weights.values(), np.int16, len(weights))
        self._width = len(columns)
        self._records = records.reshape(-1)
        self._mark = 0
        self._trie = Trie(self.ngrams, np.arange(1, len(self.ngrams) + 1), len(self.ngrams) + 1)

    def sums(
        self, codes: CodePoints, bounds: Positions, events: NDArray[np.int64], read: NDArray[np.bool_], count: int
    ) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """What the distinct n-grams of each event weigh together, and how many they are; int32[count, columns] each.

        bounds: int64[texts + 1]; events: int64[texts], below `count` and in order; read: bool[texts], which to read.
        """
        sums = np.zeros((count, _BLOCK * self._blocks), np.int32)
        counts = np.zeros_like(sums)
        most = MAX_NGRAM * CHUNK
        self._mark = scans.add_up(
            self._trie.letters(codes), bounds.data, read.view(np.uint8).data, events.data, *self._trie.walked,
            self._records.data, self._blocks, _spread().data, self._mark, np.empty(most, np.int64).data,
            np.empty(most + 1, np.int64).data, np.empty(most + 1, np.int32).data, sums.reshape(-1).data,
            counts.reshape(-1).data,
        )  # fmt: skip
        return sums[:, : self._width], counts[:, : self._width]

    def find(self, codes: CodePoints) -> tuple[Positions, Positions, NDArray[np.int32]]:
        """Start, end and number of the n-grams in a folded text, with its NUL; for `speaking`."""
        starts, numbers = self._trie.find(codes, np.array([0, codes.size]))
        return starts, starts + self._lengths.take(numbers - 1), numbers

    def speaking(
        self, found: tuple[Positions, Positions, NDArray[np.int32]], column: int
    ) -> list[tuple[int, int, int]]:
        """Weight, start and end of the n-grams found that weigh more than 0 in `column`."""
        starts, ends, numbers = found
        weights = np.empty(numbers.size, np.int32)
        scans.weigh(self._records.data, self._blocks, numbers.data, column, weights.data)
        own = np.flatnonzero(weights > 0)
        return list(zip(weights[own].tolist(), starts[own].tolist(), ends[own].tolist(), strict=True))


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


@cache
def _spread() -> NDArray[np.uint64]:
    """uint64[256]: the bits of a byte as bytes, the lowest first."""
    bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    return bits.reshape(-1).view("<u8").astype(np.uint64)


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
