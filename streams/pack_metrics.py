"""What a worker tells Prometheus about packs: which it judges by, what it refused, and how a shadow pack differs."""

from collections.abc import Iterable, Mapping
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge

Agreement = Literal["both", "live", "shadow"]
"""Who found a rule's violations in an event: both packs, or only one."""


class PackMetrics:
    """The metrics about packs. Labels come from packs alone."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._packs = Gauge(
            "warden_pack_info", "1 for each pack that this worker judges by.", ["role", "pack"], registry=registry
        )
        self._offset = Gauge(
            "warden_packs_offset",
            "Offset in packs of the activation that is in force in this worker; -1 for the pack of its settings.",
            registry=registry,
        )
        self._offset.set(-1)
        self._behind = Gauge(
            "warden_packs_refused",
            "1 while the newest activation cannot be used, so that this worker keeps the one before.",
            registry=registry,
        )
        self._shadow = Counter(
            "warden_shadow_pack_hits",
            "Events in which a rule hit while a shadow pack judged too, by the packs that found it.",
            ["rule", "found_by"],
            registry=registry,
        )

    def in_force(self, offset: int, packs: Iterable[tuple[str, str]]) -> None:
        """What is in force: (role, label) of each pack."""
        self._packs.clear()
        for role, label in packs:
            self._packs.labels(role, label).set(1)
        self._offset.set(offset)
        self._behind.set(0)

    def refused(self) -> None:
        """The newest activation cannot be used."""
        self._behind.set(1)

    def compared(self, found: Mapping[tuple[str, Agreement], int]) -> None:
        """Events by rule, and by who found it."""
        for (rule, by), number in found.items():
            self._shadow.labels(rule, by).inc(number)
