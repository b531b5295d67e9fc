"""YAML with places: every value knows its file, line and column, so every error can name them.

Readers take what they know from a mapping and then call `done()`, which refuses the rest.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

import yaml

_DURATION = re.compile(r"([0-9]{1,9})\s*(s|m|h|d|w)")
_MAX_DURATION = 36_500 * 86_400_000
"""100 years in ms: times with a few of these added still fit in 64 bits."""
_MAX_DEPTH = 50
"""Deepest nesting of YAML; libyaml's composer recurses in C and ends the process at some 10,000."""
_LINE_START = re.compile(r"(?:^|[\n\r\x85\u2028\u2029])([ \t?:-]+)")
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands: `line` and `column` count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class PackError(ValueError):
    """One thing wrong with a pack: where, what, and what to do.

    `refers`: (section, name) of what is not known here; when it is defined and wrong itself, that is the error.
    """

    def __init__(self, place: Place, message: str, hint: str = "", refers: tuple[str, str] | None = None) -> None:
        super().__init__(f"{place}: {message}" + (f"\n    {hint}" if hint else ""))
        self.refers = refers
        self.place = place
        self.message = message
        self.hint = hint


class InvalidPackError(ValueError):
    """Everything wrong with a pack, in order of place. A pack with one error is not loaded at all."""

    def __init__(self, errors: Iterable[PackError]) -> None:
        self.errors = sorted(errors, key=lambda error: error.place)
        super().__init__("\n".join(str(error) for error in self.errors))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint that names what `word` may have been meant to be."""
    names = sorted(known)
    if not names:
        return "none is defined"
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return "known here: " + ", ".join(names[:20]) + (", …" if len(names) > 20 else "")


@dataclass(frozen=True, slots=True)
class File:
    """A file of a pack: what errors call it, and the folder that paths in it are relative to."""

    name: str
    folder: Path


class Node:
    """A YAML value and its place."""

    def __init__(
        self,
        node: yaml.Node,
        file: File,
        pairs: "Sequence[tuple[Node, Node]] | None" = None,
        changes: "Sequence[dict[str, Node]]" = (),
    ) -> None:
        """`pairs`: keys and values of a mapping that take the place of the node's own; `changes`: what is to be added
        and removed, in this order. Both come from `overlay`."""
        self._node = node
        self._pairs = pairs
        self.file = file
        self.changes = changes

    @property
    def place(self) -> Place:
        """Where the value starts."""
        mark = self._node.start_mark
        return Place(self.file.name, mark.line + 1, mark.column + 1)

    def place_within(self, offset: int) -> Place:
        """The place `offset` characters into a scalar written on one line; else where it starts."""
        start, end = self._node.start_mark, self._node.end_mark
        if start.line != end.line:
            return self.place
        quote = 1 if getattr(self._node, "style", None) in {"'", '"'} else 0
        return Place(self.file.name, start.line + 1, start.column + 1 + quote + offset)

    def error(self, message: str, hint: str = "") -> PackError:
        """An error at this value."""
        return PackError(self.place, message, hint)

    def unknown(self, section: str, known: Iterable[str], what: str = "") -> PackError:
        """An error: the name that this value is stands for nothing in a section; `known` are the names there.

        `what`: what one of the section is called; its name without the s by default.
        """
        name = self.text()
        message = f"unknown {what or section.removesuffix('s')} {name!r}"
        return PackError(self.place, message, did_you_mean(name, known), (section, name))

    @property
    def is_mapping(self) -> bool:
        """Whether the value is a mapping."""
        return isinstance(self._node, yaml.MappingNode)

    @property
    def is_sequence(self) -> bool:
        """Whether the value is a list."""
        return isinstance(self._node, yaml.SequenceNode)

    def mapping(self) -> "Mapping":
        """The value as a mapping. Raises PackError when it is none, or repeats a key."""
        if not isinstance(self._node, yaml.MappingNode):
            raise self.error(f"expected keys and values, found {self._kind()}")
        if self._pairs is not None:
            return Mapping(self, self._pairs)
        return Mapping(self, [(Node(key, self.file), Node(value, self.file)) for key, value in self._node.value])

    def items(self) -> Iterator[tuple[str, "Node", "Node"]]:
        """(name, the key's node, the value) of a mapping."""
        return self.mapping().items()

    def sequence(self) -> list["Node"]:
        """The elements of a list."""
        if not isinstance(self._node, yaml.SequenceNode):
            raise self.error(f"expected a list, found {self._kind()}", "write it as [a, b] or as lines of `- a`")
        return [Node(node, self.file) for node in self._node.value]

    @property
    def is_null(self) -> bool:
        """Whether nothing is written, or `~`."""
        return isinstance(self._node, yaml.ScalarNode) and self._node.tag == "tag:yaml.org,2002:null"

    @property
    def is_scalar(self) -> bool:
        """Whether the value is a text, a number or the like."""
        return isinstance(self._node, yaml.ScalarNode)

    def overlay(self, patch: "Node", *, adds: bool = False, deep: bool = False) -> "Node":
        """This mapping with the keys of `patch` in place of its own; a key that `patch` gives as `~` is left out.

        With `adds`, the keys `add` and `remove` of `patch` are kept aside, in `changes`. With `deep`, where both have
        keys and values for a key, they are laid over each other in turn. Every value keeps its own place. Raises
        PackError when one of them is no mapping or repeats a key.
        """
        patched = {name: (key, value) for name, key, value in patch.items()}
        aside: dict[str, Node] = {name: patched.pop(name)[1] for name in ("add", "remove") if adds and name in patched}
        kept = [(key, value) for name, key, value in self.items() if name not in patched]
        if deep:
            for name, _, value in self.items():
                if value.is_mapping and name in patched and patched[name][1].is_mapping:
                    patched[name] = patched[name][0], value.overlay(patched[name][1])
        new = [(key, value) for key, value in patched.values() if not value.is_null]
        return Node(self._node, self.file, [*kept, *new], [*self.changes, *([aside] if aside else [])])

    def text(self) -> str:
        """A scalar as written: `012` stays "012", `yes` stays "yes"."""
        if not isinstance(self._node, yaml.ScalarNode):
            raise self.error(f"expected a text, found {self._kind()}")
        return str(self._node.value)

    def texts(self) -> list[str]:
        """A list of texts."""
        return [node.text() for node in self.sequence()]

    def number(self) -> float:
        """A finite number."""
        text = self.text()
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not abs(value) < 1e15:  # refuses NaN as well
            raise self.error(f"expected a number, found {text!r}")
        return value

    def boolean(self) -> bool:
        """true or false."""
        return self.choice(("true", "false")) == "true"

    def duration(self) -> int:
        """A duration in milliseconds."""
        text = self.text()
        match = _DURATION.fullmatch(text.strip())
        if not match or match[1].strip("0") == "":
            raise self.error(f"expected a duration, found {text!r}", "a whole number and one of s, m, h, d, w: 12h, 7d")
        lasts = int(match[1]) * _UNIT_MS[match[2]]
        if lasts > _MAX_DURATION:
            raise self.error(f"{text!r} is too long", "at most 36500d, which is 100 years")
        return lasts

    def choice(self, options: Iterable[str]) -> str:
        """One of `options`."""
        text, known = self.text(), tuple(options)
        if text not in known:
            raise self.error(f"unknown value {text!r}", did_you_mean(text, known))
        return text

    def plain(self) -> object:
        """The value as plain Python: dict, list, str, int, float, bool or None."""
        loader = yaml.SafeLoader("")
        try:
            return loader.construct_document(self._node)
        except yaml.constructor.ConstructorError as error:
            raise self.error(str(error.problem)) from None
        except ValueError as error:  # looks like a date or a number and is none: 2016-13-45
            raise self.error(f"cannot be read: {error}", "put texts in quotes") from None

    def _kind(self) -> str:
        match self._node:
            case yaml.MappingNode():
                return "keys and values"
            case yaml.SequenceNode():
                return "a list"
            case yaml.ScalarNode(value=value):
                return repr(value)
        return "nothing"


class Mapping:
    """A mapping whose keys are taken one by one; `done()` refuses what nobody took."""

    def __init__(self, node: Node, pairs: Iterable[tuple[Node, Node]]) -> None:
        self.node = node
        self._values: dict[str, tuple[Node, Node]] = {}
        self._known: set[str] = set()
        for key, value in pairs:
            name = key.text()
            if name in self._values:
                raise key.error(f"{name!r} is given twice", f"first at line {self._values[name][0].place.line}")
            self._values[name] = (key, value)

    def items(self) -> Iterator[tuple[str, Node, Node]]:
        """(name, the key's node, the value)."""
        for name, (key, value) in self._values.items():
            yield name, key, value

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def take(self, name: str) -> Node | None:
        """The value of `name`, or None."""
        self._known.add(name)
        found = self._values.get(name)
        return found[1] if found else None

    def need(self, name: str) -> Node:
        """The value of `name`. Raises PackError without it."""
        value = self.take(name)
        if value is None:
            raise self.node.error(f"{name!r} is missing")
        return value

    def done(self) -> None:
        """Raises PackError for the first key that was not taken."""
        for name, (key, _) in self._values.items():
            if name not in self._known:
                raise key.error(f"unknown key {name!r}", did_you_mean(name, self._known))


def yaml_files(folder: Path) -> list[tuple[Path, File]]:
    """Each `*.yaml` below `folder`, in order of name. Raises PackError without any, and for a `*.yml`."""
    start = Place(str(folder), 1, 1)
    if not folder.is_dir():
        raise PackError(start, "there is no such folder", "name the folder that holds the pack's YAML files")
    found = sorted(folder.rglob("*"))
    for path in found:
        if path.suffix != ".yaml" and path.suffix.lower() in {".yaml", ".yml"} and path.is_file():
            place = Place(str(path.relative_to(folder.parent)), 1, 1)
            raise PackError(place, "a pack's files are called *.yaml", f"rename it to {path.stem}.yaml")
    files = [path for path in found if path.suffix == ".yaml"]
    if not files:
        raise PackError(start, "the folder holds no *.yaml file")
    return [(path, File(str(path.relative_to(folder.parent)), path.parent)) for path in files]


_READ: ContextVar[dict[Path, bytes] | None] = ContextVar("read", default=None)


@contextmanager
def files_read() -> Iterator[dict[Path, bytes]]:
    """Every file that is read in the block, and what was in it."""
    found: dict[Path, bytes] = {}
    token = _READ.set(found)
    try:
        yield found
    finally:
        _READ.reset(token)


def read_text(path: Path, name: str) -> str:
    """The text in `path`; errors call the file `name`. Raises PackError when it cannot be read, or is not UTF-8."""
    try:
        data = path.read_bytes()
        if (noted := _READ.get()) is not None:
            noted[path] = data
    except OSError as error:
        raise PackError(Place(name, 1, 1), f"cannot be read: {error.strerror}") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start)
        column = error.start - data.rfind(b"\n", 0, error.start)
        raise PackError(Place(name, line + 1, column), f"not UTF-8: {error.reason} at byte {error.start}") from None


def read_yaml(path: Path, file: File) -> Node | None:
    """The one document in `path`, None when it is empty. Raises PackError."""
    name = file.name
    text = read_text(path, name)
    try:
        if depth_bound(text) > _MAX_DEPTH:
            _check_depth(text, name)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name, 1, 1)
        raise PackError(place, f"no YAML: {error.problem}", error.context or "") from None
    except yaml.reader.ReaderError:
        line, column = next(_control_characters(text), (1, 1))
        hint = 'write it as an escape in double quotes: "\\x01"'
        raise PackError(Place(name, line, column), "no YAML: a control character", hint) from None
    return Node(node, file) if node is not None else None


def depth_bound(text: str) -> int:
    """A depth that the YAML in `text` cannot pass: small for long word lists, which then need not be parsed twice.

    A block collection starts within the spaces and signs that open its line, two at most at one column; a flow
    collection has its bracket. With anchors or tags there may be more on a line, and no bound is known.
    """
    if "&" in text or "!" in text:
        return len(text)
    opened = max(map(len, _LINE_START.findall(text)), default=0)
    return 2 * (opened + 1) + text.count("[") + text.count("{")


def _check_depth(text: str, name: str) -> None:
    """Refuses YAML nested more deeply than any pack is, before anything recurses into it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _MAX_DEPTH:
                mark = event.start_mark
                place = Place(name, mark.line + 1, mark.column + 1) if mark else Place(name, 1, 1)
                raise PackError(place, "no YAML of a pack: nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _control_characters(text: str) -> Iterator[tuple[int, int]]:
    """(line, column) of the characters that YAML does not allow."""
    for number, line in enumerate(text.split("\n"), 1):
        for column, character in enumerate(line, 1):
            if yaml.reader.Reader.NON_PRINTABLE.match(character):
                yield number, column
