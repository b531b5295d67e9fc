"""Where partitions have switched packs, read from the changelog of their ledgers: what a replay needs, and an audit."""

from dataclasses import dataclass

from streams.compacted import opened, until_now
from streams.ledger import decode_ledger
from streams.settings import Settings
from streams.stores import current_state


@dataclass(frozen=True, slots=True)
class Switched:
    """From these offsets of its topics on (not named: from the start) a stage's partition judges by the standing at
    position `at`."""

    stage: str
    partition: int
    at: int
    starts: dict[str, int]


async def current_switches(settings: Settings) -> list[Switched]:
    """What the ledgers of all partitions say, by stage, partition and position. Raises TopicsError."""
    async with opened(settings, f"{settings.app_id}-packs-changelog") as reader:
        records = [record async for record in until_now(reader)]
    found: list[Switched] = []
    for partition in {record.partition for record in records}:
        state = current_state(record for record in records if record.partition == partition)
        for stage, data in state.items():
            lines = decode_ledger(data).lines
            found += [Switched(stage.decode(), partition, line.at, line.starts) for line in lines]
    return sorted(found, key=lambda each: (each.stage, each.partition, each.at))
