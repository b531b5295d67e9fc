"""Events full of what may be said nowhere but on the topics: names, texts, addresses, in all places there are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

ACCOUNT = "wang_xiaoming_1987"
HOSTILE = 'li"} 1 warden_forged{a="b'
REPORTER = "zhao-the-reporter"
TEXT = "恭喜中奖，我住在和平里七区，联系13800138000"
MARKUP = "<p>secret-markup-of-wang</p>"
HOST = "wang-family-photos.example"
IP = "203.0.113.77"
BANNED = f"account:{ACCOUNT}"
"""What the tiny pack bans for `events`."""

PRIVATE = (ACCOUNT, "warden_forged", REPORTER, "和平里", "13800138000", "secret-markup", HOST, IP)
"""Parts that tell: of names, texts, markup, links and addresses."""


def events() -> list[dict[str, Any]]:
    """One of each kind and of each way to be wrong that `warden feed` sends on; of the last minutes."""
    now = datetime.now(UTC)

    def made(kind: str, number: int, **fields: Any) -> dict[str, Any]:
        return {"type": kind, "id": f"{kind}-{number}", "time": (now - timedelta(seconds=number)).isoformat(), **fields}

    links = {"links": [f"http://{HOST}/?to={ACCOUNT}"], "ip": IP, "html": MARKUP}
    return [
        made("post", 90, account=ACCOUNT, title=ACCOUNT, text=TEXT, **links),
        made("post", 80, account=HOSTILE, text=TEXT, **links),
        made("share", 70, account=HOSTILE, url=f"http://{HOST}/", title="转发后解锁", scene="moments"),
        *(made("mass_send", n, account=ACCOUNT, text=TEXT, channel="nearby", recipients=9) for n in range(60, 50, -1)),
        made("report", 40, subject=BANNED, reporter=REPORTER, category="spam"),
        made("report", 30, subject=f"domain:{HOST}", reporter=REPORTER, category=TEXT),
        made("post", 20, account=ACCOUNT, text=7, ip=IP, extra=TEXT),
        made("post", 10, account=ACCOUNT, text=TEXT, ip=f"{IP}.{ACCOUNT}"),
    ]
