"""TLS and SASL as settings: what is refused, what every client is made with, and that no secret is shown."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiokafka.errors import KafkaConnectionError
from faust.auth import GSSAPICredentials, OAuthCredentials, SASLCredentials, SSLCredentials
from faust.transport.drivers.aiokafka import credentials_to_aiokafka_auth

import streams
from streams.access import clients
from streams.access.clients import (
    MAX_SECRET_BYTES,
    AccessError,
    TokenFile,
    client_options,
    faust_credentials,
    started_consumer,
    started_producer,
)
from streams.access.trouble import broker_trouble
from streams.settings import Settings, SettingsError, list_settings, load_settings
from streams.worker_process import environment_of

SECRET = "correct-horse-battery"  # noqa: S105 - made up for these tests
PLAIN = {"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN", "sasl_user": "moderation"}


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No WARDEN_ variables, and an empty current folder."""
    for name in list(os.environ):
        if name.startswith("WARDEN_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def given(monkeypatch: pytest.MonkeyPatch, **values: str) -> None:
    """Sets variables, by the names of settings."""
    for name, value in values.items():
        monkeypatch.setenv(f"WARDEN_{name.upper()}", value)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"security_protocol": "TLS"}, "'PLAINTEXT', 'SSL', 'SASL_PLAINTEXT' or 'SASL_SSL'"),
        ({"tls_ca_file": "here.pem"}, "tls_ca_file is set, and security_protocol PLAINTEXT has no TLS"),
        (
            {"tls_ca_file": "none.pem", "security_protocol": "SSL"},
            "WARDEN_TLS_CA_FILE = 'none.pem': there is",
        ),
        ({"tls_cert_file": "here.pem", "security_protocol": "SSL"}, "tls_cert_file and tls_key_file go together"),
        ({"sasl_user": "x", "security_protocol": "SSL"}, "sasl_user is set, and security_protocol SSL has no login"),
        ({"security_protocol": "SASL_SSL"}, "security_protocol SASL_SSL needs sasl_mechanism"),
        ({"security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN"}, "PLAIN needs sasl_user"),
        (PLAIN, "needs one of sasl_password_file and sasl_password: neither is set"),
        (
            PLAIN | {"sasl_password": SECRET, "sasl_password_file": "here.pem"},
            "needs one of sasl_password_file and sasl_password: both are set",
        ),
        (PLAIN | {"sasl_mechanism": "OAUTHBEARER"}, "OAUTHBEARER needs sasl_token_file"),
        (
            PLAIN | {"security_protocol": "SASL_PLAINTEXT", "sasl_password": SECRET, "bootstrap": "[::1]:1,kafka:9092"},
            "SASL_PLAINTEXT with PLAIN shows the secret to everybody on the way to [::1]:1,kafka:9092",
        ),
        ({"sasl_kerberos_service": "a b"}, "WARDEN_SASL_KERBEROS_SERVICE = 'a b'"),
    ],
)
def test_what_cannot_be_meant_is_refused(values: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("here.pem").write_text("x")
    given(monkeypatch, **values)

    with pytest.raises(SettingsError) as caught:
        load_settings()

    assert message in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_scram_may_go_in_the_clear_because_it_sends_no_password(mechanism: Any) -> None:
    settings = Settings(
        bootstrap="kafka:9092",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism=mechanism,
        sasl_user="moderation",
        sasl_password=SECRET,
    )

    assert client_options(settings)["ssl_context"] is None


def test_a_secret_is_in_nothing_that_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, **PLAIN, sasl_password=SECRET)

    settings = load_settings()

    shown = [repr(settings), str(settings), settings.model_dump_json(), repr(list_settings(settings))]
    assert [text for text in shown if SECRET in text] == []
    (listed,) = [setting for setting in list_settings(settings) if setting.name == "sasl_password"]
    assert listed.value == "**********"
    assert SECRET not in repr(faust_credentials(settings))
    assert client_options(settings)["sasl_plain_password"] == SECRET


def test_an_error_of_the_settings_themselves_shows_no_secret() -> None:
    with pytest.raises(ValueError, match="sasl_mechanism PLAIN needs sasl_user") as caught:
        Settings(security_protocol="SASL_SSL", sasl_mechanism="PLAIN", sasl_password=SECRET)

    assert SECRET not in str(caught.value)


def test_a_password_in_the_toml_file_is_refused_and_not_shown() -> None:
    Path("warden.toml").write_text(f'sasl_password = "{SECRET}"\n')

    with pytest.raises(SettingsError, match="sasl_password is a secret, and others read") as caught:
        load_settings()

    assert SECRET not in str(caught.value)


def test_files_named_in_the_toml_file_are_relative_to_it() -> None:
    Path("etc").mkdir()
    Path("etc/password").write_text(SECRET + "\n")
    lines = [f'{name} = "{value}"' for name, value in {**PLAIN, "sasl_password_file": "password"}.items()]
    Path("etc/warden.toml").write_text("\n".join(lines))

    settings = load_settings(Path("etc/warden.toml"))

    assert settings.sasl_password_file == Path("etc/password")
    assert client_options(settings)["sasl_plain_password"] == SECRET


def test_a_child_is_given_a_password_only_where_it_came_as_a_variable() -> None:
    Path("password").write_text(SECRET)
    by_file = Settings(**PLAIN, sasl_password_file=Path("password"))
    by_variable = Settings(**PLAIN, sasl_password=SECRET)

    assert SECRET not in environment_of(by_file).values()
    assert environment_of(by_file)["WARDEN_SASL_PASSWORD_FILE"] == str(Path("password"))
    assert environment_of(by_variable)["WARDEN_SASL_PASSWORD"] == SECRET


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no password"),
        (b"\n", "holds no password"),
        (b"\xff", "is no text"),
        (b"x" * 65_537, "more than 65,536"),
    ],
)
def test_a_file_that_holds_no_password_is_an_error_for_people(content: bytes, message: str) -> None:
    Path("password").write_bytes(content)

    with pytest.raises(AccessError, match=message) as caught:
        client_options(Settings(**PLAIN, sasl_password_file=Path("password")))

    assert "WARDEN_SASL_PASSWORD_FILE=password" in str(caught.value)


def test_the_largest_password_file_is_read() -> None:
    Path("password").write_bytes(b"x" * MAX_SECRET_BYTES)

    assert len(client_options(Settings(**PLAIN, sasl_password_file=Path("password")))["sasl_plain_password"]) == 65_536


def test_the_token_is_read_anew_for_every_connection() -> None:
    Path("token").write_text("first\n")
    settings = Settings(security_protocol="SASL_SSL", sasl_mechanism="OAUTHBEARER", sasl_token_file=Path("token"))
    provider = client_options(settings)["sasl_oauth_token_provider"]
    assert asyncio.run(provider.token()) == "first"

    Path("token").write_text("second\n")

    assert asyncio.run(provider.token()) == "second"


@pytest.mark.parametrize("content", ["", "a b", "a\x01auth=Bearer b", "前"])
def test_what_is_no_token_is_never_sent(content: str) -> None:
    Path("token").write_text(content)

    with pytest.raises(AccessError, match="holds no token"):
        asyncio.run(TokenFile(Path("token")).token())


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI", None])
def test_faust_logs_in_as_the_other_clients_do(mechanism: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients.importlib.util, "find_spec", lambda name: name)
    Path("token").write_text("token")
    values: dict[str, Any] = {"security_protocol": "SASL_SSL" if mechanism else "SSL", "sasl_mechanism": mechanism}
    if mechanism == "OAUTHBEARER":
        values["sasl_token_file"] = Path("token")
    elif mechanism == "GSSAPI":
        values |= {"sasl_kerberos_service": "streams", "sasl_kerberos_host": "kafka.example"}
    elif mechanism:
        values |= {"sasl_user": "moderation", "sasl_password": SECRET}
    settings = Settings(**values)

    credentials = faust_credentials(settings)
    theirs, ours = dict(credentials_to_aiokafka_auth(credentials)), client_options(settings)

    kinds = {"OAUTHBEARER": OAuthCredentials, "GSSAPI": GSSAPICredentials, None: SSLCredentials}
    assert type(credentials) is kinds.get(mechanism, SASLCredentials)
    for options in (theirs, ours):
        context = options.pop("ssl_context")
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
        if mechanism == "OAUTHBEARER":
            assert asyncio.run(options.pop("sasl_oauth_token_provider").token()) == "token"
    assert ours.pop("bootstrap_servers") == "localhost:9092"
    assert theirs == ours


def test_without_tls_and_login_there_are_no_credentials() -> None:
    assert faust_credentials(Settings()) is None
    assert client_options(Settings()) == {
        "bootstrap_servers": "localhost:9092",
        "security_protocol": "PLAINTEXT",
        "ssl_context": None,
    }


def test_kerberos_without_its_module_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients.importlib.util, "find_spec", lambda _: None)

    with pytest.raises(AccessError, match=r"pip install 'streamwarden\[kerberos\]'"):
        client_options(Settings(security_protocol="SASL_SSL", sasl_mechanism="GSSAPI"))


def test_a_key_with_a_password_needs_it_and_asks_nobody() -> None:
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
    from cryptography.hazmat.primitives.serialization import load_pem_private_key as load

    issued = trustme.CA().issue_cert("client.example")
    key = load(issued.private_key_pem.bytes(), None)
    Path("key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"opens")))
    Path("cert").write_bytes(issued.cert_chain_pems[0].bytes())
    values: dict[str, Any] = {"security_protocol": "SSL", "tls_cert_file": Path("cert"), "tls_key_file": Path("key")}
    with pytest.raises(AccessError, match="WARDEN_TLS_KEY_PASSWORD_FILE if it has a password"):
        client_options(Settings(**values))

    Path("opener").write_text("opens\n")

    assert client_options(Settings(**values, tls_key_password_file=Path("opener")))["ssl_context"] is not None


def test_a_broker_that_is_not_there_is_told_apart_from_one_that_refuses() -> None:
    settings = Settings(bootstrap="127.0.0.1:9")

    said = asyncio.run(broker_trouble(settings, KafkaConnectionError("Unable to bootstrap")))

    assert said.startswith("no answer from Kafka at 127.0.0.1:9: ")
    assert "is it running? WARDEN_BOOTSTRAP names it" in said


def test_every_client_is_made_with_these_options() -> None:
    """The demo's own broker is asked whether it is up before anybody logs in anywhere."""
    made: dict[str, list[str]] = {}
    for path in Path(streams.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.startswith("AIOKafka"):
                spread = [ast.unparse(word.value) for word in node.keywords if word.arg is None]
                made.setdefault(path.name, []).append(json.dumps(spread))

    assert made.pop("embedded.py") == ["[]"]
    assert set(made) == {"clients.py", "topics.py", "evidence.py", "members.py"}
    assert all(
        re.search(r"client_options\((self\._)?settings\)", spread) for calls in made.values() for spread in calls
    )


class Falling:
    """A client whose own tasks are cancelled while brokers go away, as aiokafka's are."""

    def __init__(self, *_: object, **__: object) -> None:
        self.stopped = False

    async def start(self) -> None:
        pass

    async def getmany(self) -> None:
        raise asyncio.CancelledError

    async def stop(self) -> None:
        self.stopped = True
        raise asyncio.CancelledError


@pytest.mark.parametrize("opened", [started_consumer, started_producer])
def test_a_client_that_falls_is_trouble_and_cancels_nobody(monkeypatch: pytest.MonkeyPatch, opened: Any) -> None:
    monkeypatch.setattr("streams.access.clients.AIOKafkaConsumer", Falling)
    monkeypatch.setattr("streams.access.clients.AIOKafkaProducer", Falling)

    async def ask() -> Falling:
        with pytest.raises(TimeoutError, match="gave up"):
            async with opened(Settings()) as client:
                await client.getmany()
        async with opened(Settings()) as client:
            pass
        found: Falling = client
        return found

    assert asyncio.run(ask()).stopped


@pytest.mark.parametrize("opened", [started_consumer, started_producer])
def test_who_is_cancelled_in_such_a_block_ends(monkeypatch: pytest.MonkeyPatch, opened: Any) -> None:
    monkeypatch.setattr("streams.access.clients.AIOKafkaConsumer", Falling)
    monkeypatch.setattr("streams.access.clients.AIOKafkaProducer", Falling)

    async def wait() -> None:
        async with opened(Settings()):
            await asyncio.sleep(60)

    async def ask() -> bool:
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task], timeout=10)
        return task.cancelled()

    assert asyncio.run(ask())
