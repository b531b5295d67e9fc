"""The JSON Schema for editors: it is what the code generates, takes what is right, refuses what the loader refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from rules.packs import SHIPPED, InvalidPackError, load_pack
from rules.packs import schema as pack_schema
from tests.rules.conftest import WritePack
from tests.rules.making import TINY
from tests.rules.test_pack_errors import BASE, SECTION_ERRORS
from tests.rules.test_pack_include import ERRORS as INCLUDE_ERRORS
from tests.rules.test_pack_words import ERRORS as WORD_ERRORS

SHIPPED_FILES = [*sorted(SHIPPED.rglob("*.yaml")), TINY / "pack.yaml"]
ONLY_THE_LOADER_KNOWS = [
    "twice",
    "no ladder covers",
    "no clause is",
    "is on two ladders",
    "lasts longer than",
    "cannot be reached",
    "is too long",
    "expected a number",  # not a number, which YAML has and JSON has not
    "has no character",
    "is longer than 60",
    "has a NUL",
    "unknown value 'yes'",  # a boolean in YAML 1.1
    "unknown lexicon",
    "unknown list",
    "unknown clause",
    "unknown name",
    "no RE2 pattern",
    "`when`",
    "`unless`",
    "`egregious_when`",
    "when nothing has fired",
    "in a circle",
    "lasts more than 10 years",
    "there is no ",
    "no pack is shipped",
    "is read anyway",
    "is no YAML file",
    "is not in the ",
    "no rule and no clause is",
    "no block of addresses",
    "is included, from",
    ".txt:",
    ".csv:",
]
"""Messages of errors that no schema can see: what names stand for, what expressions mean, how words fold, and what
stands in other files."""


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = json.loads(pack_schema.PATH.read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def read(text: str) -> Any:
    return yaml.load(text, Loader=yaml.CSafeLoader)


def test_the_stored_schema_is_the_one_that_is_generated() -> None:
    assert pack_schema.PATH.read_bytes() == pack_schema.encoded(), "run: python -m rules.packs.schema"


@pytest.mark.parametrize("path", SHIPPED_FILES, ids=lambda path: path.stem)
def test_every_file_of_the_shipped_pack_validates(validator: Any, path: Path) -> None:
    found = sorted(validator.iter_errors(read(path.read_text("utf-8"))), key=str)
    assert not found, f"{list(found[0].absolute_path)}: {found[0].message}"


WRITTEN_BY_HAND = [path for path in SHIPPED_FILES if path.parent.name not in {"learned", "tiny"}]


@pytest.mark.parametrize("path", WRITTEN_BY_HAND, ids=lambda path: path.stem)
def test_every_file_of_the_shipped_pack_that_people_write_names_the_schema(path: Path) -> None:
    line = path.read_text("utf-8").splitlines()[0]
    named = line.removeprefix("# yaml-language-server: $schema=")
    assert named != line, "the first line names the schema, for editors"
    assert (path.parent / named).resolve() == pack_schema.PATH


def wrong() -> list[Any]:
    rows = [(text, message) for text, _, message, _ in SECTION_ERRORS]
    rows += [(f"lexicons: {{l: {text}}}", message) for text, message, _ in WORD_ERRORS]
    rows += [(text, message) for text, message, _ in INCLUDE_ERRORS]
    return [
        pytest.param(text, id=text[:70])
        for text, message in rows
        if not any(known in message for known in ONLY_THE_LOADER_KNOWS)
        and not any(part in text for part in ("? [a]", "2016-13-45", "!!python"))  # no JSON
    ]


@pytest.mark.parametrize("text", wrong())
def test_what_the_loader_refuses_the_schema_refuses(validator: Any, text: str) -> None:
    assert not validator.is_valid(read(text))


RIGHT = [
    "include: wechat",
    "include: [wechat, ../common/words.yaml]",
    "override: {rules: {'fraud.*': {mode: shadow, unless: ~}}, lists: {own: {add: [a.cn], remove: [b.cn]}}}",
    "override: {lexicons: {l: {add: [a, {word: b}], remove: [c]}, m: {add: {weighted: {d: 2}}, pinyin: true}}}",
    "override: {signals: {s: {at_least: ~, fields: [text]}}}",
    "override: {limits: {quotas: {q: {at_most: 5, only: ~}, r: ~}, protected: {accounts: [a], followers: ~}}}",
    "rules: {r: {clause: links.1, when: packet, mode: off}}",
    "limits: {quotas: {q: {each: clause, per: day, at_most: 0, only: [links]}}}",
    "limits: {protected: {hosts: [own], networks: [192.0.2.0/24], accounts: [1], followers: 9, recipients: 1}}",
    "lists: {l: {hosts: [pages.example], shared: true}}",
    "rules: {r: {clause: links.1, when: packet, hits: [a, 5, [b, {after: 1h, text: c}], {type: share, page: {}}]}}",
    "signals: {s: {behaviour: reach, of: mass_send, half_life: 1h, where: {channel: [nearby]}}}",
]


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_validates(validator: Any, text: str) -> None:
    assert validator.is_valid(read(text))


@pytest.mark.parametrize("text", [text for text in RIGHT if not text.startswith(("include", "override"))])
def test_what_validates_loads(write_pack: WritePack, text: str) -> None:
    try:
        load_pack(write_pack(base=BASE, extra=text))
    except InvalidPackError as error:
        raise AssertionError(str(error)) from None
