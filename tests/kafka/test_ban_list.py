"""`BanList` on a real broker: loads, follows, forgets, and goes on when the broker is away."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from streams.bans import BanList, following
from streams.codec import encode
from streams.settings import Settings
from tests.kafka.broker import Broker
from tests.kafka.consuming import becomes, create, put
from tests.streams.making_bans import NOW, ban

SECONDS = 30.0


@pytest.fixture
def settings(kafka: Broker, prefix: str) -> Settings:
    create(kafka, prefix + "bans")
    return Settings(bootstrap=kafka.bootstrap, topic_prefix=prefix)


def test_it_loads_follows_and_forgets(kafka: Broker, prefix: str, settings: Settings) -> None:
    soon = NOW + timedelta(hours=1)
    put(
        kafka,
        prefix + "bans",
        ban("account:a", "ban_account"),
        ban("account:b", "ban_account"),
        ("account:b", None),
        ban("domain:evil.example", "block_access", ends=soon),
        ("account:c", b"garbage"),
        ("account:d", encode(ban("account:e", "ban_account"))),
    )

    with BanList(settings) as bans:
        assert bans.wait_ready(SECONDS)
        assert bans.is_blocked("account:a", "ban_account")
        assert bans.actions("domain:evil.example") == {"block_access": soon.timestamp()}
        assert not bans.is_blocked("account:b", "ban_account")
        assert (len(bans), bans.state.undecodable, bans.state.loads) == (2, 2, 1)

        put(kafka, prefix + "bans", ("account:a", None), ban("account:b", "suspend_account"))

        assert becomes(lambda: not bans.is_blocked("account:a", "ban_account"))
        assert becomes(lambda: bans.is_blocked("account:b", "suspend_account"))
        assert becomes(lambda: bans.staleness_s < 2)
        assert bans.state.trouble == ""


def test_it_serves_an_event_loop(kafka: Broker, prefix: str, settings: Settings) -> None:
    put(kafka, prefix + "bans", ban("account:a", "ban_account"))

    async def serve() -> bool:
        async with BanList(settings) as bans:
            assert await bans.wait_ready_async(SECONDS)
            return bans.is_blocked("account:a", "ban_account")

    assert asyncio.run(serve())


def test_a_topic_that_is_made_anew_is_loaded_anew(
    kafka: Broker, prefix: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "RECONNECT_S", 3.0)
    topic = prefix + "bans"
    put(kafka, topic, *(ban(f"account:{number}", "ban_account") for number in range(9)))

    with BanList(settings) as bans:
        assert bans.wait_ready(SECONDS)
        asyncio.run(delete_topic(kafka.bootstrap, topic))
        create(kafka, topic)
        put(kafka, topic, ban("account:new", "ban_account"))

        assert becomes(lambda: bans.is_blocked("account:new", "ban_account") and len(bans) == 1, 60)


def test_without_a_broker_the_last_known_list_holds_and_the_next_change_is_seen(own_kafka: Broker) -> None:
    create(own_kafka, "bans", partitions=1)
    put(own_kafka, "bans", ban("account:a", "ban_account"))

    with BanList(Settings(bootstrap=own_kafka.bootstrap)) as bans:
        assert bans.wait_ready(SECONDS)
        own_kafka.kill()
        time.sleep(2.5)
        assert bans.is_blocked("account:a", "ban_account")
        assert bans.ready
        assert bans.staleness_s > 2

        own_kafka.start()
        put(own_kafka, "bans", ("account:a", None), ban("account:b", "ban_account"))

        assert becomes(lambda: bans.is_blocked("account:b", "ban_account"))
        assert becomes(lambda: not bans.is_blocked("account:a", "ban_account"))
        assert becomes(lambda: bans.staleness_s < 2)


def test_a_list_that_starts_before_the_broker_is_ready_when_the_broker_is(own_kafka: Broker) -> None:
    create(own_kafka, "bans", partitions=1)
    put(own_kafka, "bans", ban("account:a", "ban_account"))
    own_kafka.stop()

    with BanList(Settings(bootstrap=own_kafka.bootstrap)) as bans:
        assert not bans.wait_ready(1)
        assert not bans.is_blocked("account:a", "ban_account")
        assert bans.state.trouble
        own_kafka.start()

        assert bans.wait_ready(SECONDS)
        assert bans.is_blocked("account:a", "ban_account")


async def delete_topic(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
    finally:
        await admin.close()
