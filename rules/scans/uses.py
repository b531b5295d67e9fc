"""What the words found in each event weigh together, by signal."""

from typing import Any


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
