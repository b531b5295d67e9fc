"""A JSON Schema of a pack's files, for editors: `python -m rules.packs.schema` writes `pack.schema.json`.

A file that begins with `# yaml-language-server: $schema=…` is completed and checked while it is written, by any editor
that has a YAML language server. The schema knows what may stand where; whether a name exists, and whether a rule makes
sense, only the loader knows (`warden check`). A test keeps the stored file equal to what this generates.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from rules.decisions import SUBJECT_KINDS, Action
from rules.events import STRUCTS, Channel, EventType, Page, Scene
from rules.packs.model import (
    BEHAVIOUR_TESTS,
    CROWD_KEYS,
    EVENT_TESTS,
    FIELDS,
    LINK_SCOPES,
    LINK_TESTS,
    PAGE_TESTS,
    PERSONAL_DATA,
    QUOTA_EACH,
    QUOTA_PER,
    TEXT_TESTS,
)
from rules.packs.read_limits import MAX_COUNT
from rules.packs.word_files import MAX_WEIGHT, OPTIONS

PATH = Path(__file__).with_name("pack.schema.json")
ID = "https://streamwarden.example/schemas/pack.json"

Schema = dict[str, Any]

_CONTENT: tuple[EventType, ...] = ("post", "share", "mass_send")
_NAME = "^[a-z][a-z0-9_]*$"
_RULE_NAME = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$"
_CLAUSE_NAME = r"^[a-z]+(\.\d+)+$"
_HOST = r"^([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$"

_TEXT: Schema = {"type": ["string", "number", "boolean"]}
_FLAG: Schema = {"type": "boolean"}
_NUMBER: Schema = {"type": "number"}
_DURATION: Schema = {
    "type": "string",
    "pattern": r"^\s*0{0,8}[1-9][0-9]{0,8}\s*(s|m|h|d|w)\s*$",
    "description": "a whole number and s, m, h, d or w",
}
_WEIGHT: Schema = {"type": "number", "minimum": -MAX_WEIGHT, "maximum": MAX_WEIGHT, "not": {"const": 0}}
_CONDITION: Schema = {
    "type": "string",
    "minLength": 1,
    "description": "signals and rules.NAME with and, or, not, comparisons, + - * /, sqrt, min, max",
}


def pack_schema() -> Schema:
    """The schema of one file of a pack."""
    sections = _sections()
    top = _keys(
        {
            "include": _described(
                _one_or_more({"type": "string"}),
                "packs or files that are part of this one: the name of a shipped pack, or a path from this file",
            ),
            "override": _keys(
                {name: _entries(schema, pattern) for name, (schema, pattern) in _overrides().items()}
                | {"limits": _changed_limits()}
            ),
            "pack": _keys({"name": _TEXT, "version": _TEXT, "description": _TEXT}),
            **{name: _entries(schema, pattern) for name, (schema, pattern) in sections.items()},
            "limits": _described(_limits(), "how far automatic enforcement may go"),
        }
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "A file of a Streamwarden pack",
        "description": "See docs/packs.md. Several files make a pack; each may hold any of these sections.",
        **top,
        "$defs": {
            "notice": _keys({"zh": _TEXT, "en": _TEXT}, ("zh", "en")),
            "fields": _list({"enum": list(FIELDS)}),
            "words": {**_list({"anyOf": [_TEXT, _word()]}), "uniqueItems": True},
            "weighted": {"type": "object", "additionalProperties": _WEIGHT},
            "cases": _list({"anyOf": [_case(), _list(_case(), 1)]}),
        },
    }


def encoded() -> bytes:
    """The schema as it stands in its file."""
    return (json.dumps(pack_schema(), ensure_ascii=False, indent=1) + "\n").encode()


def _sections() -> dict[str, tuple[Schema, str]]:
    """Section -> the schema of one of its entries, and the pattern of their names."""
    return {
        "clauses": (_keys(_clause(), ("title",)), _CLAUSE_NAME),
        "ladders": (_keys(_ladder(), ("clauses", "window", "grace", "rungs")), _NAME),
        "lexicons": ({**_keys(_lexicon()), **_full_or_operators()}, _NAME),
        "learned": (_keys(_learned()), _NAME),
        "lists": ({**_keys(_hosts()), **_protected_or_shared()}, _NAME),
        "signals": ({"oneOf": [_keys(keys, needed) for keys, needed in _signals()]}, _NAME),
        "rules": (_keys(_rule(), ("clause", "when")), _RULE_NAME),
    }


def _overrides() -> dict[str, tuple[Schema, str]]:
    """The same of `override`: nothing is required, `~` takes a key away."""
    signal: Schema = {}
    for keys, _ in _signals():
        for name, schema in keys.items():
            signal.setdefault(name, {"anyOf": []})["anyOf"].append(schema)
    words = _keys({name: schema for name, schema in _lexicon().items() if name not in {"operator", "test_words"}})
    lexicon = {"add": {"anyOf": [{"$ref": "#/$defs/words"}, words]}, "remove": _list(_TEXT)}
    hosts = {"add": _list(_host()), "remove": _list(_host())}
    bodies: dict[str, Mapping[str, Schema]] = {
        "clauses": _clause(),
        "ladders": _ladder(),
        "lexicons": _lexicon(),
        "learned": _learned(),
        "lists": _hosts(),
        "signals": signal,
        "rules": _rule(),
    }
    more: dict[str, dict[str, Schema]] = {"lexicons": lexicon, "lists": hosts}
    return {
        name: (
            _keys(_or_none(body) | more.get(name, {})),
            "",
        )
        for name, body in bodies.items()
    }


def _clause() -> dict[str, Schema]:
    actions = _list({"enum": list(get_args(Action))})
    reports = _keys(
        {
            "reporters": {"type": "integer", "minimum": 1, "maximum": 100},
            "within": _DURATION,
            "categories": _list(_TEXT),
        },
        ("reporters", "within"),
    )
    return {
        "title": {"$ref": "#/$defs/notice"},
        "text": _TEXT,
        "allowed": _TEXT,
        "banned": _TEXT,
        "note": _TEXT,
        "handling": {"enum": ["by_report", "automatic"]},
        "reports": _described(reports, "with `handling: by_report`: how many people must have reported the subject"),
        "first": _described(actions, "the sanctions of a first violation"),
        "egregious": _described(actions, "the sanctions when the circumstances are bad"),
    }


def _ladder() -> dict[str, Schema]:
    rung = _keys({"apply": {"enum": ["warn", "first", "egregious"]}, "for": _DURATION}, ("apply",))
    evasion: dict[str, Schema] = {
        "domains": _described({"type": "integer", "minimum": 2}, "violations of one account with so many domains"),
        "within": _DURATION,
        "punished_ip": _described(_FLAG, "a domain whose first violation comes from an IP that is punished already"),
    }
    return {
        "clauses": _described(_list(_TEXT), "clauses, or the start of several: links.1"),
        "window": _DURATION,
        "grace": _DURATION,
        "half_life": _DURATION,
        "rungs": _list(rung, 1),
        "evasion": _described(_keys(evasion), "what leads to the last rung at once: dodging sanctions"),
    }


def _word() -> Schema:
    weight = {key: value for key, value in _WEIGHT.items() if key != "not"}
    return _keys({"word": _TEXT, "weight": weight, **_options()}, ("word",))


def _options() -> dict[str, Schema]:
    says = {
        "whole": "only as a word of its own",
        "pinyin": "its pinyin as well",
        "initials": "the initials of its pinyin as well",
        "fold": "false: only exactly as written",
    }
    return {name: _described(_FLAG, says[name]) for name in OPTIONS}


def _word_sources() -> dict[str, Schema]:
    return {
        "words": {"$ref": "#/$defs/words"},
        "weighted": {"$ref": "#/$defs/weighted"},
        "file": _described(
            _one_or_more({"type": "string", "pattern": r"^[^/].*\.(txt|csv)$"}), "lists of words, relative to this file"
        ),
        **_options(),
    }


def _lexicon() -> dict[str, Schema]:
    some = {"anyOf": [{"required": [name]} for name in ("words", "weighted", "file")]}
    group = {**_keys({"description": _TEXT, **_word_sources()}), **some}
    return {
        "description": _TEXT,
        "operator": _described(_FLAG, "the operator's own words fill it"),
        "test_words": _described({"$ref": "#/$defs/words"}, "made-up words for inline cases"),
        **_word_sources(),
        "groups": _entries(group, _NAME),
    }


def _full_or_operators() -> Schema:
    """What holds for a lexicon as a whole: it has words, or is the operator's and has stand-ins."""
    sources = ("words", "weighted", "file", "groups")
    some = {"anyOf": [{"required": [name]} for name in sources]}
    operators = {"properties": {"operator": {"const": True}}, "required": ["operator"]}
    return {"if": operators, "then": {"required": ["test_words"], "not": some}, "else": some}


def _learned() -> dict[str, Schema]:
    ngrams: Schema = {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": r"^-?[0-9.]+$"},
        "additionalProperties": _TEXT,
    }
    part = _keys({"fields": {"$ref": "#/$defs/fields"}, "ngrams": ngrams}, ("fields", "ngrams"))
    return {
        "description": _TEXT,
        "trained": {},
        "bias": _NUMBER,
        "length": {"type": "number", "minimum": 0, "maximum": 1},
        "ngrams": ngrams,
        "parts": _list(part),
    }


def _hosts() -> dict[str, Schema]:
    return {
        "description": _TEXT,
        "hosts": _described(_list(_host()), "hosts, each with everything below it"),
        "brands": _list({"type": ["string", "number"], "pattern": "^[a-z0-9]+$"}),
        "protected": _described(_FLAG, "no sanction lands on their domains by itself"),
        "shared": _described(_FLAG, "the same, but for the names that customers have below them"),
    }


def _protected_or_shared() -> Schema:
    both = {name: {"const": True} for name in ("protected", "shared")}
    return {"not": {"properties": both, "required": list(both)}}


def _host() -> Schema:
    return {"type": "string", "pattern": _HOST}


def _signals() -> list[tuple[dict[str, Schema], tuple[str, ...]]]:
    """The keys of each kind of signal, and those it needs; the first is its kind."""
    fields: Schema = {"$ref": "#/$defs/fields"}
    names = _one_or_more(_TEXT)
    channels = _keys({"channel": _one_or_more({"enum": list(get_args(Channel))})}, ("channel",))
    numbers = [test for test in EVENT_TESTS if test not in {"type", "scene", "channel"}]
    said = {"type": list(_CONTENT), "scene": list(get_args(Scene)), "channel": list(get_args(Channel))}
    kinds: list[tuple[dict[str, Schema], tuple[str, ...]]] = [
        (
            {"lexicon": _TEXT, "fields": fields, "at_least": _NUMBER, "groups": names, "except_groups": names},
            ("lexicon",),
        ),
        ({"learned": _TEXT, "fields": fields, "at_least": _NUMBER}, ("learned",)),
        ({"pattern": _TEXT, "fields": fields, "original": _FLAG}, ("pattern",)),
        ({"text": {"enum": list(TEXT_TESTS)}, "fields": fields}, ("text",)),
        (
            {"link": {"enum": ["foreign", "host_in"]}, "list": _TEXT, "of": {"enum": list(LINK_SCOPES)}},
            ("link", "list"),
        ),
        (
            {
                "link": {"enum": [test for test in LINK_TESTS if test not in {"foreign", "host_in"}]},
                "list": _TEXT,
                "of": {"enum": list(LINK_SCOPES)},
            },
            ("link",),
        ),
        ({"page": {"const": "asks_for"}, "any_of": _list({"enum": list(PERSONAL_DATA)})}, ("page", "any_of")),
        ({"page": {"enum": [test for test in PAGE_TESTS if test != "asks_for"]}}, ("page",)),
        *(
            ({"event": {"const": test}, "is": _one_or_more({"enum": words})}, ("event", "is"))
            for test, words in said.items()
        ),
        ({"event": {"enum": numbers}}, ("event",)),
        *_behaviours(channels),
    ]
    return [({**keys, "description": _TEXT}, needed) for keys, needed in kinds]


def _behaviours(channels: Schema) -> list[tuple[dict[str, Schema], tuple[str, ...]]]:
    """Behaviour signals: those of mass sends know more, and decayed ones have a half-life for a window."""
    found: list[tuple[dict[str, Schema], tuple[str, ...]]] = []
    for time, decayed in (("within", False), ("half_life", True)):
        tests = [test for test in BEHAVIOUR_TESTS if (test in {"rate", "reach"}) == decayed]
        common = [test for test in tests if test not in {"recipients", "partners", "reach"}]
        sends: dict[str, Schema] = {"of": {"const": "mass_send"}, time: _DURATION, "where": channels}
        others: dict[str, Schema] = {"of": {"enum": ["post", "share"]}, time: _DURATION}
        found.append(({"behaviour": {"enum": tests}, **sends}, ("behaviour", "of", time)))
        found.append(({"behaviour": {"enum": common}, **others}, ("behaviour", "of", time)))
    return found


def _rule() -> dict[str, Schema]:
    crowd = _keys(
        {
            "same": {"enum": list(CROWD_KEYS)},
            "distinct": {"enum": list(SUBJECT_KINDS)},
            "at_least": {"type": "integer", "minimum": 2, "maximum": 100},
            "within": _DURATION,
        },
        ("same", "distinct", "at_least", "within"),
    )
    ring = _keys({"longest": {"type": "integer", "minimum": 2, "maximum": 4}, "within": _DURATION}, ("within",))
    cases: Schema = {"$ref": "#/$defs/cases"}
    return {
        "clause": _described(_TEXT, "the clause it enforces"),
        "when": _described(_CONDITION, "when it fires: " + str(_CONDITION["description"])),
        "unless": _described(_CONDITION, "when it does not fire all the same"),
        "egregious_when": _described(_CONDITION, "when the violation is egregious"),
        # YAML 1.1 reads a bare `off` as false; the loader takes it as it is written.
        "mode": _described({"enum": ["enforce", "shadow", "off", False]}, "shadow: recorded, never enforced"),
        "charges": _list({"enum": list(SUBJECT_KINDS)}),
        "notice": {"$ref": "#/$defs/notice"},
        "crowd": _described(crowd, "how many must do the same before it is a violation"),
        "ring": _described(ring, "how many must promote each other"),
        "hits": _described(cases, "what must fire the rule"),
        "passes": _described(cases, "what must not"),
    }


def _limits() -> Schema:
    quota = _keys(_quota(), ("each", "per", "at_most"))
    return _keys({"quotas": _entries(quota, _NAME), "protected": _keys(_protected())})


def _changed_limits() -> Schema:
    """The same of `override`: nothing is required, `~` takes a quota or a key away."""
    quota = {"anyOf": [_keys(_or_none(_quota())), {"type": "null"}]}
    return _keys({"quotas": _entries(quota, ""), "protected": _keys(_or_none(_protected()))})


def _quota() -> dict[str, Schema]:
    return {
        "each": _described({"enum": list(QUOTA_EACH)}, "who has this quota: each rule, each clause, or all together"),
        "per": {"enum": list(QUOTA_PER)},
        "at_most": _described(_count(0), "automatic actions; what is beyond waits for a person"),
        "only": _described(_list(_TEXT, 1), "rules and clauses that it is for, or the start of several"),
    }


def _protected() -> dict[str, Schema]:
    return {
        "hosts": _described(_list(_TEXT), "names of lists, besides those that are `protected` or `shared`"),
        "networks": _described(_list({"type": "string"}), "blocks of addresses: 192.0.2.0/24"),
        "accounts": _described(_list(_TEXT), "names of accounts"),
        "followers": _described(_count(1), "accounts that so many follow, or more"),
        "recipients": _described(_count(1), "accounts whose mass send went to so many, or more"),
    }


def _count(least: int) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": MAX_COUNT}


def _case() -> Schema:
    """A text, or the fields of an event."""
    own: dict[str, Schema] = {
        "repeat": {"type": "integer", "minimum": 1, "maximum": 1000},
        "every": _DURATION,
        "accounts": {"type": "integer", "minimum": 1, "maximum": 1000},
        "after": _DURATION,
        "also": _described(_list(_TEXT), "other rules that it fires as well, and may"),
    }
    page = _keys({name: {} for name in Page.__struct_fields__})
    options: list[Schema] = [_TEXT]
    for kind in _CONTENT:
        fields: dict[str, Schema] = {name: {} for name in STRUCTS[kind].__struct_fields__}
        if "page" in fields:
            fields["page"] = page
        options.append(_keys({"type": {"const": kind}, **fields, **own}, () if kind == "post" else ("type",)))
    return {"anyOf": options}


def _or_none(properties: Mapping[str, Schema]) -> dict[str, Schema]:
    """The same keys, each of which may be `~` as well."""
    return {key: {"anyOf": [schema, {"type": "null"}]} for key, schema in properties.items()}


def _keys(properties: Mapping[str, Schema], required: tuple[str, ...] = ()) -> Schema:
    """A mapping with these keys and no others."""
    schema: Schema = {"type": "object", "properties": dict(properties), "additionalProperties": False}
    return {**schema, "required": list(required)} if required else schema


def _entries(schema: Schema, pattern: str) -> Schema:
    """A mapping of names to entries."""
    names: Schema = {"propertyNames": {"pattern": pattern}} if pattern else {}
    return {"type": "object", **names, "additionalProperties": schema}


def _list(items: Schema, least: int = 0) -> Schema:
    return {"type": "array", "items": items, **({"minItems": least} if least else {})}


def _one_or_more(item: Schema) -> Schema:
    return {"anyOf": [item, _list(item)]}


def _described(schema: Schema, description: str) -> Schema:
    return {**schema, "description": description}


def main() -> int:
    """Writes the schema and names it."""
    PATH.write_bytes(encoded())
    sys.stdout.write(f"{PATH}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
