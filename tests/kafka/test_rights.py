"""The rights that docs/security.md gives each task: enough for it, and not for another's."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
import time
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
from streams.http.tokens import Role
from streams.operator_words import put_words
from streams.settings import Settings
from streams.subject_history import history
from streams.topics import TopicsError, create_topics, topic_names
from tests.kafka.java import resolve_jars
from tests.kafka.personal import BANNED, events
from tests.kafka.secured import Secured
from tests.kafka.serving import Answered, Desk, serving, write_tokens
from tests.kafka.system import TINY, System
from tests.kafka.test_security import access, await_blocked

ASKED = re.compile(
    r"Principal = User:(\w+) is (Allowed|Denied) operation = (\w+) from .* resource = (Topic|Group):LITERAL:(\S+)"
)
DOCUMENT = Path(__file__).parents[2] / "docs/security.md"
NOW = datetime.now(UTC).isoformat()
JOURNAL = "User:console READ "


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
    read_only = [line.replace("User:console", "User:onlooker") for line in rights() if line.startswith(JOURNAL)]
    command = ["java", "-cp", f"{resolve_jars()}/*", str(Path(__file__).with_name("Acls.java")), secured.member_address]
    done = subprocess.run(command, input="\n".join(rights() + read_only), text=True, capture_output=True, check=False)
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


def test_warden_serve_needs_the_rights_that_are_listed_and_no_others(guarded: Secured, tmp_path: Path) -> None:
    file, own, tokens = write_tokens(tmp_path)
    given = {"http_tokens_file": file, "http_worker_token_file": own, "data_dir": tmp_path / "data"}
    worker = System(settings_of(guarded, "worker", session_timeout_s=6.0, commit_interval_s=0.3, **given), tmp_path)
    admin = System(settings_of(guarded, guarded.user), tmp_path)
    console = System(settings_of(guarded, "console", **given), tmp_path)
    with worker.worker(**access(worker.settings)), serving(console, tokens) as desk:
        assert admin.warden("packs", "publish", str(TINY), "--why", "test", "--no-known-good").returncode == 0
        use_all_of(desk)
    asked = asked_of(guarded, "console")

    assert asked["Denied"] == set()
    listed = {tuple(line.split()[1:4]) for line in rights() if line.startswith("User:console ")}
    used = {each for each in asked["Allowed"] if each[:2] != ("DESCRIBE", "topic") and each[0] != "DESCRIBE_CONFIGS"}
    assert used == listed


def _has_violated(told: dict[str, Any]) -> bool:
    """A report about the subject may be there before."""
    return bool(told["state"]) and any(each["kind"] == "violation" for each in told["timeline"])


def use_all_of(desk: Desk) -> None:
    """Calls what reads and writes each topic."""
    assert desk.post("/v1/controls", {"do": "resume", "reason": "another test has halted it"}, "admin").status == 200
    fields = {"account": "carol", "time": NOW, "text": "互推换量"}
    posted: list[dict[str, Any]] = [
        {"type": "post", "id": "c1", **fields},
        {"type": "mass_send", "id": "c2", "channel": "nearby", "recipients": 9, **fields, "account": "dan"},
        {"type": "share", "id": "c3", "account": "erin", "time": NOW, "title": "分享后查看答案", "scene": "moments",
         "url": "https://serve.example/prize"},
        {"type": "report", "id": "c4", "subject": "account:erin", "reporter": "r", "category": "spam", "time": NOW},
    ]  # fmt: skip
    for event in posted:
        assert desk.post("/v1/events", event, "feed").body == {"accepted": 1, "repeated": 0}
    for account in ("carol", "dan", "erin"):
        shown = desk.until("/v1/subject", _has_violated, id=f"account:{account}")
        assert shown["state_problem"] == ""
        (violation,) = [each for each in shown["timeline"] if each["kind"] == "violation"]
        assert desk.get("/v1/evidence", violation=violation["id"]).body["event"]["account"] == account
    assert desk.get("/v1/subject", id="account:erin", older="true").body["in_force"]
    items = [each["item"] for each in desk.get("/v1/feed", subject_kind="domain").body["items"]]
    (made,) = [each for each in items if each["subject"] == "domain:serve.example"]
    appeal = {"enforcement": made["id"], "verdict": "overturned", "reason": "test"}
    assert desk.post("/v1/appeals", appeal).status == 200
    reviews = [each["review"] for each in desk.get("/v1/reviews").body["reviews"]]
    review = next(each for each in reviews if each["subject"] == "account:carol")
    verdict = {"verdict": "approved", "reason": "test", "seen": review["time"]}
    assert desk.post(f"/v1/reviews/{review['id']}/decision", verdict).status == 200
    clear = {"subject": "account:carol", "do": "clear", "reason": "test"}
    assert desk.post("/v1/orders", clear).status == 200
    for do in ("halt", "resume"):
        assert desk.post("/v1/controls", {"do": do, "reason": "test"}, "admin").status == 200
    assert desk.post("/v1/packs/rollback", {"reason": "test"}, "admin").status == 200


def asked_of(guarded: Secured, user: str) -> dict[str, set[tuple[str, ...]]]:
    """What the brokers were asked of a login, as (operation, kind, name), by whether they allowed it."""
    found: dict[str, set[tuple[str, ...]]] = {"Allowed": set(), "Denied": set()}
    for line in guarded.asked.read_text().splitlines():
        asked = ASKED.match(line)
        if asked is not None and asked[1] == user:
            found[asked[2]].add((asked[3], asked[4].lower(), asked[5]))
    return found


def test_warden_serve_says_which_right_it_lacks(guarded: Secured, tmp_path: Path) -> None:
    """One process may read all and do nothing, the other take events and see nothing: each refuses what it may not do
    at once, with the name of the right, and does the rest."""
    (tmp_path / "platform").mkdir()
    file, _, tokens = write_tokens(tmp_path)
    onlooker = System(settings_of(guarded, "onlooker", http_tokens_file=file, data_dir=tmp_path / "a"), tmp_path)
    platform = System(
        settings_of(guarded, "platform", http_tokens_file=file, data_dir=tmp_path / "b"), tmp_path / "platform"
    )
    order = {"subject": "account:grace", "do": "sanction", "action": "ban_account", "reason": "test"}
    post = {"type": "post", "id": "g1", "account": "grace", "time": NOW, "text": "hello"}
    with serving(onlooker, tokens) as looks, serving(platform, tokens) as takes:
        looks.until("/v1/now", lambda now: now["journal"]["complete"])
        assert looks.get("/v1/subject", id="account:grace").body["state"] is None
        tried: tuple[tuple[str, Any, Role, str], ...] = (
            ("/v1/orders", order, "moderate", "Describe on group streamwarden"),
            ("/v1/controls", {"do": "halt", "reason": "test"}, "admin", "Write on topic controls"),
            ("/v1/events", post, "feed", "Write on topic posts"),
        )
        for path, body, role, lacking in tried:
            refused(looks.post(path, body, role), lacking)
            refused(looks.post(path, body, role), lacking)  # and the second time as well

        assert takes.post("/v1/events", post, "feed").body == {"accepted": 1, "repeated": 0}
        journal = [
            name for line in rights() if line.startswith(JOURNAL) and (name := line.split()[3]) not in UNFOLLOWED
        ]
        refused(once_known(takes, "/v1/feed"), *(f"Read on topic {name}" for name in journal))
        refused(takes.post("/v1/orders", order), "Read on topic bans")
        refused(once_known(takes, "/v1/clauses"), "Read on topic packs")
    said = (tmp_path / "serve.log").read_text()
    command = f"kafka-acls.sh --bootstrap-server {onlooker.settings.bootstrap} --add --allow-principal User:onlooker"
    for right in ("--operation Write --topic posts", "--operation Describe --group streamwarden"):
        assert said.count(f"{command} {right}") == 1
    said = (tmp_path / "platform" / "serve.log").read_text()
    assert said.count("--operation Read --topic appeals --topic bans") == 1


def once_known(desk: Desk, path: str) -> Answered:
    """The answer once the process has found out what it may."""
    deadline = time.monotonic() + 30
    while (answer := desk.get(path)).status in {200, 503} and time.monotonic() < deadline:
        time.sleep(0.1)
    return answer


UNFOLLOWED = {"posts", "shares", "mass_sends", "operator_words"}
"""Read for pages, and not by the journal."""


def refused(answer: Answered, *lacking: str) -> None:
    assert (answer.status, answer.body["code"]) == (403, "no_right"), answer
    assert "retry-after" not in answer.headers
    assert [right for right in lacking if right not in answer.body["detail"]] == []
