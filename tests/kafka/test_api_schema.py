"""Every endpoint of `warden serve` answers anything as its OpenAPI document says: schemathesis, before a real process.

Endpoints are taken from the document, so that a new one is tested without a line here. Streams, which do not end, are
left out; they have tests of their own.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import orjson
import pytest
from openapi_spec_validator import validate

from tests.kafka.broker import Broker
from tests.kafka.door import Door, door
from tests.kafka.system import System

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
)
FUZZ_S = 12
EXAMPLES = 15
MAX_LENGTH, MAX_ITEMS = 300, 3


def document_of(server: Door) -> dict[str, Any]:
    with urllib.request.urlopen(server.url + "/v1/openapi.json", timeout=10) as answer:  # noqa: S310 - loopback
        found: dict[str, Any] = orjson.loads(answer.read())
    return found


def narrowed(schema: Any) -> Any:
    """The document with texts and lists of what can be made quickly; those of the largest sizes have tests of their
    own."""
    match schema:
        case dict():
            bounds = {"maxLength": MAX_LENGTH, "maxItems": MAX_ITEMS}
            return {
                name: min(part, bounds[name]) if name in bounds and isinstance(part, int) else narrowed(part)
                for name, part in schema.items()
            }
        case list():
            return [narrowed(part) for part in schema]
    return schema


def streams(document: dict[str, Any]) -> list[str]:
    """Paths whose answer does not end."""
    return [
        path
        for path, operations in document["paths"].items()
        for operation in operations.values()
        for response in operation["responses"].values()
        if "text/event-stream" in response.get("content", {})
    ]


def schemathesis(server: Door, *arguments: str, role: Any, folder: Path, phases: str) -> subprocess.CompletedProcess[str]:
    file = folder / "openapi.json"
    file.write_bytes(orjson.dumps(narrowed(document_of(server))))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(file), "--url", server.url, "--no-color"),
        *("--checks", ",".join(CHECKS), "--phases", phases, "--max-examples", str(EXAMPLES)),
        *("--max-time", str(FUZZ_S), "--seed", "1", "--request-timeout", "20", "--suppress-health-check", "all"),
        *("--generation-database", "none", "--header", f"Authorization:{server.bearer(role)['Authorization']}"),
    ]
    return subprocess.run(
        [*command, *arguments], capture_output=True, text=True, cwd=folder, timeout=200, check=False
    )


def test_nothing_that_can_be_sent_is_answered_otherwise_than_documented(
    kafka: Broker, prefix: str, tmp_path: Path
) -> None:
    if importlib.util.find_spec("schemathesis") is None:
        pytest.fail("schemathesis is missing: pip install -e '.[dev]'", pytrace=False)
    system = System.create(kafka.bootstrap, prefix, tmp_path)
    with door(system) as server:
        deadline = time.monotonic() + 30
        while not _ready(server):
            assert time.monotonic() < deadline, server.log.read_text()[-4000:]
            time.sleep(0.1)
        document = document_of(server)
        validate(document)
        without = [part for path in streams(document) for part in ("--exclude-path", path)]
        events = schemathesis(server, "--include-tag", "events", role="feed", folder=tmp_path)
        others = schemathesis(server, "--exclude-tag", "events", *without, role="admin", folder=tmp_path)
        said = server.log.read_text()
    for done in (events, others):
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "Traceback" not in said, said[-6000:]


def _ready(server: Door) -> bool:
    try:
        with urllib.request.urlopen(server.url + "/readyz", timeout=10) as answer:  # noqa: S310 - loopback
            return bool(answer.status == 200)
    except OSError:
        return False
