"""The rights that docs/security.md gives each task: enough for it, and not for another's."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from itertools import product
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka.errors import TopicAuthorizationFailedError

from rules.controls import ControlRecord
from rules.words import Word
from streams.access.clients import started_producer
from streams.bans import BanList
from streams.controls import current_controls, put_control
from streams.feeding import feed
from streams.operator_words import put_words
from streams.settings import Settings
from streams.subject_history import history
from streams.topics import TopicsError, create_topics, topic_names
from tests.kafka.java import resolve_jars
from tests.kafka.personal import BANNED, events
from tests.kafka.secured import Secured
from tests.kafka.system import TINY, System
from tests.kafka.test_security import access, await_blocked

DOCUMENT = Path(__file__).parents[2] / "docs/security.md"
NOW = datetime.now(UTC).isoformat()


def rights() -> list[str]:
    """The commands of the document, as `Acls.java` takes them: a line for each right."""
    found: list[str] = []
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("acl --"):
            found += _rights(shlex.split(line)[1:])
    return found


def _rights(words: list[str]) -> Iterator[str]:
    """Of one command: each operation on each topic and group."""
    given: dict[str, list[str]] = {}
    for option, value in zip(words[::2], words[1::2], strict=True):
        given.setdefault(option, []).append(value)
    pattern = given.pop("--resource-pattern-type", ["literal"])[0]
    (principal,), operations = given.pop("--allow-principal"), given.pop("--operation")
    assert set(given) <= {"--topic", "--group"}
    for kind, operation in product(given, operations):
        for name in given[kind]:
            yield f"{principal} {_operation(operation)} {kind[2:]} {name} {pattern.upper()}"


def _operation(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


@pytest.fixture(scope="module")
def guarded(secured: Secured) -> Secured:
    """The broker with the topics, and logins that have the document's rights."""
    asyncio.run(create_topics(Settings(bootstrap=secured.member_address, partitions=1)))
    command = ["java", "-cp", f"{resolve_jars()}/*", str(Path(__file__).with_name("Acls.java")), secured.member_address]
    done = subprocess.run(command, input="\n".join(rights()), text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return secured


def settings_of(guarded: Secured, user: str, **given: Any) -> Settings:
    return Settings(**guarded.given("PLAIN", sasl_user=user), partitions=1, pack=TINY, **given)


def sent(settings: Settings, lines: list[dict[str, Any]]) -> int:
    body = BytesIO(b"\n".join(map(orjson.dumps, lines)))
    return sum(asyncio.run(feed(settings, body, None, lambda *_: None, lambda _: None)).sent.values())


def order(subject: str) -> dict[str, Any]:
    what = {"do": "sanction", "action": "ban_account", "moderator": "m", "reason": "r"}
    return {"type": "order", "id": "o1", "subject": subject, "time": NOW, **what}


def test_each_task_can_do_what_it_is_for(guarded: Secured, tmp_path: Path) -> None:
    worker_settings = settings_of(guarded, "worker", session_timeout_s=6.0, commit_interval_s=0.3)
    system = System(worker_settings, tmp_path)
    with system.worker(**access(worker_settings)) as worker, BanList(settings_of(guarded, "gateway")) as bans:
        assert sent(settings_of(guarded, "platform"), events()) == len(events())
        await_blocked(bans, worker)
        assert sent(settings_of(guarded, "desk"), [order("account:by-hand")]) == 1
        await_blocked(bans, worker, subject="account:by-hand")
        asyncio.run(put_words(settings_of(guarded, "duty"), "unlock", [Word("解锁")]))
        halt = ControlRecord(id="c", do="halt", rule=None, by="duty", why="test", time=datetime.now(UTC))
        asyncio.run(put_control(settings_of(guarded, "duty"), halt))
    found = asyncio.run(history(settings_of(guarded, "desk"), BANNED))

    assert found.ban is not None
    assert asyncio.run(current_controls(settings_of(guarded, "duty"))).log.controls.halted


@pytest.mark.parametrize(
    ("user", "topics"),
    [
        ("platform", ("orders", "appeals", "review_decisions", "controls", "operator_words", "bans", "violations")),
        ("desk", ("posts", "reports", "controls", "operator_words", "bans", "enforcements", "violations")),
        ("duty", ("orders", "posts", "bans")),
        ("worker", ("orders", "appeals", "review_decisions", "posts", "reports", "operator_words")),
        ("gateway", ("bans", "orders", "posts")),
        ("stranger", ("posts", "orders", "controls")),
    ],
)
def test_no_task_can_write_what_is_anothers(user: str, topics: tuple[str, ...], guarded: Secured) -> None:
    settings = settings_of(guarded, user)

    async def write(topic: str) -> None:
        async with started_producer(settings) as producer:
            await producer.send_and_wait(getattr(topic_names(settings), topic), b"x", b"x")

    for topic in topics:
        with pytest.raises(TopicAuthorizationFailedError):
            asyncio.run(write(topic))


def test_whoever_may_not_write_is_told_so(guarded: Secured) -> None:
    with pytest.raises(TopicsError) as caught:
        sent(settings_of(guarded, "platform"), [order("account:alice")])

    assert "this login has no right to it" in str(caught.value)
    assert "docs/security.md lists the rights" in str(caught.value)


@pytest.mark.parametrize("user", ["platform", "gateway", "stranger"])
def test_who_only_writes_or_enforces_cannot_read_what_people_posted(user: str, guarded: Secured) -> None:
    with pytest.raises(TopicsError, match="this login has no right to it"):
        asyncio.run(history(settings_of(guarded, user), BANNED))
