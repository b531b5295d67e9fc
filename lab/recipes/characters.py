"""Remakes `rules/data/characters.tsv`: which Chinese characters follow which, and which begin and end clauses.

    python -m lab.recipes.characters LABELLED.jsonl.gz

Counts single characters and pairs of neighbours in the training part of a labelled corpus; the text itself is not
kept. The folding reads the table to tell a clause from the same clause backwards, and two parts of a split
character from two characters.
"""

import argparse
import itertools
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from lab.corpus import Row, part_of, read_rows
from rules.folding.codes import decode_points
from rules.folding.points import fold_points

_CLAUSE = re.compile("[\u4e00-\u9fff]+")
_LEAST = 4
"""Pairs seen less often are left out."""
_LONGEST = 1500
"""Characters of a text that are counted, so that long articles do not outweigh the rest."""
_TABLE = Path(__file__).parents[2] / "rules" / "data" / "characters.tsv"
_HEADER = """\
# How often Chinese characters occur, begin a clause, end a clause, and follow each other, as levels: level n stands
# for about 2^n times. Remade by `python -m lab.recipes.characters`.
# character, tab, level, tab, level as the first of a clause, tab, level as the last (0: never), tab, and the
# characters that follow it: groups, each a level and the characters of that level.
"""


def count(rows: Iterable[Row]) -> tuple[Counter[str], Counter[str], Counter[str], Counter[str]]:
    """How often characters occur, begin clauses and end clauses, and how often pairs occur.

    Beginnings and ends are counted where a text has punctuation; text without it says nothing about clauses.
    """
    single: Counter[str] = Counter()
    first: Counter[str] = Counter()
    last: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    for row in rows:
        folded = decode_points(fold_points(f"{row.title}\n{row.text[:_LONGEST]}"))
        clauses = _CLAUSE.findall(folded)
        punctuated = any(mark in folded for mark in "，。,！!")
        for clause in clauses:
            single.update(clause)
            pairs.update(map("".join, itertools.pairwise(clause)))
            if punctuated:
                first[clause[0]] += 1
                last[clause[-1]] += 1
    return single, first, last, pairs


def table(rows: Iterable[Row]) -> str:
    """The table as text, sorted by character."""
    single, first, last, pairs = count(rows)
    followers: dict[str, dict[int, list[str]]] = {}
    for pair, times in pairs.items():
        if times >= _LEAST:
            followers.setdefault(pair[0], {}).setdefault(_level(times), []).append(pair[1])
    lines = []
    for character in sorted(single):
        if single[character] < _LEAST:
            continue
        groups = sorted(followers.get(character, {}).items(), reverse=True)
        after = " ".join(f"{level}{''.join(sorted(group))}" for level, group in groups)
        levels = (_level(single[character]), _level(first[character]), _level(last[character]))
        lines.append("\t".join([character, *map(str, levels), after]))
    return _HEADER + "\n".join(lines) + "\n"


def _level(times: int) -> int:
    return max(0, times.bit_length() - 1)


def main() -> None:
    """Runs the recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labelled", type=Path, help="labelled text, gzipped or not")
    arguments = parser.parse_args()
    rows = (row for row in read_rows(arguments.labelled) if part_of(row) == "train")
    _TABLE.write_text(table(rows), "utf-8")


if __name__ == "__main__":
    main()
