"""The console's API on real Kafka: what a worker decided is shown, followed, undone and audited."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.kafka.broker import Broker
from tests.kafka.serving import Desk, serving, write_tokens
from tests.kafka.system import System, Worker

SHARED = ("account:alice", "domain:quiz.example", "link:https://quiz.example/prize")


def ago(**since: float) -> str:
    return (datetime.now(UTC) - timedelta(**since)).isoformat()


def a_share(account: str, host: str, number: int = 0) -> dict[str, Any]:
    return {
        "type": "share", "id": f"s-{account}-{number}", "account": account, "time": ago(minutes=10),
        "url": f"https://{host}/prize", "title": "分享后查看答案", "scene": "moments",
    }  # fmt: skip


def a_post(account: str, text: str = "互推换量") -> dict[str, Any]:
    return {"type": "post", "id": f"p-{account}", "account": account, "time": ago(minutes=10), "text": text}


@pytest.fixture(scope="module")
def system(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> System:
    folder = tmp_path_factory.mktemp("console")
    file, own, tokens = write_tokens(folder)
    made = System.create(
        kafka.bootstrap, f"t{uuid.uuid4().hex[:10]}-", folder, http_tokens_file=file, http_worker_token_file=own
    )
    (folder / "given.json").write_text(json.dumps(tokens))
    return made


@pytest.fixture(scope="module")
def worker(system: System) -> Iterator[Worker]:
    with system.worker() as worker:
        yield worker


@pytest.fixture(scope="module")
def desk(system: System, worker: Worker) -> Iterator[Desk]:
    tokens = json.loads((system.folder / "given.json").read_text())
    with serving(system, tokens) as desk:
        desk.until("/v1/now", lambda now: now["journal"]["complete"])
        desk.until("/v1/clauses", lambda told: told["clauses"])
        yield desk


def test_a_sanction_is_shown_followed_and_undone_once(system: System, desk: Desk) -> None:
    system.feed([a_share("alice", "quiz.example")])
    (item,) = desk.until("/v1/feed", lambda page: page["items"], subject_kind="domain")["items"]
    enforcement = item["item"]
    assert enforcement["subject"] == "domain:quiz.example"
    assert enforcement["evidence"][0]["quote"] == "分享后查看答案"

    shown = desk.until("/v1/subject", lambda told: told["in_force"], id="domain:quiz.example")
    (held,) = shown["in_force"]
    assert held["undo"] == {"appeal": enforcement["id"], "clear": None}
    (violation,) = [each for each in shown["timeline"] if each["kind"] == "violation"]
    assert held["violations"] == [violation["id"]]
    assert {each["subject"] for each in shown["linked"]} == set(SHARED) - {"domain:quiz.example"}
    assert all(each["in_force"] for each in shown["linked"])
    assert shown["clauses"]["links.1"] == {"zh": "诱导分享", "en": "induced sharing"}

    body = {"enforcement": enforcement["id"], "verdict": "overturned", "reason": "the owner's own", "id": new_id()}
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda _: desk.post("/v1/appeals", body), range(2)))
    assert [each.status for each in answers] == [200, 200], answers
    assert sorted(each.body["repeated"] for each in answers) == [False, True]
    for each in answers:
        assert each.body["complete"]
        assert {change["subject"] for change in each.body["changes"]} == set(SHARED)
        assert each.body["in_force"] == {subject: [] for subject in SHARED}
    assert [each["moderator"] for each in system.decisions("appeals")] == ["moderate"]

    (act,) = desk.until("/v1/audit", lambda told: told["entries"])["entries"]
    assert (act["who"], act["what"], act["id"]) == ("moderate", "appeal overturned", body["id"])
    assert desk.post("/v1/appeals", {**body, "reason": "another"}).body["code"] == "conflict"
    final = desk.post("/v1/appeals", {**body, "id": new_id()})
    assert (final.status, final.body["code"]) == (409, "final")
    assert desk.post("/v1/appeals", {**body, "enforcement": "none"}).status in {404, 409}
    again = desk.until("/v1/subject", lambda told: not told["in_force"], id="domain:quiz.example")
    assert [each["kind"] for each in again["timeline"]][-2:] in (["appeal", "lift"], ["lift", "appeal"])


def new_id() -> str:
    return str(uuid.uuid4())
