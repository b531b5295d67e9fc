"""The settings of access to Kafka: where it is, how the connection is protected, and as whom.

Secrets come from files or from the environment, never from the command line or the TOML file. `SecretStr` keeps the
one that may be a variable, the password, out of everything that is printed.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, model_validator

from streams.loopback import is_loopback
from streams.setting_fields import setting

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI", "OAUTHBEARER"]

READABLE_ON_THE_WAY: frozenset[Mechanism] = frozenset({"PLAIN", "OAUTHBEARER"})
"""Mechanisms that send the password or the token itself."""
WITH_PASSWORD: frozenset[Mechanism] = frozenset({"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"})
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+):(\d{1,5})")


def _addresses(text: str) -> str:
    for part in text.split(","):
        match = _ADDRESS.fullmatch(part)
        if match is None or not 0 < int(match[2]) < 65536:
            raise ValueError(f"{part!r} is no address: write host:port, and commas between several")
    return text


def _readable(path: Path | None) -> Path | None:
    if path is not None and not path.is_file():
        raise ValueError("there is no such file")
    if path is not None and not os.access(path, os.R_OK):
        raise ValueError("this user may not read the file")
    return path


File = Annotated[Path | None, AfterValidator(_readable)]


class AccessSettings(BaseModel):
    """Where Kafka is and how to get in: a part of `streams.settings.Settings`."""

    model_config = ConfigDict(frozen=True, validate_default=True)

    bootstrap: Annotated[str, AfterValidator(_addresses)] = setting(
        "localhost:9092", "kafka", "Kafka brokers to start from: host:port, commas between several"
    )
    security_protocol: Protocol = setting(
        "PLAINTEXT", "access", "how connections to Kafka are protected: TLS with SSL and SASL_SSL, a login with SASL_*"
    )
    tls_ca_file: File = setting(
        None, "access", "PEM file of the authorities that sign the brokers' certificates; the system's by default"
    )
    tls_cert_file: File = setting(None, "access", "PEM file of this client's certificate, with its chain")
    tls_key_file: File = setting(None, "access", "PEM file of that certificate's private key")
    tls_key_password_file: File = setting(None, "access", "file that holds the password of that key, if it has one")
    sasl_mechanism: Mechanism | None = setting(
        None, "access", "how to log in with SASL_*: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, GSSAPI or OAUTHBEARER"
    )
    sasl_user: str | None = setting(None, "access", "user of PLAIN and SCRAM", min_length=1, max_length=255)
    sasl_password: SecretStr | None = setting(
        None, "access", "the user's password: a variable only, never in a TOML file; sasl_password_file is safer"
    )
    sasl_password_file: File = setting(None, "access", "file that holds the user's password; a last newline is dropped")
    sasl_token_file: Path | None = setting(
        None, "access", "file that holds the token of OAUTHBEARER; read anew for every connection"
    )
    sasl_kerberos_service: str = setting(
        "kafka", "access", "GSSAPI: the brokers' service name", pattern=r"^[A-Za-z0-9._-]+$", max_length=255
    )
    sasl_kerberos_host: str | None = setting(
        None,
        "access",
        "GSSAPI: host name in the brokers' principal; by default that of the address",
        pattern=r"^[A-Za-z0-9._-]+$",
        max_length=255,
    )

    @model_validator(mode="after")
    def _usable(self) -> "AccessSettings":
        problems = [*self._tls_problems(), *self._login_problems()]
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _tls_problems(self) -> list[str]:
        given = self._given("tls_ca_file", "tls_cert_file", "tls_key_file", "tls_key_password_file")
        if given and self.security_protocol not in {"SSL", "SASL_SSL"}:
            hint = "set security_protocol to SSL or SASL_SSL, or leave it out"
            return [f"{given[0]} is set, and security_protocol {self.security_protocol} has no TLS\n    {hint}"]
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            return ["tls_cert_file and tls_key_file go together: a certificate is used with its key\n    set both"]
        return []

    def _login_problems(self) -> list[str]:
        given = self._given("sasl_mechanism", "sasl_user", "sasl_password", "sasl_password_file", "sasl_token_file")
        if not self.security_protocol.startswith("SASL_"):
            hint = "set security_protocol to SASL_SSL, or leave it out"
            why = f"is set, and security_protocol {self.security_protocol} has no login"
            return [f"{name} {why}\n    {hint}" for name in given[:1]]
        if self.sasl_mechanism is None:
            return [f"security_protocol {self.security_protocol} needs sasl_mechanism\n    ask who runs the brokers"]
        return [*self._missing(self.sasl_mechanism), *self._exposed(self.sasl_mechanism)]

    def _missing(self, mechanism: Mechanism) -> list[str]:
        if mechanism in WITH_PASSWORD:
            if self.sasl_user is None:
                return [f"sasl_mechanism {mechanism} needs sasl_user"]
            given = self._given("sasl_password", "sasl_password_file")
            if len(given) != 1:
                how = "both are set" if given else "neither is set"
                return [f"sasl_mechanism {mechanism} needs one of sasl_password_file and sasl_password: {how}"]
        elif mechanism == "OAUTHBEARER" and self.sasl_token_file is None:
            return ["sasl_mechanism OAUTHBEARER needs sasl_token_file"]
        return []

    def _exposed(self, mechanism: Mechanism) -> list[str]:
        hosts = [address.rpartition(":")[0] for address in self.bootstrap.split(",")]
        if self.security_protocol == "SASL_SSL" or mechanism not in READABLE_ON_THE_WAY or all(map(is_loopback, hosts)):
            return []
        return [
            f"SASL_PLAINTEXT with {mechanism} shows the secret to everybody on the way to {self.bootstrap}\n"
            "    use SASL_SSL, or SCRAM, which never sends the password"
        ]

    def _given(self, *names: str) -> list[str]:
        return [name for name in names if getattr(self, name) is not None]
