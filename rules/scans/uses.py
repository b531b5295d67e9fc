"""What the words found in each event count for, and what they weigh together, by signal."""

from typing import Any


def counted(
    words: memoryview, texts: memoryview, fields: memoryview, pointer: memoryview, masks: memoryview,
    conditional: memoryview, out_matches: memoryview, out_uses: memoryview, asked: memoryview,
) -> int:  # fmt: skip
    """Writes the match and the use of everything found that stands in a field it counts in; returns how many.

    words, texts: int64[matches], what was found, and in which text. fields: int64[texts]; pointer: int64[words + 1],
    where the uses of each word begin; masks: int64[uses], bits of fields; conditional: uint8[uses]. out_matches,
    out_uses: int64, room for every use of every match; asked: uint8, zeros, as much: 1 is written for conditional uses.
    """
    count = 0
    for at in range(len(words)):
        field = fields[texts[at]]
        for use in range(pointer[words[at]], pointer[words[at] + 1]):
            if (masks[use] >> field) & 1:
                out_matches[count], out_uses[count], asked[count] = at, use, conditional[use]
                count += 1
    return count


def tally(
    events: memoryview, uses: memoryview, word_of: memoryview, column_of: memoryview, weight_of: Any,
    last: memoryview, heaviest: Any, touched: memoryview, place: memoryview, out_events: memoryview,
    out_columns: memoryview, out_values: Any,
) -> int:  # fmt: skip
    """Writes the event, the column and the sum of each column that words of the event count for; returns how many.

    A word counts once for an event, by the heaviest of its forms found there; it counts for one column. events:
    int64[n], non-decreasing; uses: int64[n], what was found. word_of, column_of: int64[uses]; weight_of: float64[uses].
    last: int64[words], all -1; heaviest: float64[words], any. touched: int64[columns], all -1; place: int64[columns],
    any. out_events, out_columns: int64[n]; out_values: float64[n].
    """
    count = 0
    for at in range(len(events)):
        event, use = events[at], uses[at]
        word, column, weight = word_of[use], column_of[use], weight_of[use]
        if touched[column] != event:
            touched[column], place[column] = event, count
            out_events[count], out_columns[count], out_values[count] = event, column, 0.0
            count += 1
        if last[word] != event:
            last[word], heaviest[word] = event, weight
            out_values[place[column]] += weight
        elif weight > heaviest[word]:
            out_values[place[column]] += weight - heaviest[word]
            heaviest[word] = weight
    return count
