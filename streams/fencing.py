"""Nothing is produced by a worker whose partitions may be another's: what it had ready to send is held back.

A worker that stood still (SIGSTOP, a paused machine, a network that let nothing through) finds its partitions with
somebody else when it goes on. Its checks of the lease come too late for records that already wait in the producer:
they would go out before the consumer has learnt anything, behind newer ones of the owner, and a stale ban would stay
on the ban list. So each produce request is let through only within the session timeout of the last request with which
the group's coordinator confirmed the membership, counted from when that was sent: for so long nobody else owns them.

Past that the request waits. Either the coordinator confirms again (it was only away), or it says that the membership
is gone: then the records must not be sent at all, and the process ends. A heartbeat's good answer is no confirmation
then: a coordinator that has just started, or taken its groups over, answers so to everybody until it has loaded them
(`GroupCoordinatorService.heartbeat` of Kafka: "The group is still loading, so blindly respond"). What it commits it has
checked, so the consumer commits again what is committed (`transport.BatchConsumer`). Within the session timeout blind
answers do no harm: who loads its groups gives everybody in them a whole session from then on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka.errors import IllegalGenerationError, NoError, RebalanceInProgressError, UnknownMemberIdError, for_code
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import HeartbeatRequest, SyncGroupRequest
from aiokafka.protocol.produce import ProduceRequest

_POLL_S = 0.02
_GONE = {UnknownMemberIdError, IllegalGenerationError}

Send = Callable[..., Awaitable[Any]]


class LostMembershipError(RuntimeError):
    """The group gave this worker's partitions away while it had records to send for them."""


class Membership:
    """What the coordinator last said of this worker's membership. Written by the consumer's thread, read by others."""

    def __init__(self, session_timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`session_timeout` in seconds, as the coordinator counts it."""
        self._session_timeout = session_timeout
        self._clock = clock
        self._confirmed: float | None = None
        self._lost = False

    def watched(self, send: Send) -> Send:
        """`send` of the consumer's client, which takes note of the coordinator's answers."""

        async def watching(node_id: int, request: Any, **options: Any) -> Any:
            began = self._clock()
            response = await send(node_id, request, **options)
            if isinstance(request, HeartbeatRequest | SyncGroupRequest):
                self._heard(request, {for_code(response.error_code)}, began)
            elif isinstance(request, OffsetCommitRequest):
                self._heard(request, {for_code(code) for _, done in response.topics for _, code in done}, began)
            return response

        return watching

    def guarded(self, send: Send, ready: Send, lost: Callable[[LostMembershipError], None]) -> Send:
        """`send` of the producer's client, which waits with what it produces until the membership is certain.

        `ready` connects to the node first, so that no time passes between the look and the sending. `lost` has to end
        the process: the producer would try again.
        """

        async def guarding(node_id: int, request: Any, **options: Any) -> Any:
            if isinstance(request, ProduceRequest):
                try:
                    await ready(node_id, **options)
                    while not self.certain():
                        await asyncio.sleep(_POLL_S)
                        await ready(node_id, **options)
                except LostMembershipError as error:
                    lost(error)
                    raise
            return await send(node_id, request, **options)

        return guarding

    def certain(self) -> bool:
        """Whether nobody else can own this worker's partitions now. Raises LostMembershipError when somebody may."""
        if self._confirmed is None:  # it never owned any
            return True
        if self._lost:
            raise LostMembershipError("the group gave this worker's partitions away while it had records to send")
        return self._clock() < self._confirmed + self._session_timeout

    @property
    def lapsed(self) -> bool:
        """Whether the coordinator must confirm the membership by more than a heartbeat before anything is produced."""
        confirmed = self._confirmed
        return confirmed is not None and not self._lost and self._clock() >= confirmed + self._session_timeout

    def _heard(self, request: Any, answers: set[type[BaseException]], began: float) -> None:
        if isinstance(request, SyncGroupRequest) and answers == {NoError}:  # joined anew
            self._confirmed, self._lost = began, False
        elif self._confirmed is None or began < self._confirmed:
            return
        elif answers & _GONE:
            self._lost = True
        elif RebalanceInProgressError in answers:  # still a member, and asked to join anew
            self._confirmed = began
        elif answers == {NoError}:
            checked = isinstance(request, OffsetCommitRequest)
            if checked or began < self._confirmed + self._session_timeout:
                self._confirmed = began
