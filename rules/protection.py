"""Whom no sanction lands on by itself: what many share, and what many follow. A person decides instead.

* **Domains**: those of hosts on a protected list, of whatever stands below them, and of whatever they stand below
  (a block of the domain would hit them); public suffixes (`com.cn`, `github.io`), under which anybody has a name; and
  hosts that customers share. A customer's own name below a shared host (`evil.github.io`) is not protected where the
  public suffix list knows it as a domain.
* **Addresses**: those on a protected list, and those in protected networks: of a CDN, an address is everybody's.
* **Accounts**: those named, those that many follow, and those whose mass send went to many.
* **Links are never protected**, wherever they lead: stopping one link takes nothing from anybody else.
* **Applications** neither: they are their owner's alone.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from rules.decisions import SubjectKind, Violation
from rules.links import Host, host_of, public_suffix
from rules.packs.model import HostList, Pack


class Protection:
    """What a pack protects. Keeps nothing of what it is asked."""

    def __init__(self, pack: Pack) -> None:
        self._protected = pack.limits.protected
        named = set(self._protected.hosts)
        self._listed: dict[str, str] = {}
        """Host of a protected list -> the list."""
        self._shared: dict[str, str] = {}
        """Host of a shared list -> the list."""
        self._holding: dict[str, tuple[str, str]] = {}
        """Domain, or address, of a host of either -> the host, and its list."""
        self._networks: dict[tuple[int, int], dict[int, IPv4Network | IPv6Network]] = {}
        """(IP version, bits that may vary) -> the other bits -> the network."""
        for network in self._protected.networks:
            varying = network.max_prefixlen - network.prefixlen
            same = self._networks.setdefault((network.version, varying), {})
            same[int(network.network_address) >> varying] = network
        for hosts in pack.lists.values():
            if hosts.protected or hosts.name in named:
                self._add(hosts, self._listed)
            elif hosts.shared:
                self._add(hosts, self._shared)

    def reason(self, subject: str, violation: Violation) -> str | None:
        """Why a sanction on `subject` for `violation` has to wait for a person, in a line; None when it has not to."""
        kind, _, key = subject.partition(":")
        match kind:
            case "domain":
                return self._domain(key)
            case "ip":
                return self._address(key)
            case "account":
                return self._account(key, violation)
            case _:
                return None

    def covers(self, host: Host) -> bool:
        """Whether a host's domain, or its address, is protected."""
        return (self._address(host.domain) if host.is_ip else self._domain(host.domain)) is not None

    def shared(self, subjects: Iterable[tuple[SubjectKind, str]]) -> frozenset[str]:
        """Those of (kind, subject) whose domain or address is protected."""
        return frozenset(
            subject
            for kind, subject in subjects
            if (kind == "domain" and self._domain(subject[7:]) is not None)
            or (kind == "ip" and self._address(subject[3:]) is not None)
        )

    def _add(self, hosts: HostList, to: dict[str, str]) -> None:
        for name in sorted(hosts.hosts):
            to.setdefault(name, hosts.name)
            self._holding.setdefault(host_of(name).domain, (name, hosts.name))

    def _domain(self, key: str) -> str | None:
        if (found := self._holding.get(key)) is not None:
            return _listed(key, *found)
        for above in _above(key):
            if above in self._shared:  # the key is a customer's own name
                break
            if above in self._listed:
                return f"{key} is below {above}, which is on the list {self._listed[above]}"
        if "." not in key or public_suffix(key) == key:
            return f"{key} is a public suffix"
        return None

    def _address(self, key: str) -> str | None:
        if (found := self._holding.get(key)) is not None:
            return _listed(key, *found)
        try:
            address = ip_address(key)
        except ValueError:
            return None
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        bits = int(address)
        for (version, varying), networks in self._networks.items():
            if version == address.version and (network := networks.get(bits >> varying)) is not None:
                return f"{key} is in the protected network {network}"
        return None

    def _account(self, key: str, violation: Violation) -> str | None:
        limits = self._protected
        if key in limits.accounts:
            return "the account is protected by name"
        if limits.followers is not None and violation.followers >= limits.followers:
            return f"the account has {violation.followers} followers"
        if limits.recipients is not None and violation.recipients >= limits.recipients:
            return f"the account sent to {violation.recipients} recipients at once"
        return None


def _listed(key: str, name: str, hosts: str) -> str:
    if name in {key, f"[{key}]"}:
        return f"{key} is on the list {hosts}"
    return f"{key} holds {name}, which is on the list {hosts}"


def _above(name: str) -> Iterator[str]:
    """The names that `name` stands below, the nearest first."""
    at = name.find(".")
    while at != -1:
        yield name[at + 1 :]
        at = name.find(".", at + 1)
