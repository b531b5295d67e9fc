"""A worker follows the topic `packs`: what is published is compiled beside its work, and in force from a batch on."""

import logging
from collections.abc import Callable

from streams.codec import one_line
from streams.compacted import changes, opened
from streams.pack_topic import PackTopic
from streams.packs_in_force import PacksInForce
from streams.settings import Settings
from streams.topics import topic_names

logger = logging.getLogger(__name__)


async def follow(settings: Settings, topic: PackTopic, packs: PacksInForce, changed: Callable[[], None]) -> None:
    """Reads on from where `topic` ends, until cancelled; `changed` is called when other packs are in force.

    Raises TopicsError when the brokers do not answer any more.
    """
    told, known = _tell(topic, 0), len(topic.log.records)
    async with opened(settings, topic_names(settings).packs) as reader:
        for tp in reader.assignment():
            reader.seek(tp, topic.position)
        async for records in changes(reader):
            news = [topic.apply(record) for record in records]
            told = _tell(topic, told)
            if not any(news):
                continue
            for at, record in topic.log.records[known:]:
                what = f"{record.do} {record.label or 'the pack of the settings'}"
                by, why = one_line(record.by), one_line(record.why)
                logger.info("Activation at offset %d: %s, by %s: %s", at, one_line(what), by, why)
            known = len(topic.log.records)
            before = packs.newest
            await packs.renew()
            if packs.newest != before:
                changed()


def _tell(topic: PackTopic, told: int) -> int:
    """Logs the problems after the first `told`; how many there are."""
    for problem in topic.problems[told:]:
        logger.warning("Packs: %s", problem)
    return len(topic.problems)
