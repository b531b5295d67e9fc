"""The operator's own word lists: a folder of `<lexicon>.txt`, one word a line, and packs loaded with them.

A list fills the lexicon of its name, which the pack marks `operator: true`. Lines that are empty or start with
`#` are comments. Errors name the file, the line and the column, as those of a pack do.
"""

from pathlib import Path

from rules.lexicon import MAX_WORD, LexiconError, folded_words
from rules.packs.load import load_pack
from rules.packs.model import Pack
from rules.packs.source import InvalidPackError, PackError, Place, did_you_mean


def load_with_words(pack: Path, lexicons: Path | None) -> Pack:
    """The pack in folder `pack`, its operator lexicons filled from the folder `lexicons`; None fills none.

    Raises InvalidPackError with everything wrong in the pack, or in the lists; a list that no lexicon of the
    pack asks for is an error.
    """
    if lexicons is None:
        return load_pack(pack)
    words = read_word_lists(lexicons)
    loaded = load_pack(pack, words)
    asked = loaded.operator_lexicons()
    unknown = [
        PackError(
            Place(str(lexicons / f"{name}.txt"), 1, 1),
            f"the pack {loaded.label} has no operator lexicon {name!r}",
            did_you_mean(name, asked) if asked else "it has none at all",
        )
        for name in words
        if name not in asked
    ]
    if unknown:
        raise InvalidPackError(unknown)
    return loaded


def read_word_lists(folder: Path) -> dict[str, list[str]]:
    """The words of each `*.txt` in `folder`, by the file's name. Raises InvalidPackError."""
    if not folder.is_dir():
        hint = "name the folder that holds the word lists"
        raise InvalidPackError([PackError(Place(str(folder), 1, 1), "there is no such folder", hint)])
    errors: list[PackError] = []
    lists = {path.stem: _read_list(path, errors) for path in sorted(folder.glob("*.txt"))}
    if errors:
        raise InvalidPackError(errors)
    return lists


def _read_list(path: Path, errors: list[PackError]) -> list[str]:
    """The words of one file; what is wrong with it is added to `errors`."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        errors.append(PackError(Place(str(path), 1, 1), f"not UTF-8: {error.reason} at byte {error.start}"))
        return []
    except OSError as error:
        errors.append(PackError(Place(str(path), 1, 1), f"cannot be read: {error.strerror}"))
        return []
    words: dict[str, None] = {}
    for number, line in enumerate(text.split("\n"), 1):
        word = line.strip()
        if not word or word.startswith("#"):
            continue
        try:
            folded_words({word: 1.0})
        except LexiconError as error:
            hint = f"words have 1 to {MAX_WORD} characters after folding"
            errors.append(PackError(Place(str(path), number, 1), str(error), hint))
        words[word] = None
    return list(words)
