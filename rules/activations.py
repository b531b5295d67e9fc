"""Activations: which packs are in force, as a function of a log of records. Pure.

Each record puts a pack in force for everybody (`live`), for a percentage of accounts (`canary`), or beside the live one
without effect (`shadow`), or takes the newest of these back (`rollback`). What stands after a record is named by the
record's position in the log, and never changes: to judge an event as it was judged, that number is enough.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Literal

import msgspec

from rules.controls import MAX_WHY
from rules.decisions import content_id
from rules.events import Name, Time

CONFIGURED = -1
"""The position before all records: each worker judges with the pack of its settings."""
_BUCKETS = 10_000

Activates = Literal["live", "canary", "shadow", "rollback"]


class Activation(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="activation"):
    """Somebody puts a pack in force, or takes that back.

    pack:    digest of the pack's archive; label: `name@version` as decisions cite it. Of a rollback, what it leads to:
             both are empty for the pack of the settings.
    percent: of accounts, for a canary.
    of:      for a rollback, the position that it takes back: one that came in between is not taken back unseen.
    """

    id: Name
    do: Activates
    pack: Annotated[str, msgspec.Meta(pattern=r"^([0-9a-f]{32})?$(?!\n)")]
    label: Annotated[str, msgspec.Meta(max_length=1_000)]
    by: Name
    why: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_WHY)]
    time: Time
    percent: Annotated[float, msgspec.Meta(gt=0, le=100)] | None = None
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Which packs are in force, by digest. `at`: the position of the record that made it so.

    live: empty for the pack of the settings. canary: instead of `live` for `percent` of all accounts; shadow: judges
    beside it, without effect; both are empty for none.
    """

    at: int = CONFIGURED
    live: str = ""
    canary: str = ""
    percent: float = 0.0
    shadow: str = ""

    @property
    def packs(self) -> tuple[str, ...]:
        """The digests that are needed to judge, the live one first."""
        return (self.live, *dict.fromkeys(each for each in (self.canary, self.shadow) if each and each != self.live))


class ActivationLog:
    """The records in their order, and what stands after each."""

    def __init__(self) -> None:
        self.records: list[tuple[int, Activation]] = []
        self.newest = Standing()
        self.standings = {CONFIGURED: self.newest}
        """Position -> what stands from there on."""
        self._ids: set[str] = set()
        self._before = {CONFIGURED: CONFIGURED}
        """Position -> the one whose standing a rollback of it leads to."""

    def add(self, position: int, record: Activation) -> str:
        """Takes in the record at `position`; returns why it changes nothing, empty when it does."""
        if record.id in self._ids:
            return "it is a repeat"
        old = self.newest
        match record.do:
            case "live":
                new, before = Standing(position, record.pack), old.at
            case "canary":
                if record.percent is None:
                    return "a canary without a percentage"
                shadow = "" if old.shadow == record.pack else old.shadow
                new = replace(old, at=position, canary=record.pack, percent=record.percent, shadow=shadow)
                before = old.at
            case "shadow":
                new, before = replace(old, at=position, shadow=record.pack), old.at
            case "rollback":
                if record.of != old.at:
                    return f"it takes back {record.of}, and {old.at} is in force"
                if old.at == CONFIGURED:
                    return "there is nothing to take back"
                target = self._before[old.at]
                new, before = replace(self.standings[target], at=position), self._before[target]
        if record.do != "rollback" and not record.pack:
            return "it names no pack"
        self._ids.add(record.id)
        self.records.append((position, record))
        self.newest = self.standings[position] = new
        self._before[position] = before
        return ""

    def rolled_back(self) -> Standing | None:
        """What a rollback would lead to; None when there is nothing to take back."""
        return None if self.newest.at == CONFIGURED else self.standings[self._before[self.newest.at]]

    def labels(self) -> dict[str, str]:
        """Digest -> label, of every pack that was ever put in force."""
        return {record.pack: record.label for _, record in self.records if record.pack}


def is_canary(account: str, percent: float) -> bool:
    """Whether an account is among `percent` of all. The same accounts for every pack, and more of them for more."""
    return int(content_id("canary", account)[:8], 16) % _BUCKETS < percent * (_BUCKETS / 100)
