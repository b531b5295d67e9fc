"""Remakes `rules/data/parts.tsv`: common characters and the parts that people split them into (弓长 for 张).

    python -m lab.recipes.parts chaizi-jt.txt

`chaizi-jt.txt` is the Simplified table of the 漢語拆字字典 (github.com/kfcd/chaizi, © 2015 開放詞典, CC BY 3.0). Kept
are the characters that `characters.tsv` lists, split in two or three; a side that is no word (氵) may also be written
as the word it stands for (水), and the other way round.
"""

import argparse
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

from rules.folding.codes import decode_points
from rules.folding.points import fold_points

_DATA = Path(__file__).parents[2] / "rules" / "data"
_MOST_PARTS = 3
_SIDES = {
    "亻": "人", "氵": "水", "扌": "手", "讠": "言", "钅": "金", "忄": "心", "纟": "丝", "饣": "食", "犭": "犬",
    "礻": "示", "衤": "衣", "刂": "刀", "攵": "文", "艹": "草", "阝": "耳", "灬": "火", "⺮": "竹", "𧾷": "足",
    "辶": "走", "冫": "冰",
}  # fmt: skip
_WORDS = {word: side for side, word in _SIDES.items()}
_MORE = {
    "侍": "亻寺", "仟": "亻千", "妓": "女支", "炊": "火欠", "猜": "犭青", "郑": "关阝", "浏": "氵刘", "抛": "扌九力",
    "星": "日生",
}  # fmt: skip
"""What the source has not."""
_HEADER = """\
# Characters and the parts they are split into: a character, a tab, the ways to split it.
# From the 漢語拆字字典, github.com/kfcd/chaizi, © 2015 開放詞典 (kaifangcidian.com), licensed CC BY 3.0
# (creativecommons.org/licenses/by/3.0); cut to common characters, folded, and side forms added, by
# `python -m lab.recipes.parts`.
"""


def ways(line: str) -> Iterator[str]:
    """The ways of one line of the source table, and those with a side written as a word."""
    for column in line.rstrip("\r\n").split("\t")[1:]:
        parts = column.split()
        if 2 <= len(parts) <= _MOST_PARTS and all(len(part) == 1 for part in parts):
            choices = [part + _SIDES.get(part, "") + _WORDS.get(part, "") for part in parts]
            yield from map("".join, product(*choices))


def table(source: Iterable[str], common: frozenset[str]) -> str:
    """The table as text. `common`: the characters that are kept."""
    found: dict[str, dict[str, None]] = {}
    for line in source:
        character = decode_points(fold_points(line[:1]))
        if character not in common:
            continue
        for way in ways(line):
            folded = decode_points(fold_points(way))
            if len(folded) == len(way) and character not in folded and ord(max(folded)) < 0x10000:
                found.setdefault(character, {})[folded] = None
    for character, way in _MORE.items():
        found.setdefault(character, {})[way] = None
    return _HEADER + "".join(f"{character}\t{' '.join(found[character])}\n" for character in sorted(found))


def common_characters(path: Path) -> frozenset[str]:
    """The characters that `characters.tsv` lists."""
    lines = path.read_text("utf-8").splitlines()
    return frozenset(line[0] for line in lines if not line.startswith("#"))


def main() -> None:
    """Runs the recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="chaizi-jt.txt")
    arguments = parser.parse_args()
    with arguments.source.open(encoding="utf-8") as lines:
        text = table(lines, common_characters(_DATA / "characters.tsv"))
    (_DATA / "parts.tsv").write_text(text, "utf-8")


if __name__ == "__main__":
    main()
