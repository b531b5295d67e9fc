"""GSSAPI against a key distribution center of MIT's Kerberos: what logs in with a ticket, and what is said without."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from streams.bans import BanList
from streams.settings import Settings
from streams.topics import TopicsError, verify_topics
from tests.kafka import kerberos
from tests.kafka.kerberos import Kerberos
from tests.kafka.personal import BANNED, events
from tests.kafka.secured import Secured
from tests.kafka.system import System
from tests.kafka.test_security import access, await_blocked

pytestmark = [
    pytest.mark.skipif(not kerberos.installed(), reason=kerberos.MISSING),
    pytest.mark.skipif(
        importlib.util.find_spec("gssapi") is None,
        reason="GSSAPI needs its module: pip install 'streamwarden[kerberos]'",
    ),
]


@pytest.fixture(scope="module")
def ticketed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """A Kafka that takes tickets, and the center that issues them."""
    folder = tmp_path_factory.mktemp("kerberos")
    center = Kerberos(folder / "kdc", "moderation")
    made = Secured(folder / "kafka", kerberos=center)
    server = made.broker()
    try:
        center.start()
        server.start()
        yield made
    finally:
        server.close()
        center.close()


@pytest.fixture
def ticket(ticketed: Secured, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process has the client's ticket."""
    assert ticketed.kerberos is not None
    for name, value in ticketed.kerberos.environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("ticket")
def test_everything_works_with_a_ticket(ticketed: Secured, prefix: str, tmp_path: Path) -> None:
    values = ticketed.given("GSSAPI")
    system = System.create(values.pop("bootstrap"), prefix, tmp_path, **values, partitions=1)
    table = tmp_path / "bans.csv"
    with system.worker(**access(system.settings)) as worker, BanList(system.settings) as bans:
        fed = system.warden("feed", "-", stdin=b"\n".join(map(orjson.dumps, events())))
        await_blocked(bans, worker)
        done = system.warden("bans", "export", "--to", "csv", "--file", str(table), "--once")

    assert (fed.returncode, done.returncode) == (0, 0), (fed.stderr, done.stderr)
    assert BANNED in table.read_text()


@pytest.mark.usefixtures("ticket")
def test_without_a_ticket_it_says_so(ticketed: Secured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KRB5CCNAME", f"FILE:{tmp_path}/none")

    with pytest.raises(TopicsError, match=r"the login cannot be made: .*\n    GSSAPI: `klist` shows") as caught:
        asyncio.run(verify_topics(Settings(**ticketed.given("GSSAPI"))))

    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.usefixtures("ticket")
def test_a_broker_of_another_name_is_not_taken(ticketed: Secured) -> None:
    with pytest.raises(TopicsError, match="the login cannot be made"):
        asyncio.run(verify_topics(Settings(**ticketed.given("GSSAPI", sasl_kerberos_host="elsewhere.example"))))
