"""Realistic traffic without end: the same seed gives the same events, whatever the machine.

Also what `benchmarks/` measures on, so a figure quoted for "the demo mix" means this file.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from rules.events import EventType
from streams.demo.texts import ARTICLES, MASS_SENDS, OFFENDING_PAGES, OFFENDING_TEXTS, POSTS, SLOTS

ACCOUNTS = 20_000
SPAMMERS = 40
"""Accounts that do most of the offending, so that ladders climb while one watches."""
OFFENDING_SHARE = 0.03
BROKEN_SHARE = 0.0005
_APPS = tuple(f"app-{number}" for number in range(30))
_SITES = tuple(f"{name}.example" for name in ("news", "life", "video", "read", "shop", "travel", "sport", "mom"))
_BAD_SITES = tuple(f"{site.replace('.', '-')}.invalid" for site in SLOTS["site"])


class Item(NamedTuple):
    """One event to send. `body` is None for a record that is broken on purpose: then `raw` is its value."""

    kind: EventType
    key: str
    body: dict[str, object] | None
    raw: bytes = b""


def traffic(
    seed: int = 1, start: datetime | None = None, per_second: float = 1000.0, *, broken: bool = True
) -> Iterator[Item]:
    """Events `1 / per_second` apart from `start` (now, in UTC, by default); `broken` ones among them."""
    dice = random.Random(seed)  # noqa: S311 - traffic, not secrets
    first = start or datetime.now(UTC)
    number = 0
    while True:
        time = first + timedelta(seconds=number / per_second)
        yield _item(dice, f"{seed}-{number}", time, broken)
        number += 1


def _item(dice: random.Random, identity: str, time: datetime, broken: bool) -> Item:
    offending = dice.random() < OFFENDING_SHARE
    account = f"spammer-{dice.randrange(SPAMMERS)}" if offending else f"user-{dice.randrange(ACCOUNTS)}"
    if broken and dice.random() < BROKEN_SHARE:
        return Item("post", account, None, dice.choice((b"\xff\xfe not json", b'{"id": 1}', b'{"text": "cut of')))
    head: dict[str, object] = {
        "id": identity,
        "account": account,
        "time": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    turn = dice.random()
    if turn < 0.6:
        return Item("post", account, head | _post(dice, offending))
    if turn < 0.92:
        return Item("share", account, head | _share(dice, offending))
    return Item("mass_send", account, head | _mass_send(dice, offending))


def _post(dice: random.Random, offending: bool) -> dict[str, object]:
    if offending:
        return {"text": _fill(dice, dice.choice(OFFENDING_TEXTS)), "links": [f"http://{dice.choice(_BAD_SITES)}/a"]}
    body: dict[str, object] = {
        "text": " ".join(_fill(dice, dice.choice(POSTS)) for _ in range(dice.choice((1, 2, 2, 3))))
    }
    if dice.random() < 0.2:
        body["links"] = [f"https://www.{dice.choice(_SITES)}/p/{dice.randrange(5000)}"]
    return body


def _share(dice: random.Random, offending: bool) -> dict[str, object]:
    title, text = dice.choice(OFFENDING_PAGES if offending else ARTICLES)
    host = dice.choice(_BAD_SITES) if offending else f"www.{dice.choice(_SITES)}"
    network = "198.51.100" if offending else "203.0.113"
    url = f"https://{host}/{dice.randrange(40 if offending else 3000)}"
    body: dict[str, object] = {
        "url": url,
        "title": _fill(dice, title),
        "scene": dice.choice(("moments", "moments", "chat", "favourite")),
        "page": {"final_url": url, "ip": f"{network}.{dice.randrange(1, 40)}", "text": _fill(dice, text)},
    }
    if dice.random() < 0.3:
        body["app"] = dice.choice(_APPS)
    return body


def _mass_send(dice: random.Random, offending: bool) -> dict[str, object]:
    template = dice.choice(OFFENDING_TEXTS if offending else MASS_SENDS)
    channel = dice.choice(("nearby", "drift_bottle", "followers")) if offending else "followers"
    return {"text": _fill(dice, template), "channel": channel, "recipients": dice.randrange(1, 50_000)}


def _fill(dice: random.Random, template: str) -> str:
    return template.format_map(_Slots(dice))


class _Slots(dict[str, str]):
    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self._dice = dice

    def __missing__(self, name: str) -> str:
        return self._dice.choice(SLOTS[name])
