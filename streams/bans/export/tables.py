"""The ban list as a CSV table or JSON Lines: a snapshot for people and scripts, one line a sanction or a subject.

Every line break, control and bidi character from outside is spelled out, so that a line is an entry to any reader.
"""

import csv
import io
import json
import unicodedata
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from rules.decisions import Action, Ban
from streams.bans.export.atomic import write_if_changed
from streams.bans.export.files import FileTarget
from streams.bans.export.names import kind_or_none
from streams.bans.export.targets import ExportError, Published, Snapshot
from streams.bans.records import in_force
from streams.bans.table import ACTIONS
from streams.codec import encode

COLUMNS = ("subject", "kind", "action", "starts", "ends", "permanent", "ladder", "rung", "clauses", "enforcement")
_FORMULA = ("=", "+", "-", "@")


class CsvTable(FileTarget):
    """A CSV file with a header, RFC 4180 with line feeds; `ends` is empty for good."""

    def __init__(self, path: Path, actions: Collection[Action] = ACTIONS) -> None:
        self._path, self._actions = path, frozenset(actions)

    def wants(self, subject: str) -> bool:
        """All subjects."""
        return kind_or_none(subject) is not None

    def publish(self, snapshot: Snapshot) -> Published:
        """Writes the file when it differs. Raises ExportError."""
        out = io.StringIO(newline="")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        rows = [
            row
            for subject in sorted(snapshot.bans)
            for row in _rows(snapshot.bans[subject], snapshot.at, self._actions)
        ]
        writer.writerows(rows)
        return _write(self._path, out.getvalue().encode(), len(rows))


class JsonLines(FileTarget):
    """JSON Lines in ASCII: for each subject what the topic holds, without sanctions that have ended."""

    def __init__(self, path: Path, actions: Collection[Action] = ACTIONS) -> None:
        self._path, self._actions = path, frozenset(actions)

    def wants(self, subject: str) -> bool:
        """All subjects."""
        return kind_or_none(subject) is not None

    def publish(self, snapshot: Snapshot) -> Published:
        """Writes the file when it differs. Raises ExportError."""
        lines = []
        for subject in sorted(snapshot.bans):
            ban = in_force(snapshot.bans[subject], snapshot.at)
            if ban is not None and any(entry.action in self._actions for entry in ban.sanctions):
                line = encode(ban)
                lines.append(line if line.isascii() else json.dumps(json.loads(line), separators=(",", ":")).encode())
        return _write(self._path, b"".join(line + b"\n" for line in lines), len(lines))


def spelled_out(text: str) -> str:
    """`text` on one line of visible characters: control, format, separator and unassigned characters as `\\uXXXX`,
    a backslash doubled, so that nothing is lost; with `'` before what a spreadsheet would compute."""
    if text.isascii() and text.isprintable() and "\\" not in text:
        shown = text
    else:
        shown = "".join(_spelled(character) for character in text)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


def _spelled(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character == " " or unicodedata.category(character)[0] not in "CZ":
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _rows(ban: Ban, at: datetime, actions: Collection[Action]) -> list[list[str]]:
    holding = in_force(ban, at)
    if holding is None:
        return []
    return [
        [
            *map(spelled_out, (ban.subject, kind_or_none(ban.subject) or "", entry.action)),
            entry.starts.isoformat(),
            "" if entry.ends is None else entry.ends.isoformat(),
            str(entry.permanent).lower(),
            spelled_out(entry.ladder),
            str(entry.rung),
            spelled_out(" ".join(entry.clauses)),
            spelled_out(entry.enforcement),
        ]
        for entry in holding.sanctions
        if entry.action in actions
    ]


def _write(path: Path, content: bytes, entries: int) -> Published:
    try:
        return Published(entries, 0, write_if_changed(path, content))
    except OSError as error:
        raise ExportError(f"{path}: cannot be written: {error.strerror}") from error
