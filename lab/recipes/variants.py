"""Remakes `rules/data/sounds.tsv`: how the words of `rules/data/words.txt` sound, and what is written instead.

    python -m lab.recipes.variants DICTIONARY

Proposes for each word the strings in which one character is replaced by one that sounds the same but for the tone
(pypinyin, MIT licence) or that differs in its side only (`parts.tsv`), and leaves out those that mean something:
pairs that `characters.tsv` has counted and words of DICTIONARY, a list of Chinese words with one word at the start of
each line (such as `dict.txt` of the package jieba, MIT licence).
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from pypinyin import Style, lazy_pinyin, pinyin

from rules.folding.codes import decode_points
from rules.folding.language import language
from rules.folding.parts import parts
from rules.folding.points import fold_points

_DATA = Path(__file__).parents[2] / "rules" / "data"
_FIRST_ROW, _LAST_ROW = 0xB0, 0xD7
"""Rows of GB 2312 that hold its 3,755 common characters."""
_HEADER = """\
# Words, their pinyin, and what is written instead of them by sound and by shape: a word, a tab, its syllables (after a
# bar how a character sounds alone), a tab, its variants. Remade by `python -m lab.recipes.variants` from words.txt;
# what is written by hand is in variants.txt.
"""


def listed() -> list[str]:
    """The words of `words.txt`, folded character by character."""
    lines = (_DATA / "words.txt").read_text("utf-8").splitlines()
    words = (word for line in lines if not line.startswith("#") for word in line.split())
    return list(dict.fromkeys(decode_points(fold_points(word)) for word in words))


def by_sound() -> dict[str, str]:
    """Syllable without tone -> the common characters that sound so, in any of their readings."""
    rows = range(_FIRST_ROW, _LAST_ROW + 1)
    codes = (bytes((row, column)) for row in rows for column in range(0xA1, 0xFF))
    found: dict[str, str] = {}
    for code in codes:
        if character := code.decode("gb2312", "ignore"):
            for sound in pinyin(character, style=Style.NORMAL, heteronym=True)[0]:
                found[sound] = found.get(sound, "") + character
    return found


def by_shape() -> dict[str, set[str]]:
    """Character -> the common characters that share its larger part, or that are this part."""
    holders: dict[int, set[str]] = {}
    single = language().single
    for way in parts().split:
        whole, pieces = way.character, way.pieces
        if len(pieces) == 2 and single[whole]:
            holders.setdefault(pieces[-1], set()).add(chr(whole))
            holders.setdefault(whole, set()).add(chr(whole))
    found: dict[str, set[str]] = {}
    for part, family in holders.items():
        if 1 < len(family) <= 12:
            for character in family:
                found.setdefault(character, set()).update(family, {chr(part)} if single[part] else set())
    return found


def variants(word: str, sounds: dict[str, str], shapes: dict[str, set[str]], known: set[str]) -> Iterator[str]:
    """What is written instead of `word`."""
    counted = language().pairs
    for at, (character, sound) in enumerate(zip(word, lazy_pinyin(word), strict=True)):
        others = sounds.get(sound, "") + "".join(sorted(shapes.get(character, ())))
        for other in dict.fromkeys(others.replace(character, "")):
            variant = word[:at] + other + word[at + 1 :]
            pieces = {variant[first : first + 2] for first in (at - 1, at) if 0 <= first < len(word) - 1}
            common = [piece for piece in pieces if ord(piece[0]) << 16 | ord(piece[1]) in counted or piece in known]
            if variant not in known and not common:
                yield variant


def readings(word: str) -> list[str]:
    """The syllable of each character in the word, and after a bar the one it has alone, if it is another."""
    alone = [lazy_pinyin(character)[0] for character in word]
    return ["|".join(dict.fromkeys(sounds)) for sounds in zip(lazy_pinyin(word), alone, strict=True)]


def main() -> None:
    """Runs the recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dictionary", type=Path, help="a list of words, one at the start of each line")
    arguments = parser.parse_args()
    known = {line.split()[0] for line in arguments.dictionary.read_text("utf-8").splitlines() if line.strip()}
    words, sounds, shapes = listed(), by_sound(), by_shape()
    known |= set(words)
    taken: dict[str, str] = {}
    for word in words:
        for variant in variants(word, sounds, shapes, known):
            taken.setdefault(variant, word)
    lines = []
    for word in words:
        written = " ".join(variant for variant, of in taken.items() if of == word)
        lines.append(f"{word}\t{' '.join(readings(word))}\t{written}\n")
    (_DATA / "sounds.tsv").write_text(_HEADER + "".join(lines), "utf-8")


if __name__ == "__main__":
    main()
