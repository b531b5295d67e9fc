"""Chinese digits as 0 to 9 where a number is dictated: 一三八零零幺三八零零零.

Chinese digits are words too (一二三, 五一, 一万二), so only runs too long to be anything but a number are read, and
not those that count up or down.
"""

import itertools
import re

import numpy as np

from rules.folding.codes import decode_points
from rules.folding.points import NUMERALS
from rules.folding.work import Work

LEAST = 5
"""Digits in a row; the shortest account names have five."""
_RUN = re.compile(f"[{''.join(NUMERALS)}0-9]{{{LEAST},}}")
_CONTACT = re.compile(r"(?:微信|薇信|qq|群|号|电话|手机|热线|致电|加|扣|联系|[vw])[号是:： ]*$")
_MEASURES = "十百千万亿"
_VALUES = np.zeros(0x10000, np.uint32)
_VALUES[[ord(numeral) for numeral in NUMERALS]] = [ord(digit) for digit in NUMERALS.values()]


def dictated(work: Work) -> Work:
    """Chinese digits of numbers as 0 to 9."""
    text = decode_points(work.codes)
    places = [
        place
        for run in _RUN.finditer(text)
        if is_number(run[0], text[max(0, run.start() - 8) : run.start()], text[run.end() : run.end() + 1])
        for place in range(run.start(), run.end())
    ]
    if not places:
        return work
    codes = work.codes.copy()
    values = _VALUES[np.minimum(codes[places], _VALUES.size - 1)]
    codes[places] = np.where(values > 0, values, codes[places])
    return Work(codes, work.first, work.last, work.bounds)


def is_number(run: str, before: str, after: str) -> bool:
    """Whether `run`, of Chinese and other digits, is a number that somebody dictates."""
    chinese = [character in NUMERALS for character in run]
    if not any(chinese) or (after and after in _MEASURES):
        return False
    digits = [int(NUMERALS.get(character, character)) for character in run]
    steps = {later - earlier for earlier, later in itertools.pairwise(digits)}
    if len(steps) == 1 and abs(steps.pop()) <= 1:
        return False
    if all(chinese):
        return True
    # 2023五一 and 2014一二线 are a year and a word; a disguised number changes its script more often.
    changes = sum(earlier != later for earlier, later in itertools.pairwise(chinese))
    return changes >= 2 or _CONTACT.search(before) is not None or sum(chinese) >= LEAST
