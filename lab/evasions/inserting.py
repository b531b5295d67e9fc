"""Putting something between or onto characters that a reader overlooks: invisible marks, separators, emoji."""

import random
import unicodedata

from lab.evasions.picking import insert_between, is_chinese, is_digit, is_letter, replace_picked

ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u2061\u2062\u2063\u2064"
"""ZWSP, ZWNJ, ZWJ, word joiner, BOM, soft hyphen, invisible function application, times, separator, plus."""
RARE_INVISIBLE = "\u034f\u115f\u1160\u3164\uffa0\u17b4\u17b5\u180e\u206a\u206e\U000e0061\U000e0020\U0001d173\ufff9"
"""Grapheme joiner, Hangul fillers, Khmer inherent vowels, Mongolian separator, shaping, tags, beams, annotations."""
SELECTORS = "".join(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE0110), 0x180B, 0x180C, 0x180D]))
_BIDI_MARKS = (
    "\u200e",
    "\u200f",
    "\u061c",
    "\u202a\u202c",
    "\u202b\u202c",
    "\u2066\u2069",
    "\u2067\u2069",
    "\u2068\u2069",
)
_MARKS_ABOVE_AND_BELOW = (
    "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030c\u0323\u0324\u0325\u032d\u0331\u0332"
)
_MARKS_THROUGH = "\u0334\u0335\u0336\u0337\u0338\u0489\u20d2\u20dd\u20de\u20e0\u20e3\u0333\u0305\u035c\u0361"
SEPARATORS = (".", "*", "-", "|", "/", "~", "_", "·", " ", "、", ",", "。", "，", "+")
RARE_SEPARATORS = (*"★☆◆■●▪→✦※丨丶灬ㄧ┃│┋∣❙﹒﹡˙‧・︱﹍︴＊⁎✻^`'\"=#@&%$;:!?<>\\〃々ˇ¨…—–‐～", "<>", "][", "}{")
EMOJI = (
    *"🔥🎁💰❤⭐🌹👉📞🎉💵🍎🈵🉐㊙㊗♥♠✅⚡🀄🐎",
    "❤️", "👍🏻", "👨‍👩‍👧", "🇨🇳", "🏳️‍🌈", "1️⃣", "☎️",
)  # fmt: skip
_BLANKS = ("\u3000", "\u00a0", "\t", "\u2003", "\u2002", "\u2009", "\u3000\u3000", "\u205f", "\u202f")
_LINE_ENDS = ("\n", "\r\n", "\n\n", "\n ", "\u3000\n")


def _anywhere(left: str, right: str) -> bool:
    return not left.isspace() and not right.isspace()


def _in_chinese(left: str, right: str) -> bool:
    return is_chinese(left) and is_chinese(right)


def _in_run(left: str, right: str) -> bool:
    return (is_letter(left) and is_letter(right)) or (is_digit(left) and is_digit(right))


def _is_written(character: str) -> bool:
    return is_chinese(character) or is_letter(character)


def zero_width(text: str, strength: float, rng: random.Random) -> str:
    """Zero-width and other invisible characters in a share of all gaps, sometimes several in one."""
    return insert_between(
        text, _anywhere, lambda: "".join(rng.choices(ZERO_WIDTH, k=rng.choice((1, 1, 1, 2)))), rng, strength
    )


def rare_invisible(text: str, strength: float, rng: random.Random) -> str:
    """Characters that show nothing but are no usual zero-width ones: fillers, tags, joiners."""
    return insert_between(text, _anywhere, lambda: rng.choice(RARE_INVISIBLE), rng, strength)


def bidi(text: str, strength: float, rng: random.Random) -> str:
    """Direction marks, empty embeddings and empty isolates in a share of all gaps; what is shown stays."""
    return insert_between(text, _anywhere, lambda: rng.choice(_BIDI_MARKS), rng, strength)


def variation_selectors(text: str, strength: float, rng: random.Random) -> str:
    """A variation selector after a share of the written characters."""
    return replace_picked(text, _is_written, lambda character: character + rng.choice(SELECTORS), strength, rng)


def combining(text: str, strength: float, rng: random.Random) -> str:
    """One to three combining marks on a share of the letters, Latin and Chinese; composed where possible."""

    def adorn(character: str) -> str:
        marks = "".join(rng.choices(_MARKS_ABOVE_AND_BELOW + _MARKS_THROUGH, k=rng.choice((1, 1, 2, 3))))
        return unicodedata.normalize(rng.choice(("NFC", "NFD")), character + marks)

    return replace_picked(text, _is_written, adorn, strength, rng)


def separators(text: str, strength: float, rng: random.Random) -> str:
    """One and the same separator in a share of the gaps between Chinese characters."""
    separator = rng.choice(SEPARATORS)
    return insert_between(text, _in_chinese, lambda: separator, rng, strength)


def separators_mixed(text: str, strength: float, rng: random.Random) -> str:
    """A different separator in each gap, sometimes repeated."""
    return insert_between(
        text, _in_chinese, lambda: rng.choice(SEPARATORS) * rng.choice((1, 1, 1, 2, 3)), rng, strength
    )


def separators_rare(text: str, strength: float, rng: random.Random) -> str:
    """Symbols, strokes and brackets that are seldom used as separators."""
    return insert_between(text, _in_chinese, lambda: rng.choice(RARE_SEPARATORS), rng, strength)


def spaced_runs(text: str, strength: float, rng: random.Random) -> str:
    """Letters and digits of numbers, addresses and names moved apart: `1 3 8`, `w.e.i`."""
    separator = rng.choice((" ", ".", "-", "_", "*", "·", " - ", "  "))
    return insert_between(text, _in_run, lambda: separator, rng, strength)


def emoji(text: str, strength: float, rng: random.Random) -> str:
    """Emoji, simple ones and sequences, in a share of the gaps between Chinese characters."""
    return insert_between(text, _in_chinese, lambda: rng.choice(EMOJI), rng, strength)


def line_breaks(text: str, strength: float, rng: random.Random) -> str:
    """Line ends in a share of the gaps between Chinese characters."""
    return insert_between(text, _in_chinese, lambda: rng.choice(_LINE_ENDS), rng, strength)


def wide_spaces(text: str, strength: float, rng: random.Random) -> str:
    """Full-width and other unusual blanks in a share of the gaps between Chinese characters."""
    return insert_between(text, _in_chinese, lambda: rng.choice(_BLANKS), rng, strength)
