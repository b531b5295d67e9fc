"""Names of a scenario's own, so that all scenarios can run in one engine, or on one worker, and not meet.

Accounts and applications get an ending, hosts below `.example` one in their registrable part, links to other hosts a
query; addresses of 203.0.113.0/24, which a document may use (RFC 5737), are moved to a network of the scenario's own.
Texts stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, ClassVar

from rules.links import parse_link

_HOST = re.compile(r"([a-z0-9-]+)\.example(?![a-z0-9.-])")
_ADDRESS = re.compile(r"(?<![0-9.])203\.0\.113\.(\d{1,3})(?![0-9.])")
_TAG = re.compile(r"sc(\d{4})(?!\d)")
_OWN_ADDRESS = re.compile(r"(?:ip:|link:https?://)10\.(\d+)\.(\d+)\.\d+")
_NETWORKS = 250


class Names:
    """The names of the scenario with a number."""

    def __init__(self, number: int) -> None:
        self._tag = f"sc{number:04}"
        self._network = f"10.{number // _NETWORKS}.{number % _NETWORKS}."

    def account(self, name: str) -> str:
        """An account, or an application."""
        return f"{name}.{self._tag}"

    def host(self, name: str) -> str:
        """A host; one that is neither below `.example` nor an address stays what it is."""
        return _ADDRESS.sub(self._network + r"\1", _HOST.sub(rf"\1-{self._tag}.example", name))

    def url(self, url: str) -> str:
        """A link."""
        renamed = self.host(url)
        return renamed if renamed != url else f"{url}{'&' if '?' in url else '?'}{self._tag}"

    def subject(self, subject: str) -> str:
        """`kind:name` as the engine has it: a link in its canonical form."""
        kind, _, name = subject.partition(":")
        match kind:
            case "link":
                link = parse_link(self.url(name))
                return f"link:{link.href if link else self.url(name)}"
            case "account" | "app":
                return f"{kind}:{self.account(name)}"
            case _:
                return f"{kind}:{self.host(name)}"

    def fields(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The fields of an event."""
        return {name: self._field(name, value) for name, value in fields.items()}

    def written(self, subject: str) -> str:
        """A subject as the scenario's file writes it."""
        plain = subject.replace(f"-{self._tag}", "").replace(self._network, "203.0.113.")
        return re.sub(rf"[.?&]{self._tag}$", "", plain)

    def _field(self, name: str, value: Any) -> Any:
        if name == "page":
            return self.fields(value)
        rename = self._RENAMES.get(name)
        if rename is None:
            return value
        return [rename(self, each) for each in value] if isinstance(value, list) else rename(self, value)

    _RENAMES: ClassVar[dict[str, Callable[[Names, str], str]]] = {
        **dict.fromkeys(("account", "app", "copied_from", "reporter", "promotes"), account),
        **dict.fromkeys(("url", "final_url", "links", "redirects"), url),
        "ip": host,
        "subject": subject,
    }


def owner(subject: str) -> int | None:
    """The number of the scenario that a subject belongs to; None for one that belongs to none."""
    if address := _OWN_ADDRESS.match(subject):
        return int(address[1]) * _NETWORKS + int(address[2])
    tag = _TAG.search(subject)
    return int(tag[1]) if tag else None
