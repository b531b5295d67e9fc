"""Characters written as their parts: 弓长 for 张."""

import random
from functools import cache
from importlib.resources import files

from lab.evasions.picking import replace_picked

_SIDE_FORMS = {
    "亻": "人", "氵": "水", "扌": "手", "讠": "言", "钅": "金", "忄": "心", "纟": "丝", "饣": "食",
    "犭": "犬", "礻": "示", "衤": "衣", "刂": "刀", "攵": "文",
}  # fmt: skip
"""Sides of characters that are no words, and words that some write for them."""


@cache
def splits() -> dict[str, str]:
    """The table `splits.txt`: a character, its parts."""
    lines = (files("lab.evasions") / "splits.txt").read_text(encoding="utf-8").splitlines()
    entries = (entry for line in lines if not line.startswith("#") for entry in line.split())
    return {entry[0]: entry[1:] for entry in entries}


def split(text: str, strength: float, rng: random.Random) -> str:
    """A share of the characters that have a known split in their parts; one in four sides as the word it stands for."""
    table = splits()

    def change(character: str) -> str:
        parts = table[character]
        return "".join(_SIDE_FORMS.get(part, part) if rng.random() < 0.25 else part for part in parts)

    return replace_picked(text, lambda character: character in table, change, strength, rng)
