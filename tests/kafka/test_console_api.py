"""The console's API on real Kafka: what a worker decided is shown, followed, undone and audited."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from rules.decisions import Review, content_id
from streams.codec import encode
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


def a_review(number: int) -> Review:
    return Review(
        id=content_id("queued", str(number)), subject=f"account:queued-{number}", reason="by_report", detail="",
        status="open", clauses=["accounts.2"], rule="accounts.exchange", violations=[], evidence=[], proposed=["warn"],
        ladder="accounts", rung=1, lasts=None, pack="tiny@1", time=datetime.now(UTC),
    )  # fmt: skip


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


def test_the_worker_that_holds_a_subject_says_where_it_stands(system: System, worker: Worker, desk: Desk) -> None:
    system.feed([a_share("erin", "games.example")])
    shown = desk.until("/v1/subject", lambda told: told["in_force"], id="domain:games.example")
    assert shown["held_by"] == worker.url
    assert shown["state_problem"] == ""
    (ladder,) = shown["state"]["ladders"]
    assert (ladder["ladder"], ladder["rung"]) == ("sharing", 1)
    assert [each["rule"] for each in ladder["offences"]] == ["sharing.unlock"]
    assert ladder["next"]["rung"] == 2
    told = desk.until("/v1/now", lambda now: now["workers"] and now["workers"][0]["lag"] == 0)
    assert [(each["url"], each["partitions"], each["ready"]) for each in told["workers"]] == [(worker.url, 3, True)]

    status, _ = worker.get("/v1/subjects?id=account:erin")
    assert status == 401


def test_a_case_is_decided_as_it_was_shown_or_not_at_all(system: System, desk: Desk) -> None:
    system.feed([a_post("bob"), a_post("carol")])
    waiting = desk.until("/v1/reviews", lambda told: told["open"] == 2)["reviews"]
    by_subject = {each["review"]["subject"]: each["review"] for each in waiting}
    bob, carol = by_subject["account:bob"], by_subject["account:carol"]
    shown = desk.get(f"/v1/reviews/{bob['id']}").body
    assert [each["event"]["id"] for each in shown["violations"]] == ["p-bob"]
    assert "warns account:bob" in shown["would"]["en"]

    path = f"/v1/reviews/{bob['id']}/decision"
    body = {"verdict": "approved", "reason": "looked at", "seen": bob["time"], "id": new_id()}
    assert desk.post(path, body, "read").status == 403
    assert desk.post(path, body, None).status == 401
    old = desk.post(path, {**body, "seen": "2026-01-01T00:00:00Z"})
    assert (old.status, old.body["code"]) == (409, "stale")
    approved = desk.post(path, body)
    assert approved.status == 200, approved
    assert {each["kind"] for each in approved.body["changes"]} == {"review", "enforcement"}
    desk.until("/v1/reviews", lambda told: told["open"] == 1)
    late = desk.post(path, {**body, "id": new_id(), "verdict": "rejected"})
    assert (late.status, late.body["code"]) == (409, "stale")
    assert desk.post(path, body).body["repeated"]
    path = f"/v1/reviews/{carol['id']}/decision"
    both = [{"verdict": verdict, "reason": "at once", "seen": carol["time"], "id": new_id()} for verdict in
            ("approved", "rejected")]  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda each: desk.post(path, each), both))
    assert sorted(each.status for each in answers) == [200, 409], answers
    assert desk.post("/v1/reviews/%F0%9F%92%A9%00%0A'--/decision", body).status in {400, 404}


def test_the_queue_is_read_from_those_that_wait_longest_page_by_page(system: System, desk: Desk) -> None:
    before = desk.get("/v1/reviews").body["open"]
    cases = [a_review(number) for number in range(205)]
    system.produce("reviews", [(each.subject.encode(), encode(each)) for each in cases])
    desk.until("/v1/reviews", lambda told: told["open"] == before + len(cases))
    seen: list[str] = []
    after: dict[str, str] = {}
    while page := desk.get("/v1/reviews", order="oldest", limit=100, **after).body["reviews"]:
        seen += [each["review"]["subject"] for each in page]
        waits = [each["waits_s"] for each in page]
        assert waits == sorted(waits, reverse=True)
        after = {"after": page[-1]["review"]["id"]}
    assert len(seen) == len(set(seen)) == before + len(cases)
    assert desk.get("/v1/reviews", order="oldest", after="nobody").status == 404
    assert desk.get("/v1/reviews", order="oldest", before=7).status == 400
    assert desk.get("/v1/reviews", after="r1").status == 400
    ended = [msgspec.structs.replace(each, status="closed") for each in cases]
    system.produce("reviews", [(each.subject.encode(), encode(each)) for each in ended])
    desk.until("/v1/reviews", lambda told: told["open"] == before)


def test_violations_are_listed_as_rules_are_counted(desk: Desk) -> None:
    answer = desk.get("/v1/rules", hours=2).body
    rule = max(answer["rules"], key=lambda each: each["violations"])
    listed = desk.get("/v1/violations", rule=rule["rule"], mode="enforce", since=answer["since"], limit=200).body
    assert len(listed["items"]) == rule["violations"] > 0
    assert {each["item"]["rule"] for each in listed["items"]} == {rule["rule"]}
    assert desk.get("/v1/violations", mode="shadow").body["items"] == []
    assert desk.get("/v1/violations", since="yesterday").status == 400
    assert desk.get("/v1/violations", role=None).status == 401


def test_orders_are_carried_out_and_refused_in_words(desk: Desk) -> None:
    order = {"subject": "account:dave", "do": "sanction", "action": "suspend_account", "reason": "rumours",
             "until": (datetime.now(UTC) + timedelta(days=7)).isoformat(), "id": new_id()}  # fmt: skip
    done = desk.post("/v1/orders", order)
    assert done.status == 200, done
    assert [each["action"] for each in done.body["in_force"]["account:dave"]] == ["suspend_account"]
    (held,) = desk.until("/v1/subject", lambda told: told["in_force"], id="account:dave")["in_force"]
    cleared = desk.post("/v1/orders", {"subject": "account:dave", "do": "clear", "reason": "served", "id": new_id()})
    assert cleared.body["in_force"] == {"account:dave": []}
    assert held["because"] == order["id"]
    for wrong, code in (
        ({**order, "action": "ban_domain"}, "cannot_land"),
        ({**order, "subject": "domain:QUIZ.example", "action": "ban_domain"}, "spelling"),
        ({**order, "until": ago(days=1)}, "invalid"),
        ({**order, "action": None}, "invalid"),
        ({**order, "subject": "nobody"}, "invalid"),
        ({**order, "reason": "  "}, "invalid"),
        ({**order, "moderator": "somebody else"}, "invalid"),
        ({**order, "id": "1; DROP TABLE records"}, "invalid"),
    ):
        answered = desk.post("/v1/orders", wrong)
        assert (answered.status, answered.body["code"]) == (400, code), wrong


def test_evidence_is_shown_in_its_event_and_a_text_is_explained(system: System, desk: Desk) -> None:
    text = "来吧，<b>互推</b>换量，加我" + "\u202e"
    system.feed([a_post("frank", text.replace("<b>", "").replace("</b>", ""))])
    told = desk.until("/v1/subject", lambda told: told["reviews"], id="account:frank")
    (violation,) = [each for each in told["timeline"] if each["kind"] == "violation"]
    found = desk.get("/v1/evidence", violation=violation["id"]).body
    assert found["why_not"] == ""
    assert (found["event"]["id"], found["event"]["account"]) == ("p-frank", "frank")
    (mark,) = found["marks"]
    assert found["event"]["fields"][mark["field"]][mark["start"] : mark["end"]] == mark["quote"] == "互推换量"
    assert [each["field"] for each in found["folded"]] == ["text"]
    assert desk.get("/v1/evidence", violation="none").status == 404

    explained = desk.post("/v1/explain", {"text": text.replace("<b>", "").replace("</b>", "")}, "read").body
    assert [rule["name"] for rule in explained["rules"]] == ["accounts.exchange"]
    assert explained["rules"][0]["title"] == {"zh": "互推", "en": "mutual promotion"}
    page = {"url": "https://x.example/", "html": "<p>分享后查看答案</p><script>alert(1)</script>"}
    assert desk.post("/v1/explain", page, "read").body["rules"][0]["name"] == "sharing.unlock"
    for wrong in ({}, {"text": "x" * 20_001}, {"event": {"type": "report"}}, {"event": {"text": ["x"] * 300}},
                  {"text": "a", "event": {}}, b"{", {"event": {"text": "x" * 30_000}}):  # fmt: skip
        assert desk.post("/v1/explain", wrong, "read").status == 400, wrong


def test_rules_are_counted_and_packs_and_controls_are_changed_by_admins(system: System, desk: Desk) -> None:
    rules = {each["rule"]: each for each in desk.get("/v1/rules", hours=2).body["rules"]}
    assert rules["sharing.unlock"]["violations"] == sum(rules["sharing.unlock"]["per_hour"]) > 0
    assert rules["sharing.unlock"]["subjects"] > 0
    assert rules["fraud.prize"]["violations"] == 0
    assert desk.get("/v1/rules", hours=0).status == 400

    halt = {"do": "halt", "reason": "complaints", "rule": "sharing.unlock"}
    assert desk.post("/v1/controls", halt).status == 403
    assert desk.post("/v1/controls", {**halt, "rule": "sharing.unluck"}, "admin").body["code"] == "unknown_rule"
    assert desk.post("/v1/controls", halt, "admin").body["rules_halted"] == ["sharing.unlock"]
    desk.until("/v1/now", lambda now: now["rules_halted"] == ["sharing.unlock"] and now["halted"] is None)
    assert desk.post("/v1/controls", {"do": "halt", "reason": "all"}, "admin").body["halted"]
    now = desk.until("/v1/now", lambda now: now["halted"] is not None)
    assert (now["halted"]["by"], now["halted"]["why"]) == ("admin", "all")
    for rule in (None, "sharing.unlock"):
        left = desk.post("/v1/controls", {"do": "resume", "reason": "mended", "rule": rule}, "admin").body
    assert (left["halted"], left["rules_halted"]) == (False, [])

    published = system.warden(
        "packs", "publish", str(system.settings.pack), "--no-known-good", "--shadow", "--why", "look", "--json"
    )
    assert published.returncode == 0, published.stderr.decode()
    packs = desk.until("/v1/packs", lambda told: told["in_force"]["shadow"])
    assert [each["do"] for each in packs["history"]] == ["shadow"]
    live = desk.post("/v1/packs/activate", {"pack": "shadow", "reason": "fine"}, "admin")
    assert live.status == 200, live
    at = desk.until("/v1/packs", lambda told: told["in_force"]["live"]["digest"])["in_force"]["at"]
    stale = desk.post("/v1/packs/rollback", {"reason": "x", "of": at - 1}, "admin")
    assert (stale.status, stale.body["code"]) == (409, "stale")
    assert desk.post("/v1/packs/rollback", {"reason": "complaints", "of": at}, "admin").status == 200
    assert desk.post("/v1/packs/activate", {"pack": "nothing", "reason": "x"}, "admin").status == 400
    acts = desk.until("/v1/audit", lambda told: told["entries"][0]["what"] == "packs rollback")["entries"]
    assert [each["who"] for each in acts[:2]] == ["admin", "admin"]
    assert [act["what"] for act in acts if act["subject"] == "all"] == ["resume", "halt"]


def test_a_reader_of_the_feed_who_comes_back_has_missed_nothing_and_a_restart_repeats_nothing(
    system: System, desk: Desk
) -> None:
    feed = desk.get("/v1/feed").body["items"]
    start = feed[0]["seq"]
    stream = desk.stream()
    assert next(stream)["event"] == "now"
    system.feed([a_share(f"guest{n}", f"g{n}.example", n) for n in range(5)])
    live: list[dict[str, Any]] = []
    for event in stream:
        live += [event] if event["event"] == "decision" else []
        if len(live) == 15:
            break
    stream.close()
    numbers = [event["data"]["seq"] for event in live]
    assert numbers == sorted(set(numbers))
    again = []
    for event in desk.stream(after=numbers[6]):
        if event["event"] != "decision":
            break
        again.append(event["data"]["seq"])
    assert again == numbers[7:]
    before = desk.get("/v1/feed", limit=200).body["items"]
    tokens = desk.tokens
    assert desk.stop() == 0
    with serving(system, tokens) as second:
        second.until("/v1/now", lambda now: now["journal"]["complete"])
        assert second.get("/v1/feed", limit=200).body["items"] == before
        resumed = []
        for event in second.stream(after=start):
            if event["event"] != "decision":
                break
            resumed.append(event["data"]["seq"])
        assert resumed == numbers
        lost = next(iter(second.stream(after=17)))
        assert (lost["event"], lost["data"]["missed"]) == ("gap", None)


def test_a_killed_worker_is_told_of_and_whoever_takes_over_is_asked(system: System, worker: Worker) -> None:
    tokens = json.loads((system.folder / "given.json").read_text())
    with system.worker() as other, serving(system, tokens) as desk:
        subjects = [f"account:guest{n}" for n in range(5)] + [f"domain:g{n}.example" for n in range(5)]

        def holders() -> dict[str, str]:
            told = {each: desk.get("/v1/subject", id=each).body for each in subjects}
            return {each: said["held_by"] for each, said in told.items() if said["state"] is not None}

        desk.until("/v1/now", lambda now: len(now["workers"]) == 2 and all(w["ready"] for w in now["workers"]), 40)
        desk.until("/v1/subject", lambda _: len(holders()) == len(subjects), 30, id=subjects[0])
        held = holders()
        assert set(held.values()) == {worker.url, other.url}
        gone = next(each for each in subjects if held[each] == other.url)
        other.kill()
        told = desk.until("/v1/subject", lambda said: said["state"] is None, 10, id=gone)
        assert told["held_by"] in {other.url, None}
        assert "does not answer" in told["state_problem"] or "no worker" in told["state_problem"]
        assert told["in_force"]
        desk.until("/v1/subject", lambda said: said["held_by"] == worker.url and said["state"], 40, id=gone)
        assert desk.get("/v1/subject", id=gone, older="true").body["complete_since"] is None
