"""What a failed exchange with Kafka means, for a person.

aiokafka says only that it could not start from any broker, and logs why. So when a client could not connect, one more
connection is made to each broker, by itself, and what it meets is explained.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    IllegalSaslStateError,
    KafkaConnectionError,
    KafkaError,
    NodeNotReadyError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.metadata import MetadataRequest

from streams.access.clients import AccessError, client_options, login_error
from streams.access.settings import AccessSettings

PROBE_S = 5.0
"""How long that may take, over all brokers."""
_FORBIDDEN = (TopicAuthorizationFailedError, GroupAuthorizationFailedError, ClusterAuthorizationFailedError)
_CERTIFICATE_EXPIRED, _WRONG_HOST, _WRONG_ADDRESS = 10, 62, 64  # X509_V_ERR_* of OpenSSL's x509_vfy.h


async def broker_trouble(settings: AccessSettings, error: BaseException) -> str:
    """What went wrong, where, why, and what to do. `error`: a KafkaError, OSError or TimeoutError of a client."""
    if isinstance(error, (KafkaConnectionError, NodeNotReadyError, TimeoutError)):
        error = await _met(settings) or error
    return explained(settings, error)


def explained(settings: AccessSettings, error: BaseException) -> str:
    """The same, from what is known: no connection is made."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, AccessError):
            return str(cause)
        if (meaning := _meaning(settings, cause)) is not None:
            what, hint = meaning
            return f"Kafka at {settings.bootstrap}: {what}\n    {hint}"
    said = str(causes[-1]) or type(causes[-1]).__name__
    return f"no answer from Kafka at {settings.bootstrap}: {said}\n    is it running? WARDEN_BOOTSTRAP names it"


async def _met(settings: AccessSettings) -> BaseException | None:
    """What one connection to a broker meets; None when it is made, or no broker can be reached at all."""
    try:
        options = client_options(settings)
    except AccessError as error:
        return error
    met: BaseException | None = None
    addresses = str(options.pop("bootstrap_servers")).split(",")
    try:
        async with asyncio.timeout(PROBE_S):
            for address in addresses:
                host, _, port = address.rpartition(":")
                try:
                    await _ask(settings, host.strip("[]"), int(port), options)
                except Exception as error:  # whatever it is, it is what the person has to know
                    met = error
    except TimeoutError:
        return met or TimeoutError(f"it takes longer than {PROBE_S:g} s to connect")
    return met


async def _ask(settings: AccessSettings, host: str, port: int, options: dict[str, Any]) -> None:
    """Connects and asks for the cluster. Raises whatever is in the way.

    A connection that was made may still be no good: aiokafka 0.14 takes a broker's refusal of a token (RFC 7628,
    section 3.2.2) for success, and without a login it first learns at its first question that one is needed.
    """
    connection = await create_conn(host, port, **options)
    try:
        try:
            answer = await connection.send(MetadataRequest([]))
        except KafkaConnectionError as error:
            raise _unanswered(settings) from error
        if not answer.brokers:
            raise _unanswered(settings)
    finally:
        connection.close()


def _unanswered(settings: AccessSettings) -> KafkaError:
    if settings.sasl_mechanism == "OAUTHBEARER":
        return SaslAuthenticationFailed()
    return IllegalSaslStateError()


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it, the newest first."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__


def _meaning(settings: AccessSettings, error: BaseException) -> tuple[str, str] | None:
    """What happened, and what to do; None for what is no matter of access."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(settings, error)
    if isinstance(error, ssl.SSLError):
        return _handshake(error)
    if type(error).__module__.startswith("gssapi"):
        what, _, hint = str(login_error(error)).partition("\n    ")
        return what, hint
    return _refused(settings, error) or _connection(settings, error)


def _refused(settings: AccessSettings, error: BaseException) -> tuple[str, str] | None:
    """What the brokers say of a login."""
    if isinstance(error, SaslAuthenticationFailed):
        who = f"user {settings.sasl_user!r}" if settings.sasl_user else "this client"
        secret = "token" if settings.sasl_mechanism == "OAUTHBEARER" else "user and password"
        return (
            f"the login of {who} with {settings.sasl_mechanism} is refused",
            f"check the {secret}, and whether the brokers know them for this mechanism",
        )
    if settings.sasl_mechanism is None and isinstance(error, IllegalSaslStateError):
        return (
            f"it wants a login, and {settings.security_protocol} has none",
            "WARDEN_SECURITY_PROTOCOL must be that of the listener: SASL_SSL, with WARDEN_SASL_MECHANISM and a user",
        )
    if isinstance(error, (UnsupportedSaslMechanismError, IllegalSaslStateError)):
        return (
            f"the listener does not offer {settings.sasl_mechanism}",
            "WARDEN_SASL_MECHANISM must be one that it does; a port without SASL is another listener",
        )
    if isinstance(error, _FORBIDDEN):
        return f"this login has no right to it: {error}", "docs/security.md lists the rights that each task needs"
    return None


def _connection(settings: AccessSettings, error: BaseException) -> tuple[str, str] | None:
    if isinstance(error, (asyncio.IncompleteReadError, ConnectionResetError)):
        return (
            f"it closes a connection with {settings.security_protocol}",
            "WARDEN_SECURITY_PROTOCOL must be that of the listener behind this port",
        )
    if isinstance(error, socket.gaierror):
        return f"the host name is not known: {error.strerror}", "WARDEN_BOOTSTRAP names it"
    return None


def _certificate(settings: AccessSettings, error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    match error.verify_code:
        case code if code == _CERTIFICATE_EXPIRED:
            return "the broker's certificate has expired", "it has to be renewed there; check this machine's clock too"
        case code if code in {_WRONG_HOST, _WRONG_ADDRESS}:
            return (
                f"the broker's certificate is for another name ({error.verify_message})",
                "WARDEN_BOOTSTRAP and the brokers' advertised names must be names in the certificate",
            )
    ca = settings.tls_ca_file
    return (
        f"the broker's certificate is not trusted ({error.verify_message})",
        f"WARDEN_TLS_CA_FILE must hold the authority that signed it; it is {ca or 'not set: the system decides'}",
    )


def _handshake(error: ssl.SSLError) -> tuple[str, str]:
    said = (error.reason or str(error)).replace("_", " ").lower()
    if "certificate" in said:
        return (
            f"it refuses this client's certificate ({said})",
            "WARDEN_TLS_CERT_FILE must hold one that an authority of the brokers signed and that has not expired",
        )
    return (
        f"TLS cannot be agreed on ({said})",
        "is it the port of a listener with TLS? WARDEN_SECURITY_PROTOCOL must be that of the listener",
    )
