"""`warden topics` on a real broker: what is created is right, and what is wrong is said."""

import asyncio
import json
from collections.abc import Callable

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from click.testing import CliRunner, Result

from streams.cli import warden
from streams.settings import Settings
from streams.topics import TopicNames, topic_names
from tests.kafka.broker import Broker, create_topic

Run = Callable[..., Result]


@pytest.fixture
def run(kafka: Broker, prefix: str) -> Run:
    def call(*arguments: str, **environment: str) -> Result:
        base = {"WARDEN_BOOTSTRAP": kafka.bootstrap, "WARDEN_TOPIC_PREFIX": prefix, "WARDEN_PARTITIONS": "2"}
        return CliRunner().invoke(warden, ["topics", *arguments], env=base | environment)

    return call


def configs(bootstrap: str, topic: str) -> dict[str, str]:
    async def ask() -> dict[str, str]:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await admin.start()
        try:
            (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        finally:
            await admin.close()
        return {entry[0]: entry[1] for entry in answer.resources[0][4]}

    return asyncio.run(ask())


def test_topics_are_created_once_and_are_right(run: Run, kafka: Broker, prefix: str) -> None:
    names = sorted(prefix + role for role in TopicNames._fields)
    before, first, second, after = run("verify"), run("create", "--json"), run("create", "--json"), run("verify")

    assert before.exit_code == 1
    assert before.stdout.count("does not exist") == len(names)
    assert sorted(json.loads(first.stdout)["created"]) == names
    assert json.loads(second.stdout) == {"created": [], "existed": names}
    assert (after.exit_code, after.stdout, after.stderr) == (0, f"ok: {len(names)} topics\n", "")
    assert configs(kafka.bootstrap, prefix + "bans")["cleanup.policy"] == "compact"
    assert configs(kafka.bootstrap, prefix + "posts")["retention.ms"] == str(168 * 3_600_000)
    assert int(configs(kafka.bootstrap, prefix + "dead_letters")["max.message.bytes"]) > 12_000_000


def test_topics_that_are_wrong_are_named_with_what_to_do(run: Run, kafka: Broker, prefix: str) -> None:
    names = topic_names(Settings(topic_prefix=prefix))
    asyncio.run(create_topic(kafka.bootstrap, names.posts, partitions=3))
    asyncio.run(create_topic(kafka.bootstrap, names.bans, partitions=2))
    run("create")

    result = run("verify", "--json")

    problems = {(found["topic"], found["message"]) for found in json.loads(result.stdout)["problems"]}
    assert result.exit_code == 1
    assert {
        (names.posts, "has 3 partitions, not 2"),
        (names.bans, "has cleanup.policy delete, not compact"),
    } <= problems
    assert {topic for topic, _ in problems} == {names.posts, names.bans}


def test_a_broker_that_refuses_is_quoted(run: Run) -> None:
    result = run("create", WARDEN_REPLICATION="9")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert "replication factor" in result.stderr
    assert "WARDEN_REPLICATION" in result.stderr
