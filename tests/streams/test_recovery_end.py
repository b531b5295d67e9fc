"""`streams/recovery_end.py`: no recovery ends because another one did."""

import asyncio
from typing import Any

import pytest
from faust.types import TP

from streams.batch_app import Options, create_app
from streams.recovery_end import RecoveryEnd

CHANGELOG = TP("changelog", 0)


def _recovery(read: int) -> Any:
    recovery = create_app(Options(app_id="t", bootstrap="127.0.0.1:9", partitions=1)).tables.recovery
    recovery.active_highwaters[CHANGELOG], recovery.active_offsets[CHANGELOG] = 99, read
    return recovery


async def _is_over(end: Any) -> bool:
    waiting = asyncio.ensure_future(end.wait())
    for _ in range(5):
        await asyncio.sleep(0)
    over = waiting.done()
    waiting.cancel()
    return over


@pytest.mark.parametrize("kind", ["stock", "ours"])
def test_a_signal_of_the_recovery_before_ends_none(kind: str) -> None:
    """Faust's own event does end it: that is what `RecoveryEnd` is there for."""

    async def run() -> bool:
        recovery = _recovery(read=-1)
        end = RecoveryEnd(recovery) if kind == "ours" else recovery.signal_recovery_end
        end.set()
        return await _is_over(end)

    assert asyncio.run(run()) is (kind == "stock")


def test_it_ends_when_all_is_read_and_not_at_a_signal_before() -> None:
    async def run() -> None:
        recovery = _recovery(read=98)
        end = RecoveryEnd(recovery)
        waiting = asyncio.ensure_future(end.wait())
        await asyncio.sleep(0)
        end.set()
        await asyncio.sleep(0.01)
        assert not waiting.done()
        recovery.active_offsets[CHANGELOG] = 99
        end.set()
        assert await asyncio.wait_for(waiting, 1) is True

    asyncio.run(run())


def test_what_is_read_already_is_not_waited_for() -> None:
    async def run() -> bool:
        return await _is_over(RecoveryEnd(_recovery(read=99)))

    assert asyncio.run(run())


def test_a_consumer_waits_by_it() -> None:
    async def run() -> Any:
        app = create_app(Options(app_id="t", bootstrap="127.0.0.1:9", partitions=1))
        return app.consumer and app.tables.recovery.signal_recovery_end

    assert isinstance(asyncio.run(run()), RecoveryEnd)
