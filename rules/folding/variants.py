"""The words that people write around, and what is written instead of them.

`rules/data/words.txt` lists the words; `variants.txt` what is known to be written instead; `sounds.tsv`, made from the
list, their pinyin and what sounds or looks alike.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import pairwise, product
from typing import NamedTuple

from rules.folding.codes import decode_points
from rules.folding.language import language
from rules.folding.points import fold_points

LATIN = re.compile("[a-z]+")
"""A run of letters, in folded text."""
_USUAL = 20
"""Levels of two characters together from which they meet by chance too often to stand for a word they sound like."""
_MOST_MIXED = 4
"""Longest word, in characters, of which every mixture of characters and syllables is a form."""


class Variant(NamedTuple):
    """`written`, in code points, stands for `word`; wherever it stands if `sure`. `offset`: of the pair it is found by.

    saved: bits that reading the word saves, apart from the characters around it.
    """

    offset: int
    written: list[int]
    word: str
    sure: bool
    saved: float


@dataclass(frozen=True, slots=True)
class Variants:
    """All that is written instead of words.

    chinese:  by the key of a pair of characters, the variants found by it.
    latin:    forms with letters in them, without separators, and their words.
    runs:     the runs of letters that occur in these forms.
    syllables: the syllables of all words.
    contact, before: what stands for a word only where a contact is given, by the sections of `variants.txt`.
    """

    chinese: dict[int, list[Variant]] = field(default_factory=dict)
    latin: dict[str, str] = field(default_factory=dict)
    runs: set[str] = field(default_factory=set)
    syllables: set[str] = field(default_factory=set)
    contact: dict[str, str] = field(default_factory=dict)
    before: set[str] = field(default_factory=set)


@cache
def variants() -> Variants:
    """The tables, read once in about 0.2 s."""
    found = Variants()
    spelled: dict[str, list[str]] = {}
    for line in _lines("sounds.tsv"):
        word, syllables, alike = line.split("\t")
        spelled[word] = syllables.split(" ")
        for variant in alike.split():
            _add_chinese(found, variant, word, sure=False)
    for word, sounds in spelled.items():
        readings = [sound.split("|") for sound in sounds]
        for form in _mixtures(word, readings):
            found.latin.setdefault(form, word)
        found.syllables.update(*readings)
    section = ""
    for line in _lines("variants.txt"):
        if line.startswith("["):
            section = line.strip("[]")
            continue
        word, _, written = line.partition(": ")
        for variant in map(_folded, written.split()):
            if section == "contact":
                found.contact[variant] = word
            elif section == "before":
                found.before.add(variant)
            elif LATIN.search(variant):
                found.latin[variant] = word
            else:
                _add_chinese(found, variant, word, sure=True)
    found.runs.update(found.syllables)
    for form in found.latin:
        found.runs.update(LATIN.findall(form))
    return found


def _lines(name: str) -> Iterator[str]:
    lines = (files("rules.data") / name).read_text("utf-8").splitlines()
    return (line for line in lines if line and not line.startswith("#"))


def _folded(written: str) -> str:
    return decode_points(fold_points(written))


def _mixtures(word: str, readings: list[list[str]]) -> Iterator[str]:
    """The word in pinyin, whole and in part. readings: the syllables of each character."""
    if len(word) > _MOST_MIXED:
        readings = [[first] for first, *_ in readings]
        choices: Iterator[tuple[str, ...]] = product(*readings)
    else:
        choices = product(*([character, *sounds] for character, sounds in zip(word, readings, strict=True)))
    for choice in choices:
        form = "".join(choice)
        if form != word:
            yield form
            yield form.replace("v", "u")


def _add_chinese(found: Variants, variant: str, word: str, *, sure: bool) -> None:
    """Files the variant under the pair of its characters that is the rarest."""
    if variant == word or len(variant) < 2 or ord(max(variant)) > 0xFFFF:
        return
    counted, single = language().pairs, language().single
    keys = [ord(left) << 16 | ord(right) for left, right in pairwise(variant)]
    offset = min(range(len(keys)), key=lambda at: counted.get(keys[at], 0))
    left, right = variant[offset], variant[offset + 1]
    if not sure and len(variant) == 2 and single[ord(left)] + single[ord(right)] >= _USUAL:
        return
    listed = found.chinese.setdefault(keys[offset], [])
    written = [*map(ord, variant)]
    if sure:
        listed[:] = [other for other in listed if other.written != written]
    listed.append(Variant(offset, written, word, sure, _cost(variant) - _cost(word)))
    listed.sort(key=lambda other: -len(other.written))


def _cost(text: str) -> float:
    """Bits of each character of `text` after the one before it."""
    cost = language().cost
    return sum(cost(ord(left), ord(right)) for left, right in pairwise(text))
