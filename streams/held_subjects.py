"""What a worker tells of the subjects it holds: one look into its table, for `warden serve`, at a bounded rate.

The worker judges on the same thread, so it does as little as can be: the record goes out as it is stored, and whoever
asked decodes it. What is asked beyond the rate is refused at once.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from rules.subject_state import is_other
from rules.subjects import kind_of
from streams.http.tokens import Tokens, TokensError
from streams.sending import partition_of

if TYPE_CHECKING:
    from streams.batch_app import BatchApp
    from streams.batches import Group
    from streams.stores import StateTable

PATH = "/v1/subjects"
READS_A_SECOND = 40.0
"""What is asked more often is refused: a request costs the judging thread some 0.2 ms, so this is below one percent."""
BURST = 20.0
RELOAD_S = 2.0
FORMAT = "Warden-Record"
"""The header that says how the record is stored; whoever knows another format cannot read it."""
FORMAT_NUMBER = "1"
_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Held:
    """An answer: the record as it is stored, None for an empty one; `holder`: of a subject that others hold, the URL of
    the worker that does, as far as it is known."""

    record: bytes | None = None
    elsewhere: bool = False
    holder: str = ""


Look = Callable[[str], Held]


def looker(app: "BatchApp", group: "Group", table: "StateTable", partitions: int) -> Look:
    """Looks subjects up in the table of a worker."""

    def look(subject: str) -> Held:
        partition = partition_of(subject.encode(), partitions)
        if partition not in group.partitions():
            return Held(elsewhere=True, holder=_holder(app.assignor.changelog_distribution, table, partition))
        return Held(table.of(partition).get(subject.encode()))

    return look


def _holder(distribution: Mapping[str, Mapping[str, list[int]]], table: "StateTable", partition: int) -> str:
    topic = table.changelog_topic_name
    return next((url for url, topics in distribution.items() if partition in topics.get(topic, ())), "")


class Rate:
    """So many a second, with bursts."""

    def __init__(self, a_second: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._a_second, self._burst, self._clock = a_second, burst, clock
        self._left, self._at = burst, clock()

    def take(self) -> bool:
        """Whether one more is within the rate."""
        now = self._clock()
        self._left = min(self._burst, self._left + (now - self._at) * self._a_second)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class SubjectReads:
    """The endpoint. `tokens`: the file of who may ask; without one, or with one that cannot be read, nobody may.
    `registry`: for how many requests there were."""

    def __init__(self, look: Look, tokens: Path | None, registry: CollectorRegistry | None = None) -> None:
        self._look, self._path = look, tokens
        self._tokens: Tokens | None = None
        self._loaded = float("-inf")
        self._rate = Rate(READS_A_SECOND, BURST)
        self._asked = Counter(
            "warden_subject_reads", "Requests for subjects' records, by the answer's status.", ["status"],
            registry=registry,
        )  # fmt: skip

    async def handle(self, request: web.Request) -> web.Response:
        """GET /v1/subjects?id=…"""
        answer = self._answer(request)
        self._asked.labels(answer.status).inc()
        return answer

    def _answer(self, request: web.Request) -> web.Response:
        if not self._rate.take():
            return web.Response(status=429, headers={"Retry-After": "1"})
        status = self._admits(request.headers.get("Authorization", ""))
        if status != 200:
            return web.Response(status=status)
        subject = request.query.get("id", "")
        if not _is_subject(subject):
            return web.Response(status=400)
        held = self._look(subject)
        if held.elsewhere:
            return web.json_response({"holder": held.holder}, status=421)
        return web.Response(
            body=held.record or b"",
            content_type="application/msgpack",
            headers={FORMAT: FORMAT_NUMBER, "Cache-Control": "no-store"},
        )

    def _admits(self, authorization: str) -> int:
        """200, or the status of the refusal."""
        tokens = self._known()
        if tokens is None:
            return 404
        given = authorization[len(_BEARER) :].strip() if authorization[: len(_BEARER)].lower() == _BEARER else ""
        identity = tokens.identify(given) if given else None
        if identity is None:
            return 401
        return 200 if identity.may("read") else 403

    def _known(self) -> Tokens | None:
        if self._path is None:
            return None
        if time.monotonic() - self._loaded >= RELOAD_S:
            self._loaded = time.monotonic()
            try:
                if self._tokens is None:
                    self._tokens = Tokens(self._path)
                else:
                    self._tokens.reload()
            except TokensError:
                pass  # those of before stay; `warden serve`, which reads the same file, says what is wrong
        return self._tokens


def _is_subject(text: str) -> bool:
    if len(text) > 2048 or not text.partition(":")[2] or is_other(text):
        return False
    try:
        kind_of(text)
        text.encode()
    except ValueError:
        return False
    return True
