"""The reader of `lexicons`: words with weights, groups and options, in the pack or in files beside it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rules.lexicon import MAX_WORD
from rules.packs.model import Lexicon
from rules.packs.source import File, Node, PackError, Place, did_you_mean, read_yaml
from rules.packs.source import Mapping as Section
from rules.packs.word_files import MAX_WEIGHT, OPTIONS, Listed, read_word_file
from rules.words import Word, wrong_words

_GROUP = re.compile(r"[a-z][a-z0-9_]*")
_GROUP_HINT = "a small letter, then small letters, digits and _"
_HINT = f"words have 1 to {MAX_WORD} characters after folding"


def read_lexicon(name: str, node: Node) -> Lexicon:
    """One entry of `lexicons`; one that says `operator: true` has no words yet. Raises PackError."""
    body = node.mapping()
    body.take("description")
    operator = (flag := body.take("operator")) is not None and flag.boolean()
    stand_ins = _Words()
    if (test_words := body.take("test_words")) is not None:
        stand_ins.add_list(test_words, {})
    found = _Words()
    found.add_body(body)
    body.done()
    for change in node.changes:
        found.change(change)
    if operator and found.words:
        raise node.error("an operator's lexicon has no words of its own", "give them in the operator's list")
    if operator and not stand_ins.words:
        raise node.error("an operator's lexicon needs `test_words`", "made-up words, used by inline cases only")
    if not operator and not found.words:
        raise node.error("the lexicon is empty", "give it `words:`, `weighted:` or `file:`")
    stand_ins.check()
    found.check()
    return Lexicon(name, tuple(found.entries()), operator, tuple(stand_ins.words), node.place)


def read_words(path: Path, name: str) -> list[Word]:
    """The words of a file: `.txt`, `.csv`, or `.yaml` with the words of a lexicon. `name`: what errors call the file.

    Raises PackError.
    """
    found = _Words()
    if path.suffix == ".yaml":
        document = read_yaml(path, File(name, path.parent))
        if document is not None:
            body = document.mapping()
            found.add_body(body)
            body.done()
    else:
        for listed in read_word_file(path, name):
            found.add_listed(listed)
    found.check()
    return found.entries()


@dataclass(slots=True)
class _Words:
    """Words as they are read, each with its place."""

    words: dict[str, tuple[Word, Node | Place]] = field(default_factory=dict)

    def entries(self) -> list[Word]:
        return [word for word, _ in self.words.values()]

    def add_body(self, body: Section) -> None:
        """`words`, `weighted`, `file` and `groups`, with the options that hold for all of them."""
        options = _options(body)
        self._add_sources(body, options, "")
        if (groups := body.take("groups")) is None:
            return
        for name, key, value in groups.items():
            if not _GROUP.fullmatch(name):
                raise key.error(f"{name!r} is no name for a group", _GROUP_HINT)
            group = value.mapping()
            group.take("description")
            before = len(self.words)
            self._add_sources(group, options | _options(group), name)
            group.done()
            if len(self.words) == before:
                raise value.error("the group is empty", "give it `words:`, `weighted:` or `file:`")

    def _add_sources(self, body: Section, options: dict[str, bool], group: str) -> None:
        if (plain := body.take("words")) is not None:
            self.add_list(plain, options, group)
        if (weighted := body.take("weighted")) is not None:
            for text, key, weight in weighted.items():
                self._add(Word(text, _weight(weight), group, **options), key)
        if (files := body.take("file")) is not None:
            for file in files.sequence() if files.is_sequence else [files]:
                self._add_file(file, options, group)

    def add_list(self, node: Node, options: dict[str, bool], group: str = "") -> None:
        """A list of words and of entries with options."""
        for item in node.sequence():
            if item.is_mapping:
                self._add_entry(item, options, group)
            else:
                self._add(Word(item.text(), 1.0, group, **options), item)

    def _add_entry(self, node: Node, options: dict[str, bool], group: str) -> None:
        body = node.mapping()
        text, weight = body.need("word"), body.take("weight")
        own = _options(body)
        body.done()
        value = _weight(weight, may_be_zero=True) if weight is not None else 1.0
        self._add(Word(text.text(), value, group, **(options | own)), text)

    def _add_file(self, node: Node, options: dict[str, bool], group: str) -> None:
        """The words of a file, whose own options win over those of the lexicon."""
        name = node.text()
        if Path(name).is_absolute():
            hint = "write it relative to this file; the operator's own lists are in the folder WARDEN_LEXICONS"
            raise node.error(f"{name!r} is on one machine only", hint)
        path = node.file.folder / name
        if path.suffix not in {".txt", ".csv"}:
            raise node.error(f"{name!r} is no list of words", "a .txt with one word a line, or a .csv with a header")
        if not path.is_file():
            raise node.error(f"there is no file {name!r}", f"looked for {path}")
        for listed in read_word_file(path, str(Path(node.file.name).parent / name)):
            self.add_listed(listed, options, group)

    def add_listed(self, listed: Listed, options: dict[str, bool] | None = None, group: str = "") -> None:
        if listed.group and not _GROUP.fullmatch(listed.group):
            raise PackError(listed.place, f"{listed.group!r} is no name for a group", _GROUP_HINT)
        word = Word(listed.text, listed.weight, listed.group or group, **((options or {}) | listed.options))
        self._add(word, listed.place)

    def change(self, change: Mapping[str, Node]) -> None:
        """What an override removes and adds; a word that is there already is replaced."""
        for word in change["remove"].sequence() if "remove" in change else ():
            if word.text() not in self.words:
                raise word.error(f"{word.text()!r} is not in the lexicon", did_you_mean(word.text(), self.words))
            del self.words[word.text()]
        if (node := change.get("add")) is not None:
            added = _Words()
            if node.is_mapping:
                body = node.mapping()
                added.add_body(body)
                body.done()
            else:
                added.add_list(node, {})
            self.words |= added.words

    def _add(self, word: Word, at: Node | Place) -> None:
        if word.text in self.words:
            other = self.words[word.text][1]
            first = other if isinstance(other, Place) else other.place
            raise _error(at, f"{word.text!r} is in the lexicon twice", f"first at {first}")
        self.words[word.text] = word, at

    def check(self) -> None:
        """Raises PackError at the first word that cannot be matched."""
        found = wrong_words([word.text for word, _ in self.words.values()])
        if found:
            at = [place for _, place in self.words.values()]
            raise _error(at[found[0][0]], found[0][1], _HINT)


def _error(at: Node | Place, message: str, hint: str) -> PackError:
    return PackError(at if isinstance(at, Place) else at.place, message, hint)


def _options(body: Section) -> dict[str, bool]:
    """The options that are given."""
    return {name: node.boolean() for name in OPTIONS if (node := body.take(name)) is not None}


def _weight(node: Node, *, may_be_zero: bool = False) -> float:
    value = node.number()
    if abs(value) > MAX_WEIGHT or (value == 0 and not may_be_zero):
        raise node.error(f"weights lie between 0 and {MAX_WEIGHT:g}, or are negative to weigh against")
    return value
