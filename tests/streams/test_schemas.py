"""The schemas are current, are schemas, and accept what the engine takes and says."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from rules.decisions import Ban, Enforcement, Review, Violation
from rules.engine import Engine
from rules.events import Event, InvalidEventError, convert_event
from rules.packs import load_pack
from streams.codec import dead_letter, encode
from streams.schemas import FOLDER, encoded, schemas
from tests.streams.test_codec import Record

TINY = Path(__file__).parents[1] / "data" / "tiny"


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((FOLDER / f"{name}.json").read_bytes()), format_checker=FormatChecker())


def test_the_files_are_what_the_types_generate() -> None:
    """When this fails: `python -m streams.schemas`."""
    assert {path.name: path.read_bytes() for path in FOLDER.glob("*.json")} == {
        name: encoded(schema) for name, schema in schemas().items()
    }


@pytest.mark.parametrize("name", sorted(schemas()))
def test_each_schema_is_one_and_says_what_it_describes(name: str) -> None:
    schema = schemas()[name]

    Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith(f"/{name}")
    assert schema["title"]
    assert schema["description"]


def events() -> Iterator[Event]:
    texts = ["分享后查看答案", "恭喜中奖 联系13800138000", "互推换量", "你好"]
    for number, text in enumerate(texts * 3):
        base = {"account": "a", "time": f"2026-01-{number + 1:02d}T00:00:00+08:00", "text": text}
        yield convert_event("post", {**base, "id": f"p{number}", "app": "app-1", "links": ["https://e.example/x"]})
        yield convert_event("mass_send", {**base, "id": f"m{number}", "channel": "nearby", "recipients": 9})
    yield convert_event(
        "share",
        {
            "id": "s",
            "account": "a",
            "time": "2026-01-01T00:00:00Z",
            "url": "http://weixin-pay.example.com/",
            "scene": "chat",
            "page": {"ip": "192.0.2.1", "title": "转发后解锁"},
        },
    )


def test_what_the_engine_says_is_valid() -> None:
    engine = Engine(load_pack(TINY))
    kinds: dict[type, str] = {Violation: "violation", Enforcement: "enforcement", Review: "review", Ban: "ban"}
    said = [*engine.judge(events()), *engine.bans.values()]

    for decision in said:
        validator(kinds[type(decision)]).validate(json.loads(encode(decision)))
    assert {type(decision) for decision in said} == set(kinds)


def test_what_the_engine_takes_is_valid() -> None:
    for event in events():
        validator(event.type).validate(json.loads(msgspec.json.encode(event)))


def test_what_the_engine_refuses_is_mostly_refused_by_the_schema_too() -> None:
    wrong = {"id": "a\n", "account": "a", "time": "2026-01-01T00:00:00Z", "text": "x"}

    assert not validator("post").is_valid(wrong)
    with pytest.raises(InvalidEventError):
        convert_event("post", wrong)


def test_the_headers_of_a_dead_letter_are_valid() -> None:
    letter = dead_letter("dead", Record(value=b"x" * 999), InvalidEventError("invalid", "why"), max_record_bytes=900)

    validator("dead_letter").validate({name: data.decode() for name, data in letter.headers})
