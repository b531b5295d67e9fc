"""Numbers written otherwise: keycaps, circles, Chinese numerals, digits of other scripts."""

import random
from collections.abc import Sequence

from lab.evasions.picking import is_digit, pick, replace_spans, runs


def _from(first: int) -> tuple[str, ...]:
    return tuple(chr(first + digit) for digit in range(10))


def _from_one(zero: str, one: int) -> tuple[str, ...]:
    return (zero, *(chr(one + digit) for digit in range(9)))


STYLES: dict[str, Sequence[str]] = {
    "keycap": tuple(f"{digit}\ufe0f\u20e3" for digit in range(10)),
    "bare keycap": tuple(f"{digit}\u20e3" for digit in range(10)),
    "circled": _from_one("⓪", 0x2460),
    "black circled": _from_one("⓿", 0x2776),
    "sans circled": _from_one("🄋", 0x2780),
    "black sans circled": _from_one("🄌", 0x278A),
    "double circled": _from_one("⓪", 0x24F5),
    "parenthesised": _from_one("(0)", 0x2474),
    "full stop": _from_one("🄀", 0x2488),
    "Chinese": tuple("零一二三四五六七八九"),
    "Chinese with circle": tuple("〇一二三四五六七八九"),
    "telephone": tuple("零幺二三四五六七八九"),
    "bank": tuple("零壹贰叁肆伍陆柒捌玖"),
    "bank, Traditional": tuple("零壹貳參肆伍陸柒捌玖"),
    "parenthesised Chinese": _from_one("〇", 0x3220),
    "circled Chinese": _from_one("〇", 0x3280),
    "raised": tuple("⁰¹²³⁴⁵⁶⁷⁸⁹"),
    "lowered": tuple("₀₁₂₃₄₅₆₇₈₉"),
    "bold": _from(0x1D7CE),
    "double-struck": _from(0x1D7D8),
    "sans": _from(0x1D7E2),
    "sans bold": _from(0x1D7EC),
    "typewriter": _from(0x1D7F6),
    "segmented": _from(0x1FBF0),
    "full width": _from(0xFF10),
    "Arabic": _from(0x0660),
    "Persian": _from(0x06F0),
    "Devanagari": _from(0x0966),
    "Bengali": _from(0x09E6),
    "Thai": _from(0x0E50),
    "letters": tuple("OlZ34S67B9"),
    "small letters": tuple("ol23456789"),
}
_HOMOPHONES = (
    "零灵玲令",
    "依衣腰要",
    "而尔耳儿",
    "散伞叁山",
    "司丝思死",
    "吾舞屋伍",
    "溜陆刘柳",
    "漆奇妻起",
    "吧爸扒捌",
    "酒久玖就",
)


def digits(text: str, strength: float, rng: random.Random) -> str:
    """A share of the runs of digits, each run in one style; one in four changes its style at every digit."""
    styles = list(STYLES.values())
    spans: list[tuple[int, int, str]] = []
    for start, end in pick(runs(text, is_digit), strength, rng):
        style = rng.choice(styles)
        mixed = rng.random() < 0.25
        new = "".join((rng.choice(styles) if mixed else style)[int(digit)] for digit in text[start:end])
        spans.append((start, end, new))
    return replace_spans(text, spans)


def digit_homophones(text: str, strength: float, rng: random.Random) -> str:
    """A share of the runs of digits in characters that sound like the digits: 衣伞吧 for 138."""
    spans = [
        (start, end, "".join(rng.choice(_HOMOPHONES[int(digit)]) for digit in text[start:end]))
        for start, end in pick(runs(text, is_digit), strength, rng)
    ]
    return replace_spans(text, spans)
