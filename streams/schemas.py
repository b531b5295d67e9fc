"""JSON Schemas of every input and output, generated from the structs: `python -m streams.schemas` writes them.

The files in `streams/schemas/` are what others validate against; a test keeps them equal to what this generates.
A dead letter's value is whatever came, so its schema describes its headers, as text.
"""

import sys
from pathlib import Path
from typing import Any

import msgspec
import orjson

from rules.activations import Activation
from rules.controls import ControlRecord
from rules.decisions import Ban, Enforcement, Lift, Review, Violation
from rules.events import STRUCTS
from rules.relays import Relay
from rules.sightings import Message
from streams.operator_words import WordRecord

FOLDER = Path(__file__).parent / "schemas"
BASE = "https://streamwarden.example/schemas/"
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_OUTPUTS: tuple[type[msgspec.Struct], ...] = (Violation, Enforcement, Lift, Ban, Review)

_SIGHTINGS = (
    "A record of the internal sightings topic: an event that is a violation if enough others meet it, or what one key "
    "tells another about such events."
)

_RELAYS = (
    "A record of the internal relays topic: what the record of one subject, or of somebody who reports, tells another."
)

Schema = dict[str, Any]


class DeadLetterHeaders(msgspec.Struct, frozen=True, kw_only=True):
    """Headers of a record on the dead_letters topic, besides those it came with. Key and value are the original's.

    `topic`, `partition` and `offset` say where it came from, `reason` is a word to count by, `detail` one line for
    a person, and `original_bytes` the length of a value that had to be cut.
    """

    topic: str
    partition: str
    offset: str
    reason: str
    detail: str
    original_bytes: str | None = None


def schemas() -> dict[str, Schema]:
    """File name -> schema, of every input and output."""
    structs: dict[str, type[msgspec.Struct]] = {name: struct for name, struct in STRUCTS.items()}  # noqa: C416 - widens
    structs |= {struct.__name__.lower(): struct for struct in _OUTPUTS}
    structs["dead_letter"] = DeadLetterHeaders
    structs["operator_word"] = WordRecord
    structs["control"] = ControlRecord
    structs["activation"] = Activation
    found = {f"{name}.json": _schema(name, struct) for name, struct in structs.items()}
    return found | {
        "sighting.json": _union("sighting", "Sighting", _SIGHTINGS, Message),
        "relay.json": _union("relay", "Relay", _RELAYS, Relay),
    }


def write(folder: Path = FOLDER) -> list[Path]:
    """Writes every schema into `folder` and removes others; returns the paths written."""
    folder.mkdir(exist_ok=True)
    wanted = schemas()
    for stale in set(folder.glob("*.json")) - {folder / name for name in wanted}:
        stale.unlink()
    paths = []
    for name, schema in wanted.items():
        path = folder / name
        path.write_bytes(encoded(schema))
        paths.append(path)
    return paths


def encoded(schema: Schema) -> bytes:
    """A schema as it stands in its file."""
    return orjson.dumps(schema, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _schema(name: str, struct: type[msgspec.Struct]) -> Schema:
    """The schema of one struct: its own fields on top, with $id, title and description; the others in $defs."""
    generated = msgspec.json.schema(struct)
    definitions = generated["$defs"]
    own = definitions.pop(struct.__name__)
    own.pop("description", None)
    description = " ".join((struct.__doc__ or "").split())
    head: Schema = {
        "$schema": _DRAFT,
        "$id": f"{BASE}{name}.json",
        "title": own.pop("title"),
        "description": description,
    }
    tail: Schema = {"$defs": definitions} if definitions else {}
    return {**head, **own, **tail}


def _union(name: str, title: str, description: str, kinds: object) -> Schema:
    """The schema of a topic whose records are one of several structs, told apart by `kind`."""
    generated = msgspec.json.schema(kinds)
    head: Schema = {"$schema": _DRAFT, "$id": f"{BASE}{name}.json", "title": title, "description": description}
    return {**head, **generated}


def main() -> int:
    """Writes the schemas and names them."""
    for path in write():
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
