"""A set of character n-grams found in a whole folded batch at once: a trie, walked from every character.

Learned lexicons hold tens of thousands of n-grams of one to four characters, and ordinary text is full of them: an
automaton would stop at every one of them, in Python. Here the walk is compiled (`rules.scans.ngrams`), and Python sees
only what was found.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from rules.scans import ngrams as scans
from rules.scans.constants import CHUNK, HERE, MORE
from rules.text import CodePoints, Positions, encode_points

Value = TypeVar("Value", bound=np.generic)

MAX_NGRAM = 4
"""Longest n-gram in characters."""
_MAX_ALPHABET = (1 << 14) - 1
_MAX_SLOTS = 1 << 24
"""A slot and a letter fit the key of the trie's table, with a lot to spare: that many take gigabytes."""
_PAIRS = 1
"""Pairs of slots for each node: half of the slots are taken, and one key in ten is not in its own pair."""
_LEAST_PAIRS, _LEAST_BITS = 64, 8
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
    """N-grams, as `rules.scans.ngrams` walks them. Each has a slot of its own, of several words."""

    def __init__(self, ngrams: Sequence[str], words: int = 1) -> None:
        """`ngrams` are folded and distinct, of 1 to MAX_NGRAM characters; words: of 64 bits, of a slot, the first of
        which is the trie's own. Raises NgramError."""
        if any(not 0 < len(ngram) <= MAX_NGRAM for ngram in ngrams):
            raise NgramError(f"an n-gram has 1 to {MAX_NGRAM} characters")
        self._alphabet = dense_alphabet(ngrams, _MAX_ALPHABET)
        lengths = np.fromiter(map(len, ngrams), np.int8, len(ngrams))
        letters = np.zeros((len(ngrams), MAX_NGRAM), np.uint16)
        letters[np.arange(MAX_NGRAM) < lengths[:, None]] = self._alphabet[encode_points("".join(ngrams))]
        parents, letter, flags, at = _nodes(letters, lengths)
        self.wide = (words - 1).bit_length()
        hashed = int(self._alphabet.max()) // 2 * 2 + 2
        pairs = max(_LEAST_PAIRS, int(np.count_nonzero(parents >= 0)) * _PAIRS)
        if hashed + 2 * pairs > _MAX_SLOTS:
            raise NgramError(
                f"the n-grams and their prefixes take {hashed + 2 * pairs:,} slots, and {_MAX_SLOTS:,} fit"
            )
        bits = max(_LEAST_BITS, (4 * pairs).bit_length())
        first, sieve = np.zeros(_MAX_ALPHABET + 1, np.uint8), np.zeros(1 << (bits - 3), np.uint8)
        self.table = _aligned((hashed + 2 * pairs) << self.wide)
        """uint64[slots << wide]."""
        slots = np.empty(parents.size, np.int32)
        sizes = self.wide, hashed, pairs, 64 - bits
        scans.fill(first.data, self.table.data, sieve.data, *sizes, parents.data, letter.data, flags.data, slots.data)
        self.slots = slots.take(at)
        """int32[n-grams]: the slot of each."""
        self.walked = (first.data, self.table.data, sieve.data, *sizes)
        """What the scans take."""

    def by_slot(self, values: NDArray[Value]) -> NDArray[Value]:
        """values: one for each n-gram. Slot -> that of its n-gram; 0 where there is none."""
        found = np.zeros(self.table.size >> self.wide, values.dtype)
        found[self.slots] = values
        return found

    def letters(self, codes: CodePoints) -> memoryview:
        """uint16[n]: the letters of folded code points."""
        return self._alphabet.take(codes).data

    def find(self, codes: CodePoints, bounds: Positions) -> tuple[Positions, NDArray[np.int32]]:
        """Start and slot of every n-gram in folded texts, text by text but within one in no order.

        bounds: int64[texts + 1], where the texts start, each of which ends with a NUL.
        """
        letters, scratch, room = self.letters(codes), np.empty(4 * CHUNK, np.uint64), _ROOM + 2 * codes.size
        while True:
            starts, slots = np.empty(room, np.int64), np.empty(room, np.int32)
            count = scans.find(letters, bounds.data, *self.walked, scratch.data, starts.data, slots.data)
            if count <= room:
                return starts[:count], slots[:count]
            room = count + MAX_NGRAM * CHUNK


def _aligned(words: int) -> NDArray[np.uint64]:
    """uint64[words], zeros, from the beginning of a line of the processor's cache on: no slot lies on two."""
    room = np.zeros(words + 8, np.uint64)
    before = -(room.ctypes.data // 8) % 8
    return room[before : before + words]


class Ngrams:
    """A compiled set of n-grams."""

    def __init__(self, ngrams: Iterable[str]) -> None:
        """`ngrams` are folded and distinct, of 1 to MAX_NGRAM characters. Raises NgramError."""
        self.ngrams = list(ngrams)
        self._lengths = np.fromiter(map(len, self.ngrams), np.int8, len(self.ngrams))
        self._trie = Trie(self.ngrams)
        self._number = self._trie.by_slot(np.arange(len(self.ngrams), dtype=np.int32))

    def find(self, codes: CodePoints, bounds: Positions) -> Windows:
        """Every occurrence of every n-gram in folded texts, overlaps included. bounds: int64[texts + 1]."""
        start, slots = self._trie.find(codes, bounds)
        number = self._number.take(slots)
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
                numbers.setdefault(ngram, len(numbers))
        self.count = len(numbers)
        """How many n-grams there are."""
        self._blocks = -(-len(columns) // _BLOCK)
        cells = 1 + self._blocks + _BLOCK * self._blocks
        self._trie = Trie(list(numbers), 1 + -(-cells // 4))
        self._lengths = self._trie.by_slot(np.fromiter(map(len, numbers), np.int8, len(numbers)))
        self._cells = self._trie.table.view(np.int16)
        records = self._cells.reshape(-1, 4 << self._trie.wide)[:, 4:]
        for column, weights in enumerate(columns):
            rows = self._trie.slots[np.fromiter(map(numbers.__getitem__, weights), np.int64, len(weights))]
            records[rows, 1 + column // _BLOCK] |= 1 << column % _BLOCK
            records[rows, 1 + self._blocks + column] = np.fromiter(weights.values(), np.int16, len(weights))
        self._width = len(columns)
        self._mark = 0

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
            self._cells.data, self._blocks, _spread().data, self._mark, np.empty(most, np.uint64).data,
            np.empty(most + 1, np.int64).data, np.empty(most + 1, np.int32).data, sums.reshape(-1).data,
            counts.reshape(-1).data,
        )  # fmt: skip
        return sums[:, : self._width], counts[:, : self._width]

    def find(self, codes: CodePoints) -> tuple[Positions, Positions, NDArray[np.int32]]:
        """Start, end and slot of the n-grams in a folded text, with its NUL; for `speaking`."""
        starts, slots = self._trie.find(codes, np.array([0, codes.size]))
        return starts, starts + self._lengths.take(slots), slots

    def speaking(
        self, found: tuple[Positions, Positions, NDArray[np.int32]], column: int
    ) -> list[tuple[int, int, int]]:
        """Weight, start and end of the n-grams found that weigh more than 0 in `column`."""
        starts, ends, slots = found
        weights = np.empty(slots.size, np.int32)
        scans.weigh(self._cells.data, self._trie.wide, self._blocks, slots.data, column, weights.data)
        own = np.flatnonzero(weights > 0)
        return list(zip(weights[own].tolist(), starts[own].tolist(), ends[own].tolist(), strict=True))


def _nodes(
    letters: NDArray[np.uint16], lengths: NDArray[np.int8]
) -> tuple[NDArray[np.int32], NDArray[np.uint16], NDArray[np.uint8], NDArray[np.int64]]:
    """The nodes of a trie, parents first: parent (-1 for none), letter and flags of each; and the node of each n-gram.

    letters: uint16[n, MAX_NGRAM].
    """
    levels: list[tuple[NDArray[np.int64], ...]] = [(np.zeros(0, np.int64),) * 3]
    above, node = np.full(lengths.size, -1), np.zeros(lengths.size, np.int64)
    count = 0
    for depth in range(1, MAX_NGRAM + 1):
        rows = np.flatnonzero(lengths >= depth)
        keys, at = np.unique((above[rows] + 1) << 16 | letters[rows, depth - 1], return_inverse=True)
        ends = lengths[rows] == depth
        flags = np.zeros(keys.size, np.int64)
        flags[at[ends]] |= HERE  # nodes may repeat: n-grams begin alike
        flags[at[~ends]] |= MORE
        levels.append(((keys >> 16) - 1, keys & 0xFFFF, flags))
        above[rows] = node[rows] = count + at
        count += keys.size
    parents, letter, flags = (np.concatenate(column) for column in zip(*levels, strict=True))
    return parents.astype(np.int32), letter.astype(np.uint16), flags.astype(np.uint8), node


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
