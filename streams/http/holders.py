"""What the worker that holds a subject says of it.

A worker is asked for a subject at most once a second, whoever looks, with the token of `http_worker_token_file`.
"""

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import msgspec
from aiokafka.errors import KafkaError
from yarl import URL

from rules.subject_state import SubjectState, decode_subject
from streams.held_subjects import FORMAT, FORMAT_NUMBER, PATH
from streams.http.bounded import bounded
from streams.http.members import Member, Members
from streams.http.tokens import MAX_TOKEN
from streams.rights import refused, say
from streams.sending import partition_of
from streams.settings import Settings
from streams.topics import topic_names

HELD_S = 1.0
"""How long a worker's answer about a subject counts."""
MOST_HELD = 1_000


@dataclass(frozen=True, slots=True)
class HeldState:
    """What the worker that holds a subject says of it. held_by: its URL, None where nobody holds it, or says so;
    problem: why there is no state, for a person."""

    held_by: str | None
    state: SubjectState | None
    problem: str = ""


class Holders:
    """Asks workers for the subjects they hold."""

    def __init__(self, settings: Settings, session: aiohttp.ClientSession, members: Members) -> None:
        self._settings, self._session, self._members = settings, session, members
        self._held_with = topic_names(settings).violations
        self._asked: OrderedDict[str, tuple[float, asyncio.Task[HeldState]]] = OrderedDict()

    async def close(self) -> None:
        """Ends what is on its way."""
        tasks = [task for _, task in self._asked.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def held(self, subject: str) -> HeldState:
        """What the worker that holds a subject says of it; never raises for what goes wrong on the way."""
        now = time.monotonic()
        known = self._asked.get(subject)
        if known is None or now - known[0] > HELD_S:
            known = now, asyncio.create_task(self._ask(subject))
            self._asked[subject] = known
            self._asked.move_to_end(subject)
            while len(self._asked) > MOST_HELD:
                self._asked.popitem(last=False)
        return await asyncio.shield(known[1])

    async def _ask(self, subject: str) -> HeldState:
        token = _token(self._settings.http_worker_token_file)
        if not token:
            return HeldState(None, None, "no token to ask workers with: set WARDEN_HTTP_WORKER_TOKEN_FILE")
        partition = partition_of(subject.encode(), self._settings.partitions)
        answer = HeldState(None, None, "no worker says that it holds it: they may be starting, or taking over")
        for fresh in (False, True):
            try:
                members = await self._members.now(fresh=fresh)
            except (KafkaError, OSError, TimeoutError) as error:
                return HeldState(None, None, f"the workers' group cannot be asked: {why(self._settings, error)}")
            holder = next((each for each in members if self._holds(each, partition)), None)
            if holder is None:
                if any(each.partitions is None for each in members):
                    return HeldState(None, None, "the broker does not tell which worker holds what")
                continue
            if not holder.url:
                return HeldState(None, None, "the worker that holds it does not say where it is reached")
            answer, again = await self._ask_worker(holder.url, subject, token)
            if not again:
                break
        return answer

    def _holds(self, member: Member, partition: int) -> bool:
        return member.partitions is not None and partition in member.partitions.get(self._held_with, ())

    async def _ask_worker(self, url: str, subject: str, token: str) -> tuple[HeldState, bool]:
        """What a worker answers, and whether another one should be asked."""
        headers = {"Authorization": f"Bearer {token}"}
        try:
            target = URL(url) / PATH.lstrip("/") % {"id": subject}
            async with self._session.get(target, headers=headers, allow_redirects=False) as response:
                body = await bounded(response)
                if response.status == 421:
                    return HeldState(url, None, "the worker has given it up; another one is taking it over"), True
                if response.status != 200:
                    return HeldState(url, None, _refusal(response.status)), False
                if response.headers.get(FORMAT) != FORMAT_NUMBER:
                    return HeldState(url, None, "the worker is of another version than this process"), False
                return HeldState(url, decode_subject(body)), False
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return HeldState(url, None, f"the worker that holds it does not answer: {said(error)}"), True
        except msgspec.MsgspecError as error:
            return HeldState(url, None, f"the worker's record cannot be read: {error}"), False


def why(settings: Settings, error: BaseException) -> str:
    """Why the group could not be asked, for a person; a right that this server's login lacks is logged, too."""
    lacking = refused(settings, error)
    if lacking is None:
        return said(error)
    say(lacking, "The workers cannot be looked at")
    return f"this server's login lacks {lacking.rights[0]}"


def _token(path: Path | None) -> str:
    """The token of a file, read anew each time: it may have been replaced. Empty without one."""
    if path is None:
        return ""
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_TOKEN + 2).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return text if text.isprintable() and " " not in text else ""


def _refusal(status: int) -> str:
    match status:
        case 401 | 403:
            return "the worker does not take the token of WARDEN_HTTP_WORKER_TOKEN_FILE: put it into its file of tokens"
        case 404:
            return "the worker lets nobody see subjects: set WARDEN_HTTP_TOKENS_FILE for it, too"
        case 429:
            return "the worker is asked too often just now"
        case _:
            return f"the worker answers {status}"


def said(error: BaseException) -> str:
    """The first line of an error, or its name."""
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
