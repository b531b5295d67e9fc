"""An Apache Kafka with TLS and SASL, for tests: a listener for each way in, certificates made for the occasion.

Every secret is made anew each time, so that a test may look for it in all that is said.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from streams.access.settings import Mechanism
from streams.embedded import free_port
from tests.kafka import kerberos
from tests.kafka.broker import JavaBroker, Member, members
from tests.kafka.java import resolve_jars
from tests.kafka.kerberos import Kerberos

HOST = "127.0.0.1"
_OAUTH = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
OFFERED: tuple[Mechanism, ...] = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")

_LOGGING = """
rootLogger.level = warn
rootLogger.appenderRef.said.ref = said
appender.said.type = Console
appender.said.name = said
appender.said.layout.type = PatternLayout
appender.said.layout.pattern = %d %p %m (%c)%n
logger.asked.name = kafka.authorizer.logger
logger.asked.level = debug
logger.asked.additivity = false
logger.asked.appenderRef.asked.ref = asked
appender.asked.type = File
appender.asked.name = asked
appender.asked.fileName = {asked}
appender.asked.layout.type = PatternLayout
appender.asked.layout.pattern = %m%n
"""


@dataclass
class Secured:
    """Folder of certificates, and the port of each listener: `login` SASL_SSL, `mutual` TLS with a client's
    certificate, `expired` TLS whose certificate has, `clear` SASL_PLAINTEXT; and an open one for the tests.

    `user` may do everything; the `others`, who log in with PLAIN and the same password, what they are given rights to.
    """

    folder: Path
    user: str = "moderation"
    others: tuple[str, ...] = (
        "platform", "desk", "duty", "worker", "gateway", "console", "onlooker", "stranger",
    )  # fmt: skip
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    ports: dict[str, int] = field(
        default_factory=lambda: {name: free_port() for name in ("login", "mutual", "expired", "clear")}
    )
    member: Member = field(default_factory=lambda: members(1)[0])
    kerberos: Kerberos | None = None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        authority, other = trustme.CA(), trustme.CA()
        authority.cert_pem.write_to_path(str(self.folder / "ca.pem"))
        other.cert_pem.write_to_path(str(self.folder / "other-ca.pem"))
        past = datetime.now(UTC) - timedelta(days=1)
        self._write("server", authority.issue_cert(HOST))
        self._write("expired", authority.issue_cert(HOST, not_before=past - timedelta(days=9), not_after=past))
        self._write("client", authority.issue_cert("client.example", common_name=self.user))
        self._write("foreign", other.issue_cert("client.example"))
        self.file("password", self.password + "\n")
        self.file("wrong-password", "wrong" + self.password)
        self.file("token", unsecured_token(self.user))

    def _write(self, name: str, certificate: trustme.LeafCert) -> None:
        """The certificate with its chain, the key as PKCS 8, which Java reads, and both in one file."""
        key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
        (self.folder / f"{name}.key").write_bytes(pem)
        (self.folder / f"{name}.pem").write_bytes(chain)
        (self.folder / f"{name}-store.pem").write_bytes(pem + chain)

    def secrets(self) -> list[str]:
        """What may be shown nowhere: the password, and the claims of the token."""
        return [self.password, (self.folder / "token").read_text().split(".")[1]]

    def file(self, name: str, text: str) -> Path:
        """A file of the folder with this text."""
        path = self.folder / name
        path.write_text(text)
        return path

    def broker(self) -> JavaBroker:
        """The broker, not yet started."""
        scram = [f"{mechanism}=[name={self.user},password={self.password}]" for mechanism in OFFERED[1:3]]
        formatting = [part for user in scram for part in ("--add-scram", user)]
        java = [f"-Djava.security.krb5.conf={self.kerberos.config}"] if self.kerberos else []
        java += [f"-Dlog4j2.configurationFile={self.file('log4j2.properties', _LOGGING.format(asked=self.asked))}"]
        return JavaBroker(
            self.folder / "broker",
            resolve_jars(),
            self.member,
            properties=self._properties(),
            formatting=formatting,
            java=java,
        )

    def _properties(self) -> dict[str, str]:
        open_port, controller = self.member.port, self.member.controller_ports[0]
        listeners = {"PLAINTEXT": open_port} | {name.upper(): port for name, port in self.ports.items()}
        advertised = ",".join(f"{name}://{HOST}:{port}" for name, port in listeners.items())
        protocols = (
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOGIN:SASL_SSL,MUTUAL:SSL,EXPIRED:SSL,CLEAR:SASL_PLAINTEXT"
        )
        login, clear = "listener.name.login", "listener.name.clear"
        users = " ".join(f'user_{name}="{self.password}"' for name in (self.user, *self.others))
        plain = f"{_PLAIN} required {users};"
        tickets = self.kerberos.properties(login) if self.kerberos else {}
        return tickets | {
            "listeners": f"{advertised},CONTROLLER://{HOST}:{controller}",
            "advertised.listeners": advertised,
            "listener.security.protocol.map": f"{protocols},CLEAR:SASL_PLAINTEXT",
            **_keystore(login, self.folder / "server-store.pem"),
            **_keystore("listener.name.mutual", self.folder / "server-store.pem"),
            **_keystore("listener.name.expired", self.folder / "expired-store.pem"),
            "listener.name.mutual.ssl.client.auth": "required",
            "listener.name.mutual.ssl.truststore.type": "PEM",
            "listener.name.mutual.ssl.truststore.location": str(self.folder / "ca.pem"),
            f"{login}.sasl.enabled.mechanisms": ",".join([*OFFERED, *(["GSSAPI"] if self.kerberos else [])]),
            f"{login}.plain.sasl.jaas.config": plain,
            f"{login}.scram-sha-256.sasl.jaas.config": f"{_SCRAM} required;",
            f"{login}.scram-sha-512.sasl.jaas.config": f"{_SCRAM} required;",
            f"{login}.oauthbearer.sasl.jaas.config": f'{_OAUTH} required unsecuredLoginStringClaim_sub="broker";',
            f"{clear}.sasl.enabled.mechanisms": "PLAIN",
            f"{clear}.plain.sasl.jaas.config": plain,
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": f"User:ANONYMOUS;User:{self.user};User:CN={self.user}",
            "ssl.principal.mapping.rules": "RULE:^.*CN=([^,]+).*$/CN=$1/,DEFAULT",
        }

    @property
    def asked(self) -> Path:
        """The broker's log of rights: a line for each that was asked for, granted or not."""
        return self.folder / "asked.log"

    @property
    def member_address(self) -> str:
        """host:port of the listener without TLS and login: the tests' own."""
        return f"{HOST}:{self.member.port}"

    def address(self, listener: str = "login", host: str = HOST) -> str:
        """host:port of a listener."""
        return f"{host}:{self.ports[listener]}"

    def given(self, way: str, **changed: Any) -> dict[str, Any]:
        """Settings for a way in: a SASL mechanism (over TLS), or "mutual" TLS; `changed` over them."""
        values: dict[str, Any] = {
            "bootstrap": self.address("mutual" if way == "mutual" else "login"),
            "security_protocol": "SSL" if way == "mutual" else "SASL_SSL",
            "tls_ca_file": self.folder / "ca.pem",
        }
        if way == "mutual":
            values |= {"tls_cert_file": self.folder / "client.pem", "tls_key_file": self.folder / "client.key"}
        elif way == "GSSAPI":
            values |= {"sasl_mechanism": way, "sasl_kerberos_host": kerberos.HOST}
        elif way == "OAUTHBEARER":
            values |= {"sasl_mechanism": way, "sasl_token_file": self.folder / "token"}
        else:
            values |= {"sasl_mechanism": way, "sasl_user": self.user, "sasl_password_file": self.folder / "password"}
        return values | changed


def unsecured_token(user: str, *, lives_s: float = 3600.0) -> str:
    """A JWT without signature (RFC 7519, section 6), as Kafka takes it where no validator is set: for tests only."""
    now = time.time()
    parts = ({"alg": "none"}, {"sub": user, "iat": now - 60, "exp": now + lives_s})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, ""])


def _keystore(listener: str, path: Path) -> dict[str, str]:
    return {f"{listener}.ssl.keystore.type": "PEM", f"{listener}.ssl.keystore.location": str(path)}
