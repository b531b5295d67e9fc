"""Redis keys: each sanction ends by itself, what is gone is removed, and nothing else is touched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from hypothesis import HealthCheck, given, settings

from rules.decisions import Ban
from streams.bans.export.redis_keys import RedisKeys
from streams.bans.export.targets import ExportError, Snapshot
from streams.embedded import free_port
from tests.streams.bans.hostile import lists
from tests.streams.making_bans import NOW, ban, entry


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        client.flushall()
        yield client


def of(*bans: Ban, changed: set[str] | None = None, as_of: float = 100.0) -> Snapshot:
    return Snapshot({each.subject: each for each in bans}, NOW, changed, as_of)


def test_each_sanction_is_a_key_that_ends_with_it(redis_url: str, client: redis.Redis) -> None:
    soon = NOW + timedelta(hours=1)
    both = Ban(subject="account:a", sanctions=[entry("ban_account"), entry("suspend_share_api", soon)], time=NOW)

    RedisKeys(redis_url).publish(of(both))

    assert client.get("warden:ban_account:account:a") == "e-ban_account-links"
    assert client.ttl("warden:ban_account:account:a") == -1
    left = client.pttl("warden:suspend_share_api:account:a") / 1000
    assert abs(left - (soon.timestamp() - time.time())) < 5
    assert client.get("warden:synced_at") == "100"


def test_a_whole_write_removes_what_is_gone_and_touches_nothing_else(redis_url: str, client: redis.Redis) -> None:
    client.mset({"warden:ban_account:account:old": "e", "wardens": "theirs", "w*rden:x": "theirs"})

    RedisKeys(redis_url).publish(of(ban("account:a", "ban_account")))

    assert set(client.keys()) == {"warden:ban_account:account:a", "warden:synced_at", "wardens", "w*rden:x"}


def test_a_prefix_is_no_pattern(redis_url: str, client: redis.Redis) -> None:
    client.mset({"wXrden:x": "theirs", "w*rden:x": "ours"})

    RedisKeys(redis_url, prefix="w*rden:").publish(of())

    assert set(client.keys()) == {"wXrden:x", "w*rden:synced_at"}


def test_a_change_writes_and_removes_the_keys_of_its_subject_only(redis_url: str, client: redis.Redis) -> None:
    target = RedisKeys(redis_url)
    target.publish(of(ban("account:a", "ban_account", "ban_share_api"), ban("account:b", "ban_account")))
    client.set("warden:ban_account:account:b", "untouched")

    target.publish(of(ban("account:a", "suspend_account"), ban("account:b", "ban_account"), changed={"account:a"}))

    assert set(client.keys()) == {
        "warden:suspend_account:account:a",
        "warden:ban_account:account:b",
        "warden:synced_at",
    }
    assert client.get("warden:ban_account:account:b") == "untouched"
    target.publish(of(ban("account:b", "ban_account"), changed={"account:a"}, as_of=200.0))
    assert set(client.keys()) == {"warden:ban_account:account:b", "warden:synced_at"}
    assert client.get("warden:synced_at") == "200"


def test_a_redis_that_lost_its_keys_gets_them_all_with_the_next_heartbeat(redis_url: str, client: redis.Redis) -> None:
    target = RedisKeys(redis_url)
    target.publish(of(ban("account:a", "ban_account")))
    client.flushall()

    done = target.publish(of(ban("account:a", "ban_account"), changed=set()))

    assert done.changed
    assert set(client.keys()) == {"warden:ban_account:account:a", "warden:synced_at"}
    assert not target.publish(of(ban("account:a", "ban_account"), changed=set())).changed


def test_options_in_the_url_do_not_make_keys_look_strange(redis_url: str, client: redis.Redis) -> None:
    target = RedisKeys(f"{redis_url}?decode_responses=True")

    target.publish(of(ban("account:a", "ban_account")))
    target.publish(of(ban("account:a", "ban_account")))

    assert set(client.keys()) == {"warden:ban_account:account:a", "warden:synced_at"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(lists)
def test_keys_are_exactly_the_subjects(redis_url: str, client: redis.Redis, subjects: list[str]) -> None:
    RedisKeys(redis_url).publish(of(*(ban(subject, "ban_domain") for subject in subjects)))

    assert set(client.keys()) == {f"warden:ban_domain:{subject}" for subject in subjects} | {"warden:synced_at"}


def test_without_a_server_it_is_an_error_for_people() -> None:
    with pytest.raises(ExportError, match="is it running"):
        RedisKeys(f"redis://127.0.0.1:{free_port()}/0").publish(of())


def test_an_empty_prefix_is_refused(redis_url: str) -> None:
    with pytest.raises(ValueError, match="every key of the database would be removed"):
        RedisKeys(redis_url, prefix="")
