"""The packs that a worker judges by: loaded and compiled beside its work, and kept by the position of their standing.

Only the newest standing's packs and those before stay compiled. What an older line of a ledger asks for, after a crash
close to a switch, is compiled when it is asked for, while the batch waits.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cached_property

from rules.activations import CONFIGURED, Standing, is_canary
from rules.crowds import Crowds
from rules.enforce import Enforcer
from rules.lexicon import LexiconError
from rules.packs.archive import ArchiveError
from rules.packs.joined import joined
from rules.packs.model import Pack
from rules.packs.source import InvalidPackError
from rules.screen import Screen
from streams.operator_words import OperatorWords
from streams.pack_metrics import Agreement, PackMetrics
from streams.pack_topic import PackTopic
from streams.plans import NotYetError

logger = logging.getLogger(__name__)

_UNUSABLE = (InvalidPackError, LexiconError, ArchiveError, OSError)
"""What loading and compiling a pack may raise."""


class UnusablePackError(RuntimeError):
    """Records are to be judged by packs that this worker cannot use: it must not judge them at all."""


@dataclass(frozen=True)
class Judges:
    """A standing's packs, compiled. `canary` and `shadow` are None without one."""

    standing: Standing
    live: Screen
    canary: Screen | None
    shadow: Screen | None
    enforcer: Enforcer
    crowds: Crowds

    @property
    def at(self) -> int:
        """The position of the standing."""
        return self.standing.at

    def screen_of(self, account: str) -> Screen:
        """What judges the events of an account."""
        if self.canary is not None and is_canary(account, self.standing.percent):
            return self.canary
        return self.live

    @cached_property
    def enforcing(self) -> frozenset[str]:
        """The rules that enforce, of the live pack and the canary."""
        packs = [screen.pack for screen in (self.live, self.canary) if screen is not None]
        return frozenset(rule.name for pack in packs for rule in pack.rules.values() if rule.mode == "enforce")

    @cached_property
    def shares(self) -> dict[str, str]:
        """Rule -> which accounts it judges, for the rules that only one of the live pack and the canary has."""
        if self.canary is None:
            return {}
        live, canary = set(self.live.pack.rules), set(self.canary.pack.rules)
        percent = f"{self.standing.percent:g}%"
        return {rule: f"{'canary' if rule in canary else 'all but'} {percent}" for rule in live ^ canary}

    def screens(self) -> list[Screen]:
        """Those that there are, the live one first."""
        return [screen for screen in (self.live, self.canary, self.shadow) if screen is not None]

    def labels(self) -> list[tuple[str, str]]:
        """(role, label) of each pack."""
        screens = (("live", self.live), ("canary", self.canary), ("shadow", self.shadow))
        return [(role, screen.pack.label) for role, screen in screens if screen is not None]


class PacksInForce:
    """What a worker has to judge by. `renew` on the event loop changes it, between batches."""

    def __init__(
        self,
        configured: Pack,
        shares: int = 1,
        words: OperatorWords | None = None,
        topic: PackTopic | None = None,
        metrics: PackMetrics | None = None,
    ) -> None:
        """configured: the pack of the settings; words, topic: what the topics said when the worker began.
        shares: the partitions of subjects. Compiles what is in force; a standing that cannot be used leaves the one
        before."""
        self._configured = configured
        self._shares = shares
        self._words = OperatorWords() if words is None else words
        self._topic = topic
        self._metrics = metrics
        self.rules: set[str] = set()
        """The names of the rules in force, kept up to date."""
        self._packs: dict[str, Pack] = {"": configured}
        self._refused: dict[int, str] = {}
        self._renewing = asyncio.Lock()
        self._awaited: set[int] = set()
        self._compiling: dict[int, asyncio.Task[None]] = {}
        self._judges: dict[int, Judges] = {}
        self._use(self._first())

    @property
    def newest(self) -> int:
        """The position of the newest standing that this worker can judge by."""
        return self._newest.at

    @property
    def current(self) -> Judges:
        """The judges of the newest standing."""
        return self._newest

    @property
    def packs(self) -> list[Pack]:
        """The packs in force, the live one first, without the words of the topic."""
        return [self._packs[digest] for digest in self._newest.standing.packs]

    @property
    def labels(self) -> list[str]:
        """Their labels, with the words that they judge with."""
        current = self._newest
        screens = {current.standing.live: current.live}
        for digest, screen in ((current.standing.canary, current.canary), (current.standing.shadow, current.shadow)):
            if screen is not None:
                screens.setdefault(digest, screen)
        return [screens[digest].pack.label for digest in current.standing.packs]

    def at(self, position: int) -> Judges:
        """The judges of a standing; compiles them now if they are not there. Raises UnusablePackError."""
        judges = self._judges.get(position)
        if judges is None:
            judges = self._judges[position] = self._older(position)
        return judges

    def ready(self, positions: Set[int]) -> None:
        """Raises NotYetError when `at` would have to compile, which then goes on beside the event loop; and
        UnusablePackError."""
        missing = positions - self._judges.keys()
        if not missing:
            return
        for position in missing:
            task = self._compiling.get(position)
            if task is None:
                logger.info("Records are to be judged by older packs, of offset %d: they are compiled", position)
                self._compiling[position] = asyncio.create_task(self._compile(position))
            elif task.done():
                del self._compiling[position]
                task.result()
        raise NotYetError(f"older packs are not compiled yet, those of offset {min(missing)}")

    async def _compile(self, position: int) -> None:
        judges = await asyncio.to_thread(self._older, position)
        self._judges[position] = judges

    def _older(self, position: int) -> Judges:
        """Raises UnusablePackError."""
        standing = self._topic.log.standings.get(position) if self._topic is not None else None
        if position == CONFIGURED:
            standing = Standing()
        if standing is None:
            raise UnusablePackError(f"nothing is known of an activation at offset {position} of the packs")
        try:
            return self._compiled(standing)
        except _UNUSABLE as error:
            raise UnusablePackError(f"the packs of offset {position} cannot be used: {error}") from error

    def missing(self, position: int) -> Exception:
        """What to raise when records need newer packs: they will come, or they cannot be used here."""
        why = [reason for at, reason in self._refused.items() if at >= position]
        if why:
            return UnusablePackError(f"other workers judge by packs that this one cannot use: {why[-1]}")
        read = self._topic.position if self._topic is not None else 0
        if position < read and self._topic is not None and position not in self._topic.log.standings:
            return UnusablePackError(f"records name an activation at offset {position} of the packs, and there is none")
        if position not in self._awaited:
            self._awaited.add(position)
            logger.info("Records wait for the packs of offset %d; those of %d are compiled", position, self.newest)
        return NotYetError(f"the packs of offset {position} are not compiled yet, those of {self.newest} are")

    async def renew(self) -> None:
        """Compiles what the topic of packs says by now, beside the event loop, and puts it in force. Packs that cannot
        be used leave those before, with an error in the log."""
        async with self._renewing:
            standing = self._topic.log.newest if self._topic is not None else Standing()
            if standing == self._newest.standing or standing.at in self._refused:
                return
            started = time.perf_counter()
            try:
                self._use(await asyncio.to_thread(self._compiled, standing))
            except _UNUSABLE as error:
                self._refuse(standing, error)
            else:
                logger.info("%s, in force after %.1f s", self.describe(), time.perf_counter() - started)

    async def use_words(self) -> None:
        """Compiles the packs in force anew, beside the event loop, with the operator's words as they are by now.

        Raises LexiconError when they cannot be compiled; what is in force stays so.
        """
        async with self._renewing:
            self._use(await asyncio.to_thread(self._compiled, self._newest.standing, fresh=True))

    def compared(self, found: Mapping[tuple[str, Agreement], int]) -> None:
        """Counts the hits of a live and a shadow pack."""
        if found and self._metrics is not None:
            self._metrics.compared(found)

    def describe(self) -> str:
        """One line: what is in force."""
        standing = self._newest.standing
        where = "the settings" if standing.at == CONFIGURED else f"offset {standing.at}"
        packs = ", ".join(f"{role} {label}" for role, label in self._newest.labels())
        share = f" for {standing.percent:g}% of accounts" if standing.canary else ""
        return f"Packs of {where}: {packs}{share}"

    def _first(self) -> Judges:
        """The judges of the newest standing that can be used."""
        log = self._topic.log.standings if self._topic is not None else {CONFIGURED: Standing()}
        for standing in reversed(log.values()):
            try:
                return self._compiled(standing)
            except _UNUSABLE as error:
                if standing.at == CONFIGURED:
                    raise
                self._refuse(standing, error)
        raise AssertionError("the configured pack stands first")

    def _compiled(self, standing: Standing, *, fresh: bool = False) -> Judges:
        """Raises what _UNUSABLE names. Screens of the newest standing are used again, unless they are to be `fresh`."""
        screens: dict[str, Screen] = {}
        newest = getattr(self, "_newest", None)
        if newest is not None and not fresh:
            old = newest.standing
            known = ((old.live, newest.live), (old.canary, newest.canary), (old.shadow, newest.shadow))
            screens = {digest: screen for digest, screen in known if screen is not None}
        for digest in standing.packs:
            if digest not in screens:
                screens[digest] = Screen(self._words.merged(self._pack(digest)))
        live = screens[standing.live]
        canary = screens[standing.canary] if standing.canary else None
        shadow = screens[standing.shadow] if standing.shadow else None
        policy = joined(live.pack, canary.pack if canary is not None else None)
        return Judges(standing, live, canary, shadow, Enforcer(policy, self._shares), Crowds(policy))

    def _pack(self, digest: str) -> Pack:
        """A pack without the topic's words, with those of the lists."""
        pack = self._packs.get(digest)
        if pack is None:
            assert self._topic is not None  # noqa: S101 - only its log names digests
            loaded = self._topic.archive(digest).load()
            lists = {name: self._configured.lexicons[name].entries for name in self._configured.operator_lexicons()}
            asked = {name: lists[name] for name in loaded.operator_lexicons() if name in lists}
            pack = loaded.with_words(asked) if any(asked.values()) else loaded
            self._packs[digest] = pack
        return pack

    def _use(self, judges: Judges) -> None:
        before = self._judges.get(getattr(self, "_newest", judges).at)
        self._newest = judges
        # Those before are kept: what a partition that came a moment ago brings along may still be theirs
        self._judges = {each.at: each for each in (before, judges) if each is not None}
        names = {name for screen in judges.screens() for name in screen.pack.rules}
        self.rules |= names
        self.rules &= names
        kept = {"", *(digest for each in self._judges.values() for digest in each.standing.packs)}
        self._packs = {digest: pack for digest, pack in self._packs.items() if digest in kept}
        if self._metrics is not None:
            self._metrics.in_force(judges.at, judges.labels())
            if self._refused and max(self._refused) > judges.at:
                self._metrics.refused()

    def _refuse(self, standing: Standing, error: BaseException) -> None:
        reason = f"the packs of offset {standing.at} cannot be used, those before stay in force: {error}"
        logger.error("%s%s", reason[0].upper(), reason[1:])
        self._refused[standing.at] = reason
        if self._metrics is not None:
            self._metrics.refused()
