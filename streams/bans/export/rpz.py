"""A response policy zone: resolvers that load it answer for a banned domain, and all below it, with NXDOMAIN, or with
the host that explains. Zone files: RFC 1035; the format: draft-vixie-dnsop-dns-rpz; serials: RFC 1982.
"""

import re
import time
from collections.abc import Callable, Collection
from pathlib import Path

from rules.decisions import Action
from streams.bans.export.atomic import write_if_changed
from streams.bans.export.files import FileTarget
from streams.bans.export.names import domain_in, held, kind_or_none
from streams.bans.export.targets import ExportError, Published, Snapshot
from streams.bans.table import ACTIONS

_SERIALS = 1 << 32
_SERIAL = re.compile(rb"^@ SOA \S+ \S+ (\d{1,10}) ", re.MULTILINE)
_MAX_NAME = 253


class RpzZone(FileTarget):
    """A zone file. `zone`: the zone's name, as the resolver is told it; a domain that does not fit in front of it is
    left out. `redirect`: a host to answer with, instead of NXDOMAIN. `ttl_s`: how long answers are kept, in seconds.

    Raises ValueError when `zone` or `redirect` is no host name.
    """

    def __init__(
        self,
        path: Path,
        *,
        zone: str = "rpz.local",
        redirect: str | None = None,
        ttl_s: int = 60,
        actions: Collection[Action] = ACTIONS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        for name in (zone, redirect):
            if name is not None and domain_in(f"domain:{name}") is None:
                raise ValueError(f"{name!r} is no host name: write it like rpz.example.com, without a dot at the end")
        self._path, self._zone, self._ttl_s, self._actions = path, zone, ttl_s, frozenset(actions)
        self._answer = "." if redirect is None else f"{redirect}."
        self._clock = clock

    def wants(self, subject: str) -> bool:
        """Domains."""
        return kind_or_none(subject) == "domain"

    def publish(self, snapshot: Snapshot) -> Published:
        """Writes the file, with a serial above its last, when anything but the serial differs. Raises ExportError."""
        names: list[str] = []
        now, skipped = snapshot.at.timestamp(), 0
        for subject, ban in snapshot.bans.items():
            if held(ban, now, self._actions):
                name = domain_in(subject)
                if name is None or len(f"*.{name}.{self._zone}") > _MAX_NAME:
                    skipped += 1
                else:
                    names.append(name)
        names.sort()
        try:
            serial = self._serial()
            if serial is not None and not _differs(self._path, self._content(names, serial)):
                return Published(len(names), skipped, False)
            write_if_changed(self._path, self._content(names, next_serial(serial, self._clock())))
        except OSError as error:
            raise ExportError(f"{self._path}: cannot be written: {error.strerror}") from error
        return Published(len(names), skipped, True)

    def _serial(self) -> int | None:
        """The serial of the file that is there; None without one."""
        try:
            with self._path.open("rb") as file:
                found = _SERIAL.search(file.read(4096))
        except FileNotFoundError:
            return None
        return int(found[1]) % _SERIALS if found else None

    def _content(self, names: list[str], serial: int) -> bytes:
        lines = [
            f"; Written by `warden bans export` for the response policy zone {self._zone}",
            f"$ORIGIN {self._zone}.",
            f"$TTL {self._ttl_s}",
            f"@ SOA localhost. hostmaster.localhost. {serial} 60 30 604800 {self._ttl_s}",
            "@ NS localhost.",
        ]
        for name in names:
            lines += [f"{name} CNAME {self._answer}", f"*.{name} CNAME {self._answer}"]
        return "\n".join([*lines, ""]).encode("ascii")


def _differs(path: Path, content: bytes) -> bool:
    """Whether the file at `path` is not `content` already."""
    return path.stat().st_size != len(content) or path.read_bytes() != content


def next_serial(last: int | None, now: float) -> int:
    """The time in seconds, or one more than the last serial where that is ahead; never 0, which some servers take for
    none. Compared as RFC 1982 says, so it goes on growing past 32 bits."""
    serial = int(now) % _SERIALS
    if last is not None and not 0 < (serial - last) % _SERIALS < _SERIALS // 2:
        serial = (last + 1) % _SERIALS
    return serial or 1
