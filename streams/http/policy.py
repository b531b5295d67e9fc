"""The policy as the workers have it by now: the live pack, with the operator's words, followed on its topics.

Loading and compiling a pack takes seconds of work, so both are done beside the event loop, and only when something has
changed; what is compiled serves the playground alone.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from rules.lexicon import LexiconError
from rules.packs import InvalidPackError, Pack
from rules.packs.archive import ArchiveError
from rules.packs.words import load_with_words
from rules.screen import Screen
from streams.compacted import changes, opened
from streams.http.problems import Problem
from streams.http.rights import forbidden
from streams.operator_words import OperatorWords
from streams.pack_topic import PackTopic
from streams.rights import RightsError, say
from streams.settings import Settings
from streams.topics import TopicsError, topic_names

logger = logging.getLogger(__name__)

_AGAIN_S = 2.0
_UNUSABLE = (InvalidPackError, LexiconError, ArchiveError, OSError)


class Policy:
    """Follows `packs` and `operator_words`. `run` goes on until it is cancelled."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.topic = PackTopic()
        self.words = OperatorWords()
        self.problem = "the pack is being loaded"
        self._refused: RightsError | None = None
        self._told = ""
        self._configured: Pack | None = None
        self._live: Pack | None = None
        self._loaded: dict[str, Pack] = {}
        self._compiled: tuple[Pack, Screen] | None = None
        self._compiling = ThreadPoolExecutor(1, thread_name_prefix="playground")

    @property
    def executor(self) -> ThreadPoolExecutor:
        """The one thread that `screen` may be called in."""
        return self._compiling

    @property
    def live(self) -> Pack:
        """The live pack. Raises Problem (503 while it is not known, 403 where this process may not read it)."""
        if self._live is None and self._refused is not None:
            raise forbidden(self._refused)
        if self._live is None:
            raise Problem(503, "not_ready", "The policy is not known yet", self.problem, retry_after_s=2)
        return self._live

    @property
    def known(self) -> Pack | None:
        """The live pack, None while it is not known."""
        return self._live

    def screen(self, pack: Pack) -> Screen:
        """A pack compiled; the first time after a change it takes seconds. Call it in `executor`."""
        if self._compiled is None or self._compiled[0] is not pack:
            self._compiled = pack, Screen(pack)
        return self._compiled[1]

    async def run(self) -> None:
        """Loads the pack of the settings, and follows the topics."""
        while True:
            try:
                if self._configured is None:
                    pack, lexicons = self._settings.pack, self._settings.lexicons
                    self._configured = await asyncio.to_thread(load_with_words, pack, lexicons)
                await self._follow()
            except RightsError as error:
                self.problem, self._refused = str(error), error
                say(error, "The policy is not followed")
            except (TopicsError, *_UNUSABLE) as error:
                self.problem = str(error)
                if self.problem != self._told:  # said once, not every two seconds
                    logger.warning("The policy is not followed: %s", error)
                self._told = self.problem
            except Exception:
                self.problem = "following it failed: the server's log says why"
                logger.exception("The policy is not followed")
            await asyncio.sleep(_AGAIN_S)

    async def _follow(self) -> None:
        names = topic_names(self._settings)
        self.topic, self.words = PackTopic(), OperatorWords()
        async with opened(self._settings, names.packs, names.operator_words) as reader:
            ends = await reader.end_offsets(reader.assignment())
            async for records in changes(reader):
                for record in records:
                    (self.topic if record.topic == names.packs else self.words).apply(record)
                at_end = all([await reader.position(tp) >= end for tp, end in ends.items()])
                if at_end and (records or self._live is None):
                    await self._renew()

    async def _renew(self) -> None:
        digest = self.topic.log.newest.live
        try:
            pack = await asyncio.to_thread(self._pack, digest)
            live = self.words.merged(pack)
        except _UNUSABLE as error:
            self.problem = f"the live pack cannot be used here: {error}"
            logger.error("%s", self.problem)
            return
        if self._live is None or live.label != self._live.label:
            logger.info("Policy %s", live.label)
            self._live = live
        self.problem, self._refused, self._told = "", None, ""

    def _pack(self, digest: str) -> Pack:
        """The pack of a digest, with the words of the lists, as workers have it."""
        assert self._configured is not None  # noqa: S101 - loaded before
        if not digest:
            return self._configured
        pack = self._loaded.get(digest)
        if pack is None:
            loaded = self.topic.archive(digest).load()
            lists = {name: self._configured.lexicons[name].entries for name in self._configured.operator_lexicons()}
            asked = {name: lists[name] for name in loaded.operator_lexicons() if name in lists}
            pack = loaded.with_words(asked) if any(asked.values()) else loaded
            self._loaded = {digest: pack}
        return pack


@asynccontextmanager
async def policy(settings: Settings) -> AsyncIterator[Policy]:
    """The policy, followed for the length of the block."""
    found = Policy(settings)
    running = asyncio.create_task(found.run())
    try:
        yield found
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        found.executor.shutdown(wait=False, cancel_futures=True)
