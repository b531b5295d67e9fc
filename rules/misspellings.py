"""Slips of the eye and the finger: whether a word is a brand's name misspelled so that readers take it for the name.

Not every word one letter away is one: weixiu (repairs) is no misspelt weixin. A misspelling is no Chinese word of
its own, and comes from what fingers and eyes do: neighbours on the keyboard, letters that look alike, vowels, two
letters swapped, one doubled, missing or slipped in.
"""

import re
from itertools import pairwise

_SYLLABLE = (
    "(?:[bpm](?:ai|ang?|ao|a|ei|eng?|iang?|ian|iao|ie|ing?|iu|i|ou?|u)"
    "|f(?:ang?|a|ei|eng?|ou?|u)"
    "|[dt](?:ai|ang?|ao|a|ei|eng?|e|ia[no]?|ie|ing|iu|i|ong|ou|uan|ui|un|uo|u)"
    "|[nl](?:ai|ang?|ao|a|ei|eng?|e|iang?|iao?|ie|ing?|iu|i|ong|ou|uan|ue|un|uo|u|ve?)"
    "|[gkh](?:ai|ang?|ao|a|ei|eng?|e|ong|ou|uai|uang?|ua|ui|un|uo|u)"
    "|[jqx](?:iang?|iao?|ie|ing?|iong|iu|i|uan|ue|un|u)"
    "|(?:[zcs]h?|r)(?:ai|ang?|ao|a|ei|eng?|e|i|ong|ou|uai|uang?|ua|ui|un|uo|u)"
    "|y(?:ang?|ao|a|e|ing?|i|ong|ou?|uan|ue|un|u)"
    "|w(?:ai|ang?|a|ei|eng?|o|u)"
    "|ang?|ai|ao|a|eng?|er|ei|e|ou?)"
)
_PINYIN = re.compile(f"(?:{_SYLLABLE})+")
_LONGEST_WORD = 24
"""Letters of the longest word looked at: the longest brand is far shorter."""

_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_LOOK_ALIKE = ("ijl1", "uv", "vy", "gq", "oq", "ceo", "nmh", "nr", "bh", "bd", "ft", "kx", "sz", "aeiou")


def is_pinyin(word: str) -> bool:
    """Whether `word`, of lower-case letters, can be read as Chinese syllables: weixin, taobao."""
    return len(word) <= _LONGEST_WORD and _PINYIN.fullmatch(word) is not None


def is_misspelling(word: str, name: str) -> bool:
    """Whether readers take `word` for `name`: one slip apart, and no Chinese word of its own. Both lower case."""
    if word == name or abs(len(word) - len(name)) > 1 or (is_pinyin(name) and is_pinyin(word)):
        return False
    at = next((i for i, (a, b) in enumerate(zip(word, name, strict=False)) if a != b), min(len(word), len(name)))
    rest, target = word[at:], name[at:]
    if len(word) > len(name):  # one letter too many, but not at an end: the name is whole then
        return rest[1:] == target
    if len(word) < len(name):  # one letter missing, but not the first or last
        return rest == target[1:] and 0 < at < len(name) - 1
    if rest[:2] == target[1::-1] and rest[2:] == target[2:]:
        return True
    return rest[1:] == target[1:] and frozenset((rest[0], target[0])) in _CONFUSED


def _confused() -> frozenset[frozenset[str]]:
    """Pairs of letters that fingers or eyes confuse."""
    pairs = {frozenset((a, b)) for group in _LOOK_ALIKE for a in group for b in group if a != b}
    for row, line in enumerate(_KEYBOARD):
        pairs |= {frozenset(pair) for pair in pairwise(line)}
        if row:
            above = _KEYBOARD[row - 1]
            pairs |= {frozenset((key, above[column + step])) for column, key in enumerate(line) for step in (0, 1)}
    return frozenset(pairs)


_CONFUSED = _confused()
