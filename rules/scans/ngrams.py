# cython: boundscheck=False
"""Walks of a trie of n-grams, from every character of a batch.

A trie is three arrays. `first`: uint32[letters], by letter, what the trie holds after it alone. `table`: uint64[2^k], a
hash table with linear probing of all longer prefixes; an entry has the key in its upper bits and below it what the
trie holds there. `sieve`: uint8[2^k / 4], a bit for each half of a slot, set if a key falls on it: that something is
not in the table is mostly known from the sieve, which fits a processor's cache. What the trie holds is the number of a
node, from 1, and above that a bit if n-grams go on; 0 for nothing. A key is a node and the next letter. Nodes below
`inner` are n-grams, the others only prefixes of some.

Bounds are not checked here: letters, nodes and slots come from tables that `rules.ngrams` makes to fit each other.
"""

from rules.scans.constants import CHUNK, HELD, KEY_SHIFT, LAST_MARK, LETTER_BITS, LONGEST, MORE, MORE_BIT, NODE

_MIX = 0x9E37_79B9_7F4A_7C15
"""Of Fibonacci hashing: the slot is in the upper bits of the product."""
_WORD = (1 << 64) - 1


def fill(
    first: memoryview, table: memoryview, sieve: memoryview, shift: int, parents: memoryview, letters: memoryview,
    nodes: memoryview, more: memoryview,
) -> None:  # fmt: skip
    """Writes nodes into an empty trie. parents, nodes: int32[n], 0 is the root; letters: uint16[n]; more: uint8[n].

    The table has more slots than nodes, 2^(64 - shift).
    """
    for index in range(len(nodes)):
        held: int = nodes[index] | MORE if more[index] else nodes[index]
        letter: int = letters[index]
        parent: int = parents[index]
        if not parent:
            first[letter] = held
            continue
        key: int = parent << LETTER_BITS | letter
        mixed = (key * _MIX) & _WORD
        bit = mixed >> (shift - 1)
        sieve[bit >> 3] |= 1 << (bit & 7)
        slot = mixed >> shift
        while table[slot]:
            slot = slot + 1 if slot + 1 < len(table) else 0
        table[slot] = key << KEY_SHIFT | held


def walk(
    letters: memoryview, low: int, high: int, first: memoryview, table: memoryview, sieve: memoryview, shift: int,
    inner: int, room: memoryview, starts: memoryview, nodes: memoryview, count: int,
) -> int:  # fmt: skip
    """Writes the n-grams that begin in [low, high), at most CHUNK characters, to starts and nodes, from `count` on;
    returns what `count` is then. There is room for what may be found, and one more. See `find`."""
    # Length by length, without a branch on what is found: what stands there, and what may with the next letter.
    going = 0
    for begin in range(low, high):
        held: int = first[letters[begin]]
        node: int = held & NODE
        starts[count], nodes[count] = begin, node
        count += (node != 0) & (node < inner)
        following: int = letters[begin + 1]
        bit: int = ((node << LETTER_BITS | following) * _MIX & _WORD) >> (shift - 1)
        room[going], room[going + CHUNK] = begin, node
        going += (held >> MORE_BIT) & (sieve[bit >> 3] >> (bit & 7)) & (following != 0)
    for length in range(2, LONGEST + 1):
        asked, going = going, 0
        # What the table holds lies far apart: it is fetched without a branch, so that many fetches overlap.
        for index in range(asked):
            key: int = room[index + CHUNK] << LETTER_BITS | letters[room[index] + length - 1]
            slot = (key * _MIX & _WORD) >> shift
            room[index + 2 * CHUNK], room[index + 3 * CHUNK] = slot, table[slot]
        for index in range(asked):
            begin, node = room[index], room[index + CHUNK]
            key = node << LETTER_BITS | letters[begin + length - 1]
            entry: int = room[index + 3 * CHUNK]
            if entry >> KEY_SHIFT != key and entry:
                slot = room[index + 2 * CHUNK]
                while entry and entry >> KEY_SHIFT != key:
                    slot = slot + 1 if slot + 1 < len(table) else 0
                    entry = table[slot]
            held = entry & HELD
            node = held & NODE
            starts[count], nodes[count] = begin, node
            count += (node != 0) & (node < inner)
            following = letters[begin + length]
            bit = ((node << LETTER_BITS | following) * _MIX & _WORD) >> (shift - 1)
            room[going], room[going + CHUNK] = begin, node
            going += (held >> MORE_BIT) & (sieve[bit >> 3] >> (bit & 7)) & (following != 0)
    return count


def find(
    letters: memoryview, bounds: memoryview, first: memoryview, table: memoryview, sieve: memoryview, shift: int,
    inner: int, room: memoryview, starts: memoryview, nodes: memoryview,
) -> int:  # fmt: skip
    """Writes every n-gram that stands in the texts to starts (int64) and nodes (int32), text by text but within one in
    no order, as many as fit; returns how many there are, or if that may be more than fit, a greater number that is
    enough.

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
            count = walk(letters, low, high, first, table, sieve, shift, inner, room, starts, nodes, count)
    return count


def add_up(
    letters: memoryview, bounds: memoryview, read: memoryview, events: memoryview, first: memoryview,
    table: memoryview, sieve: memoryview, shift: int, inner: int, records: memoryview, blocks: int, spread: memoryview,
    mark: int, room: memoryview, starts: memoryview, nodes: memoryview, sums: memoryview, counts: memoryview,
) -> int:  # fmt: skip
    """Adds the weights of the distinct n-grams of each event to its row of `sums`, and how many have any to `counts`.

    letters to room: see `find`; read: uint8[texts], which to read; events: int64[texts], non-decreasing. records:
    int16[inner * (1 + 9 * blocks)], for each n-gram: the mark of the event that had it last; for each block of eight
    columns the bits of those in which it stands; for each column what it weighs. spread: uint64[256], a byte's eight
    bits as eight bytes. mark: the mark used last; returns the new one. starts, nodes: room for 4 * CHUNK + 1 n-grams.
    sums, counts: int32[events * 8 * blocks], zeros.
    """
    own, event = mark, -1
    size = 1 + 9 * blocks
    for text in range(len(read)):
        if events[text] != event:
            event = events[text]
            own += 1
            if own > LAST_MARK:
                for record in range(0, len(records), size):
                    records[record] = 0
                own = 1
        end = bounds[text + 1] - 1 if read[text] else 0
        for low in range(bounds[text], end, CHUNK):
            high = low + CHUNK if low + CHUNK < end else end
            found = walk(letters, low, high, first, table, sieve, shift, inner, room, starts, nodes, 0)
            new = 0
            for index in range(found):
                record = nodes[index] * size
                starts[new] = record
                new += records[record] != own
                records[record] = own
            for block in range(blocks):
                cell = 8 * (event * blocks + block)
                bits = 1 + block
                weight = 1 + blocks + 8 * block
                a, b, c, d, e, f, g, h = 0, 0, 0, 0, 0, 0, 0, 0
                many = 0  # a byte for each column
                for index in range(new):
                    record = starts[index]
                    many += spread[records[record + bits]]
                    record += weight
                    a += records[record]
                    b += records[record + 1]
                    c += records[record + 2]
                    d += records[record + 3]
                    e += records[record + 4]
                    f += records[record + 5]
                    g += records[record + 6]
                    h += records[record + 7]
                sums[cell] += a
                sums[cell + 1] += b
                sums[cell + 2] += c
                sums[cell + 3] += d
                sums[cell + 4] += e
                sums[cell + 5] += f
                sums[cell + 6] += g
                sums[cell + 7] += h
                for column in range(8):
                    counts[cell + column] += (many >> (8 * column)) & 255
    return own


def weigh(records: memoryview, blocks: int, nodes: memoryview, column: int, weights: memoryview) -> None:
    """Writes what each n-gram weighs in `column`, 0 for one that is not in it. nodes: int32[n]; weights: int32[n]."""
    for index in range(len(nodes)):
        weights[index] = records[nodes[index] * (1 + 9 * blocks) + 1 + blocks + column]
