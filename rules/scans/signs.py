"""Places where a text may be written around words: what a look at neighbours finds.

Each scan writes places (int64), what else belongs to them (int64) and signs (uint8), as many as there is room for, and
returns how many there are. codes: uint32[n], texts with a NUL after each; kinds: uint8[n], of `rules.folding.points`;
marks: int64, the places of the codes that are punctuation, separators, a to z, digits or NULs, up to the last NUL;
bounds: int64[texts + 1], where each text starts.
"""

from rules.scans.constants import (
    BACKWARDS,
    BESIDE,
    CHINESE,
    CLOSE,
    DIGIT,
    DROPPED,
    FILLING,
    INNER,
    LEAST_DICTATED,
    LEAST_SPELLED,
    LETTER,
    LISTED,
    NEAR,
    NEWLINE,
    NUMERAL,
    SINGLE,
    STRONGLY,
)

_ONE, _OTHER = 2654435761, 2246822519
_POINT, _KEY = (1 << 32) - 1, (1 << 64) - 1


def slot_of(left: int, right: int) -> int:
    """The slot of a pair, of 2^20 (multiplicative hashing)."""
    return ((left * _ONE + right * _OTHER) & _POINT) >> 12


def pairs(
    codes: memoryview, bounds: memoryview, sieve: memoryview, flags: memoryview, listed: memoryview,
    listed_flags: memoryview, places: memoryview, signs: memoryview,
) -> int:  # fmt: skip
    """Pairs of neighbours: listed ones, and those that are common the wrong way round and not alone.

    sieve: uint8[2^17], a bit for each slot with a flag; flags: uint8[2^20], the flags of each slot; listed: uint32[m],
    in order, the keys of listed pairs; listed_flags: uint8[m], theirs.
    """
    room, count = len(places), 0
    for text in range(len(bounds) - 1):
        one, two = -100, -100
        strongly = False
        for at in range(bounds[text], bounds[text + 1] - 2):
            slot = slot_of(codes[at], codes[at + 1])
            if not (sieve[slot >> 3] >> (slot & 7)) & 1:
                continue
            found = flags[slot]
            if found & BACKWARDS and codes[at] and codes[at + 1]:
                strong = (found & STRONGLY) != 0
                if at - two <= NEAR or (at - one <= CLOSE and (strong or strongly)):
                    if count < room:
                        places[count], signs[count] = at, BACKWARDS
                    count += 1
                two, one, strongly = one, at, strong
            if found & LISTED:
                key = (codes[at] << 16 | codes[at + 1] & 0xFFFF) & _POINT
                low, high = 0, len(listed) - 1
                while low < high:
                    middle = (low + high) >> 1
                    if listed[middle] < key:
                        low = middle + 1
                    else:
                        high = middle
                if listed[low] == key:
                    if count < room:
                        places[count], signs[count] = at, listed_flags[low]
                    count += 1
    return count


def gaps(
    codes: memoryview, kinds: memoryview, marks: memoryview, bounds: memoryview, inner: memoryview,
    between: memoryview, places: memoryview, others: memoryview, signs: memoryview,
) -> int:  # fmt: skip
    """What stands around stretches of punctuation, separators and line ends.

    A place is SINGLE where single characters in a row are; BESIDE where two Chinese ones are, at it and at `others`;
    INNER where a gap parts a pair that no boundary parts, of the characters at it and at `others`. inner:
    uint8[2^17], a bit for each slot of such a pair. between: int64[texts], zeros; the number of gaps between Chinese
    characters is added.
    """
    room, count, mark = len(places), 0, 0
    for text in range(len(bounds) - 1):
        end = bounds[text + 1] - 1
        # The ends of the gap before and of the one before that, where one character parts each from the next.
        one, two = -1, -1
        after_newline = False
        digits = 0
        while marks[mark] < end:
            at = start = marks[mark]
            if not kinds[at] & FILLING or not codes[at]:
                mark += 1
                continue
            while kinds[at] & FILLING and codes[at]:
                at += 1
            mark += at - start
            if start == bounds[text] or not codes[start - 1] or not codes[at]:
                continue
            newline = codes[start] == NEWLINE
            if one + 1 == start:
                if newline and after_newline:
                    if count < room:
                        places[count], others[count], signs[count] = start, start, SINGLE
                    count += 1
                if two >= 0:
                    both = kinds[two] & kinds[one]
                    digits = digits + 1 if both & DIGIT else 0
                    if digits >= LEAST_SPELLED or (not both & DIGIT and codes[two] != codes[one]):
                        if count < room:
                            places[count], others[count] = two, one
                            signs[count] = BESIDE if both & CHINESE else SINGLE
                        count += 1
                two = one
            else:
                two, digits = -1, 0
            one, after_newline = at, newline
            if kinds[start - 1] & kinds[at] & CHINESE:
                between[text] += 1
                slot = slot_of(codes[start - 1], codes[at])
                if (inner[slot >> 3] >> (slot & 7)) & 1:
                    if count < room:
                        places[count], others[count], signs[count] = start - 1, at, INNER
                    count += 1
        mark += 1  # the NUL at the end
    return count


def dictated(kinds: memoryview, marks: memoryview, bounds: memoryview, places: memoryview) -> int:
    """Where five digits or more in a row begin of which one is Chinese."""
    room, count, mark = len(places), 0, 0
    last = bounds[len(bounds) - 1] - 1
    run, chinese = 0, False
    before = -1
    while before < last:
        at = marks[mark]
        mark += 1
        kind = kinds[at]
        counts = (kind & (DIGIT | NUMERAL)) != 0
        if run and not (counts and at == before + 1):
            if chinese and run >= LEAST_DICTATED:
                if count < room:
                    places[count] = before + 1 - run
                count += 1
            run, chinese = 0, False
        if counts:
            run += 1
            chinese |= (kind & NUMERAL) != 0
        before = at
    return count


def lines(
    codes: memoryview, marks: memoryview, bounds: memoryview, origin: memoryview, gone: memoryview, longest: int,
    places: memoryview,
) -> int:  # fmt: skip
    """Where the first ends of three lines of about the same length, of two characters or more, folded or as they were
    written.

    origin: int64[n], the original place of each code; gone: int64, the original places that fold to nothing, in order,
    and a -1. longest: characters of a folded line.
    """
    room, count = len(places), 0
    lost, mark = 0, 0
    for text in range(len(bounds) - 1):
        # Ends of the two lines before, in what is folded and in what was written but for what is gone.
        last, last_written = bounds[text] - 1, 0
        length, length_written, before, alike = -1, -1, -1, False
        counted = False
        at = bounds[text] - 1
        while at + 1 < bounds[text + 1]:
            at = marks[mark]
            mark += 1
            code = codes[at]
            if code and code != NEWLINE:
                continue
            if not counted and not code:  # there may be a NUL within a text, too
                last = at
                continue
            if not counted:
                # The first line end of the text: where its first line began.
                counted = True
                while gone[lost] >= 0 and last >= 0 and gone[lost] < origin[last]:
                    lost += 1
                last_written = origin[last] - lost if last >= 0 else -1
            while gone[lost] >= 0 and gone[lost] < origin[at]:
                lost += 1
            written = origin[at] - lost
            new, new_written = at - last - 1, written - last_written - 1
            same = (
                before >= 0
                and codes[before] == NEWLINE
                and (abs(new - length) <= 2 or abs(new_written - length_written) <= 2)
                and 1 < new <= longest
                and length > 1
            )
            if same and alike:
                if count < room:
                    places[count] = before
                count += 1
            alike, before, last, last_written = same, at, at, written
            length, length_written = new, new_written
    return count


def letters(
    codes: memoryview, kinds: memoryview, marks: memoryview, beginnings: memoryview, runs: memoryview,
    whole: memoryview, beside: memoryview, chains: memoryview, places: memoryview,
) -> int:  # fmt: skip
    """Runs of letters that stand for a word, or for a part of one.

    beginnings: uint8[1024], by the last five bits of their first two characters, whether runs may be; runs, whole,
    beside: uint64, sorted keys of runs, and chains: uint8[2^20], all as in `rules.folding.spelling.LatinKeys`.
    """
    size, room, count, mark, at = len(codes), len(places), 0, 0, -1
    while at < size - 1:
        at = start = marks[mark]
        if not kinds[at] & LETTER:
            mark += 1
            continue
        while kinds[at] & LETTER:  # the last code is a NUL
            at += 1
        mark += at - start
        if not beginnings[(codes[start] & 31) << 5 | codes[start + 1] & 31]:
            continue
        length = at - start
        key = 0
        for place in range(start, start + 12):
            key = key << 5 | (codes[place] - 96 if place < at else 0)
        known = length <= 12 and is_in(runs, key)
        chain = length >= 5 and chains[key >> 40] != 0
        if not known and not chain:
            continue
        before, after = start - 1 if start else size - 1, at
        for _ in range(2):  # separators that part a run from the rest of a form
            if kinds[before] & DROPPED and before:
                before -= 1
            if kinds[after] & DROPPED and after < size - 1:
                after += 1
        form = known and (
            is_in(whole, key)
            or (length > 1 and (kinds[after] & LETTER) != 0)
            or is_in(beside, ((key * 1_000_003) & _KEY) ^ codes[before])
            or is_in(beside, ((key * 1_000_003) & _KEY) ^ codes[after])
        )
        if form or (chain and (kinds[before] | kinds[after]) & CHINESE):
            if count < room:
                places[count] = start
            count += 1
    return count


def is_in(values: memoryview, wanted: int) -> bool:
    """Whether `wanted` is one of the sorted values."""
    low, high = 0, len(values) - 1
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return high >= 0 and values[low] == wanted
