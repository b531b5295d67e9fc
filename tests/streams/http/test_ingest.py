"""The door: what is taken and what is refused, in what order, and what an answer promises."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiokafka.errors import KafkaTimeoutError

from rules.events import MAX_EVENT_BYTES, Post
from streams.codec import decode_record
from streams.http.ingest import pieces
from streams.http.ingest.pieces import MAX_LINES
from streams.http.ingest.room import Bounds
from streams.http.ingest.route import BATCH_EVENTS, MAX_BODY_BYTES
from tests.streams.http.making import Server, run

NOW = datetime.now(UTC).replace(microsecond=0)
JSON, CLOUD_EVENT = "application/json", "application/cloudevents+json"


def post(number: int = 1, **fields: Any) -> dict[str, Any]:
    body = {"type": "post", "id": f"p{number}", "account": f"a{number % 7}", "time": NOW.isoformat(), "text": "早上好"}
    return body | fields


def lines(*events: dict[str, Any]) -> bytes:
    return b"\n".join(map(orjson.dumps, events))


def cloud_event(number: int = 1, **fields: Any) -> dict[str, Any]:
    data = {"account": "a", "text": "x"}
    head = {"specversion": "1.0", "id": f"c{number}", "source": "/feeds/1", "type": "com.example.post"}
    return {**head, "time": NOW.isoformat(), "data": data} | fields


def test_lines_are_written_in_order_as_warden_feed_writes_them(tmp_path: Path) -> None:
    events = [post(n) for n in range(BATCH_EVENTS + 100)]
    report = {"type": "report", "id": "r", "subject": "domain:x.example", "reporter": "b", "category": "spam"}

    async def test(server: Server) -> None:
        status, body, _ = await server.post(lines(*events, report | {"time": NOW.isoformat()}))
        assert (status, body) == (200, {"accepted": len(events) + 1, "repeated": 0})
        sent = server.topics.sent
        assert [value["id"] for value in server.topics.values()] == [*(event["id"] for event in events), "r"]
        assert all("type" not in value for value in server.topics.values())
        assert {send.topic for send in sent} == {"posts", "reports"}
        assert [sent[3].key, sent[-1].key] == [b"a3", b"domain:x.example"]
        numbers = [dict(send.headers)["ce_sequence"] for send in sent]
        assert numbers == sorted(set(numbers))
        stamps = [send.timestamp_ms or 0 for send in sent]
        assert stamps == sorted(stamps)
        assert abs(stamps[0] / 1000 - datetime.now(UTC).timestamp()) < 60

    run(test, tmp_path)


@pytest.mark.parametrize("media", ["application/x-ndjson", "application/jsonl"])
def test_blank_lines_line_ends_and_byte_order_marks_are_no_events(tmp_path: Path, media: str) -> None:
    async def test(server: Server) -> None:
        body = b"\xef\xbb\xbf" + lines(post(1)) + b"\r\n\n \r\n" + lines(post(2)) + b"\n{}\n"
        status, problem, headers = await server.post(body, media)
        assert (status, problem["line"], problem["accepted"]) == (422, 5, 2)
        assert headers["Content-Type"] == "application/problem+json"

    run(test, tmp_path)


def test_one_event_may_be_spread_over_lines(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        assert (await server.post(orjson.dumps(post(), option=orjson.OPT_INDENT_2), JSON))[:2] == (
            200,
            {"accepted": 1, "repeated": 0},
        )

    run(test, tmp_path)


WRONG = [
    (b"nonsense", "undecodable"),
    (b'{"a":', "undecodable"),
    (b"[1]", "invalid"),
    (lines(post(id="a\nb")), "invalid"),
    (lines(post(text=5)), "invalid"),
    (lines(post(time="2026-01-01T00:00:00")), "invalid"),
    (lines(post(account="")), "missing_key"),
    (lines({**post(), "account": None}), "missing_key"),
    (lines(post(type="pots")), "unknown_type"),
    (lines(post(type=None)), "unknown_type"),
    (lines(post(type="order", subject="account:a")), "unknown_type"),
    (lines(post(type="appeal", subject="account:a")), "unknown_type"),
    (lines(post(time=(NOW + timedelta(days=2)).isoformat())), "future"),
    (lines(post(time=(NOW - timedelta(days=9000)).isoformat())), "too_old"),
    (lines(post()).replace("早".encode(), b"\xff\xfe"), "undecodable"),
    (lines(post(unknown="?")).replace(b"?", b"\xff\xfe"), "undecodable"),
    (b'{"a":' + b"[" * 5000, "undecodable"),
]


@pytest.mark.parametrize(("wrong", "reason"), WRONG)
def test_a_wrong_line_ends_a_post_and_those_before_it_are_written(tmp_path: Path, wrong: bytes, reason: str) -> None:
    async def test(server: Server) -> None:
        status, problem, _ = await server.post(lines(post(1), post(2)) + b"\n" + wrong + b"\n" + lines(post(4)))
        assert (status, problem["code"], problem["reason"]) == (422, "refused", reason)
        assert (problem["line"], problem["accepted"]) == (3, 2)
        assert problem["detail"]
        assert [value["id"] for value in server.topics.values()] == ["p1", "p2"]
        assert (
            f'warden_http_events_refused_total{{reason="{reason}"}} 1.0' in server.state.metrics.exposition().decode()
        )
        status, problem, _ = await server.post(wrong, JSON)
        assert (status, problem["reason"], problem["line"], problem["accepted"]) == (422, reason, 1, 0)

    run(test, tmp_path)


def test_a_cloud_event_is_a_record_with_headers_that_workers_read(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        status, body, _ = await server.post(orjson.dumps(cloud_event(traceparent="x")), CLOUD_EVENT)
        assert (status, body) == (200, {"accepted": 1, "repeated": 0})
        (send,) = server.topics.sent
        event, source = decode_record("post", send.key, send.value, send.headers)
        assert (event.id, source, event.time) == ("c1", "/feeds/1", NOW)
        assert isinstance(event, Post)
        assert event.account == "a"

    run(test, tmp_path)


@pytest.mark.parametrize(
    "fields",
    [
        {"specversion": "0.3"},
        {"source": ""},
        {"type": "com.example.order"},
        {"type": "com.example.other"},
        {"datacontenttype": "text/xml"},
        {"data": "text"},
        {"data": {"account": "a"}},
        {"time": None},
        {"id": 5},
    ],
)
def test_a_wrong_element_of_a_batch_is_named(tmp_path: Path, fields: dict[str, Any]) -> None:
    async def test(server: Server) -> None:
        batch = [cloud_event(1), cloud_event(2, datacontenttype="application/json"), cloud_event(3, **fields)]
        media = "application/cloudevents-batch+json"
        status, problem, _ = await server.post(orjson.dumps(batch), media)
        assert (status, problem["line"], problem["accepted"]) == (422, 3, 2)
        assert len(server.topics.sent) == 2
        assert (await server.post(b'{"a": 1}', media))[0] == 400
        assert (await server.post(b"[1", media))[1]["code"] == "undecodable"
        assert (await server.post(b"[]", media))[1] == {"accepted": 0, "repeated": 0}

    run(test, tmp_path)


def test_what_is_posted_again_is_not_written_again(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        body = lines(*(post(n) for n in range(20)))
        await server.post(body)
        assert (await server.post(body + b"\n" + lines(post(20))))[1] == {"accepted": 21, "repeated": 20}
        assert (await server.post(lines(post(20), post(21), post(21))))[1] == {"accepted": 3, "repeated": 2}
        assert len(server.topics.sent) == 22
        other = lines(post(20, text="changed"), post(20, account="b"))
        assert (await server.post(other))[1] == {"accepted": 2, "repeated": 0}, "another event, though of the same id"
        first, second = cloud_event(1), cloud_event(1, source="/feeds/2")
        for event in (first, second, first):
            await server.post(orjson.dumps(event), CLOUD_EVENT)
        assert len(server.topics.sent) == 26

    run(test, tmp_path)


def test_the_memory_of_repeats_is_bounded(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        await server.post(lines(*(post(n) for n in range(30))))
        assert (await server.post(lines(post(29), post(5))))[1]["repeated"] == 1

    run(test, tmp_path, remembered=10)


def test_nothing_is_acknowledged_while_kafka_is_away(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        body = lines(*(post(n) for n in range(BATCH_EVENTS + 1)))
        server.topics.fail = KafkaTimeoutError()
        status, problem, headers = await server.post(body)
        assert (status, problem["code"], problem["line"], problem["accepted"]) == (503, "unavailable", 1, 0)
        assert int(headers["Retry-After"]) >= 1
        assert (await server.call("GET", "/readyz"))[0] == 503
        server.topics.fail = None
        assert (await server.post(body))[1] == {"accepted": BATCH_EVENTS + 1, "repeated": 0}
        assert (await server.call("GET", "/readyz"))[:2] == (200, {"status": "ok", "problems": {}})

    run(test, tmp_path)


def test_a_failure_in_the_middle_says_where_to_go_on(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        async def second_fails() -> None:
            if server.topics.batches:
                server.topics.fail = KafkaTimeoutError()

        server.topics.hold = second_fails
        events = [post(n) for n in range(2 * BATCH_EVENTS)]
        status, problem, _ = await server.post(b"\n" + lines(*events))
        assert (status, problem["accepted"], problem["line"]) == (503, BATCH_EVENTS, BATCH_EVENTS + 2)
        server.topics.hold = server.topics.fail = None
        rest = (b"\n" + lines(*events)).split(b"\n")[problem["line"] - 1 :]
        assert (await server.post(b"\n".join(rest)))[1]["accepted"] == BATCH_EVENTS
        assert [value["id"] for value in server.topics.values()] == [event["id"] for event in events]

    run(test, tmp_path)


def test_while_kafka_is_away_one_post_at_a_time_tries(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        server.topics.fail = KafkaTimeoutError()
        await server.post(lines(post()))
        waiting, going = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            waiting.set()
            await going.wait()

        server.topics.hold, server.topics.fail = wait, None
        first = asyncio.create_task(server.post(lines(post())))
        await waiting.wait()
        assert (await server.post(lines(post())))[0] == 503
        going.set()
        assert (await first)[0] == 200
        assert (await server.post(lines(post(2))))[0] == 200

    run(test, tmp_path)


def test_without_a_connection_nothing_is_taken(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        server.writer.write = None
        assert (await server.post(lines(post())))[0] == 503

    run(test, tmp_path)


def test_too_much_at_once_is_sent_away(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        waiting, going = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            waiting.set()
            await going.wait()

        server.topics.hold = wait
        first = asyncio.create_task(server.post(lines(post(text="x" * 800))))
        await waiting.wait()
        held = "warden_http_bytes_held"
        assert f"{held} 0.0" not in server.state.metrics.exposition().decode()
        status, problem, headers = await server.post(lines(post(2, text="x" * 800)))
        assert (status, problem["code"], headers["Retry-After"]) == (429, "busy", "1")
        assert (problem["line"], problem["accepted"]) == (1, 0)
        second = asyncio.create_task(server.post(lines(post(3))))
        await asyncio.sleep(0.1)
        status, problem, _ = await server.post(lines(post(4)))
        assert (status, problem["code"]) == (429, "busy"), "a third post at a time"
        going.set()
        assert [(await task)[0] for task in (first, second)] == [200, 200]
        assert (await server.post(lines(post(2))))[0] == 200
        assert f"{held} 0.0" in server.state.metrics.exposition().decode()

    run(test, tmp_path, bounds=Bounds(bytes_of_token=1500, posts_of_token=2))


def test_a_long_post_gives_room_back_as_it_goes(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        body = lines(*(post(n, text="x" * 900) for n in range(2000)))
        assert len(body) > 4 * 300_000
        assert (await server.post(body))[1] == {"accepted": 2000, "repeated": 0}

    run(test, tmp_path, bounds=Bounds(bytes_of_token=300_000))


def test_sizes_are_bounded(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        long = b'{"type":"post","text":"' + b"x" * MAX_EVENT_BYTES + b'"}'
        status, problem, _ = await server.post(lines(post()) + b"\n" + long)
        assert (status, problem["code"], problem["reason"]) == (413, "too_large", "oversize")
        assert (problem["line"], problem["accepted"]) == (2, 1)
        assert (await server.post(long, JSON))[0] == 413
        status, problem, _ = await server.call(
            "POST", "/v1/events", "feed", data=endless(), Content_Type="application/x-ndjson"
        )
        assert (status, problem["code"]) == (413, "too_large")
        assert problem["accepted"] == problem["line"] - 1 > 0

    async def endless() -> AsyncIterator[bytes]:
        line = lines(post(text="x" * 100_000)) + b"\n"
        for _ in range(MAX_BODY_BYTES // len(line) + 2):
            yield line

    run(test, tmp_path)


def test_gzip_is_unpacked_within_bounds(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        body = lines(*(post(n) for n in range(3000)))
        packed = gzip.compress(body[:1000]) + gzip.compress(body[1000:])
        assert (await server.post(packed, Content_Encoding="gzip"))[1]["accepted"] == 3000
        for wrong in (b"no gzip", packed[:-9], packed + b"rest"):
            status, problem, _ = await server.post(wrong, Content_Encoding="gzip")
            assert (status, problem["code"]) == (400, "undecodable")
        for bomb in (b"\n" * MAX_LINES + b"\n", b" " * (MAX_EVENT_BYTES + 10), b" \n" * (MAX_LINES + 1)):
            assert (await server.post(gzip.compress(bomb), Content_Encoding="gzip"))[0] == 413
        assert (await server.post(body, Content_Encoding="br"))[0] == 415

    run(test, tmp_path)


def test_a_body_that_stops_midway_is_told_or_its_lines_are_not_lost_track_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIECE_S", 0.3)

    async def test(server: Server) -> None:
        async def answer(*parts: bytes) -> str:
            host, port = server.url.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            head = (
                "POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n"
                f"Authorization: Bearer {server.tokens['feed']}\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            for part in (head.encode(), *parts):
                writer.write(part)
                await writer.drain()
            found = await asyncio.wait_for(reader.read(4000), 5)
            writer.close()
            return found.decode()

        line = lines(post()) + b"\n"
        chunk = b"%x\r\n%s\r\n" % (len(line), line)
        assert "200 OK" in await answer(chunk + b"0\r\n\r\n")
        slow = await answer(chunk)
        assert "408 Request Timeout" in slow
        assert '"line":1' in slow
        assert "400 Bad Request" in await answer(chunk, b"xyz\r\n")
        assert server.state.changing == 0

    run(test, tmp_path)


def test_another_content_type_is_refused_before_it_is_read(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        status, problem, _ = await server.post(lines(post()), "text/plain")
        assert (status, problem["code"]) == (415, "media_type")
        assert "application/x-ndjson" in problem["detail"]

    run(test, tmp_path)


def test_what_is_being_acknowledged_is_finished_when_the_server_stops(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        waiting, going = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            waiting.set()
            await going.wait()

        server.topics.hold = wait
        first = asyncio.create_task(server.post(lines(post())))
        await waiting.wait()
        stopping = asyncio.create_task(server.state.finish(5))
        await asyncio.sleep(0.05)
        status, problem, headers = await server.post(lines(post(2)))
        assert (status, problem["code"], "Retry-After" in headers) == (503, "stopping", True)
        assert not stopping.done()
        going.set()
        assert (await first)[1] == {"accepted": 1, "repeated": 0}
        assert await stopping

    run(test, tmp_path)
