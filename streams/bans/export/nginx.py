"""The inside of an nginx `map` or `geo` block: one quoted key and the sanctions in force, a line each.

Domains begin with a dot: with the parameter `hostnames`, nginx then finds the domain and all below it. nginx compares
keys without regard to case, and refuses a block that has a key twice, so links that differ in case only are one entry.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

from rules.decisions import Action, Ban
from streams.bans.export.atomic import write_if_changed
from streams.bans.export.files import FileTarget
from streams.bans.export.names import address_in, domain_in, held, kind_or_none, link_in
from streams.bans.export.targets import ExportError, Published, Snapshot
from streams.bans.table import ACTIONS

NginxKind = Literal["domain", "ip", "link"]
_HEADS: dict[NginxKind, str] = {
    "domain": "map $host $warden_blocked { hostnames; default ''; include THIS_FILE; }",
    "ip": "geo $warden_blocked { default ''; include THIS_FILE; }",
    "link": "map $your_url $warden_blocked { default ''; include THIS_FILE; }",
}
_NAMES: dict[NginxKind, Callable[[str], str | None]] = {"domain": domain_in, "ip": address_in, "link": link_in}


class NginxMap(FileTarget):
    """A file for `include`. `kind` says which subjects are in it: keys of one block are of one kind."""

    def __init__(self, path: Path, kind: NginxKind = "domain", actions: Collection[Action] = ACTIONS) -> None:
        self._path, self._kind, self._actions = path, kind, frozenset(actions)

    def wants(self, subject: str) -> bool:
        """Subjects of the kind."""
        return kind_or_none(subject) == self._kind

    def publish(self, snapshot: Snapshot) -> Published:
        """Writes the file when it differs. Raises ExportError."""
        content, entries, skipped = render(snapshot.bans, snapshot.at, self._kind, self._actions)
        try:
            written = write_if_changed(self._path, content)
        except OSError as error:
            raise ExportError(f"{self._path}: cannot be written: {error.strerror}") from error
        return Published(entries, skipped, written)


def render(
    bans: Mapping[str, Ban], at: datetime, kind: NginxKind, actions: Collection[Action]
) -> tuple[bytes, int, int]:
    """The file as of `at`, how many entries it has, and how many subjects nginx has no way to write."""
    name_of = _NAMES[kind]
    blocked: dict[str, set[Action]] = {}
    skipped = 0
    now = at.timestamp()
    for subject, ban in bans.items():
        holds = held(ban, now, actions)
        if not holds:
            continue
        name = name_of(subject)
        if name is None:
            skipped += 1
        else:
            blocked.setdefault(name.lower(), set()).update(holds)
    lines = [f"# Written by `warden bans export`: {_HEADS[kind]}"]
    dot = "." if kind == "domain" else ""
    lines += [f"{quoted(dot + name)} {quoted(','.join(sorted(blocked[name])))};" for name in sorted(blocked)]
    return "\n".join([*lines, ""]).encode("ascii"), len(blocked), skipped


def quoted(text: str) -> str:
    """An nginx string: what could end it, or begin an escape in it, is escaped. For visible ASCII."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
