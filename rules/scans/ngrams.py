# cython: boundscheck=False
"""Walks of a trie of n-grams, from every character of a batch.

A trie is three arrays. `table`: uint64, slots of 2^`wide` words each. The slot of a prefix of one letter is the letter;
longer prefixes lie from slot `hashed` on, in pairs of slots: a hash table with linear probing, in which one look at
memory mostly finds what there is to find. The first word of a slot is its key, the slot of the prefix without its last
letter and that letter, and below it two bits: whether the prefix is an n-gram (HERE), and whether n-grams go on (MORE);
0 if the slot is empty. The other words are of whoever walks. `first`: uint8, by letter, these two bits of prefixes of
one letter. `sieve`: uint8, bits of which those are set that a key of the hash table falls on: that something is not in
the table is mostly known from the sieve, which fits a processor's cache.

Bounds are not checked here: letters, slots and sizes come from tables that `rules.ngrams` makes to fit each other.
"""

from rules.scans.constants import CHUNK, HERE_BIT, KEY_SHIFT, LAST_MARK, LETTER_BITS, LONGEST

_MIX = 0x9E37_79B9_7F4A_7C15
"""Of Fibonacci hashing: what counts is in the upper bits of the product."""
_WORD = (1 << 64) - 1


def fill(
    first: memoryview, table: memoryview, sieve: memoryview, wide: int, hashed: int, pairs: int, shift: int,
    parents: memoryview, letters: memoryview, flags: memoryview, slots: memoryview,
) -> None:  # fmt: skip
    """Writes nodes into an empty trie, and the slot of each to `slots` (int32[nodes]).

    parents: int32[nodes], which node each goes on from, an earlier one, or -1; letters: uint16[nodes]; flags:
    uint8[nodes], HERE and MORE. wide to shift: see `walk`; the pairs have more slots than there are nodes.
    """
    for index in range(len(parents)):
        letter: int = letters[index]
        if parents[index] < 0:
            first[letter] = flags[index]
            slots[index] = letter
            continue
        node: int = slots[parents[index]]
        key: int = node << LETTER_BITS | letter
        mixed: int = (key * _MIX) & _WORD
        bit = mixed >> shift
        sieve[bit >> 3] |= 1 << (bit & 7)
        slot: int = hashed + 2 * ((mixed >> 32) * pairs >> 32)
        while table[slot << wide]:
            slot = slot + 1 if slot + 1 < hashed + 2 * pairs else hashed
        table[slot << wide] = key << KEY_SHIFT | flags[index]
        slots[index] = slot


def walk(
    letters: memoryview, low: int, high: int, first: memoryview, table: memoryview, sieve: memoryview, wide: int,
    hashed: int, pairs: int, shift: int, room: memoryview, starts: memoryview, slots: memoryview, count: int,
) -> int:  # fmt: skip
    """Writes where n-grams begin in [low, high), at most CHUNK characters, and their slots, to starts and slots, from
    `count` on; returns what `count` is then. There is room for what may be found, and one more. See `find`.

    hashed: the first slot of the hash table; pairs: of slots in it; shift: 64 less the bits of a bit's number in the
    sieve.
    """
    # Length by length, without a branch on what is found: what stands there, and what may with the next letter.
    mix = _MIX
    going = 0
    for begin in range(low, high):
        node: int = letters[begin]
        flags: int = first[node]
        starts[count], slots[count] = begin, node
        count += flags >> HERE_BIT
        following: int = letters[begin + 1]
        key: int = node << LETTER_BITS | following
        bit: int = (key * mix & _WORD) >> shift
        room[going], room[going + CHUNK] = begin, key
        going += flags & (sieve[bit >> 3] >> (bit & 7)) & (following != 0)
    for length in range(2, LONGEST + 1):
        asked, going = going, 0
        # What the table holds lies far apart: it is fetched without a branch, so that many fetches overlap.
        for index in range(asked):
            mixed: int = room[index + CHUNK] * mix & _WORD
            slot: int = hashed + 2 * ((mixed >> 32) * pairs >> 32)
            room[index + 2 * CHUNK], room[index + 3 * CHUNK] = slot, table[slot << wide]
        for index in range(asked):
            begin, key, slot = room[index], room[index + CHUNK], room[index + 2 * CHUNK]
            entry: int = room[index + 3 * CHUNK]
            other: int = table[slot + 1 << wide]  # of the same pair, in the same line
            second: int = (entry >> KEY_SHIFT != key) & (entry != 0)
            slot += second
            entry = other if second else entry
            if entry >> KEY_SHIFT != key and entry:
                while entry and entry >> KEY_SHIFT != key:
                    slot = slot + 1 if slot + 1 < hashed + 2 * pairs else hashed
                    entry = table[slot << wide]
            starts[count], slots[count] = begin, slot
            count += (entry >> HERE_BIT) & 1
            following = letters[begin + length]
            key = slot << LETTER_BITS | following
            bit = (key * mix & _WORD) >> shift
            room[going], room[going + CHUNK] = begin, key
            going += entry & (sieve[bit >> 3] >> (bit & 7)) & (following != 0)
    return count


def find(
    letters: memoryview, bounds: memoryview, first: memoryview, table: memoryview, sieve: memoryview, wide: int,
    hashed: int, pairs: int, shift: int, room: memoryview, starts: memoryview, slots: memoryview,
) -> int:  # fmt: skip
    """Writes the place and the slot of every n-gram that stands in the texts to starts (int64) and slots (int32), text
    by text but within one in no order, as many as fit; returns how many there are, or if that may be more than fit, a
    greater number that is enough.

    letters: uint16[n], 0 for what no n-gram has and at the end of a text; bounds: int64[texts + 1], where each text
    starts. room: int64[4 * CHUNK], any.
    """
    most, count = len(starts), 0
    for text in range(len(bounds) - 1):
        end = bounds[text + 1] - 1
        for low in range(bounds[text], end, CHUNK):
            if count + LONGEST * CHUNK >= most:  # from here on only an upper bound
                count += LONGEST * CHUNK
                continue
            high = low + CHUNK if low + CHUNK < end else end
            count = walk(
                letters, low, high, first, table, sieve, wide, hashed, pairs, shift, room, starts, slots, count
            )
    return count


def add_up(
    letters: memoryview, bounds: memoryview, read: memoryview, events: memoryview, first: memoryview,
    table: memoryview, sieve: memoryview, wide: int, hashed: int, pairs: int, shift: int, cells: memoryview,
    blocks: int, spread: memoryview, mark: int, room: memoryview, starts: memoryview, slots: memoryview,
    sums: memoryview, counts: memoryview,
) -> int:  # fmt: skip
    """Adds the weights of the distinct n-grams of each event to its row of `sums`, and how many have any to `counts`.

    letters to room: see `find`; read: uint8[texts], which to read; events: int64[texts], non-decreasing. cells: the
    table as int16; behind the key of an n-gram stand: the mark of the event that had it last; for each block of eight
    columns the bits of those in which it stands; for each column what it weighs. spread: uint64[256], a byte's eight
    bits as eight bytes. mark: the mark used last; returns the new one. starts, slots: room for
    4 * CHUNK + 1 n-grams. sums, counts: int32[events * 8 * blocks], zeros.
    """
    own, event = mark, -1
    for text in range(len(read)):
        if events[text] != event:
            event = events[text]
            own += 1
            if own > LAST_MARK:
                for slot in range(hashed + 2 * pairs):
                    cells[(slot << wide + 2) + 4] = 0
                own = 1
        end = bounds[text + 1] - 1 if read[text] else 0
        for low in range(bounds[text], end, CHUNK):
            high = low + CHUNK if low + CHUNK < end else end
            found = walk(letters, low, high, first, table, sieve, wide, hashed, pairs, shift, room, starts, slots, 0)
            new = 0
            for index in range(found):
                slot = slots[index]
                cell = (slot << wide + 2) + 4
                starts[new] = cell
                new += cells[cell] != own
                cells[cell] = own
            for block in range(blocks):
                row = 8 * (event * blocks + block)
                bits = 1 + block
                weight = 1 + blocks + 8 * block
                a, b, c, d, e, f, g, h = 0, 0, 0, 0, 0, 0, 0, 0
                many = 0  # a byte for each column
                for index in range(new):
                    cell = starts[index]
                    many += spread[cells[cell + bits]]
                    cell += weight
                    a += cells[cell]
                    b += cells[cell + 1]
                    c += cells[cell + 2]
                    d += cells[cell + 3]
                    e += cells[cell + 4]
                    f += cells[cell + 5]
                    g += cells[cell + 6]
                    h += cells[cell + 7]
                sums[row] += a
                sums[row + 1] += b
                sums[row + 2] += c
                sums[row + 3] += d
                sums[row + 4] += e
                sums[row + 5] += f
                sums[row + 6] += g
                sums[row + 7] += h
                for column in range(8):
                    counts[row + column] += (many >> (8 * column)) & 255
    return own


def weigh(cells: memoryview, wide: int, blocks: int, slots: memoryview, column: int, weights: memoryview) -> None:
    """Writes what each n-gram weighs in `column`, 0 for one that is not in it. slots: int32[n]; weights: int32[n]."""
    for index in range(len(slots)):
        slot: int = slots[index]
        weights[index] = cells[(slot << wide + 2) + 5 + blocks + column]
