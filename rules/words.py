"""Listed words as people write them, and the folded forms under which a text is searched for them.

A word has one form of its own; `pinyin` and `initials` add more. A form may carry conditions on where it stands:
`token` (no Latin letter or digit goes on at its edges), `alone` (not inside a longer form of its lexicon) and
`exact` (the text as written is the word as written). Conditions are looked at only where the form was found.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rules.lexicon import MAX_WORD, LexiconError
from rules.pinyin import initials, spellings
from rules.text import decode_points, fold_batch


class Word(NamedTuple):
    """One entry of a lexicon, as written.

    whole:    only as a token of its own.
    pinyin:   its pinyin is found as well, joined or with spaces, whole or in part.
    initials: the initials of its pinyin are found as well, as a token of their own.
    fold:     False finds it only exactly as written: case, width, script.
    """

    text: str
    weight: float = 1.0
    group: str = ""
    whole: bool = False
    pinyin: bool = False
    initials: bool = False
    fold: bool = True


class Exact(NamedTuple):
    """The text as it must stand, of which the first `lead` characters lie before the folded form."""

    written: str
    lead: int


class Form(NamedTuple):
    """A folded form of the word with index `word`, and the conditions under which it counts."""

    folded: str
    word: int
    token: bool = False
    alone: bool = False
    exact: Exact | None = None


def as_words(words: Mapping[str, float] | Iterable[Word]) -> list[Word]:
    """Words with weights, or entries, as entries."""
    if isinstance(words, Mapping):
        return [Word(text, weight) for text, weight in words.items()]
    return list(words)


def wrong_words(texts: Sequence[str]) -> list[tuple[int, str]]:
    """(index, why) of the words that cannot be matched."""
    return [
        (index, wrong)
        for index, (text, form) in enumerate(zip(texts, _folded(texts), strict=True))
        if (wrong := _wrong(text, form))
    ]


def forms_of(words: Sequence[Word]) -> list[Form]:
    """Every form of `words`. Raises LexiconError for a word that folds to nothing or to more than MAX_WORD
    characters, or has a NUL."""
    own = _folded([word.text for word in words])
    forms: list[Form] = []
    derived: list[tuple[int, str]] = []
    for index, (word, form) in enumerate(zip(words, own, strict=True)):
        if wrong := _wrong(word.text, form):
            raise LexiconError(wrong)
        if word.fold:
            forms.append(Form(form, index, word.whole, word.whole))
        else:
            core, lead = _core(word.text)
            forms.append(Form(core or form, index, word.whole, word.whole, Exact(word.text, lead if core else 0)))
        if word.pinyin:
            derived += [(index, spelled) for spelled in spellings(word.text)]
        if word.initials and (letters := initials(word.text)):
            derived.append((index, letters))
    for (index, _), form in zip(derived, _folded([text for _, text in derived]), strict=True):
        if form.strip() and len(form) <= MAX_WORD:
            forms.append(Form(form, index, True, words[index].whole))
    return forms


def _folded(texts: Sequence[str]) -> list[str]:
    """The folded forms; texts with a NUL fold to nothing."""
    if not texts:
        return []
    plain = [text if "\0" not in text else "" for text in texts]
    return decode_points(fold_batch(plain).codes).split("\0")[:-1]


def _wrong(text: str, form: str) -> str:
    if "\0" in text:
        return f"{text!r} has a NUL, which parts one text from the next"
    if not form.strip():
        return f"{text!r} has no character that folding keeps"
    return f"{text[:MAX_WORD]!r}… is longer than {MAX_WORD} characters" if len(form) > MAX_WORD else ""


def _core(text: str) -> tuple[str, int]:
    """What every text that has `text` in it keeps of it, and how many characters lie before that.

    Between Chinese characters folding drops the separators at the edges of a word, elsewhere it keeps them.
    """
    folded = fold_batch([f"一{text}一"])
    kept = decode_points(folded.codes[1:-2])
    core = kept.strip()
    return core, int(folded.origin[1 + kept.index(core)]) - 1 if core else 0
