"""Lists of words in files of their own: plain text, one word a line, or CSV with a header.

A line of a `.txt` is a word, or a word, a tab and its weight; empty lines and lines that start with `#` do not count.
A `.csv` names its columns in the first line: `word`, and any of `weight`, `group`, `whole`, `pinyin`, `initials`
and `fold`, the last four true or false; an empty cell is the default.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rules.packs.source import PackError, Place, did_you_mean, read_text

OPTIONS = ("whole", "pinyin", "initials", "fold")
"""The options of a word that are true or false."""
MAX_WEIGHT = 1000.0
_COLUMNS = ("word", "weight", "group", *OPTIONS)


@dataclass(frozen=True, slots=True)
class Listed:
    """A word in a file, and where it stands. `options` are those that the file gives."""

    text: str
    place: Place
    weight: float = 1.0
    group: str = ""
    options: dict[str, bool] = field(default_factory=dict)


def read_word_file(path: Path, name: str) -> list[Listed]:
    """The words of a `.txt` or `.csv`; errors call the file `name`. Raises PackError."""
    text = read_text(path, name)
    return list(_csv(text, name) if path.suffix == ".csv" else _lines(text, name))


def _lines(text: str, name: str) -> Iterator[Listed]:
    seen: set[str] = set()
    for number, line in enumerate(text.split("\n"), 1):
        word, tab, weight = line.strip().partition("\t")
        word = word.strip()
        if not word or word.startswith("#") or word in seen:
            continue
        seen.add(word)
        place = Place(name, number, 1)
        yield Listed(word, place, _weight(weight.strip(), place) if tab else 1.0)


def _csv(text: str, name: str) -> Iterator[Listed]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    line = 0
    try:
        for row in rows:
            place, line = Place(name, line + 1, 1), rows.line_num
            if not any(cell.strip() for cell in row) or row[0].lstrip().startswith("#"):
                continue
            if header is None:
                header = _header(row, place)
            else:
                yield _row(header, row, place)
    except csv.Error as error:
        raise PackError(Place(name, rows.line_num, 1), f"no CSV: {error}") from None


def _header(row: list[str], place: Place) -> list[str]:
    header = [cell.strip() for cell in row]
    for cell in header:
        if cell not in _COLUMNS:
            raise PackError(place, f"unknown column {cell!r}", did_you_mean(cell, _COLUMNS))
    if "word" not in header or len(set(header)) < len(header):
        raise PackError(place, "the first line names the columns, each once, `word` among them", ", ".join(_COLUMNS))
    return header


def _row(header: list[str], row: list[str], place: Place) -> Listed:
    if len(row) > len(header):
        raise PackError(place, f"{len(row)} cells under {len(header)} columns", "put a word with a comma in quotes")
    cells = {name: cell.strip() for name, cell in zip(header, row, strict=False) if cell.strip()}
    if "word" not in cells:
        raise PackError(place, "the line has no word")
    options = {name: _flag(cells[name], name, place) for name in OPTIONS if name in cells}
    weight = _weight(cells["weight"], place) if "weight" in cells else 1.0
    return Listed(cells["word"], place, weight, cells.get("group", ""), options)


def _weight(text: str, place: Place) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) <= MAX_WEIGHT or value == 0:
        hint = "a number between 0 and 1000, or a negative one to weigh against"
        raise PackError(place, f"expected a weight, found {text!r}", hint)
    return value


def _flag(text: str, name: str, place: Place) -> bool:
    if text.lower() not in {"true", "false"}:
        raise PackError(place, f"{name}: expected true or false, found {text!r}")
    return text.lower() == "true"
