"""What a run judges: the demo's traffic, and with it what only several accounts show together, and reports.

Events follow each other `1 / rate` seconds apart in the run, EVENT_SECONDS times as far apart in their own time, so
that ladders climb, sanctions end and subjects are forgotten within minutes. The same seed gives the same events.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from streams.demo.traffic import ACCOUNTS, SPAMMERS, Item, traffic

EVENT_SECONDS = 14_400
"""Seconds of event time that pass in a second of the run: four hours, so ten minutes are 100 days. A partition that
stands still for all of ten minutes is then later than the others by less than a ladder's window, which is as late as
an offence may come (`rules.sanctions.remembered`)."""
CAMPAIGN_SHARE = 0.003
"""How many events begin a campaign: several accounts that hand out a text, or promote each other in a ring."""
_PACE = 0.2
"""How many events belong to the campaign that is on."""
REPORT_SHARE = 0.01
_HIRED = 30
_RINGS = 12
_HANDED_OUT = (
    "楼下新开的推拿馆，师傅手法好，头一回来半价，报我名字就行 电话1390000{n:04d}",
    "小区门口新店开张，进门就送小礼物，转给邻居也有份 电话1370000{n:04d}",
    "附近的朋友看过来，周末来店里坐坐，茶水免费 电话1360000{n:04d}",
)
_REASONS = ("spam", "fraud", "vulgar", "rumour", "other")


def events(seed: int, start: datetime, rate: float) -> Iterator[Item]:
    """Events without end; `rate` is how many of them make a second of the run."""
    dice = random.Random(f"{seed} together")  # noqa: S311 - traffic, not secrets
    step = timedelta(seconds=EVENT_SECONDS / rate)
    plain = traffic(seed, start, rate / EVENT_SECONDS, broken=False)
    campaign: list[tuple[str, dict[str, object]]] = []
    number = 0
    while True:
        time = start + number * step
        item = next(plain)
        if not campaign and dice.random() < CAMPAIGN_SHARE:
            campaign = _ring(dice) if dice.random() < 0.4 else _handed_out(dice)
        if campaign and dice.random() < _PACE:
            account, body = campaign.pop()
            item = Item("mass_send", account, {**_head(f"{seed}-c{number}", time), "account": account, **body})
        elif dice.random() < REPORT_SHARE:
            item = _report(dice, f"{seed}-r{number}", time)
        yield item
        number += 1


def beginning(seconds: float) -> datetime:
    """When event time must begin for a run of `seconds` to end in the past: stream time never passes the clock."""
    now = datetime.now(UTC).replace(microsecond=0)
    return now - timedelta(days=2, seconds=seconds * EVENT_SECONDS)


def _handed_out(dice: random.Random) -> list[tuple[str, dict[str, object]]]:
    """A text in several mouths, with a number of its own in each."""
    text = dice.choice(_HANDED_OUT)
    return [
        (
            f"hired-{account}",
            {
                "text": text.format(n=dice.randrange(10_000)),
                "channel": "nearby",
                "recipients": dice.randrange(1, 30),
            },
        )
        for account in dice.sample(range(_HIRED), 8)
    ]


def _ring(dice: random.Random) -> list[tuple[str, dict[str, object]]]:
    """Two, three or four accounts of which each promotes the next."""
    ring = dice.randrange(_RINGS)
    size = 2 + ring % 3
    return [
        (
            f"ring-{ring}-{place}",
            {
                "text": "给大家推荐一个好号，长按关注，每天都有新文章",
                "channel": "followers",
                "recipients": dice.randrange(500, 20_000),
                "promotes": [f"ring-{ring}-{(place + 1) % size}"],
            },
        )
        for place in range(size)
    ]


def _report(dice: random.Random, identity: str, time: datetime) -> Item:
    subject = f"account:spammer-{dice.randrange(SPAMMERS)}"
    body: dict[str, object] = {
        "subject": subject,
        "reporter": f"user-{dice.randrange(ACCOUNTS)}",
        "category": dice.choice(_REASONS),
    }
    return Item("report", subject, {**_head(identity, time), **body})


def _head(identity: str, time: datetime) -> dict[str, object]:
    return {"id": identity, "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
