"""Fixtures of the tests that need a broker: `kafka`, shared by all; `own_kafka`, to stop and kill; `secured`, with TLS
and logins; `prefix`.

Without a broker these tests fail, all with the same line; they never skip.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.embedded import BrokerError
from tests.kafka.broker import Broker, NoKafkaError, broker
from tests.kafka.java import JAVA_LEAST, java_release, maven_installed
from tests.kafka.secured import Secured


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The session's Apache Kafka. Leave it running, and begin your topics and groups with `prefix`."""
    yield from _started(tmp_path_factory.mktemp("kafka"), own=False)


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Broker]:
    """An Apache Kafka of this test alone (it takes 5 s to start), to stop, kill and start as it likes."""
    yield from _started(tmp_path / "kafka", own=True)


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A Kafka that lets nobody in without TLS, the tests' own way in apart, and nobody do what it has no right to."""
    if (java_release() or 0) < JAVA_LEAST or not maven_installed():
        pytest.fail(f"A broker with TLS and logins needs a JDK {JAVA_LEAST} or newer and Maven.", pytrace=False)
    made = Secured(tmp_path_factory.mktemp("secured"))
    server = made.broker()
    server.start()
    try:
        yield made
    finally:
        server.close()


@pytest.fixture
def prefix() -> str:
    """Begins the names of this test's topics and groups, so that no two tests meet on a shared broker."""
    return f"t{uuid.uuid4().hex[:10]}-"


def _started(folder: Path, *, own: bool) -> Iterator[Broker]:
    failure = ""
    try:
        server = broker(folder, own=own)
        server.start()
    except (NoKafkaError, BrokerError) as error:
        failure = str(error)  # failed outside this block, else pytest shows the message twice
    if failure:
        pytest.fail(failure, pytrace=False)
    try:
        yield server
    finally:
        server.close()
