"""The techniques by name, and how they are put together."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from lab.evasions import digits, inserting, layout, letters, splitting, wording

Change = Callable[[str, float, random.Random], str]
_USUAL = (0.1, 0.3, 0.6)
_WORDS = (0.3, 0.6, 1.0)
_WHOLE = (1.0,)


@dataclass(frozen=True, slots=True)
class Technique:
    """One way to hide text.

    change:    text, strength and source of chance in, changed text out.
    strengths: strengths worth trying, shares (0 to 1) of what can be changed.
    harsh:     readers have to guess, or few spammers do it; figures worth knowing, not expected to be high.
    """

    name: str
    change: Change
    strengths: tuple[float, ...]
    harsh: bool = False


_ALL = (
    Technique("word_variants", wording.word_variants, _WORDS),
    Technique("pinyin", wording.pinyin, _WORDS),
    Technique("half_pinyin", wording.half_pinyin, _WORDS),
    Technique("initials", wording.initials, _WORDS, harsh=True),
    Technique("homophones", wording.homophones, _USUAL, harsh=True),
    Technique("split", splitting.split, _USUAL),
    Technique("traditional", letters.traditional, (0.3, 0.6, 1.0)),
    Technique("digits", digits.digits, (0.3, 0.6, 1.0)),
    Technique("digit_homophones", digits.digit_homophones, (0.3, 0.6, 1.0), harsh=True),
    Technique("full_width", letters.full_width, (0.3, 0.6, 1.0)),
    Technique("confusables", letters.confusables, (0.3, 0.6, 1.0)),
    Technique("spaced_runs", inserting.spaced_runs, _USUAL, harsh=True),
    Technique("combining", inserting.combining, _USUAL),
    Technique("variation_selectors", inserting.variation_selectors, _USUAL),
    Technique("zero_width", inserting.zero_width, _USUAL),
    Technique("rare_invisible", inserting.rare_invisible, _USUAL, harsh=True),
    Technique("bidi", inserting.bidi, _USUAL),
    Technique("separators", inserting.separators, (*_USUAL, 1.0)),
    Technique("separators_mixed", inserting.separators_mixed, (*_USUAL, 1.0)),
    Technique("separators_rare", inserting.separators_rare, _USUAL, harsh=True),
    Technique("emoji", inserting.emoji, _USUAL),
    Technique("line_breaks", inserting.line_breaks, _USUAL),
    Technique("wide_spaces", inserting.wide_spaces, _USUAL),
    Technique("reversed", layout.reversed_text, _WHOLE),
    Technique("reversed_clauses", layout.reversed_clauses, (0.3, 0.6, 1.0)),
    Technique("bidi_override", layout.bidi_override, (0.3, 0.6, 1.0), harsh=True),
    Technique("vertical", layout.vertical, (0.3, 0.6, 1.0)),
    Technique("vertical_grid", layout.vertical_grid, _USUAL),
)
TECHNIQUES: dict[str, Technique] = {technique.name: technique for technique in _ALL}
"""Every technique by name, in the order they are applied: words first, marks on them later, the layout last."""


def evade(text: str, technique: str, strength: float, seed: int) -> str:
    """The text as a spammer would write it; unchanged when it has nothing that the technique changes.

    technique: a name in TECHNIQUES. strength: the share (0 to 1) of what can be changed; at least one place is.
    The same arguments always give the same text. Raises KeyError for an unknown technique.
    """
    chance = random.Random(f"{technique} {strength} {seed}")  # noqa: S311  (reproducible choices, nothing secret)
    return TECHNIQUES[technique].change(text, strength, chance)


def evade_twice(text: str, first: tuple[str, float], second: tuple[str, float], seed: int) -> str:
    """Two (technique, strength) in the order they are applied, whichever is named first.

    The original when one of the two has nothing to change: what is returned otherwise bears the marks of both.
    """
    changed = text
    order = list(TECHNIQUES)
    for technique, strength in sorted((first, second), key=lambda one: order.index(one[0])):
        before = changed
        changed = evade(before, technique, strength, seed)
        if changed == before:
            return text
    return changed
