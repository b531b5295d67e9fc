"""A set of character n-grams found in a whole folded batch at once, by hashing.

Learned lexicons hold tens of thousands of n-grams of one to four characters, and ordinary text is full of them: an
automaton would stop at every character, in Python. Here every window of a batch is hashed with array operations; a
table of one-byte fingerprints that fits the processor's cache says which windows may be n-grams, and only those are
looked up exactly. So the time is that of reading the text, however many n-grams there are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from rules.text import CodePoints, Positions, encode_points

MAX_NGRAM = 4
"""Longest n-gram in characters: four letters of 14 bits fit the 64 bits of a key."""
_LETTER_BITS = 14
_MAX_ALPHABET = (1 << _LETTER_BITS) - 1
_PRIME = np.uint32(0x9E37_79B1)
_SPREAD = np.uint32(0x85EB_CA6B)
_MIN_BITS = 12
_EMPTY = np.uint64(0xFFFF_FFFF_FFFF_FFFF)


class NgramError(ValueError):
    """The n-grams cannot be compiled."""


class AlphabetError(NgramError):
    """The n-grams use too many different characters; the message says how many."""


@dataclass(frozen=True, slots=True)
class Windows:
    """N-grams found; parallel arrays, ordered by length and then by position.

    start: int64[n], positions in the codes; ngram: int32[n], indices of n-grams; length: int8[n], in characters.
    """

    start: Positions
    ngram: NDArray[np.int32]
    length: NDArray[np.int8]

    def within(self, low: int, high: int) -> NDArray[np.int64]:
        """Indices of those that start in [low, high)."""
        ranges: list[NDArray[np.int64]] = []
        edges = np.searchsorted(self.length, range(1, MAX_NGRAM + 2))
        for first, last in pairwise(edges.tolist()):
            start, end = np.searchsorted(self.start[first:last], [low, high])
            ranges.append(np.arange(first + start, first + end))
        return np.concatenate(ranges)


class Ngrams:
    """A compiled set of n-grams."""

    def __init__(self, ngrams: Iterable[str]) -> None:
        """`ngrams` are folded and distinct, of 1 to MAX_NGRAM characters. Raises NgramError."""
        self.ngrams = list(ngrams)
        if any(not 0 < len(ngram) <= MAX_NGRAM for ngram in self.ngrams):
            raise NgramError(f"an n-gram has 1 to {MAX_NGRAM} characters")
        self._alphabet = dense_alphabet(self.ngrams, _MAX_ALPHABET)
        self._single = np.full(_MAX_ALPHABET + 1, -1, np.int32)
        by_length: dict[int, list[int]] = {}
        for index, ngram in enumerate(self.ngrams):
            by_length.setdefault(len(ngram), []).append(index)
        for index in by_length.pop(1, ()):
            self._single[self._alphabet[ord(self.ngrams[index])]] = index
        self._has_single = bool((self._single >= 0).any())
        self._tables = {
            length: _Table(np.array([self._letters(index) for index in found], np.uint16), np.array(found, np.int32))
            for length, found in sorted(by_length.items())
        }

    def find(self, codes: CodePoints) -> Windows:
        """Every occurrence of every n-gram in folded code points, overlaps included."""
        letters = self._alphabet.take(codes)
        starts: list[Positions] = []
        found: list[NDArray[np.int32]] = []
        lengths: list[NDArray[np.int8]] = []

        def add(start: Positions, ngram: NDArray[np.int32], length: int) -> None:
            starts.append(start)
            found.append(ngram)
            lengths.append(np.full(start.size, length, np.int8))

        if self._has_single:
            ngram = self._single.take(letters)
            start = np.flatnonzero(ngram >= 0)
            add(start, ngram[start], 1)
        rolling = letters.astype(np.uint32)
        for length in range(2, max(self._tables, default=0) + 1):
            if rolling.size < 2:
                break
            rolling = rolling[:-1] * _PRIME
            rolling += letters[length - 1 :]
            if (table := self._tables.get(length)) is not None:
                add(*table.find(letters, rolling), length)
        if not starts:
            return Windows(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.int8))
        return Windows(np.concatenate(starts), np.concatenate(found), np.concatenate(lengths))

    def _letters(self, index: int) -> NDArray[np.uint16]:
        return self._alphabet[encode_points(self.ngrams[index])]


class _Table:
    """The n-grams of one length: a one-byte fingerprint for each slot, and an open-addressed table of exact keys."""

    def __init__(self, letters: NDArray[np.uint16], indices: NDArray[np.int32]) -> None:
        """letters: uint16[n, length]; indices: int32[n]."""
        self._length = letters.shape[1]
        rolling = letters[:, 0].astype(np.uint32)
        for at in range(1, self._length):
            rolling = rolling * _PRIME + letters[:, at]
        bits = max(_MIN_BITS, int(np.ceil(np.log2(max(1, len(indices)) * 8))))
        self._shift = np.uint32(32 - bits)
        self._mask = np.int64((1 << bits) - 1)
        self._keys = np.full(1 << bits, _EMPTY, np.uint64)
        self._index = np.full(1 << bits, -1, np.int32)
        slots, marks = self._slots(rolling)
        keys = _keys(letters.T)
        # More than one n-gram may want a slot: its fingerprint is then 0, which lets every window of it through.
        wanted = np.bincount(slots, minlength=1 << bits)
        self._marks = np.ones(1 << bits, np.uint8)
        self._marks[slots] = np.where(wanted[slots] == 1, marks, 0)
        for slot, key, index in zip(slots.tolist(), keys.tolist(), indices.tolist(), strict=True):
            at = slot
            while self._index[at] >= 0:
                at = (at + 1) & int(self._mask)
            self._keys[at], self._index[at] = key, index

    def find(self, letters: NDArray[np.uint16], rolling: NDArray[np.uint32]) -> tuple[Positions, NDArray[np.int32]]:
        """Where n-grams of this length start, and which; `rolling` are the hashes of the windows of `letters`."""
        slots, marks = self._slots(rolling)
        wanted = self._marks.take(slots)
        start = np.flatnonzero((wanted == marks) | (wanted == 0))
        slot = slots.take(start)
        key = _keys([letters[at:].take(start) for at in range(self._length)])
        index = np.where(self._keys.take(slot) == key, self._index.take(slot), -1)
        # The few that are not in their own slot are looked for in the following ones, up to an empty one.
        left = np.flatnonzero((index < 0) & (self._index[slot] >= 0))
        while left.size:
            slot[left] = (slot[left] + 1) & self._mask
            here = slot[left]
            matches = self._keys[here] == key[left]
            index[left[matches]] = self._index[here[matches]]
            left = left[~matches & (self._index[here] >= 0)]
        hit = np.flatnonzero(index >= 0)
        return start[hit], index[hit]

    def _slots(self, rolling: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Slot and fingerprint of each hash. Fingerprints are even; an empty slot holds 1, which none equals."""
        mixed = rolling * _SPREAD
        return (mixed >> self._shift).astype(np.int64), mixed.astype(np.uint8) & np.uint8(0xFE)


def _keys(letters: "Iterable[NDArray[np.uint16]]") -> NDArray[np.uint64]:
    """The exact key of n-grams; `letters`: their first characters, their second ones, and so on."""
    key: NDArray[np.uint64] | None = None
    for column in letters:
        wide = column.astype(np.uint64)
        key = wide if key is None else (key << np.uint64(_LETTER_BITS)) | wide
    assert key is not None  # noqa: S101 - an n-gram has a character
    return key


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
