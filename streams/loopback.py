"""Whether an address is this machine: what is sent there, nobody on the way can read."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Whether a host name or address (IPv6 also in brackets) is this machine by its spelling."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
