"""The operator's own word lists: a folder of `<lexicon>.txt`, `.csv` or `.yaml`, and packs loaded with them.

A list fills the lexicon of its name, which the pack marks `operator: true`. A `.txt` has one word a line, a `.csv`
weights and options in columns (`rules.packs.word_files`), a `.yaml` what stands below a lexicon's name in a pack.
Errors name the file, the line and the column, as those of a pack do.
"""

from pathlib import Path

from rules.packs.load import load_pack
from rules.packs.model import Pack
from rules.packs.read_lexicon import read_words
from rules.packs.source import InvalidPackError, PackError, Place, did_you_mean
from rules.words import Word

SUFFIXES = (".txt", ".csv", ".yaml")
"""What lists of words are called: plain text, a table, or the body of a lexicon."""


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
    hint = "" if asked else "it has none at all"
    unknown = [
        PackError(
            Place(str(path), 1, 1),
            f"the pack {loaded.label} has no operator lexicon {path.stem!r}",
            hint or did_you_mean(path.stem, asked),
        )
        for path in _lists(lexicons)
        if path.stem not in asked
    ]
    if unknown:
        raise InvalidPackError(unknown)
    return loaded


def _lists(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.suffix in SUFFIXES]


def read_word_lists(folder: Path) -> dict[str, list[Word]]:
    """The words of each list in `folder`, by the file's name without its end. Raises InvalidPackError."""
    if not folder.is_dir():
        hint = "name the folder that holds the word lists"
        raise InvalidPackError([PackError(Place(str(folder), 1, 1), "there is no such folder", hint)])
    errors: list[PackError] = []
    lists: dict[str, list[Word]] = {}
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in {*SUFFIXES, ".yml"}]
    for path in files:
        if path.suffix not in SUFFIXES:
            hint = f"lists are called {', '.join(SUFFIXES)}"
            errors.append(PackError(Place(str(path), 1, 1), f"{path.name!r} is not read", hint))
            continue
        if path.stem in lists:
            first = next(other for other in files if other.stem == path.stem)
            message = f"{path.stem!r} has a list already, {first.name}"
            errors.append(PackError(Place(str(path), 1, 1), message, "put all its words into one of them"))
            continue
        lists[path.stem] = []
        try:
            lists[path.stem] = read_words(path, str(path))
        except PackError as error:
            errors.append(error)
    if errors:
        raise InvalidPackError(errors)
    return lists
