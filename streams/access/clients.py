"""Every Kafka client of this project gets its brokers, TLS and login here: `client_options` for aiokafka's, and
`faust_credentials` for Faust's, which makes its own."""

import asyncio
import importlib.util
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaError
from faust.auth import GSSAPICredentials, OAuthCredentials, SASLCredentials, SSLCredentials

from streams.access.settings import AccessSettings

logger = logging.getLogger(__name__)

MAX_SECRET_BYTES = 64 << 10
"""Most a file with a password or a token may hold; a token with many claims has some thousand bytes."""

Client = TypeVar("Client")


class AccessError(OSError):
    """What the settings name for TLS or the login cannot be used; the message says what, where and what to do.

    An OSError, because that is what aiokafka expects of a token that cannot be had.
    """


class TokenFile(AbstractTokenProvider):  # type: ignore[misc]
    """The token of OAUTHBEARER, read anew for every connection: whoever issues tokens replaces the file in time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def token(self) -> str:
        """The token. Raises AccessError when there is none, or it is none."""
        token = _secret_in(self._path, "WARDEN_SASL_TOKEN_FILE").strip()
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise AccessError(f"{self._path}: holds no token\n    it is one line without spaces, such as a JWT")
        return token


def client_options(settings: AccessSettings) -> dict[str, Any]:
    """What aiokafka's consumers, producers and admin clients are to be made with. Raises AccessError."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.bootstrap,
        "security_protocol": settings.security_protocol,
        "ssl_context": _tls(settings),
    }
    if settings.security_protocol.startswith("SASL_"):
        options |= _login(settings)
    return options


def faust_credentials(settings: AccessSettings) -> Any:
    """The same for Faust, as its setting `broker_credentials`; None for PLAINTEXT. Raises AccessError."""
    tls = _tls(settings)
    if not settings.security_protocol.startswith("SASL_"):
        return None if tls is None else SSLCredentials(tls)
    login = _login(settings)
    match settings.sasl_mechanism:
        case "OAUTHBEARER":
            return OAuthCredentials(oauth_cb=login["sasl_oauth_token_provider"], ssl_context=tls)
        case "GSSAPI":
            return GSSAPICredentials(
                kerberos_service_name=settings.sasl_kerberos_service,
                kerberos_domain_name=settings.sasl_kerberos_host,
                ssl_context=tls,
                mechanism="GSSAPI",
            )
        case mechanism:
            return SASLCredentials(
                username=login["sasl_plain_username"],
                password=login["sasl_plain_password"],
                ssl_context=tls,
                mechanism=mechanism,
            )


@asynccontextmanager
async def started_producer(settings: AccessSettings, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    """A producer, started, which waits for all copies (`acks="all"`); stopped at the end of the block.

    Raises KafkaError, OSError (AccessError among them) or TimeoutError.
    """
    producer = AIOKafkaProducer(**client_options(settings), acks="all", **options)
    async with _running(producer):
        yield producer


@asynccontextmanager
async def started_consumer(settings: AccessSettings, *topics: str, **options: Any) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer, started, that commits nothing by itself and begins at the start; stopped at the end of the block.

    Raises KafkaError, OSError (AccessError among them) or TimeoutError.
    """
    consumer = AIOKafkaConsumer(
        *topics, **client_options(settings), enable_auto_commit=False, auto_offset_reset="earliest", **options
    )
    async with _running(consumer):
        yield consumer


@asynccontextmanager
async def _running(client: Any) -> AsyncIterator[None]:
    """Starts a client, and stops it at the end of the block.

    While brokers go away, aiokafka lets cancellations of its own tasks out of its calls, `stop` among them: whoever
    takes those for their own stops silently. Here they are TimeoutErrors, unless the caller is being cancelled.
    """
    try:
        await started(client)
        yield
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        raise TimeoutError("the Kafka client gave up what it was asked") from error
    finally:
        try:
            await client.stop()
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            logger.debug("A Kafka client was cut off while it stopped")


def is_cancelled() -> bool:
    """Whether somebody asked the current task to end; a CancelledError that comes when nobody did is a client's."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


async def started(client: Any) -> None:
    """Starts a client of aiokafka. Errors that its login libraries let through become AccessErrors."""
    try:
        await client.start()
    except (KafkaError, OSError, TimeoutError):
        raise
    except Exception as error:  # gssapi's errors have no base class in common with any of these
        raise login_error(error) from error


def login_error(error: BaseException) -> AccessError:
    """What a login that failed on this side means, for a person."""
    said = str(error) or type(error).__name__
    hint = "GSSAPI: `klist` shows whether there is a valid ticket, `kinit` gets one"
    return AccessError(f"the login cannot be made: {said}\n    {hint}")


def _tls(settings: AccessSettings) -> ssl.SSLContext | None:
    """TLS 1.2 or newer that checks the broker's certificate and its host name; None when there is to be no TLS."""
    if settings.security_protocol not in {"SSL", "SASL_SSL"}:
        return None
    ca = settings.tls_ca_file
    try:
        context = ssl.create_default_context(cafile=ca)
    except (ssl.SSLError, OSError) as error:
        hint = "it must hold certificates in PEM form (-----BEGIN CERTIFICATE-----)"
        raise AccessError(f"WARDEN_TLS_CA_FILE={ca}: {_said(error)}\n    {hint}") from None
    if settings.tls_cert_file is not None:
        password = settings.tls_key_password_file
        secret = "" if password is None else _secret_in(password, "WARDEN_TLS_KEY_PASSWORD_FILE").rstrip("\r\n")
        try:
            context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file, secret)
        except (ssl.SSLError, OSError, ValueError) as error:
            files = f"WARDEN_TLS_CERT_FILE={settings.tls_cert_file} with WARDEN_TLS_KEY_FILE={settings.tls_key_file}"
            hint = (
                "the key must be that of the certificate, both PEM; WARDEN_TLS_KEY_PASSWORD_FILE if it has a password"
            )
            raise AccessError(f"{files}: {_said(error)}\n    {hint}") from None
    return context


def _login(settings: AccessSettings) -> dict[str, Any]:
    mechanism = settings.sasl_mechanism
    options: dict[str, Any] = {"sasl_mechanism": mechanism}
    if mechanism == "OAUTHBEARER" and settings.sasl_token_file is not None:
        options["sasl_oauth_token_provider"] = TokenFile(settings.sasl_token_file)
    elif mechanism == "GSSAPI":
        if importlib.util.find_spec("gssapi") is None:
            hint = "pip install 'streamwarden[kerberos]' (Debian: libkrb5-dev and gcc build it)"
            raise AccessError(f"WARDEN_SASL_MECHANISM=GSSAPI needs the module gssapi\n    {hint}")
        options["sasl_kerberos_service_name"] = settings.sasl_kerberos_service
        options["sasl_kerberos_domain_name"] = settings.sasl_kerberos_host
    else:
        options["sasl_plain_username"] = settings.sasl_user
        options["sasl_plain_password"] = _password(settings)
    return options


def _password(settings: AccessSettings) -> str:
    if settings.sasl_password is not None:
        return settings.sasl_password.get_secret_value()
    if settings.sasl_password_file is None:
        raise AccessError("there is no password\n    set WARDEN_SASL_PASSWORD_FILE")
    password = _secret_in(settings.sasl_password_file, "WARDEN_SASL_PASSWORD_FILE").rstrip("\r\n")
    if not password or "\0" in password:
        raise AccessError(f"WARDEN_SASL_PASSWORD_FILE={settings.sasl_password_file}: holds no password")
    return password


def _secret_in(path: Path, variable: str) -> str:
    """The text of a file with a secret. Raises AccessError, which never has any of it."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_SECRET_BYTES + 1)
        if len(data) > MAX_SECRET_BYTES:
            raise AccessError(f"{variable}={path}: more than {MAX_SECRET_BYTES:,} bytes\n    name another file")
        return data.decode()
    except UnicodeDecodeError:
        raise AccessError(f"{variable}={path}: is no text\n    it must be UTF-8") from None
    except AccessError:
        raise
    except OSError as error:
        raise AccessError(f"{variable}={path}: {error.strerror}\n    name a file that this user may read") from None


def _said(error: Exception) -> str:
    return str(getattr(error, "reason", None) or getattr(error, "strerror", None) or error).replace("_", " ").lower()
