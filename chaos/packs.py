"""Packs that are published while a run goes on: live, canary, promoted, in shadow, and rolled back.

Each is the shipped pack with a rule of its own about ordinary texts of the feed, and every other lacks one of the
shipped rules: whatever is judged by the wrong one shows. Ladders are the same in all, so that where a subject ends does
not depend on when ENFORCE switched.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rules.activations import Activates, Activation, Standing
from rules.decisions import content_id
from rules.packs.archive import Archive, archived
from streams.demo.texts import SLOTS
from streams.pack_topic import current_packs, publish
from streams.settings import Settings
from streams.topics import TopicsError

VARIANTS = 4
"""So many packs take turns."""
PERCENT = 30.0
"""Of the accounts, for a canary."""
_PAUSE_S = (3.0, 9.0)
_PATIENCE_S = 120.0
"""How long a change waits for brokers that are away."""
_AGAIN_S = 1.0
_TURNS: tuple[tuple[str, ...], ...] = (("live",), ("canary", "promote"), ("shadow",), ("rollback",))

_PACK = """\
include: wechat
pack: {{name: chaos, version: "{number}"}}
{override}
lexicons:
  chaos_journeys: {{words: [从{city}坐高铁回来]}}
signals:
  chaos_journey: {{lexicon: chaos_journeys}}
rules:
  chaos.journey:
    clause: links.1.1
    when: chaos_journey
    charges: [account]
    hits: [从{city}坐高铁回来，邻座很安静]
    passes: [坐高铁回来]
"""
_LACKS = """\
override:
  rules:
    induced_sharing.unlock: {mode: "off"}
"""


def write_variant(folder: Path, number: int) -> Path:
    """Writes variant `number` (from 1) into `folder`; returns the pack's folder."""
    target = folder / f"chaos-{number}"
    target.mkdir(parents=True, exist_ok=True)
    text = _PACK.format(number=number, city=SLOTS["city"][number], override=_LACKS if number % 2 else "")
    (target / "pack.yaml").write_text(text, "utf-8")
    return target


@dataclass
class Publisher:
    """One run's changes of packs. `tell` is told of each, for the log."""

    settings: Settings
    folder: Path
    seed: int
    tell: Callable[[str], None]
    done: Counter[str] = field(default_factory=Counter)
    """How often each change was made: live, canary, promote, shadow, rollback."""
    folders: dict[str, Path] = field(default_factory=dict)
    """Digest -> the folder of what was published."""
    _archives: dict[int, Archive] = field(default_factory=dict)
    _standing: Standing = field(default_factory=Standing)
    _next: int = 0

    def run(self, until: threading.Event) -> None:
        """Changes packs until told to stop; blocks. Raises TopicsError when the brokers stay away."""
        dice = random.Random(f"{self.seed} packs")  # noqa: S311 - sabotage, not secrets
        turns: list[str] = []
        while not until.is_set():
            if not turns:
                blocks = list(_TURNS)
                dice.shuffle(blocks)
                turns = [turn for block in blocks for turn in block]
            if self._change(turns.pop(0)):
                until.wait(dice.uniform(*_PAUSE_S))

    def _change(self, turn: str) -> bool:
        """Makes a change; whether there was anything to change."""
        standing = self._standing
        if turn == "rollback":
            if standing.packs == ("",):
                return False
            self._put(turn, None, "rollback", "", of=standing.at)
        elif turn == "promote":
            if not standing.canary:
                return False
            self._put(turn, None, "live", standing.canary)
        else:
            archive = self._another()
            more = {"percent": PERCENT} if turn == "canary" else {}
            do: Activates = "live" if turn == "live" else "canary" if turn == "canary" else "shadow"
            self._put(turn, archive, do, archive.digest, **more)
        return True

    def _another(self) -> Archive:
        """The next variant that is not in force."""
        while True:
            self._next = self._next % VARIANTS + 1
            archive = self._archives.get(self._next)
            if archive is None:
                folder = write_variant(self.folder, self._next)
                archive = self._archives[self._next] = archived(folder)
                self.folders[archive.digest] = folder
            if archive.digest not in self._standing.packs:
                return archive

    def _put(self, turn: str, archive: Archive | None, do: Activates, digest: str, **more: Any) -> None:
        """Writes the change, over every loss of a broker. A record written twice has one id, and counts once."""
        number = sum(self.done.values())
        label = "" if do == "rollback" else f"chaos {digest[:6]}"
        record = Activation(
            id=content_id("chaos", str(self.seed), str(number)), do=do, pack=digest, label=label, by="chaos",
            why=turn, time=datetime.now(UTC), **more,
        )  # fmt: skip
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self._standing = asyncio.run(self._written(archive, record))
                break
            except TopicsError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_AGAIN_S)
        self.done[turn] += 1
        self.tell(f"packs: {turn} {digest[:6]}, offset {self._standing.at}")

    async def _written(self, archive: Archive | None, record: Activation) -> Standing:
        await publish(self.settings, archive, record)
        return (await current_packs(self.settings)).log.newest
