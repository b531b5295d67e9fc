"""Walks of a trie of n-grams, from every character of a batch.

A trie is three arrays. `first`: uint32[letters], by letter, what the trie holds after it alone. `table`: uint64[2^k], a
hash table with linear probing of all longer prefixes; an entry has the key in its upper bits and below it what the
trie holds there. `sieve`: uint8[2^k / 4], a bit for each half of a slot, set if a key falls on it: that something is
not in the table is mostly known from the sieve, which fits a processor's cache. What the trie holds is the number of a
node, from 1, and above that a bit if n-grams go on; 0 for nothing. A key is a node and the next letter. Nodes below
`inner` are n-grams, the others only prefixes of some.
"""

_LETTER_BITS = 14
_NODE = (1 << 24) - 1
_MORE = 1 << 24
"""The bit of a node at which n-grams go on."""
_KEY_SHIFT = 25
_HELD = (1 << 25) - 1
_MIX = 0x9E37_79B9_7F4A_7C15
"""Of Fibonacci hashing: the slot is in the upper bits of the product."""
_WORD = (1 << 64) - 1
_ONE = 1 << 40
"""What is added to a sum for each n-gram, so that it holds their number too, above all that they weigh."""


def fill(
    first: memoryview, table: memoryview, sieve: memoryview, shift: int, parents: memoryview, letters: memoryview,
    nodes: memoryview, more: memoryview,
) -> None:  # fmt: skip
    """Writes nodes into an empty trie. parents, nodes: int32[n], 0 is the root; letters: uint16[n]; more: uint8[n].

    The table has more slots than nodes, 2^(64 - shift).
    """
    for index in range(len(nodes)):
        held: int = nodes[index] | _MORE if more[index] else nodes[index]
        letter: int = letters[index]
        parent: int = parents[index]
        if not parent:
            first[letter] = held
            continue
        key: int = parent << _LETTER_BITS | letter
        mixed = (key * _MIX) & _WORD
        bit = mixed >> (shift - 1)
        sieve[bit >> 3] |= 1 << (bit & 7)
        slot = mixed >> shift
        while table[slot]:
            slot = slot + 1 if slot + 1 < len(table) else 0
        table[slot] = key << _KEY_SHIFT | held


def child(table: memoryview, sieve: memoryview, shift: int, node: int, letter: int) -> int:
    """What the trie holds at `letter` after `node`; 0 for nothing."""
    key = node << _LETTER_BITS | letter
    mixed = (key * _MIX) & _WORD
    bit = mixed >> (shift - 1)
    if not (sieve[bit >> 3] >> (bit & 7)) & 1:
        return 0
    slot = mixed >> shift
    entry = table[slot]
    while entry:
        if entry >> _KEY_SHIFT == key:
            return entry & _HELD
        slot += 1
        if slot == len(table):
            slot = 0
        entry = table[slot]
    return 0


def find(
    letters: memoryview, first: memoryview, table: memoryview, sieve: memoryview, shift: int, inner: int,
    starts: memoryview, nodes: memoryview,
) -> int:  # fmt: skip
    """Writes every n-gram that stands in `letters` to starts (int64) and nodes (int32), by start and then by length, as
    many as fit; returns how many there are.

    letters: uint16[n], 0 for what no n-gram has.
    """
    size, room = len(letters), len(starts)
    count = 0
    for begin in range(size):
        held = first[letters[begin]]
        at = begin
        while held:
            node = held & _NODE
            if node < inner:
                if count < room:
                    starts[count] = begin
                    nodes[count] = node
                count += 1
            at += 1
            if not held & _MORE or at == size or not letters[at]:
                break
            held = child(table, sieve, shift, node, letters[at])
    return count


def add_up(
    letters: memoryview, bounds: memoryview, events: memoryview, read: memoryview, first: memoryview,
    table: memoryview, sieve: memoryview, shift: int, inner: int, records: memoryview, mark: int, width: int,
    sums: memoryview,
) -> None:  # fmt: skip
    """Adds the weights of the distinct n-grams of each event to its row of `sums`, and 2^40 for each of them.

    bounds: int64[texts + 1], where each text starts in `letters`; events: int64[texts], non-decreasing; read:
    uint8[texts], which to read. records: int32[inner]: the number of an n-gram is where its record begins: the mark of
    the event that had it last, how many weights follow, and for each its column and itself. mark: marks from here on
    have not been used. sums: int64[events * width].
    """
    for text in range(len(events)):
        if not read[text]:
            continue
        row = events[text] * width
        own = mark + events[text]
        end = bounds[text + 1]
        for begin in range(bounds[text], end):
            held = first[letters[begin]]
            at = begin
            while held:
                node = held & _NODE
                if node < inner and records[node] != own:
                    records[node] = own
                    entry = node + 2
                    last = entry + 2 * records[node + 1]
                    while entry < last:
                        cell = row + records[entry]
                        sums[cell] += records[entry + 1] + _ONE
                        entry += 2
                at += 1
                if not held & _MORE or at == end or not letters[at]:
                    break
                held = child(table, sieve, shift, node, letters[at])


def weigh(records: memoryview, nodes: memoryview, column: int, weights: memoryview) -> None:
    """Writes what each n-gram weighs in `column`, 0 for one that is not in it. nodes: int32[n]; weights: int32[n]."""
    for index in range(len(nodes)):
        entry = nodes[index] + 2
        last = entry + 2 * records[nodes[index] + 1]
        weights[index] = 0
        while entry < last:
            if records[entry] == column:
                weights[index] = records[entry + 1]
            entry += 2
