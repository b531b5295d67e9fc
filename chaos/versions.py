"""Which pack each record of the input was to be judged by, from what is on record: `warden packs history --offsets`.

Worked out anew from the activations and the offsets at which SCREEN's partitions switched, so that the engine's own
ledgers and stacks are not their own witnesses.
"""

from __future__ import annotations

import asyncio
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from rules.activations import is_canary
from rules.packs import load_pack
from rules.packs.model import BehaviourSignal, Pack, Rule
from rules.screen import Screen
from streams.settings import Settings
from streams.worker_process import environment_of

_SCREEN, _ENFORCE = "screen", "enforce"


class InForce(NamedTuple):
    """Digests, empty for the pack of the settings (live) and for none (canary, shadow)."""

    live: str = ""
    canary: str = ""
    percent: float = 0.0
    shadow: str = ""


class HistoryError(RuntimeError):
    """What is on record contradicts itself, or cannot be read; the message says what."""


@dataclass
class Versions:
    """The packs of a run, and where each held."""

    settings: Settings
    folders: Mapping[str, Path] = field(default_factory=dict)
    """Digest -> the folder that was published."""
    standings: Mapping[int, InForce] = field(default_factory=lambda: {-1: InForce()})
    """Offset of an activation -> what is in force from there on."""
    switches: list[Any] = field(default_factory=list)
    """As `warden packs history --offsets --json` prints them."""
    _packs: dict[str, Pack] = field(default_factory=dict)
    _screens: dict[str, Screen] = field(default_factory=dict)
    _lines: dict[int, list[tuple[int, dict[str, int]]]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for each in self.switches:
            if each["at"] not in self.standings:
                raise HistoryError(f"{each} names an activation that is not on the topic of packs")
            if each["stage"] == _SCREEN:
                self._lines[each["partition"]].append((each["at"], each["starts"]))
        for partition, lines in self._lines.items():
            if [at for at, _ in lines] != sorted({at for at, _ in lines}):
                raise HistoryError(f"partition {partition} switched back: {lines}")

    def write(self, file: Path) -> None:
        """Writes down what is on record, for whoever looks into a difference."""
        held = {str(at): standing._asdict() for at, standing in self.standings.items()}
        file.write_bytes(orjson.dumps({"standings": held, "switches": self.switches}, option=orjson.OPT_INDENT_2))

    def of(self, topic: str, partition: int, offset: int) -> InForce:
        """What was in force for a record."""
        held = [at for at, starts in self._lines.get(partition, ()) if starts.get(topic, 0) <= offset]
        return self.standings[max(held, default=-1)]

    def judges(self, standing: InForce, account: str) -> str:
        """The digest of the pack that judges an account's events."""
        return standing.canary if standing.canary and is_canary(account, standing.percent) else standing.live

    def pack(self, digest: str) -> Pack:
        """A pack, as it was before it was published."""
        if digest not in self._packs:
            self._packs[digest] = load_pack(self.folders[digest] if digest else self.settings.pack)
        return self._packs[digest]

    def screen(self, digest: str) -> Screen:
        """A pack, compiled."""
        if digest not in self._screens:
            self._screens[digest] = Screen(self.pack(digest))
        return self._screens[digest]

    def enforcing_labels(self) -> set[str]:
        """The packs that may have enforced: the live ones of the switches of ENFORCE."""
        found = {self.standings[each["at"]].live for each in self.switches if each["stage"] == _ENFORCE}
        return {self.pack(digest).label for digest in found or {""}}

    def together(self) -> set[str]:
        """The rules that several events decide together, of all packs that have judged."""
        return {rule.name for pack in self._packs.values() for rule in pack.rules.values() if rule.crowd is not None}

    def by_the_moment(self, digest: str) -> set[str]:
        """The rules of a pack that ask for nothing but the event: no account's past, and no crowd. What a shadow pack
        makes of the others depends on where batches were cut."""
        pack = self.pack(digest)
        return {rule.name for rule in pack.rules.values() if rule.crowd is None and not _asks_past(pack, rule)}


async def versions(settings: Settings, folders: Mapping[str, Path]) -> Versions:
    """Reads what is on record. Raises HistoryError."""
    command = [sys.executable, "-m", "streams.cli", "packs", "history", "--offsets", "--json"]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment_of(settings), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, problems = await process.communicate()
    if process.returncode:
        raise HistoryError(f"warden packs history failed: {problems.decode()}")
    found = orjson.loads(out)
    return Versions(settings, folders, standings(found["activations"]), found["switches"])


def standings(activations: list[dict[str, Any]]) -> dict[int, InForce]:
    """What is in force from the offset of each activation on."""
    stack = [InForce()]
    found = {-1: stack[0]}
    for each in activations:
        match each["do"]:
            case "live":
                stack.append(InForce(each["pack"]))
            case "canary":
                shadow = "" if stack[-1].shadow == each["pack"] else stack[-1].shadow
                stack.append(InForce(stack[-1].live, each["pack"], each["percent"], shadow))
            case "shadow":
                stack.append(stack[-1]._replace(shadow=each["pack"]))
            case "rollback":
                stack.pop()
        found[each["offset"]] = stack[-1]
    return found


def _asks_past(pack: Pack, rule: Rule) -> bool:
    conditions = [rule.when, *([rule.egregious_when] if rule.egregious_when is not None else [])]
    names = {name for condition in conditions for name in condition.names}
    return any(
        _asks_past(pack, pack.rules[name.removeprefix("rules.")])
        if name.startswith("rules.")
        else isinstance(pack.signals.get(name), BehaviourSignal)
        for name in names
    )
