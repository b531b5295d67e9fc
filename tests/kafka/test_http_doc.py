"""docs/http.md: its curl commands, run, print what it says they print."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.kafka.broker import Broker
from tests.kafka.door import door
from tests.kafka.system import System
from tests.kafka.test_api_schema import await_ready

DOCUMENT = Path(__file__).parents[2] / "docs/http.md"
SHOWN = re.findall(r"^```console\n\$ (.+)\n(.+)\n```$", DOCUMENT.read_text("utf-8"), re.MULTILINE)


def test_what_curl_is_answered_is_what_the_document_says(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    now = datetime.now(UTC).isoformat()
    post = {"type": "post", "id": "p1", "account": "alice", "time": now, "text": "你好"}
    share = {"type": "share", "id": "s1", "account": "bob", "time": now, "url": "https://x.example/", "scene": "chat"}
    event = {"specversion": "1.0", "id": "c1", "source": "/feed", "type": "com.example.post", "time": now}
    without = {name: value for name, value in post.items() if name != "text"}
    files: dict[str, list[dict[str, Any]]] = {
        "events.jsonl": [post, share],
        "wrong.jsonl": [post | {"id": "p2"}, without],
        "event.json": [event | {"data": {"account": "alice", "text": "你好"}}],
    }
    for name, events in files.items():
        (tmp_path / name).write_bytes(b"\n".join(map(orjson.dumps, events)))
    system = System.create(kafka.bootstrap, prefix, tmp_path)
    with door(system) as server:
        await_ready(server)
        assert len(SHOWN) == 3
        for command, printed in SHOWN:
            done = subprocess.run(
                ["/bin/sh", "-c", command],
                env={"PATH": "/usr/bin:/bin", "URL": server.url, "TOKEN": server.tokens["feed"]},
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=True,
            )
            assert orjson.loads(done.stdout) == orjson.loads(printed)
    assert len(system.records("posts")) == 3
