"""The tests' broker: where it comes from, and that its data outlives a restart and a crash."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from streams.embedded import BrokerError
from tests.kafka.broker import (
    Broker,
    ExternalBroker,
    JavaBroker,
    NoKafkaError,
    Record,
    broker,
    choose,
    consume,
    create_topic,
    docker_run,
    produce,
)
from tests.kafka.java import kafka_version


def records(first: int, count: int) -> list[Record]:
    return [(b"key-%d" % (n % 7), b"value-%d" % n) for n in range(first, first + count)]


def values(these: list[Record]) -> set[bytes | None]:
    return {value for _, value in these}


def test_a_group_consumes_what_was_produced(kafka: Broker, prefix: str) -> None:
    topic, sent = prefix + "events", records(0, 500)

    async def scenario() -> set[bytes | None]:
        await create_topic(kafka.bootstrap, topic, partitions=3)
        await produce(kafka.bootstrap, topic, sent)
        return {record.value for record in await consume(kafka.bootstrap, topic, prefix + "group", len(sent))}

    assert asyncio.run(scenario()) == values(sent)


def test_data_and_offsets_outlive_a_restart_and_a_kill(own_kafka: Broker) -> None:
    address, topic = own_kafka.bootstrap, "events"
    asyncio.run(create_topic(address, topic, partitions=2))

    asyncio.run(produce(address, topic, records(0, 50)))
    first = asyncio.run(consume(address, topic, "group", 50))
    own_kafka.restart()
    asyncio.run(produce(address, topic, records(50, 50)))
    own_kafka.kill()
    own_kafka.start()
    second = asyncio.run(consume(address, topic, "group", 50))
    everything = asyncio.run(consume(address, topic, "another group", 100))

    assert own_kafka.bootstrap == address
    assert {record.value for record in first} == values(records(0, 50))
    assert {record.value for record in second} == values(records(50, 50))
    assert {record.value for record in everything} == values(records(0, 100))


@pytest.mark.parametrize(
    ("bootstrap", "java", "maven", "docker", "source"),
    [
        ("kafka:9092", 17, True, True, "external"),
        ("kafka:9092", None, False, False, "external"),
        (None, 17, True, True, "java"),
        ("", 25, True, False, "java"),
        (None, 11, True, True, "docker"),
        (None, 21, False, True, "docker"),
        (None, None, True, True, "docker"),
    ],
)
def test_the_first_source_that_is_there_is_chosen(
    bootstrap: str | None, java: int | None, maven: bool, docker: bool, source: str
) -> None:
    assert choose(bootstrap, java=lambda: java, maven=lambda: maven, docker=lambda: docker) == source


@pytest.mark.parametrize(("java", "maven"), [(None, False), (None, True), (17, False), (11, True)])
def test_without_a_source_one_line_says_what_to_install(java: int | None, maven: bool) -> None:
    with pytest.raises(NoKafkaError) as raised:
        choose(None, java=lambda: java, maven=lambda: maven, docker=lambda: False)

    message = str(raised.value)
    assert "\n" not in message
    assert all(way in message for way in ("JDK 17", "Maven", "Docker", "KAFKA_BOOTSTRAP"))


def test_an_external_broker_is_never_stopped(tmp_path: Path) -> None:
    external = broker(tmp_path, {"KAFKA_BOOTSTRAP": "kafka:9092"})

    assert isinstance(external, ExternalBroker)
    assert external.bootstrap == "kafka:9092"
    with pytest.raises(BrokerError, match="not the tests' to stop"):
        external.kill()
    external.close()


def test_a_broker_that_fails_to_start_shows_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "java"
    program.write_text('#!/bin/sh\ncase "$*" in *StorageTool*) exit 0;; esac\necho "no more heap"\nexit 1\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    with pytest.raises(BrokerError, match=r"ended while starting(.|\n)*no more heap"):
        JavaBroker(tmp_path / "kafka", tmp_path / "jars").start()


def test_docker_publishes_the_pinned_kafka_on_loopback_only() -> None:
    arguments = docker_run("name", 40123)

    assert arguments[-1] == f"apache/kafka:{kafka_version()}"
    assert [a for a in arguments if "publish" in a] == ["--publish=127.0.0.1:40123:9092"]
    assert "--env=KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:40123" in arguments
    assert "--env=KAFKA_PROCESS_ROLES=broker,controller" in arguments
