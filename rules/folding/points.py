"""What every single code point folds to, whatever stands around it, and what kind of character that is.

Compatibility forms (NFKC), case, accents, invisible characters, Traditional to Simplified, digits of all scripts,
radicals, and look-alikes of Latin letters (Unicode's confusables, enclosed letters, small capitals). One table of
the whole code space, a constant of the program, is built on first use in about 0.3 s.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import opencc
from confusable_homoglyphs import utils as confusable_homoglyphs
from numpy.typing import NDArray

from rules.folding.codes import CodePoints, Positions, encode_points

CHINESE = 1
"""A Chinese character."""
DROPPED = 2
"""A separator, symbol or emoji, dropped between two Chinese characters."""
BREAK = 4
"""Punctuation and line ends, which part clauses; and the NUL between texts."""
LETTER = 8
"""A Latin letter, a to z."""
DIGIT = 16
"""0 to 9."""
NUMERAL = 32
"""A Chinese digit. It is CHINESE too."""
GONE = 64
"""Folds to nothing."""
WIDE = 128
"""Folds to several characters, in `Points.expansions`; the other bits say what they are together."""

NUMERALS = dict(zip("〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖参两幺", "00123456789123456789321", strict=True))
"""Chinese digits, everyday, for banks and for telephones, and their values."""

Kinds = NDArray[np.uint8]

_UNICODE = 0x110000
_FOLDED_BLOCKS = (
    range(0x1, 0xD800),
    range(0xE000, 0x11000),  # private use to specials: full-width forms, variation selectors; ancient alphabets
    range(0x11000, 0x12000),  # Brahmic digits and letters
    range(0x16A00, 0x17000),  # Bamum to Miao
    range(0x1BC00, 0x1BD00),  # Duployan
    range(0x1D100, 0x1D200),  # musical symbols that show nothing
    range(0x1D400, 0x1D800),  # mathematical alphanumerics, a favourite of spammers
    range(0x1E100, 0x1E960),  # digits of young scripts, Adlam
    range(0x1F000, 0x1FC00),  # enclosed letters and digits, emoji, segmented digits
    range(0x2F800, 0x2FA20),  # CJK compatibility ideographs
    range(0xE0000, 0xE01F0),  # tags and variation selectors
)
_CJK_BLOCKS = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x32000))
_PLAIN = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xAC00, 0xD7A4))
"""Characters and Hangul syllables, which have neither case nor accents: only simplified, for a quick start."""
_RADICALS = ((0x2E80, 0x2F00), (0x31C0, 0x31F0))
"""Radicals and strokes, which look like characters."""
_ASIAN = ((0x1100, 0x1200), (0x2E80, 0xA4D0), (0xAC00, 0xD7FF), (0xF900, 0xFB00))
"""Scripts in which a character that resembles a Latin letter is not one."""
_DROPPED_PUNCTUATION = "._*-~|/\\+=^#@`'\"·•‧・．＊－～｜／＼＋＝＾＃＠＿…—–―‐‑‒⋯°●○◆◇■□★☆※→←↑↓丨丶丿々〃ㄧ∣"
_LOOK_ALIKES = dict(
    zip(
        "авгеёкмнорстухыіїјѕԁԛԝцпđłøħŧɨαβγεηικνορτυχωϲշօսհϳ",
        "abreekmhopctyxbiijsdqwundlohtiabyenikvoptuxwc2ouhj",
        strict=True,
    )
)
"""Letters that pass for Latin ones in a word although Unicode does not call them confusable."""
_OTHER_FORMS = dict(
    zip("銭欵夲眞発売価戻亊囯覌裡牀犮渋駅図帰辺応広関鉄対気円絵歩児団圧沢浜焼豊歳黒栄単戦",
        "钱款本真发卖价戾事国观里床发涩驿图归边应广关铁对气圆绘步儿团压泽滨烧丰岁黑荣单战", strict=True)
)  # fmt: skip
"""Japanese, old and odd forms of common characters, which OpenCC does not simplify."""
_BLANKS = "\u115f\u1160\u17b4\u17b5\u3164\uffa0"
"""Hangul fillers and Khmer inherent vowels: letters that show nothing."""
_NAMED_LETTER = re.compile(
    r"(?:LATIN LETTER SMALL CAPITAL|MODIFIER LETTER (?:SMALL|CAPITAL)"
    r"|(?:CROSSED )?NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER"
    r"|TORTOISE SHELL BRACKETED LATIN CAPITAL LETTER|PARENTHESIZED LATIN (?:SMALL|CAPITAL) LETTER) ([A-Z])"
)


@dataclass(frozen=True, slots=True)
class Points:
    """By code point. fold: uint32[0x110000], what it folds to. kind: uint8[0x110000], of what it folds to, as bits.

    expansions: the code points that fold to several characters. The same as arrays: wide: uint32[m], the code points
    in order; wide_codes: uint32[k], what they fold to; wide_at: int64[m + 1], of wide[i] from wide_at[i] to the next.
    """

    fold: CodePoints
    kind: Kinds
    expansions: dict[int, str]
    wide: CodePoints
    wide_at: Positions
    wide_codes: CodePoints


def fold_points(text: str) -> CodePoints:
    """`text` with every code point folded by itself."""
    tables = points()
    codes = encode_points(text)
    kinds = tables.kind[codes]
    if not (kinds & (GONE | WIDE)).any():
        return tables.fold[codes]
    pieces = [
        "" if kind & GONE else tables.expansions[code] if kind & WIDE else chr(tables.fold[code])
        for code, kind in zip(codes.tolist(), kinds.tolist(), strict=True)
    ]
    return encode_points("".join(pieces))


@cache
def points() -> Points:
    """The tables."""
    fold_to = np.arange(_UNICODE, dtype=np.uint32)
    gone = np.zeros(_UNICODE, np.bool_)
    expansions: dict[int, str] = {}
    simplified, alike = _simplified(), _look_alikes()
    for block in _FOLDED_BLOCKS:
        for point in block:
            target = _settled(point, simplified, alike)
            if len(target) == 1:
                fold_to[point] = ord(target)
            elif not target:
                gone[point] = True
            else:
                expansions[point] = target
    kind = _kinds()
    # What folds to something else is of the kind of what it folds to: "⽀" is the character 支, "﹒" a dot.
    kind = kind[fold_to]
    kind[gone] = GONE
    for point, target in expansions.items():
        symbol = unicodedata.category(chr(point)) in {"So", "Sk"}
        kind[point] = WIDE | _together([int(kind[ord(part)]) for part in target], symbol)
    wide = sorted(expansions)
    wide_at = np.cumsum([0, *(len(expansions[point]) for point in wide)])
    wide_codes = encode_points("".join(expansions[point] for point in wide))
    return Points(fold_to, kind, expansions, np.array(wide, np.uint32), wide_at, wide_codes)


def _kinds() -> Kinds:
    kind = np.zeros(_UNICODE, np.uint8)
    for point in range(0x20000):
        character = chr(point)
        category = unicodedata.category(character)
        if category in {"So", "Sk", "Zs"}:
            kind[point] = DROPPED
        elif category[0] in "PS" or category in {"Zl", "Zp", "Cc"}:
            kind[point] = BREAK
    for first, end in _CJK_BLOCKS:
        kind[first:end] = CHINESE
    for character in _DROPPED_PUNCTUATION:
        kind[ord(character)] = DROPPED
    kind[ord("a") : ord("z") + 1] = LETTER
    kind[ord("0") : ord("9") + 1] = DIGIT
    for character in NUMERALS:
        kind[ord(character)] = CHINESE | NUMERAL
    return kind


def _together(parts: Sequence[int], symbol: bool) -> int:
    """The kind of several characters that stand for one, which may be a symbol: ™ is dropped, ㊙ is Chinese."""
    if all(part & CHINESE for part in parts):
        return CHINESE
    dropped = symbol and not any(part & CHINESE for part in parts)
    return DROPPED if dropped or all(part & DROPPED for part in parts) else 0


def _settled(point: int, simplified: dict[str, str], alike: dict[str, str]) -> str:
    """What folds to something that folds further is folded to the end."""
    if _in(point, _PLAIN):
        return simplified.get(chr(point), chr(point))
    target = _fold_point(point, simplified, alike)
    if target == chr(point) or target.isascii():
        return target
    return "".join(_fold_point(ord(c), simplified, alike) for c in target)


def _fold_point(point: int, simplified: dict[str, str], alike: dict[str, str]) -> str:
    character = chr(point)
    category = unicodedata.category(character)
    if character in "\n\r\v\f\u2028\u2029\u0085":
        return "\n"
    if character in _BLANKS or (category in {"Cf", "Mn", "Me", "Cc"} and character != "\t"):
        return ""
    if category.startswith("Z") or character == "\t":
        return " "
    if category in {"Ll", "Lm", "So"} and (named := _NAMED_LETTER.fullmatch(unicodedata.name(character, ""))):
        return named[1].lower()
    form = unicodedata.normalize("NFKC", character)
    if form == character and category[0] == "N" and character not in NUMERALS:
        number = unicodedata.numeric(character)
        return str(int(number)) if number.is_integer() else character
    if ord(form[0]) < 0x250 or 0x1E00 <= point < 0x2000:  # Latin and Greek: drop the accents as well
        form = "".join(c for c in unicodedata.normalize("NFKD", form) if not unicodedata.combining(c))
    lowered = "".join(c for c in form.casefold() if unicodedata.category(c) not in {"Cf", "Mn", "Me"})
    return "".join(alike.get(c, c) for c in (simplified.get(c, c) for c in lowered))


def _in(point: int, blocks: Sequence[tuple[int, int]]) -> bool:
    return any(first <= point < end for first, end in blocks)


def _look_alikes() -> dict[str, str]:
    """Letters and what they are confused with: Latin letters and digits, and characters that a radical looks like.

    Unicode's own list (UTS #39), as the package confusable-homoglyphs carries it.
    """
    found: dict[str, str] = {}
    for character, entries in confusable_homoglyphs.load("confusables.json").items():  # its module would keep 8 MB
        if len(character) > 1 or character.isascii():
            continue
        point = ord(character)
        targets = [entry["c"] for entry in entries]
        if _in(point, _RADICALS):
            fitting = [target for target in targets if len(target) == 1 and _in(ord(target), _CJK_BLOCKS)]
        elif unicodedata.category(character)[0] == "L" and not _in(point, _ASIAN):
            fitting = [target.lower() for target in targets if target.isascii() and target.isalnum()]
        else:
            continue
        if fitting:
            found[character] = fitting[0]
    # Capital and small letters fold alike: the small one first, then what only its capital is confused with.
    both = {c.casefold(): t for c, t in found.items() if len(c.casefold()) == 1 and not c.casefold().isascii()}
    both |= {c: target for c, target in found.items() if c == c.casefold()}
    both.pop("μ")  # of 10 μm; only the capital is an M
    return both | _LOOK_ALIKES


def _simplified() -> dict[str, str]:
    """Traditional to Simplified, character by character, from OpenCC's own table."""
    characters = [chr(point) for first, end in _CJK_BLOCKS[:3] for point in range(first, end)]
    converted = opencc.OpenCC("t2s").convert("\n".join(characters)).split("\n")
    pairs = zip(characters, converted, strict=True)
    once = {old: new for old, new in pairs if old != new and len(new) == 1}
    return {old: once.get(new, new) for old, new in once.items()} | _OTHER_FORMS
