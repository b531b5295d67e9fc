"""`warden bans hook` on a real broker, to a receiver that fails now and then: nothing is lost, nothing overtakes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.bans.hooks import verify
from streams.cli import warden
from tests.kafka.broker import Broker
from tests.kafka.consuming import becomes, create, put, running
from tests.streams.making_bans import ban

SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105 - for tests
SUBJECTS, CHANGES = 7, 12


class Receiver(ThreadingHTTPServer):
    """Takes what is rightly signed; refuses every third request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.lock = threading.Lock()
        self.asked = 0
        self.taken: list[dict[str, object]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/bans"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        receiver = self.server
        assert isinstance(receiver, Receiver)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        verify(SECRET.encode(), dict(self.headers.items()), body, time.time())
        with receiver.lock:
            receiver.asked += 1
            refused = receiver.asked % 3 == 0
            if not refused:
                receiver.taken.append(json.loads(body))
        self.send_response(503 if refused else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def environment(kafka: Broker, prefix: str) -> dict[str, str]:
    create(kafka, prefix + "bans")
    return {
        "WARDEN_BOOTSTRAP": kafka.bootstrap,
        "WARDEN_TOPIC_PREFIX": prefix,
        "WARDEN_APP_ID": prefix + "app",
        "STREAMWARDEN_HOOK_SECRET": SECRET,
    }


def test_every_change_arrives_in_order_and_a_restart_goes_on_where_it_was(
    kafka: Broker, prefix: str, environment: dict[str, str], tmp_path: Path, receiver: Receiver
) -> None:
    topic = prefix + "bans"
    changes = [f"account:{number % SUBJECTS}" for number in range(SUBJECTS * CHANGES)]
    put(kafka, topic, *(ban(subject, "ban_account") for subject in changes), ("account:bad", b"garbage"))

    with running(tmp_path, environment, "bans", "hook", receiver.url) as process:
        assert becomes(lambda: len(receiver.taken) >= len(changes))
        process.terminate()
        assert process.wait(20) == 0
    assert len({change["id"] for change in receiver.taken}) == len(changes)
    for subject in set(changes):
        offsets = [change["offset"] for change in receiver.taken if change["subject"] == subject]
        assert offsets == sorted(offsets, key=lambda offset: int(str(offset)))

    before = len(receiver.taken)
    put(kafka, topic, ("account:0", None))
    with running(tmp_path, environment, "bans", "hook", receiver.url):
        assert becomes(lambda: len(receiver.taken) > before)
    newest = receiver.taken[-1]
    assert (newest["subject"], newest["sanctions"], len(receiver.taken)) == ("account:0", [], before + 1)


def test_when_one_of_two_processes_dies_the_other_goes_on_with_its_partitions(
    kafka: Broker, prefix: str, environment: dict[str, str], tmp_path: Path, receiver: Receiver
) -> None:
    topic = prefix + "bans"
    subjects = [f"account:{number}" for number in range(12)]
    environment["WARDEN_SESSION_TIMEOUT_S"] = "2"

    def taken() -> set[object]:
        return {change["id"] for change in receiver.taken}

    with (
        running(tmp_path, environment, "bans", "hook", receiver.url) as first,
        running(tmp_path, environment, "bans", "hook", receiver.url),
    ):
        put(kafka, topic, *(ban(subject, "ban_account") for subject in subjects))
        assert becomes(lambda: len(taken()) == len(subjects))
        first.kill()
        put(kafka, topic, *((subject, None) for subject in subjects))
        assert becomes(lambda: len(taken()) == 2 * len(subjects))

    newest: dict[object, dict[str, object]] = {}
    for change in receiver.taken:
        held = newest.get(change["subject"])
        if held is None or int(str(change["offset"])) > int(str(held["offset"])):
            newest[change["subject"]] = change
    assert [change["sanctions"] for change in newest.values()] == [[]] * len(subjects)


def test_what_is_given_up_is_a_dead_letter_and_is_not_tried_again(
    kafka: Broker, prefix: str, environment: dict[str, str], tmp_path: Path
) -> None:
    put(kafka, prefix + "bans", ban("account:a", "ban_account"))
    dead = tmp_path / "dead.jsonl"
    options = ["--attempts", "2", "--dead-letters", str(dead)]

    with running(tmp_path, environment, "bans", "hook", "http://127.0.0.1:1/", *options) as process:
        assert becomes(lambda: dead.exists() and dead.stat().st_size > 0)
        time.sleep(1.5)  # a commit later
        process.terminate()
        assert process.wait(20) == 0

    assert json.loads(dead.read_text())["key"].startswith(f"{prefix}bans-")
    assert "given up after 2 attempts" in (tmp_path / "messages").read_text()


@pytest.mark.parametrize(
    ("url", "secret", "said"),
    [
        ("ftp://a.example/", SECRET, "is no URL to post to"),
        ("http://a.example/", SECRET, "use https://"),
        ("https://u:p@a.example/", SECRET, "holds a password"),
        ("https://a.example/", "", "needs a secret of 16 bytes"),
        ("https://a.example/", "short", "needs a secret of 16 bytes"),
    ],
)
def test_what_was_asked_wrongly_is_said(url: str, secret: str, said: str) -> None:
    result = CliRunner().invoke(warden, ["bans", "hook", url], env={"STREAMWARDEN_HOOK_SECRET": secret})

    assert (result.exit_code, said in result.output) == (2, True), result.output
