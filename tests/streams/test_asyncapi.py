"""The AsyncAPI document is one, says what the topics are, and its schemas accept what is on them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator, Draft202012Validator

from rules.decisions import Ban
from rules.events import STRUCTS
from streams.asyncapi import document
from streams.cli.schemas import schemas
from streams.codec import encode
from streams.settings import Settings
from streams.topics import INPUTS, topic_specs

DATA = Path(__file__).parents[1] / "data"
SETTINGS = Settings(topic_prefix="cn-", partitions=5)


@pytest.fixture(scope="module")
def made() -> Any:
    return json.loads(orjson.dumps(document(SETTINGS)))


def test_it_is_an_asyncapi_document(made: Any) -> None:
    schema = json.loads((DATA / "asyncapi" / "3.0.0.json").read_text("utf-8"))

    assert [error.message for error in Draft7Validator(schema).iter_errors(made)] == []
    assert list(Draft7Validator(schema).iter_errors(made | {"channels": 5}))


def test_every_topic_is_in_it_as_it_is_created(made: Any) -> None:
    specs = topic_specs(SETTINGS)

    assert {role: channel["address"] for role, channel in made["channels"].items()} == {
        role: spec.name for role, spec in specs.items()
    }
    kafka = made["channels"]["posts"]["bindings"]["kafka"]
    assert (kafka["topic"], kafka["partitions"]) == ("cn-posts", 5)
    assert kafka["topicConfiguration"]["max.message.bytes"] == SETTINGS.max_record_bytes
    assert made["channels"]["bans"]["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"] == ["compact"]
    assert {name for name, each in made["operations"].items() if each["action"] == "receive"} == {
        f"receive_{role}" for role in (*INPUTS.values(), "operator_words")
    }


def test_references_lead_somewhere(made: Any) -> None:
    def references(part: Any) -> Any:
        match part:
            case {"$ref": str(target)}:
                yield target
            case dict():
                for each in part.values():
                    yield from references(each)
            case list():
                for each in part:
                    yield from references(each)

    found = set(references(made))
    assert len(found) > 30
    for target in found:
        place = made
        for step in target.removeprefix("#/").split("/"):
            place = place[step]


def test_its_schemas_accept_what_is_sent_and_refuse_what_is_not(made: Any) -> None:
    def validator(role: str) -> Draft202012Validator:
        payload = made["components"]["messages"][role]["payload"]
        return Draft202012Validator({**payload, "components": made["components"]})

    event = {"id": "1", "account": "a", "time": "2026-01-01T00:00:00Z", "text": "x"}
    assert validator("posts").is_valid(event)
    assert not validator("posts").is_valid(event | {"text": 5})
    ban = Ban(subject="account:a", sanctions=[], time=datetime(2026, 1, 1, tzinfo=UTC))
    assert validator("bans").is_valid(json.loads(encode(ban)))
    assert not validator("enforcements").is_valid({"kind": "nothing"})


def test_the_command_prints_it() -> None:
    done = CliRunner().invoke(schemas, ["asyncapi"])

    assert done.exit_code == 0, done.output
    printed = json.loads(done.output)
    assert printed["asyncapi"] == "3.0.0"
    assert set(printed["channels"]) == set(topic_specs(Settings()))
    assert {INPUTS[kind] for kind in STRUCTS} <= set(printed["channels"])
