"""Who may call: names, roles and tokens, from a file that holds no token, only their digests.

A token has 256 bits of chance, so that a plain SHA-256 of it tells nothing; there is no default, and no way in without
a file. The file is TOML, one table a token, as `warden tokens create` prints it:

    [[token]]
    name = "lin"
    role = "moderate"
    sha256 = "9f86d0…"
    expires = 2027-01-01T00:00:00Z    # if it shall end by itself
"""

import hmac
import secrets
import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

import msgspec

Role = Literal["read", "moderate", "admin", "feed"]
"""`read` sees everything, `moderate` also decides, `admin` also stops and changes the engine; `feed` posts events and
sees nothing."""

INCLUDES: dict[Role, frozenset[Role]] = {
    "read": frozenset({"read"}),
    "moderate": frozenset({"read", "moderate"}),
    "admin": frozenset({"read", "moderate", "admin"}),
    "feed": frozenset({"feed"}),
}
"""The roles that a role stands for."""

START = "wrd_"
"""What every token begins with, so that scanners for leaked secrets know one."""
MAX_TOKEN = 256
"""Longest text that is looked at as a token, in characters."""


class TokensError(ValueError):
    """A file of tokens cannot be used: what, where, why and what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls. `name` is written into what is decided, `digest` is that of the token."""

    name: str
    role: Role
    digest: bytes

    def may(self, role: Role) -> bool:
        """Whether this role includes another."""
        return role in INCLUDES[self.role]


class _Token(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    role: Role
    sha256: str
    expires: datetime | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    token: list[_Token] = []


@dataclass(frozen=True, slots=True)
class _Entry:
    identity: Identity
    expires: datetime | None


class Tokens:
    """The tokens of a file, as it was when `reload` was last called."""

    def __init__(self, path: Path) -> None:
        """Raises TokensError."""
        self._path = path
        self._stamp: tuple[int, int, int] | None = None
        self._entries: list[_Entry] = []
        self.reload()

    def __len__(self) -> int:
        return len(self._entries)

    def reload(self) -> bool:
        """Reads the file again if it is another one than before; whether it was. Raises TokensError, and then goes on
        with what it had."""
        try:
            status = self._path.stat()
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            if stamp == self._stamp:
                return False
            text = self._path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
            raise TokensError(f"{self._path}: cannot be read: {why}\n    make one: warden tokens create") from None
        self._entries = _read(text, self._path)
        self._stamp = stamp
        return True

    def identify(self, token: str, now: datetime | None = None) -> Identity | None:
        """Who has this token; None for nobody. It takes the same time for every token."""
        if len(token) > MAX_TOKEN:
            return None
        digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
        found: _Entry | None = None
        for entry in self._entries:
            if hmac.compare_digest(entry.identity.digest, digest):
                found = entry
        return None if found is None or _ended(found, now) else found.identity

    def still(self, identity: Identity, now: datetime | None = None) -> bool:
        """Whether the token of an identity is in the file, with the same name and role, and has not ended."""
        return any(entry.identity == identity and not _ended(entry, now) for entry in self._entries)


def new_token() -> str:
    """A token that nobody has."""
    return START + secrets.token_urlsafe(32)


def entry_of(name: str, role: Role, token: str, expires: datetime | None = None) -> str:
    """The table of a token, for the file. Raises ValueError for a name that is empty, long or not one line."""
    if not name or len(name) > 100 or not name.isprintable():
        raise ValueError(f"name {name!r}: one line of 1 to 100 printable characters")
    quoted = msgspec.json.encode(name).decode()  # a JSON string of printable characters is a TOML string
    lines = [
        "[[token]]",
        f"name = {quoted}",
        f'role = "{role}"',
        f'sha256 = "{sha256(token.encode()).hexdigest()}"',
    ]
    if expires is not None:
        lines.append(f"expires = {expires.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}")
    return "\n".join(lines) + "\n"


def _ended(entry: _Entry, now: datetime | None) -> bool:
    return entry.expires is not None and entry.expires <= (now or datetime.now(UTC))


def _read(text: str, path: Path) -> list[_Entry]:
    try:
        file = msgspec.convert(tomllib.loads(text), _File)
    except tomllib.TOMLDecodeError as error:
        raise TokensError(f"{path}: no TOML: {error}") from None
    except msgspec.ValidationError as error:
        roles = ", ".join(get_args(Role))
        hint = f"each [[token]] has name, role ({roles}), sha256, and expires if it shall end"
        raise TokensError(f"{path}: {error}\n    {hint}") from None
    return [_entry(each, path) for each in file.token]


def _entry(token: _Token, path: Path) -> _Entry:
    try:
        digest = bytes.fromhex(token.sha256)
    except ValueError:
        digest = b""
    if len(digest) != sha256().digest_size:
        raise TokensError(f"{path}: token {token.name!r}: sha256 has 64 hexadecimal digits\n    warden tokens create")
    if not token.name or not token.name.isprintable() or len(token.name) > 100:
        raise TokensError(f"{path}: name {token.name!r}: one line of 1 to 100 printable characters")
    expires = token.expires
    if expires is not None and expires.tzinfo is None:
        expires = expires.replace(tzinfo=UTC)
    return _Entry(Identity(token.name, token.role, digest), expires)
