"""Parts of the console's API that need no broker: bounds, routing, what is told of a record, and Kafka that is away."""

from __future__ import annotations

import asyncio
import json
import socket
import zlib
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from rules.events import millis
from rules.offences import Offence
from rules.packs import load_pack
from rules.subject_state import (
    HELD,
    NEVER,
    PENDING,
    WAITING,
    StoredAppeal,
    StoredOrder,
    SubjectState,
    decode_subject,
    encode_subject,
)
from streams.embedded import free_port
from streams.held_subjects import FORMAT, Held, Rate, SubjectReads
from streams.http.explain import ExplainBody, event_of
from streams.http.feed import MOST_WAITING_BYTES, Reader, decision, event
from streams.http.members import Member, members_of
from streams.http.problems import Problem
from streams.http.reviews import would
from streams.http.rules import agreement, rate
from streams.http.spans import span_en, span_zh
from streams.http.states import state_told
from streams.http.tokens import entry_of, new_token
from streams.journal.store import Shown
from streams.settings import Settings
from streams.undoing import Undo, undo_all
from streams.web import bound, url_of
from tests.kafka.serving import serving, write_tokens
from tests.kafka.system import System
from tests.rules.making import DAY, HOUR, START, TINY
from tests.streams.journal.making import a_review
from tests.streams.making_bans import entry

PACK = load_pack(TINY)


def test_a_reader_that_does_not_keep_up_is_cut_off_and_holds_no_more() -> None:
    async def run() -> None:
        reader = Reader()
        chunk = b"x" * 1000
        for _ in range(2 * MOST_WAITING_BYTES // len(chunk)):
            reader.put(chunk)
        assert reader.cut
        assert len(await reader.next(1)) <= MOST_WAITING_BYTES
        assert await reader.next(0.01) == b""

    asyncio.run(run())


def test_what_came_before_a_reader_knew_where_it_begins_is_told_once() -> None:
    async def run() -> None:
        reader = Reader()
        reader.early = [(5, b"five"), (6, b"six"), (7, b"seven")]
        assert reader.begin(6) == b"seven"
        assert reader.reached == 7
        assert reader.begin(9) == b""

    asyncio.run(run())


def test_an_event_of_the_feed_is_one_line_of_data() -> None:
    body = b'{"kind":"lift","reason":"a\\nb\\u2028"}'
    told = decision(Shown(7, millis(START), body)).decode()
    assert told.startswith("id: 7\nevent: decision\ndata: {")
    assert told.endswith("}\n\n")
    assert len(told.splitlines()) == 4
    assert json.loads(told.splitlines()[2][6:])["item"]["reason"] == "a\nb\u2028"
    assert event("gap", b"{}") == b"event: gap\ndata: {}\n\n"


def test_so_many_a_second_and_bursts() -> None:
    now = [0.0]
    limit = Rate(2.0, 3.0, lambda: now[0])
    assert [limit.take() for _ in range(5)] == [True, True, True, False, False]
    now[0] = 1.0
    assert [limit.take() for _ in range(3)] == [True, True, False]
    now[0] = 1000.0
    assert [limit.take() for _ in range(4)] == [True, True, True, False]


RECORD = encode_subject(SubjectState(time=5))


@pytest.fixture
def tokens(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    made = {role: new_token() for role in ("read", "feed")}
    path = tmp_path / "tokens.toml"
    path.write_text("".join(entry_of(role, role, token) for role, token in made.items()))  # type: ignore[arg-type]
    return path, made


def ask(reads: SubjectReads, subject: str, token: str | None) -> web.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    request = make_mocked_request("GET", "/v1/subjects", headers=headers)
    request._rel_url = request.rel_url.with_query({"id": subject})
    return asyncio.run(reads.handle(request))


def looked(subject: str) -> Held:
    return {
        "account:here": Held(RECORD),
        "account:empty": Held(),
        "account:there": Held(elsewhere=True, holder="http://10.0.0.2:6066"),
    }[subject]


def test_a_worker_tells_a_record_to_readers_only(tokens: tuple[Path, dict[str, str]]) -> None:
    path, given = tokens
    reads = SubjectReads(looked, path)
    found = ask(reads, "account:here", given["read"])
    assert (found.status, found.body, found.headers[FORMAT]) == (200, RECORD, "1")
    assert decode_subject(ask(reads, "account:empty", given["read"]).body) == SubjectState()  # type: ignore[arg-type]
    there = ask(reads, "account:there", given["read"])
    assert (there.status, json.loads(there.body)) == (421, {"holder": "http://10.0.0.2:6066"})  # type: ignore[arg-type]
    assert ask(reads, "account:here", None).status == 401
    assert ask(reads, "account:here", new_token()).status == 401
    assert ask(reads, "account:here", given["feed"]).status == 403
    for other in ("", "quotas:", "nobody", "reporter:x", "account:" + "x" * 2048, "account:\ud800"):
        assert ask(reads, other, given["read"]).status == 400, other
    assert ask(SubjectReads(looked, None), "account:here", given["read"]).status == 404
    assert ask(SubjectReads(looked, path.with_name("none")), "account:here", given["read"]).status == 404


def test_a_worker_refuses_what_is_asked_too_often(tokens: tuple[Path, dict[str, str]]) -> None:
    reads = SubjectReads(looked, tokens[0])
    reads._rate = Rate(1.0, 3.0, lambda: 0.0)
    assert [ask(reads, "account:here", tokens[1]["read"]).status for _ in range(4)] == [200, 200, 200, 429]


def member(url: Any, partitions: list[int], data: bytes | None = None) -> tuple[str, str, str, bytes, bytes]:
    told = zlib.compress(json.dumps({"url": url, "assignment": {}}).encode()) if data is None else data
    assignment = ConsumerProtocolMemberAssignment(0, [("violations", partitions)], told).encode()
    return "id", "client", "/127.0.0.1", b"", assignment


def test_a_group_says_who_holds_what_and_nothing_else_is_believed() -> None:
    found = members_of([member("http://b:1", [1]), member("http://a:1/", [0, 2]), ("id", "c", "/h", b"", b"")])
    assert [(each.url, sorted((each.partitions or {})["violations"])) for each in found] == [
        ("http://a:1", [0, 2]), ("http://b:1", [1]),
    ]  # fmt: skip
    for url in ("file:///etc/passwd", "http://user:pw@a:1", "http://a:1/admin", "", 7, "http://[::1", "a:1"):
        assert [each.url for each in members_of([member(url, [0])])] == [""], url
    for data in (b"", b"junk", zlib.compress(b"[" * 100_000), zlib.compress(b"\xff")):
        assert [each.url for each in members_of([member("", [0], data)])] == [""]
    assert members_of([("id", "c", "/h", b"", b"\x00\x01")]) == []
    # nothing is being assigned, and still this broker does not tell what the member has
    assert members_of([("id", "", "", b"", b"")], stable=True) == [Member("", None)]


def test_a_record_is_told_with_where_it_stands() -> None:
    def offence(number: int, clause: str = "links.1") -> Offence:
        return Offence(
            millis(START) + number * HOUR, bytes([number] * 16), clause, "sharing.unlock", "ordinary", True, ("ip:::1",)
        )

    state = SubjectState(
        due=NEVER, banned=True, time=millis(START) + DAY,
        offences={
            "sharing": [offence(0)], f"accounts{PENDING}": [offence(1, "accounts.2")],
            f"accounts{WAITING}": [offence(2, "accounts.2")], f"fraud{HELD}": [offence(3, "links.4")],
            "gone": [offence(4, "old.1")],
        },
        orders=[StoredOrder(millis(START), "o1", "void", "ban_account", None)],
        appeals=[StoredAppeal(millis(START), "a1", "e1", "upheld")],
    )  # fmt: skip
    told = state_told("account:alice", state, PACK)
    ladders = {each.ladder: each for each in told.ladders}
    assert (ladders["sharing"].rung, ladders["accounts"].rung, ladders["gone"].rung) == (1, 0, 0)
    following = ladders["sharing"].next
    assert following is not None
    assert following.rung == 2
    assert ladders["gone"].next is None
    waits = {name: [each.waits for each in ladder.offences] for name, ladder in ladders.items()}
    assert waits == {
        "sharing": [""], "accounts": ["person", "person_after_reports"], "fraud": ["limit"], "gone": [""],
    }  # fmt: skip
    assert told.due is None
    assert (told.orders[0].do, told.orders[0].void) == ("sanction", True)
    assert [each.rung for each in state_told("account:alice", state, None).ladders] == [0, 0, 0, 0]


def test_lengths_and_proposals_are_said_in_both_languages() -> None:
    assert [(span_zh(each), span_en(each)) for each in (None, DAY, 2 * HOUR, 90_000, 1_500)] == [
        ("永久", "for good"), ("为期 1 天", "for 1 day"), ("为期 2 小时", "for 2 hours"),
        ("为期 90 秒", "for 90 seconds"), ("为期 1.5 秒", "for 1.5 seconds"),
    ]  # fmt: skip
    assert would(a_review(1)).en == "puts suspend_account in force for account:bob for 1 day (step 1 of accounts)"
    assert "forbids nothing" in would(a_review(1, proposed=["warn"], lasts=None)).en
    assert would(a_review(1, proposed=[])).en == "nothing would come into force"


METRICS = """\
# HELP warden_shadow_pack_hits_total Events
warden_shadow_pack_hits_total{found_by="both",rule="fraud.prize"} 3.0
warden_shadow_pack_hits_total{found_by="live",rule="fraud.prize"} 1.0
warden_rule_usual_hit_rate{rule="fraud.prize",type="post"} 0.25
warden_rule_usual_hit_rate{rule="fraud.prize",type="share"} 0.5
warden_rule_usual_hit_rate{rule="fraud.prize",type="share"} many
"""


def test_what_workers_tell_prometheus_is_added_up() -> None:
    told = agreement([METRICS, METRICS])["fraud.prize"]
    assert (told.both, told.live, told.shadow) == (6, 2, 0)
    assert rate([METRICS], "warden_rule_usual_hit_rate") == {"fraud.prize": 0.5}
    assert rate([], "warden_rule_usual_hit_rate") == {}


def test_one_appeal_undoes_a_ladder_and_an_order_what_is_final() -> None:
    links, more, hand = entry("ban_account"), entry("suspend_account"), entry("warn", ladder="by_hand")
    assert undo_all([links, more, hand], ()) == [Undo(appeal=links.enforcement), Undo(appeal=hand.enforcement)]
    final = [links.enforcement]
    assert undo_all([links, more], final) == [Undo(clear="ban_account"), Undo(appeal=more.enforcement)]


def test_a_playground_takes_texts_links_pages_and_events() -> None:
    def given(**fields: Any) -> Any:
        return event_of(ExplainBody(**fields))

    assert given(text="a").text == "a"
    assert given(url="https://x.example/").url == "https://x.example/"
    assert given(html="<p>a").page.html == "<p>a"
    assert given(event={"type": "mass_send", "recipients": 7}).recipients == 7
    for wrong in ({}, {"text": "a", "event": {}}, {"event": {"type": "order"}}, {"event": {"links": ["x" * 30_000]}}):
        with pytest.raises(Problem):
            given(**wrong)


def test_a_port_is_known_before_anybody_listens_there() -> None:
    with bound("127.0.0.1", 0) as place:
        port = place.getsockname()[1]
        assert url_of(place.getsockname()) == f"http://127.0.0.1:{port}"
        with socket.socket() as client:
            assert client.connect_ex(("127.0.0.1", port)) != 0
        place.listen()
        with pytest.raises(OSError, match="in use"):
            bound("127.0.0.1", port)
    assert url_of(("0.0.0.0", 6066)) == f"http://{socket.gethostname()}:6066"  # noqa: S104
    assert url_of(("::", 6066, 0, 0), "fd00::7") == "http://[fd00::7]:6066"
    assert url_of(("10.0.0.2", 6066), "worker-0.workers") == "http://worker-0.workers:6066"


def test_without_kafka_pages_are_served_and_nothing_is_acknowledged(tmp_path: Path) -> None:
    file, own, tokens = write_tokens(tmp_path)
    settings = Settings(
        bootstrap=f"127.0.0.1:{free_port()}", data_dir=tmp_path / "data", pack=TINY, http_tokens_file=file,
        http_worker_token_file=own,
    )  # fmt: skip
    with serving(System(settings, tmp_path), tokens) as desk:
        now = desk.until("/v1/now", lambda told: told["journal"]["problem"])
        assert not now["journal"]["complete"]
        assert desk.get("/v1/feed").body == {"items": [], "oldest": None}
        subject = desk.get("/v1/subject", id="account:alice").body
        assert subject["state"] is None
        assert subject["state_problem"]
        order = {"subject": "account:alice", "do": "clear", "reason": "x"}
        for path, body, role in (
            ("/v1/orders", order, "moderate"),
            ("/v1/orders", {**order, "id": "0b8f5c5e-0b1e-4b62-8a53-3f0f0a4a6c11"}, "moderate"),
            ("/v1/appeals", {"enforcement": "e1", "verdict": "upheld", "reason": "x"}, "moderate"),
            ("/v1/controls", {"do": "halt", "reason": "x"}, "admin"),
            ("/v1/packs/rollback", {"reason": "x"}, "admin"),
        ):
            refused = desk.post(path, body, role)  # type: ignore[arg-type]
            assert (refused.status, refused.body["code"]) == (503, "kafka"), refused
            assert int(refused.headers["retry-after"]) > 0
        assert desk.get("/v1/subject", id="account:alice", older="1").status in {400, 503}
        assert desk.get("/v1/feed", before="x").status == 400
        assert desk.get("/v1/feed", limit=10_000).status == 400
        assert desk.get("/v1/subject", id="nobody").status == 400
        assert desk.get("/v1/reviews/%F0%9F%92%A9").status == 404
        assert desk.get("/v1/reviews/..%2f..%2fetc").status == 404
        assert desk.get("/v1/now", role="feed").status == 403
        assert next(iter(desk.stream()))["event"] == "now"
        with pytest.raises(AssertionError, match="in use"), serving(System(settings, tmp_path), tokens):
            pass
    assert desk.process.returncode == 0
