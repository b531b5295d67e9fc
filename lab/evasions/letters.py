"""Other shapes of the same letters: full width, look-alikes of other scripts, Traditional characters."""

import random
from functools import cache
from string import ascii_letters, ascii_lowercase, ascii_uppercase

from opencc import OpenCC

from lab.evasions.picking import is_digit, is_letter, pick, replace_picked

_CYRILLIC = dict(zip("acdehijlopqswxyABCEHIJKMOPSTXYkmtbgnur", "асԁеһіјӏорԛѕԝхуАВСЕНІЈКМОРЅТХҮкмтЬԍпцг", strict=True))
_GREEK = dict(zip("aeiknoptuvwxyABEHIKMNOPTXYZs", "αεικηορτυνωχγΑΒΕΗΙΚΜΝΟΡΤΧΥΖς", strict=True))
_OTHERS = dict(zip("ABCDEGHIJKLMPRSTVWZaghijouszqd", "ᎪᏴᏟᎠᎬᏀᎻᏆᎫᏦᏞᎷᏢᎡᏚᎢᏙᎳᏃɑɡհıϳօսꜱᴢզԁ", strict=True))
_SMALL_CAPITALS = dict(zip(ascii_lowercase, "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡxʏᴢ", strict=True))
_RAISED = dict(zip("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ", strict=True))


def _block(upper: int, lower: int) -> dict[str, str]:
    """Look-alikes in alphabetical order, from the code of the capital A and that of the small a."""
    capitals = {letter: chr(upper + at) for at, letter in enumerate(ascii_uppercase)}
    return capitals | {letter: chr(lower + at) for at, letter in enumerate(ascii_lowercase)}


_STYLES: dict[str, dict[str, str]] = {
    "Cyrillic": _CYRILLIC,
    "Greek": _GREEK,
    "other scripts": _OTHERS,
    "small capitals": _SMALL_CAPITALS,
    "raised": _RAISED,
    "bold": _block(0x1D400, 0x1D41A),
    "bold italic": _block(0x1D468, 0x1D482),
    "bold script": _block(0x1D4D0, 0x1D4EA),
    "bold Fraktur": _block(0x1D56C, 0x1D586),
    "sans": _block(0x1D5A0, 0x1D5BA),
    "sans bold": _block(0x1D5D4, 0x1D5EE),
    "typewriter": _block(0x1D670, 0x1D68A),
    "circled": _block(0x24B6, 0x24D0),
    "black circled": _block(0x1F150, 0x1F150),
    "squared": _block(0x1F130, 0x1F130),
    "black squared": _block(0x1F170, 0x1F170),
    "parenthesised": _block(0x1F110, 0x249C),
}
_TRADITIONAL = ("s2t", "s2tw", "s2hk")


def _widen(character: str) -> str:
    return chr(ord(character) + 0xFEE0)


def full_width(text: str, strength: float, rng: random.Random) -> str:
    """Full-width forms of a share of the letters and digits."""
    return replace_picked(text, lambda character: is_letter(character) or is_digit(character), _widen, strength, rng)


def confusables(text: str, strength: float, rng: random.Random) -> str:
    """A share of the Latin letters in another script or style: one style for the text, or a new one each time."""
    one = rng.choice(list(_STYLES.values()))
    mixed = rng.random() < 0.5
    styles = list(_STYLES.values())

    def change(letter: str) -> str:
        return (rng.choice(styles) if mixed else one).get(letter, letter)

    wanted = ascii_letters if mixed else one.keys()
    return replace_picked(text, lambda character: character in wanted, change, strength, rng)


@cache
def _converter(name: str) -> OpenCC:
    return OpenCC(name)


def traditional(text: str, strength: float, rng: random.Random) -> str:
    """A share of the characters that differ in Traditional script, in the form of Taiwan, Hong Kong or OpenCC."""
    converted: str = _converter(rng.choice(_TRADITIONAL)).convert(text)
    if len(converted) != len(text):
        return converted
    characters = list(text)
    for at in pick(
        [at for at, pair in enumerate(zip(text, converted, strict=True)) if pair[0] != pair[1]], strength, rng
    ):
        characters[at] = converted[at]
    return "".join(characters)
