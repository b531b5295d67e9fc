"""Chinese words spelled in Latin letters, as people write them to get past a word list. Used when a pack is compiled.

Readings are pypinyin's, which knows phrases: 银行 is yinhang, 行走 is xingzou. Tones are left out, and ü is
written v, or u where a writer drops its dots.
"""

from itertools import product

MAX_MIXED = 4
"""Longest word, in characters, of which every mixture of characters and syllables is listed: 2^4 - 1 forms."""


def spellings(word: str) -> list[str]:
    """`word` with its Chinese characters spelled out: joined and with spaces; and partly spelled (微xin, wei信) when
    it has at most MAX_MIXED characters. Empty when it has no Chinese character."""
    parts = _parts(word)
    if all(written == spelled for written, spelled in parts):
        return []
    dotless = [(written, spelled.replace("v", "u") if spelled != written else written) for written, spelled in parts]
    found: list[str] = []
    for readings in [parts] if dotless == parts else [parts, dotless]:
        found += ["".join(spelled for _, spelled in readings), " ".join(spelled for _, spelled in readings)]
        if len(readings) <= MAX_MIXED:
            found += ["".join(mixture) for mixture in product(*readings)]
    return [form for form in dict.fromkeys(found) if form != word]


def initials(word: str) -> str:
    """The first letter of each syllable, other characters as they are: 微信 gives wx. Empty unless `word` has two
    or more characters, all of them Chinese, letters or digits."""
    parts = _parts(word)
    letters = "".join(spelled[:1] for _, spelled in parts)
    spelled_any = any(written != spelled for written, spelled in parts)
    return letters if spelled_any and len(parts) > 1 and letters.isalnum() and letters.isascii() else ""


def _parts(word: str) -> list[tuple[str, str]]:
    """(character, how it is spelled) of each character but white space; what has no reading is spelled as it is."""
    from pypinyin import Style, lazy_pinyin  # noqa: PLC0415 - a third of a second, for packs that ask for it

    spelled: list[str] = lazy_pinyin(word, style=Style.NORMAL, v_to_u=False, errors=list)  # type: ignore[arg-type]
    return [(written, reading) for written, reading in zip(word, spelled, strict=True) if not written.isspace()]
