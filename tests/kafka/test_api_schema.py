"""Every endpoint of `warden serve` answers anything as its OpenAPI document says: schemathesis, before a real process.

Endpoints are taken from the document, so that a new one is tested without a line here. Streams, which do not end, are
left out; they have tests of their own.
"""

from __future__ import annotations

import time
import urllib.request
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from openapi_spec_validator import validate
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.kafka.broker import Broker
from tests.kafka.door import Door, door
from tests.kafka.system import System

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    ignored_auth,
]
EXAMPLES = 6
"""Requests of an endpoint with valid data, and as many with wrong data."""
MAX_LENGTH, MAX_ITEMS = 300, 3
SENT = "Sent"
"""Begins the names of schemas of what is sent."""
NOT_MADE = ("application/x-ndjson", "application/jsonl")
"""What schemathesis cannot make."""


def document_of(server: Door) -> Any:
    with urllib.request.urlopen(server.url + "/v1/openapi.json", timeout=20) as answer:  # noqa: S310 - loopback
        return orjson.loads(answer.read())


def narrowed(document: Any) -> Any:
    """The document with texts and lists of what can be made quickly in what is sent: those of the largest sizes have
    tests of their own. What is answered is held to the schemas as they are."""
    paths = {
        path: {
            method: described
            | {part: _narrow(described[part]) for part in ("parameters", "requestBody") if part in described}
            for method, described in operations.items()
        }
        for path, operations in document["paths"].items()
    }
    schemas = document["components"]["schemas"]
    made = schemas | {f"{SENT}{name}": _narrow(schema) for name, schema in schemas.items()}
    return document | {"paths": paths, "components": document["components"] | {"schemas": made}}


def _narrow(part: Any) -> Any:
    match part:
        case {"discriminator": _, **rest}:  # its mapping names schemas that are not narrowed
            return _narrow(rest)
        case {"$ref": str(target)}:
            return {"$ref": target.replace("/schemas/", f"/schemas/{SENT}")}
        case dict():
            bounds = {"maxLength": MAX_LENGTH, "maxItems": MAX_ITEMS}
            return {
                name: min(each, bounds[name]) if name in bounds and isinstance(each, int) else _narrow(each)
                for name, each in part.items()
                if name not in NOT_MADE
            }
        case list():
            return [_narrow(each) for each in part]
    return part


def is_stream(operation: Any) -> bool:
    return any("text/event-stream" in answer.get("content", {}) for answer in operation["responses"].values())


def sent(server: Door, operation: Any, role: Any, mode: GenerationMode) -> list[int]:
    """The statuses of what is sent to an endpoint. Raises an error that says what was answered otherwise."""
    statuses: list[int] = []

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        if mode is GenerationMode.POSITIVE and isinstance(case.body, dict) and "time" in case.body:
            case.body["time"] = datetime.now(UTC).isoformat()  # of any time most are too old, or in the future
        answer = case.call_and_validate(base_url=server.url, headers=server.bearer(role), checks=CHECKS, timeout=30)
        statuses.append(answer.status_code)

    try:
        send()
    except Unsatisfiable:  # whatever can be sent is valid: a path's name takes any text
        assert mode is GenerationMode.NEGATIVE
    return statuses


def test_nothing_that_can_be_sent_is_answered_otherwise_than_documented(
    kafka: Broker, prefix: str, tmp_path: Path
) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path)
    with system.worker(), door(system) as server:
        await_ready(server)
        document = document_of(server)
        validate(document)
        schema = schemathesis.openapi.from_dict(narrowed(document))
        statuses: Counter[int] = Counter()
        tested = 0
        for path, operations in document["paths"].items():
            for method, described in operations.items():
                if is_stream(described):
                    continue
                role = "feed" if "events" in described["tags"] else "admin"
                found = sent(server, schema[path][method.upper()], role, GenerationMode.POSITIVE)
                if "parameters" in described or "requestBody" in described:
                    found += sent(server, schema[path][method.upper()], role, GenerationMode.NEGATIVE)
                assert found, f"nothing was sent to {method} {path}"
                statuses.update(found)
                tested += 1
        said = server.log.read_text()
    assert tested >= 9
    assert {200, 400, 401, 422} <= statuses.keys()
    assert "Traceback" not in said, said[-6000:]


def await_ready(server: Door) -> None:
    """Returns once events can be posted."""
    deadline = time.monotonic() + 30
    while not _ready(server):
        assert time.monotonic() < deadline, server.log.read_text()[-4000:]
        time.sleep(0.1)


def _ready(server: Door) -> bool:
    try:
        with urllib.request.urlopen(server.url + "/readyz", timeout=10) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except OSError:
        return False
