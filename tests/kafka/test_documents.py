"""The commands of the documents that need Kafka, one after the other as an operator gives them, with a worker there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from streams.cli import warden
from tests.documented_commands import ONLINE
from tests.kafka.broker import Broker
from tests.kafka.system import TINY, System

AT = (datetime.now(UTC) - timedelta(minutes=10)).isoformat()
HOSTS = ("quiz", "one", "two", "three")
OWN = "own_words: {operator: true, test_words: [虚构词甲]}"
"""The operator's own lexicon, which `warden words` fills."""
_ANSWER_S = 60.0


def events() -> list[dict[str, Any]]:
    """Shares that are punished, with their domains, and posts that wait for a person."""
    shares = [
        {"type": "share", "id": f"s-{host}", "account": account, "time": AT, "url": f"https://{host}.example/prize",
         "title": "分享后查看答案", "scene": "moments"}
        for host, account in zip(HOSTS, ("alice", "eve", "frank", "grace"), strict=True)
    ]  # fmt: skip
    posts = [
        {"type": "post", "id": f"p-{account}", "account": account, "time": AT, "text": "互推换量"}
        for account in ("bob", "carol")
    ]
    return [*shares, *posts]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the commands name."""
    labels = {"live": 'name: tiny, version: "1"'}
    labels |= {"packs/mine": 'name: ours, version: "7"', "packs/next": 'name: ours, version: "8"'}
    for folder, label in labels.items():
        shutil.copytree(TINY, tmp_path / folder)
        file = tmp_path / folder / "pack.yaml"
        text = file.read_text("utf-8").replace(labels["live"], label).replace("lexicons:\n", f"lexicons:\n  {OWN}\n")
        text = text.replace("signals:\n", "signals:\n  own_words: {lexicon: own_words}\n")
        file.write_text(text.replace("when: unlock\n", "when: unlock or own_words\n"), "utf-8")
    (tmp_path / "events.jsonl").write_bytes(b"\n".join(map(orjson.dumps, events())))
    (tmp_path / "good.jsonl").write_text("今天天气真好\n", "utf-8")
    (tmp_path / "accepted.tsv").write_text("# rule, key and reason\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Desk:
    """Where the commands are given."""

    def __init__(self, system: System, stack: ExitStack) -> None:
        self.system, self._stack = system, stack
        environment = system.environment()
        self._environment = {name: value for name, value in environment.items() if name.startswith("WARDEN_")}

    def do(self, command: str, until: str) -> None:
        """Runs a command to its end, or `until` it has begun to do what it goes on with; workers go on."""
        arguments = shlex.split(self._filled(command))[1:]
        match arguments:
            case ["worker", *options]:
                self._stack.enter_context(self.system.worker(*options))
            case _ if until:
                self._begin(until, *arguments)
            case _:
                done = self._run(*arguments)
                assert done.exit_code == 0, f"$ {command}\n{done.output}"
                assert done.output.strip()
        if arguments[0] == "feed":
            self.system.await_done(len(events()), *self.system.workers)

    def _run(self, *arguments: str) -> Any:
        return CliRunner().invoke(warden, arguments, env=self._environment)

    def _json(self, *arguments: str) -> Any:
        done = self._run(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def _filled(self, command: str) -> str:
        """With the ids that a person would copy from what `warden subject` and `warden reviews` show."""
        return re.sub(r"\{(held|case):([^}]+)\}", lambda found: self._id(found[1], found[2]), command)

    def _id(self, what: str, subject: str) -> str:
        if what == "held":
            return str(self._json("subject", subject)["in_force"][0]["enforcement"])
        (case,) = self._json("reviews", "--subject", subject)
        return str(case["id"])

    def _begin(self, until: str, *arguments: str) -> None:
        log = self.system.folder / "begun"
        with log.open("wb") as out:
            command = [sys.executable, "-m", "streams.cli", *arguments]
            process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **self._environment})
        try:
            becomes(lambda: until.encode() in log.read_bytes(), log)
            assert process.poll() is None
        finally:
            process.kill()
            process.wait()


def becomes(true: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + _ANSWER_S
    while not true():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


@pytest.mark.timeout(600)  # seventy commands and a worker: half a minute, and minutes on a busy machine
def test_the_commands_of_the_documents_run_in_their_order(kafka: Broker, prefix: str, folder: Path) -> None:
    system = System.create(kafka.bootstrap, prefix, folder, topics=False, pack=folder / "live")
    with ExitStack() as stack:
        desk = Desk(system, stack)
        for step in ONLINE:
            for command in step.commands():
                desk.do(command, step.until)
