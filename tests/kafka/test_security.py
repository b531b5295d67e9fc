"""Kafka with TLS and SASL, every way in: what works with it, and what is said when it does not let one in."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest

from rules.controls import ControlRecord
from streams.access.settings import AccessSettings
from streams.bans import BanList
from streams.bans.export.running import export_once
from streams.bans.export.tables import CsvTable
from streams.controls import put_control
from streams.feeding import feed
from streams.settings import Settings
from streams.topics import TopicsError, create_topics
from streams.worker_process import environment_of
from tests.kafka.personal import BANNED, events
from tests.kafka.secured import OFFERED, Secured, unsecured_token
from tests.kafka.system import System, Worker

WAYS = (*OFFERED, "mutual")
NOTHING_HANGS_S = 60.0
"""A command that is not let in ends within this, on a machine that is busy."""


def test_everything_works_over_every_way_in(secured: Secured, prefix: str, tmp_path: Path) -> None:
    """A worker for each way in, all of one group; and over each way events, the ban list, an export and a halt."""
    shared = {"partitions": len(WAYS), "log_level": "debug"}
    settings = {way: Settings(**secured.given(way), **shared, topic_prefix=prefix) for way in WAYS}
    system = System.create(secured.member_address, prefix, tmp_path, **shared)
    with ExitStack() as stack:
        workers = [stack.enter_context(system.worker(ready=False, **access(settings[way]))) for way in WAYS]
        for worker in workers:
            worker.await_ready(180)  # they start at the same time
        lists = [stack.enter_context(BanList(settings[way])) for way in WAYS]
        asyncio.run(use(settings))
        for bans in lists:
            await_blocked(bans, *workers)
        asyncio.run(export(settings, tmp_path))
        judged = [worker.metric("warden_events_total") for worker in workers]

    assert all(judged), dict(zip(WAYS, judged, strict=True))
    assert [way for way in WAYS if BANNED not in (tmp_path / f"{way}.csv").read_text()] == []
    said = "".join(worker.log.read_text() for worker in workers)
    assert "Serving http" in said
    assert [secret for secret in secured.secrets() if secret in said] == []


def access(settings: Settings) -> dict[str, str]:
    """The variables of the way in, alone."""
    names = (f"WARDEN_{name.upper()}" for name in AccessSettings.model_fields)
    environment = environment_of(settings)
    return {name: environment[name] for name in names if name in environment}


async def use(settings: dict[str, Settings]) -> None:
    """Feeds events of a hundred accounts and halts a rule that there is not, over each way."""
    for way, one in settings.items():
        sent = [event | {"id": f"{event['id']}-{way}"} for event in events()]
        sent += [sent[-1] | {"account": f"a{n}", "id": f"a{n}-{way}", "ip": "203.0.113.1"} for n in range(100)]
        fed = await feed(one, BytesIO(b"\n".join(map(orjson.dumps, sent))), None, lambda *_: None, lambda _: None)
        assert fed.refused == 0
        why = {"by": "test", "why": way, "time": datetime.now(UTC)}
        await put_control(one, ControlRecord(id=way, do="halt", rule="none", **why))


async def export(settings: dict[str, Settings], folder: Path) -> None:
    """Exports the ban list over each way."""
    for way, one in settings.items():
        await export_once(one, CsvTable(folder / f"{way}.csv", ("ban_account",)))


def test_commands_log_in_and_show_no_secret(secured: Secured, prefix: str, tmp_path: Path) -> None:
    values = secured.given("SCRAM-SHA-512", log_level="debug", partitions=1, sasl_password_file=None)
    values |= {"sasl_password": secured.password, "topic_prefix": prefix}
    table = str(tmp_path / "bans.csv")
    done = [
        warden(Settings(**values), *arguments)[0]
        for arguments in (
            ("topics", "create"),
            ("feed", "-"),
            ("bans", "export", "--to", "csv", "--file", table, "--once"),
            ("settings",),
        )
    ]

    assert [one.returncode for one in done] == [0, 0, 0, 0], [one.stderr.decode() for one in done]
    assert b"WARDEN_SASL_PASSWORD " in done[-1].stdout
    said = "".join((one.stdout + one.stderr).decode() for one in done)
    assert [secret for secret in secured.secrets() if secret in said] == []


def await_blocked(bans: BanList, *workers: Worker, subject: str = BANNED) -> None:
    """Returns when the ban list has the subject: the account that the events are charged to."""
    deadline = time.monotonic() + 60
    while not bans.actions(subject):
        for worker in workers:
            assert worker.process.poll() is None, worker.log.read_text()[-3000:]
        assert time.monotonic() < deadline, (bans.state.trouble, workers[0].log.read_text()[-3000:])
        time.sleep(0.05)


def wrong(secured: Secured) -> dict[str, tuple[dict[str, Any], tuple[str, ...]]]:
    """What is wrong -> settings, and what the message must say."""
    folder = secured.folder
    return {
        "password of PLAIN": (
            secured.given("PLAIN", sasl_password_file=folder / "wrong-password"),
            ("the login of user 'moderation' with PLAIN is refused", "check the user and password"),
        ),
        "password of SCRAM": (
            secured.given("SCRAM-SHA-512", sasl_password_file=folder / "wrong-password"),
            ("the login of user 'moderation' with SCRAM-SHA-512 is refused",),
        ),
        "user": (secured.given("SCRAM-SHA-256", sasl_user="nobody"), ("the login of user 'nobody'",)),
        "token that has expired": (
            secured.given("OAUTHBEARER", sasl_token_file=secured.file("old", unsecured_token("x", lives_s=-30))),
            ("the login of this client with OAUTHBEARER is refused", "check the token"),
        ),
        "no token": (
            secured.given("OAUTHBEARER", sasl_token_file=folder / "none"),
            ("WARDEN_SASL_TOKEN_FILE=", "No such file", "name a file that this user may read"),
        ),
        "unknown authority": (
            secured.given("PLAIN", tls_ca_file=folder / "other-ca.pem"),
            ("the broker's certificate is not trusted", "WARDEN_TLS_CA_FILE must hold the authority", "other-ca.pem"),
        ),
        "no certificates in the file": (
            secured.given("PLAIN", tls_ca_file=folder / "token"),
            ("WARDEN_TLS_CA_FILE=", "BEGIN CERTIFICATE"),
        ),
        "expired certificate": (
            secured.given("mutual", bootstrap=secured.address("expired")),
            ("the broker's certificate has expired",),
        ),
        "host name": (
            secured.given("PLAIN", bootstrap=secured.address(host="localhost")),
            ("the broker's certificate is for another name", "not valid for 'localhost'"),
        ),
        "a client's certificate of another authority": (
            secured.given("mutual", tls_cert_file=folder / "foreign.pem", tls_key_file=folder / "foreign.key"),
            ("it refuses this client's certificate", "WARDEN_TLS_CERT_FILE"),
        ),
        "no client's certificate": (
            secured.given("mutual", tls_cert_file=None, tls_key_file=None),
            ("it refuses this client's certificate",),
        ),
        "another key": (
            secured.given("mutual", tls_key_file=folder / "foreign.key"),
            ("WARDEN_TLS_KEY_FILE=", "the key must be that of the certificate"),
        ),
        "no TLS where there is": ({"bootstrap": secured.address()}, ("closes a connection with PLAINTEXT",)),
        "no login where one is wanted": (
            {**secured.given("mutual"), "bootstrap": secured.address()},
            ("it wants a login, and SSL has none",),
        ),
        "a mechanism that is not offered": (
            secured.given("SCRAM-SHA-256", tls_ca_file=None)
            | {"bootstrap": secured.address("clear"), "security_protocol": "SASL_PLAINTEXT"},
            ("the listener does not offer SCRAM-SHA-256",),
        ),
        "no rights": (
            secured.given("PLAIN", sasl_user="stranger"),
            ("this login may not create it", "docs/security.md"),
        ),
    }


WRONG = (
    "password of PLAIN",
    "password of SCRAM",
    "user",
    "token that has expired",
    "no token",
    "unknown authority",
    "no certificates in the file",
    "expired certificate",
    "host name",
    "a client's certificate of another authority",
    "no client's certificate",
    "another key",
    "no TLS where there is",
    "no login where one is wanted",
    "a mechanism that is not offered",
    "no rights",
)


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said(what: str, secured: Secured, prefix: str) -> None:
    cases = wrong(secured)
    assert tuple(cases) == WRONG
    given, expected = cases[what]
    began = time.monotonic()

    with pytest.raises(TopicsError) as caught:
        asyncio.run(create_topics(Settings(**given, topic_prefix=prefix)))

    said = str(caught.value)
    for part in expected:
        assert part in said
    assert len(said.splitlines()) == 2
    assert [secret for secret in secured.secrets() if secret in said] == []
    assert time.monotonic() - began < NOTHING_HANGS_S


@pytest.mark.parametrize("command", [("topics", "create"), ("worker",), ("feed", "-"), ("controls",)])
def test_commands_say_it_and_end_with_1(command: tuple[str, ...], secured: Secured) -> None:
    given = secured.given("SCRAM-SHA-256", sasl_password_file=secured.folder / "wrong-password", web_port=0)

    done, took = warden(Settings(**given), *command)

    assert done.returncode == 1
    assert "the login of user 'moderation' with SCRAM-SHA-256 is refused" in done.stderr.decode()
    assert "Traceback" not in done.stderr.decode()
    assert secured.password not in (done.stdout + done.stderr).decode()
    assert took < NOTHING_HANGS_S


def test_a_ban_list_that_is_not_let_in_says_why_and_goes_on_trying(secured: Secured) -> None:
    given = secured.given("PLAIN", sasl_password_file=secured.folder / "wrong-password")

    with BanList(Settings(**given)) as bans:
        deadline = time.monotonic() + NOTHING_HANGS_S
        while not bans.state.trouble and time.monotonic() < deadline:
            time.sleep(0.05)

        assert "the login of user 'moderation' with PLAIN is refused" in bans.state.trouble
        assert not bans.ready


def warden(settings: Settings, *arguments: str) -> tuple[subprocess.CompletedProcess[bytes], float]:
    """A command with these settings, and how many seconds it took."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", *arguments],
        input=b"",
        capture_output=True,
        env=environment_of(settings),
        timeout=60,
        check=False,
    )
    return done, time.monotonic() - began
