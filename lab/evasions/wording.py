"""Words that give a message away, written otherwise: by sound, by shape, in pinyin."""

import random
import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files

from pypinyin import Style, lazy_pinyin

from lab.evasions.picking import is_chinese, pick, replace_picked, replace_spans

_FIRST_ROW, _LAST_ROW = 0xB0, 0xD7
"""GB 2312 keeps its 3,755 common characters in these rows."""


@cache
def variants() -> dict[str, list[str]]:
    """The table `word_variants.tsv`: a word, what is written instead."""
    lines = (files("lab.evasions") / "word_variants.tsv").read_text(encoding="utf-8").splitlines()
    entries = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {word: written.split() for word, written in entries}


@cache
def _listed() -> re.Pattern[str]:
    longest_first = sorted(variants(), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)))


@cache
def _sounding() -> dict[str, str]:
    """Every common character's sound, tone included, and the characters of that sound."""
    rows = range(_FIRST_ROW, _LAST_ROW + 1)
    codes = (bytes((row, column)) for row in rows for column in range(0xA1, 0xFF))
    common = "".join(code.decode("gb2312", "ignore") for code in codes)
    found: dict[str, str] = {}
    for character in common:
        for sound in (_sound(character), _toneless(character)):
            found[sound] = found.get(sound, "") + character
    return found


@cache
def _sound(character: str) -> str:
    return str(lazy_pinyin(character, style=Style.TONE3)[0])


@cache
def _toneless(character: str) -> str:
    return str(lazy_pinyin(character)[0]) + "*"


def _replace_words(text: str, write: Callable[[str], str], strength: float, rng: random.Random) -> str:
    found = [match.span() for match in _listed().finditer(text)]
    return replace_spans(text, [(start, end, write(text[start:end])) for start, end in pick(found, strength, rng)])


def word_variants(text: str, strength: float, rng: random.Random) -> str:
    """A share of the listed words in a variant that spammers use: 薇信, 威信, v信 for 微信."""
    return _replace_words(text, lambda word: rng.choice(variants()[word]), strength, rng)


def pinyin(text: str, strength: float, rng: random.Random) -> str:
    """A share of the listed words in pinyin: weixin; sometimes capitalised, spaced or with tones."""

    def write(word: str) -> str:
        style = rng.choice((Style.NORMAL, Style.NORMAL, Style.NORMAL, Style.TONE))
        join = rng.choice(("", "", "", " ", "-"))
        written = join.join(lazy_pinyin(word, style=style))
        return rng.choice((str.lower, str.lower, str.title, str.upper))(written)

    return _replace_words(text, write, strength, rng)


def half_pinyin(text: str, strength: float, rng: random.Random) -> str:
    """A share of the listed words with one of their characters in pinyin: 微xin."""

    def write(word: str) -> str:
        at = rng.randrange(len(word))
        return word[:at] + str(lazy_pinyin(word[at])[0]) + word[at + 1 :]

    return _replace_words(text, write, strength, rng)


def initials(text: str, strength: float, rng: random.Random) -> str:
    """A share of the listed words as the first letters of their pinyin: wx."""

    def write(word: str) -> str:
        written = "".join(lazy_pinyin(word, style=Style.FIRST_LETTER))
        return rng.choice((str.lower, str.lower, str.upper))(written)

    return _replace_words(text, write, strength, rng)


def homophones(text: str, strength: float, rng: random.Random) -> str:
    """A share of the Chinese characters replaced by common ones of the same sound, and tone if there are any."""

    def change(character: str) -> str:
        for sound in (_sound(character), _toneless(character)):
            if others := _sounding().get(sound, "").replace(character, ""):
                return rng.choice(others)
        return character

    return replace_picked(text, is_chinese, change, strength, rng)
