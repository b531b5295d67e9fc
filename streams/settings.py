"""Settings: each typed, with a default, from the environment or a TOML file.

`load_settings` is the one way in: a value given on the command line beats the environment variable
(`WARDEN_` and the name), which beats the file, which beats the default. The file is the one named by
`--config` or `WARDEN_CONFIG`, else `warden.toml` in the current folder if there is one; its keys are the names
below, and a key that is none of them is an error. `Settings()` itself reads nothing: it takes what it is given.
One setting is a secret, `sasl_password`: it is never shown, and a TOML file may not hold it.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from rules.events import MAX_EVENT_BYTES
from rules.packs import SHIPPED
from rules.packs.source import did_you_mean
from streams.access.settings import AccessSettings
from streams.plausible import AHEAD_S, LATE_DAYS
from streams.setting_fields import Group
from streams.setting_fields import setting as _setting

PREFIX = "WARDEN_"
CONFIG_VARIABLE = "WARDEN_CONFIG"
DEFAULT_FILE = "warden.toml"
_MAX_SHOWN = 100
_FOLDERS = ("pack", "lexicons", "data_dir")
_FILES = (
    "http_tokens_file",
    "http_tls_cert_file",
    "http_tls_key_file",
    "http_worker_token_file",
    *(name for name in AccessSettings.model_fields if name.endswith("_file")),
)


class SettingsError(ValueError):
    """The settings cannot be used; the message has, for each problem, what, where, why and what to do."""


Topic = r"^[A-Za-z0-9._-]*$"
Compression = Literal["none", "gzip", "snappy", "lz4", "zstd"]
Store = Literal["memory://", "rocksdb://"]


class Settings(AccessSettings, BaseSettings):
    """Everything an operator may choose. `_s`: seconds, `_ms`: milliseconds, `_hours`: hours, `_bytes`: bytes."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        extra="forbid",
        frozen=True,
        validate_default=True,
        env_ignore_empty=True,
        hide_input_in_errors=True,  # it would show the password
    )

    pack: Path = _setting(SHIPPED, "policy", "folder of the policy pack")
    lexicons: Path | None = _setting(
        None, "policy", "folder of the operator's word lists, <lexicon>.txt, .csv or .yaml; none by default"
    )

    app_id: str = _setting(
        "streamwarden",
        "kafka",
        "name of the consumer group, and start of the names of the changelog topics",
        pattern=r"^[A-Za-z0-9._-]+$",
        max_length=100,
    )
    session_timeout_s: float = _setting(
        10.0, "kafka", "how long a killed worker's partitions stand still, in seconds", ge=1, le=1800
    )
    commit_interval_s: float = _setting(
        1.0, "kafka", "how often positions are committed, in seconds: so much is read again after a crash", gt=0, le=600
    )
    request_timeout_s: float = _setting(
        60.0, "kafka", "how long a worker waits for an acknowledgement before it gives up, in seconds", ge=1, le=3600
    )
    max_ahead_s: float = _setting(
        AHEAD_S, "worker", "how far ahead of the clock an event's time may be, in seconds; more is a dead letter", ge=0
    )
    max_late_days: int = _setting(
        LATE_DAYS, "worker", "how long ago an event's time may be, in days; more is a dead letter", ge=1, le=36500
    )
    compression: Compression = _setting("zstd", "kafka", "compression of what is produced; lz4 costs most")

    topic_prefix: str = _setting("", "topics", "start of every topic's name", pattern=Topic, max_length=100)
    partitions: int = _setting(
        8,
        "topics",
        "partitions of every topic but controls, which has one; cannot change while an app_id has state",
        ge=1,
        le=10_000,
    )
    replication: int = _setting(1, "topics", "copies of every topic, changelogs included", ge=1, le=32)
    min_insync_replicas: int = _setting(
        1, "topics", "copies that must have a record before it counts as written", ge=1, le=32
    )
    retention_input_hours: int = _setting(
        168, "topics", "how long posts, shares, mass_sends, reports and appeals stay, in hours; 0: for good", ge=0
    )
    retention_sightings_hours: int = _setting(
        48, "topics", "how long sightings stay, in hours: longer than workers may be down; 0: for good", ge=0
    )
    retention_output_hours: int = _setting(
        2160, "topics", "how long violations, enforcements and reviews stay, in hours; 0: for good", ge=0
    )
    retention_dead_letters_hours: int = _setting(
        720, "topics", "how long dead letters stay, in hours; 0: for good", ge=0
    )
    max_record_bytes: int = _setting(
        12_000_000,
        "topics",
        f"largest record the input topics take, in bytes; one past {MAX_EVENT_BYTES:,} becomes a dead letter",
        ge=MAX_EVENT_BYTES + 100_000,
        le=90_000_000,  # Kafka refuses requests past 100 MiB (socket.request.max.bytes)
    )

    store: Store = _setting("memory://", "worker", "where workers keep state; the changelogs in Kafka hold it all")
    data_dir: Path = _setting(Path("streamwarden-data"), "worker", "folder of rocksdb:// state")
    max_batch_records: int = _setting(
        4096, "worker", "most records judged at once; 4096 are about 40 ms of work", ge=1, le=100_000
    )
    max_fetch_bytes: int = _setting(
        1 << 20, "worker", "most of one partition in one fetch, in bytes; a larger record still comes, alone", ge=1024
    )
    merge_wait_ms: float = _setting(
        25.0, "worker", "wait for a topic that was at its end, to keep the order across topics, in ms", ge=0, le=60_000
    )
    merge_behind_wait_ms: float = _setting(
        500.0, "worker", "the same wait for a topic that is known to have more records, in ms", ge=0, le=60_000
    )

    web_host: str = _setting(
        "127.0.0.1", "web", "address that serves /metrics, /healthz and /readyz", min_length=1, max_length=255
    )
    web_port: int = _setting(
        6066, "web", "port of the same; a supervisor counts up from it, one a worker; 0: a free one", ge=0, le=65535
    )
    web_advertised_host: str = _setting(
        "",
        "web",
        "name or address by which `warden serve` reaches this worker; by default the web host, or this machine's name "
        "where that is all addresses",
        max_length=255,
    )

    http_host: str = _setting("127.0.0.1", "http", "address of `warden serve`", min_length=1, max_length=255)
    http_port: int = _setting(6070, "http", "port of `warden serve`; 0: a free one", ge=0, le=65535)
    http_tokens_file: Path | None = _setting(
        None, "http", "TOML file of who may call `warden serve`, and see subjects in workers; see warden tokens create"
    )
    http_tls_cert_file: Path | None = _setting(
        None, "http", "PEM file of the certificate of `warden serve`, with those between it and its authority"
    )
    http_tls_key_file: Path | None = _setting(None, "http", "PEM file of that certificate's key")
    http_behind_proxy: bool = _setting(
        False,
        "http",
        "a proxy with TLS is all that reaches `warden serve`: it may listen elsewhere than on loopback without TLS of "
        "its own, and believes X-Forwarded-For and X-Forwarded-Proto",
    )
    http_worker_token_file: Path | None = _setting(
        None,
        "http",
        "file with a token of the role read, by which `warden serve` asks workers for the subjects they hold; without "
        "one its pages show what the topics tell",
    )
    journal_hours: float = _setting(
        168.0, "http", "how far back the journal of `warden serve` goes, in hours", gt=0, le=87_600
    )
    journal_max_bytes: int = _setting(
        2 << 30, "http", "most that the journal holds besides the ban list, in bytes; the oldest goes first", ge=1 << 20
    )

    log_level: Literal["debug", "info", "warning", "error"] = _setting("info", "log", "least severe message shown")
    log_format: Literal["text", "json"] = _setting("text", "log", "lines for people, or one JSON object a line")

    _sources: dict[str, str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> "Settings":
        if self.min_insync_replicas > self.replication:
            raise ValueError(
                f"min_insync_replicas ({self.min_insync_replicas}) is larger than replication ({self.replication}): "
                "nothing could be written"
            )
        if (self.http_tls_cert_file is None) != (self.http_tls_key_file is None):
            raise ValueError("http_tls_cert_file and http_tls_key_file: one without the other is of no use")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given: `load_settings` reads the environment and the file, and keeps account of them."""
        return (init_settings,)

    def source_of(self, name: str) -> str:
        """Where the value of `name` comes from: "default", "command line", a variable, or `file: key`."""
        return self._sources.get(name, "default")


@dataclass(frozen=True, slots=True)
class Listed:
    """One setting as `warden settings` shows it; values as they are written in the environment."""

    name: str
    variable: str
    group: str
    description: str
    default: str
    value: str
    source: str


def load_settings(config: Path | None = None, /, **given: object) -> Settings:
    """The settings of this process. `config` names the TOML file; values of `given` that are None do not count.

    Relative paths in the file are relative to the file, others to the current folder. Raises SettingsError.
    """
    values: dict[str, object] = {}
    sources: dict[str, str] = {}
    path = _config_path(config)
    if path is not None:
        from_file = _read_file(path)
        values.update(from_file)
        sources.update({name: f"{path}: {name}" for name in from_file})
    from_environment = EnvSettingsSource(Settings)()
    values.update(from_environment)
    sources.update({name: _variable(name) for name in from_environment})
    for name, value in given.items():
        if value is not None:
            values[name] = value
            sources[name] = "command line"
    try:
        settings = Settings(**values)  # type: ignore[arg-type]
    except ValidationError as error:
        raise SettingsError("\n".join(_explained(problem, sources) for problem in error.errors())) from None
    settings._sources.update(sources)
    return settings


def list_settings(settings: Settings) -> list[Listed]:
    """Every setting, in the order of the groups. A secret's value is asterisks."""
    groups = get_args(Group)
    fields = sorted(Settings.model_fields.items(), key=lambda item: groups.index(_group(item[1])))
    return [
        Listed(
            name=name,
            variable=_variable(name),
            group=_group(field),
            description=field.description or "",
            default=_shown(field.default),
            value=_shown(getattr(settings, name)),
            source=settings.source_of(name),
        )
        for name, field in fields
    ]


def unknown_variables(environment: Mapping[str, str] = os.environ) -> list[tuple[str, str]]:
    """(variable, hint) of each `WARDEN_*` variable that names no setting, and so has no effect."""
    known = [CONFIG_VARIABLE, *(_variable(name) for name in Settings.model_fields)]
    return [
        (name, did_you_mean(name, known))
        for name in sorted(environment)
        if name.startswith(PREFIX) and name not in known
    ]


def _config_path(config: Path | None) -> Path | None:
    """The file to read, None for none. Raises SettingsError when one is named and is not there."""
    named, origin = config, "--config"
    if named is None and os.environ.get(CONFIG_VARIABLE):
        named, origin = Path(os.environ[CONFIG_VARIABLE]), CONFIG_VARIABLE
    if named is None:
        return Path(DEFAULT_FILE) if Path(DEFAULT_FILE).is_file() else None
    if not named.is_file():
        raise SettingsError(f"{origin}={named}: there is no such file\n    name a TOML file, or leave it out")
    return named


def _read_file(path: Path) -> dict[str, object]:
    try:
        values: dict[str, object] = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: no TOML: {error}\n    write lines of `name = value`, texts in quotes") from None
    unknown = [name for name in values if name not in Settings.model_fields]
    if unknown:
        hints = (f"{path}: unknown key {name!r}\n    {did_you_mean(name, Settings.model_fields)}" for name in unknown)
        raise SettingsError("\n".join(hints))
    secrets = [name for name in values if _is_secret(name)]
    if secrets:
        hint = f"give it as {_variable(secrets[0])}, or better name a file: {secrets[0]}_file"
        raise SettingsError(f"{path}: {secrets[0]} is a secret, and others read this file\n    {hint}")
    for name in (*_FOLDERS, *_FILES):
        if isinstance(value := values.get(name), str):
            values[name] = path.parent / value
    return values


def _explained(problem: ErrorDetails, sources: Mapping[str, str]) -> str:
    """One problem for a person: where it was set, what is wrong, and what would be right."""
    if not problem["loc"]:
        return problem["msg"].removeprefix("Value error, ")
    name = str(problem["loc"][0])
    if name not in Settings.model_fields:
        return f"unknown setting {name!r}\n    {did_you_mean(name, Settings.model_fields)}"
    field = Settings.model_fields[name]
    place = sources.get(name, "default")
    why = problem["msg"].removeprefix("Value error, ").replace("Input should", "should", 1)
    hint = f"{name}: {field.description}. Default: {_shown(field.default) or 'none'}"
    value = "(not shown)" if _is_secret(name) else _bounded(repr(problem["input"]))
    return f"{place} = {value}: {why}\n    {hint}"


def _is_secret(name: str) -> bool:
    return SecretStr in get_args(Settings.model_fields[name].annotation)


def _shown(value: object) -> str:
    return "" if value is None else str(value)


def _bounded(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"


def _variable(name: str) -> str:
    return PREFIX + name.upper()


def _group(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra.get("group", "")) if isinstance(extra, dict) else ""
