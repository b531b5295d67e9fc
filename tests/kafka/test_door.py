"""Events posted over HTTP, on a real Kafka: what was acknowledged is on the topics, and judged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from tests.kafka.broker import Broker
from tests.kafka.door import Door, door
from tests.kafka.system import System

NDJSON = {"Content-Type": "application/x-ndjson"}
BATCH = 100


def post(number: int, **fields: Any) -> dict[str, Any]:
    body = {"type": "post", "id": f"p{number}", "account": f"a{number % 11}", "time": datetime.now(UTC).isoformat()}
    return {**body, "text": "早上好", **fields}


async def ready(client: aiohttp.ClientSession, server: Door) -> None:
    deadline = time.monotonic() + 30
    while (await client.get(server.url + "/readyz")).status != 200:
        assert time.monotonic() < deadline, server.log.read_text()[-4000:]
        await asyncio.sleep(0.05)


async def post_all(client: aiohttp.ClientSession, server: Door, events: Sequence[dict[str, Any]]) -> list[int]:
    """Posts events as a feed should, from where an answer says, until all are acknowledged; the statuses."""
    lines, statuses = list(map(orjson.dumps, events)), []
    while lines:
        async with client.post(
            server.url + "/v1/events", data=b"\n".join(lines), headers=server.bearer() | NDJSON
        ) as got:
            statuses.append(got.status)
            body = await got.json(content_type=None)
            assert got.status in {200, 429, 503}, body
            done = len(lines) if got.status == 200 else body["line"] - 1
            assert body["accepted"] == done
            del lines[:done]
            if lines:
                await asyncio.sleep(float(got.headers["Retry-After"]) / 4)
    return statuses


def test_what_is_acknowledged_is_on_the_topic_though_the_broker_restarts(
    own_kafka: Broker, prefix: str, tmp_path: Path
) -> None:
    system = System.create(own_kafka.bootstrap, prefix, tmp_path)
    acknowledged: list[str] = []
    statuses: list[int] = []

    async def feed(client: aiohttp.ClientSession, server: Door, number: int, ending: asyncio.Event) -> None:
        first = number * 1_000_000
        while not ending.is_set():
            events = [post(first + n, account=f"feed{number}") for n in range(BATCH)]
            statuses.extend(await post_all(client, server, events))
            acknowledged.extend(event["id"] for event in events)
            first += BATCH

    async def more(posts: int) -> None:
        """Waits until so many more posts are acknowledged."""
        wanted, deadline = len(acknowledged) + posts * BATCH, time.monotonic() + 60
        while len(acknowledged) < wanted:
            assert time.monotonic() < deadline, statuses
            await asyncio.sleep(0.02)

    async def main(server: Door) -> None:
        async with aiohttp.ClientSession() as client:
            await ready(client, server)
            ending = asyncio.Event()
            feeds = [asyncio.create_task(feed(client, server, n, ending)) for n in range(3)]
            await more(6)
            await asyncio.to_thread(own_kafka.kill)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(own_kafka.start)
            await more(6)
            ending.set()
            await asyncio.gather(*feeds)

    with door(system) as server:
        asyncio.run(main(server))
        assert server.stop() == 0, server.log.read_text()[-4000:]
    stored = [orjson.loads(record.value)["id"] for record in system.records("posts")]
    assert len(acknowledged) > 10 * BATCH
    assert set(acknowledged) <= set(stored)
    assert statuses.count(200) >= 10
    of_one = [identity for identity in dict.fromkeys(stored) if int(identity[1:]) < 1_000_000]
    assert of_one == sorted(of_one, key=lambda identity: int(identity[1:])), "in the order in which they were posted"


def test_posted_events_are_judged_and_moderators_words_are_not_posted_there(
    kafka: Broker, prefix: str, tmp_path: Path
) -> None:
    system = System.create(kafka.bootstrap, prefix, tmp_path)
    share = {"scene": "moments", "url": "https://quiz.example/1", "title": "转发后解锁"}
    order = {"type": "order", "id": "o", "subject": "account:bob", "do": "sanction", "action": "ban_account"}

    async def main(server: Door) -> None:
        async with aiohttp.ClientSession() as client:
            await ready(client, server)
            given = post(1, type="share", **share)
            assert await post_all(client, server, [given]) == [200]
            cloud = {"specversion": "1.0", "id": "c1", "source": "/f", "type": "post", "data": post(2)}
            headers = server.bearer() | {"Content-Type": "application/cloudevents+json"}
            async with client.post(server.url + "/v1/events", data=orjson.dumps(cloud), headers=headers) as answer:
                assert answer.status == 200
            data = orjson.dumps(order | {"moderator": "m", "reason": "r", "time": given["time"]})
            async with client.post(server.url + "/v1/events", data=data, headers=server.bearer() | NDJSON) as answer:
                assert answer.status == 422
            async with client.get(server.url + "/metrics") as answer:
                text = await answer.text()
            assert 'warden_http_events_total{type="share"} 1.0' in text
            assert 'warden_http_requests_total{method="POST",route="/v1/events",status="200"} 2.0' in text

    with system.worker() as worker, door(system) as server:
        asyncio.run(main(server))
        system.await_done(2, worker)
        said = server.log.read_text()
    assert {ban["subject"] for ban in system.bans().values()} >= {"domain:quiz.example"}
    assert not system.records("orders")
    assert not system.records("dead_letters")
    assert said.count('audit {"actor":"the feed","role":"feed","method":"POST","route":"/v1/events"') == 3
    assert not any(token in said for token in server.tokens.values())


def test_the_door_opens_when_there_are_topics(kafka: Broker, prefix: str, tmp_path: Path) -> None:
    from streams.settings import Settings
    from streams.topics import create_topics

    settings = Settings(bootstrap=kafka.bootstrap, topic_prefix=prefix, partitions=3)
    system = System(settings, tmp_path)

    async def main(server: Door) -> None:
        async with aiohttp.ClientSession() as client:
            headers = server.bearer() | NDJSON
            async with client.post(server.url + "/v1/events", data=orjson.dumps(post(1)), headers=headers) as answer:
                assert answer.status == 503
                assert "Retry-After" in answer.headers
            async with client.get(server.url + "/readyz") as answer:
                assert (answer.status, (await answer.json())["problems"]) == (
                    503,
                    {"events": "Kafka does not take events"},
                )
            await create_topics(settings)
            await ready(client, server)
            assert await post_all(client, server, [post(1)]) == [200]

    with door(system) as server:
        asyncio.run(main(server))
        assert "warden topics create" in server.log.read_text()
        assert server.stop() == 0
