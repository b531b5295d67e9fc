"""Which files make up a pack: its own, those it includes, and how what is included may be overridden.

A pack's own files are every `*.yaml` below its folder. `include:` adds other packs or single files, and each of them
what it includes itself; what is included twice is read once. `override:` changes what was included, key by key. So an
operator keeps a small pack of his own beside the one that is shipped, and updates the latter as it is.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from rules.packs.source import File, InvalidPackError, Mapping, Node, PackError, did_you_mean, read_yaml, yaml_files

SECTIONS = ("clauses", "ladders", "lexicons", "learned", "lists", "signals", "rules", "limits")
SHIPPED_PACKS = Path(__file__).parent
_SHIPPED_NAME = re.compile(r"[a-z][a-z0-9_]*")
_MAX_CHAIN = 20
"""Longest chain of packs that include each other."""

Entries = dict[str, tuple[Node, Node]]
"""Name -> its node and the node of what it names."""


@dataclass(slots=True)
class Sections:
    """The sections of a pack, what is included first.

    header: the entries of `pack` of the pack's own files. included: those of each pack that is included.
    """

    entries: dict[str, Entries] = field(default_factory=lambda: {name: {} for name in SECTIONS})
    header: Entries = field(default_factory=dict)
    included: list[Entries] = field(default_factory=list)


def collect(folder: Path, shipped: Path = SHIPPED_PACKS) -> Sections:
    """Reads the pack in `folder` and all it includes; `shipped`: where packs are that are included by name alone.

    Raises InvalidPackError with everything that is wrong with it.
    """
    collector = _Collector(shipped)
    try:
        header = collector.layer(folder, ()).header
    except PackError as error:
        raise InvalidPackError([*collector.errors, error]) from None
    if collector.errors:  # what follows from a file that cannot be read is no error of its own
        raise InvalidPackError(collector.errors)
    return Sections(collector.entries, header, collector.included)


@dataclass(slots=True)
class _Layer:
    """One pack or file, and what it includes: `covers` are all their roots."""

    header: Entries = field(default_factory=dict)
    covers: set[Path] = field(default_factory=set)


class _Collector:
    def __init__(self, shipped: Path) -> None:
        self._shipped = shipped
        self.errors: list[PackError] = []
        self.entries: dict[str, Entries] = {name: {} for name in SECTIONS}
        self.included: list[Entries] = []
        self._from: dict[tuple[str, str], Path] = {}
        self._layers: dict[Path, _Layer] = {}

    def layer(self, root: Path, above: tuple[Path, ...]) -> _Layer:
        """Reads a folder or a file: first what it includes, then its overrides, then its own."""
        files = [(root, File(root.name, root.parent))] if root.is_file() else yaml_files(root)
        resolved = root.resolve()
        layer = _Layer(covers={resolved})
        documents = [document for path, file in files if (document := self._read(path, file)) is not None]
        for document in documents:
            if (targets := document.take("include")) is not None:
                for target in targets.sequence() if targets.is_sequence else [targets]:
                    self._guard(target, layer, (*above, resolved))
        self._override([changes for document in documents if (changes := document.take("override"))], layer)
        for document in documents:
            self._define(document, layer, resolved)
        self._layers[resolved] = layer
        return layer

    def _read(self, path: Path, file: File) -> Mapping | None:
        try:
            node = read_yaml(path, file)
            return node.mapping() if node is not None else None
        except PackError as error:
            self.errors.append(error)
            return None

    def _guard(self, target: Node, layer: _Layer, above: tuple[Path, ...]) -> None:
        try:
            layer.covers |= self._include(target, above)
        except PackError as error:
            self.errors.append(error)

    def _include(self, node: Node, above: tuple[Path, ...]) -> set[Path]:
        """Reads what an `include` names; returns the roots it covers."""
        name = node.text()
        path = _found(name, node, self._shipped)
        resolved = path.resolve()
        for root in above:
            if root.is_relative_to(resolved):
                chain = " → ".join([*(other.name for other in above[above.index(root) :]), name])
                raise node.error("packs include each other in a circle", chain)
        if resolved.is_relative_to(above[-1]):
            raise node.error(f"{name!r} is read anyway", "every *.yaml below the pack's folder is")
        for root, layer in self._layers.items():
            if resolved.is_relative_to(root):
                return layer.covers
        if len(above) >= _MAX_CHAIN:
            raise node.error(f"a chain of more than {_MAX_CHAIN} packs that include each other")
        layer = self.layer(path, above)
        if layer.header:
            self.included.append(layer.header)
        return layer.covers

    def _define(self, document: Mapping, layer: _Layer, root: Path) -> None:
        """Sorts a file's own sections into the pack's, refusing names that are defined twice."""
        try:
            for section in ("pack", *SECTIONS):
                with_names = document.take(section)
                if with_names is None:
                    continue
                known = layer.header if section == "pack" else self.entries[section]
                for name, key, value in with_names.items():
                    if name in known:
                        first = known[name][0].place
                        if section == "pack" or self._from[section, name] == root:
                            error = key.error(f"{name!r} is defined twice", f"first at {first}")
                        else:
                            error = key.error(f"{name!r} is included, from {first}", "change it below `override:`")
                        self.errors.append(error)
                    else:
                        known[name] = (key, value)
                        self._from[section, name] = root
            document.done()
        except PackError as error:
            self.errors.append(error)

    def _override(self, changes: list[Node], layer: _Layer) -> None:
        """Lays the overrides of a layer over what it includes: those for several rules first."""
        found: dict[tuple[str, str], tuple[Node, Node]] = {}
        for node in changes:
            try:
                body = node.mapping()
                for section in SECTIONS:
                    if (with_names := body.take(section)) is None:
                        continue
                    for name, key, patch in with_names.items():
                        if (section, name) in found:
                            first = found[section, name][0].place
                            raise key.error(f"{name!r} is overridden twice", f"first at {first}")
                        found[section, name] = key, patch
                body.done()
            except PackError as error:
                self.errors.append(error)
        for (section, name), (key, patch) in sorted(found.items(), key=lambda item: "*" not in item[0][1]):
            try:
                self._lay_over(section, name, key, patch, layer)
            except PackError as error:
                self.errors.append(error)

    def _lay_over(self, section: str, name: str, key: Node, patch: Node, layer: _Layer) -> None:
        """Lays `patch` over the included entries that `name` means: in rules `*` stands for any part of a name."""
        known = self.entries[section]
        visible = [other for other in known if self._from[section, other] in layer.covers]
        if section == "rules" and "*" in name:
            meant = [other for other in visible if fnmatchcase(other, name)]
        else:
            meant = [name] if name in visible else []
        if not meant:
            hint = did_you_mean(name, visible) if visible else "nothing is included: see `include:`"
            raise key.error(f"there is no {name!r} among the {section} that are included", hint)
        for other in meant:
            where, value = known[other]
            adds, deep = section in {"lexicons", "lists"}, (section, name) == ("limits", "quotas")
            known[other] = (where, value.overlay(patch, adds=adds, deep=deep))


def _found(name: str, node: Node, shipped: Path) -> Path:
    """The folder or file that an `include` names. Raises PackError."""
    if _SHIPPED_NAME.fullmatch(name):
        known = [path.name for path in shipped.iterdir() if (path / "pack.yaml").is_file()]
        if name not in known:
            hint = f"{did_you_mean(name, known)} A folder beside this file is ./{name}"
            raise node.error(f"no pack is shipped as {name!r}", hint)
        return shipped / name
    path = node.file.folder / name
    if path.is_file() and path.suffix != ".yaml":
        raise node.error(f"{name!r} is no YAML file", "name a folder, a file *.yaml, or a pack that is shipped")
    if not path.exists():
        raise node.error(f"there is no file or folder {name!r}", f"looked for {path}")
    return path


def labels(headers: Iterable[Entries]) -> list[str]:
    """`name@version` of packs that are included, by their headers."""
    named = [{key: value.text() for key, (_, value) in header.items() if value.is_scalar} for header in headers]
    return [f"{header['name']}@{header['version']}" for header in named if "name" in header and "version" in header]
