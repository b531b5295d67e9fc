"""How long decoding an event and encoding a decision take: `python -m benchmarks.decoding`.

Two ways for each: msgspec straight from or to bytes, and orjson with msgspec's conversion between plain
Python and structs. Printed: microseconds for one, the best of seven rounds.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import orjson

from rules.decisions import EventRef, Evidence, Violation
from rules.events import STRUCTS, EventType, decode_event
from streams.codec import decode_record, encode

TEXT = "今天下午三点，小区门口的超市开始卖新到的杨梅，价格比上周便宜了两块钱，想买的邻居可以早点去看看。" * 2
BASE: dict[str, object] = {"id": "0123456789abcdef", "account": "account-000017", "time": "2026-01-01T08:30:00Z"}
EVENTS: dict[EventType, dict[str, object]] = {
    "post": {**BASE, "title": TEXT[:20], "text": TEXT, "links": ["https://example.com/a/b?c=d"], "ip": "203.0.113.9"},
    "share": {
        **BASE,
        "url": "https://example.com/a/b?c=d",
        "title": TEXT[:20],
        "scene": "moments",
        "page": {"final_url": "https://example.com/a", "title": TEXT[:20], "text": TEXT},
    },
    "mass_send": {**BASE, "text": TEXT, "channel": "followers", "recipients": 12000, "promotes": ["friend-of-mine"]},
    "report": {
        "id": "r-1",
        "subject": "account:account-000017",
        "reporter": "account-2",
        "category": "spam",
        "time": BASE["time"],
        "comment": TEXT[:40],
    },
    "appeal": {
        "id": "a-1",
        "subject": "account:account-000017",
        "enforcement": "0123456789abcdef",
        "verdict": "upheld",
        "moderator": "m-7",
        "reason": TEXT[:40],
        "time": BASE["time"],
    },
}
VIOLATION = Violation(
    id="0123456789abcdef0123456789abcdef",
    cause="0123456789abcdef" * 2,
    event=EventRef("0123456789abcdef", "post"),
    subject="account:account-000017",
    clause="links.4.1",
    rule="fraud.fake_packet",
    mode="enforce",
    severity="ordinary",
    evidence=[Evidence("prize", "text", TEXT[:12], 0, 12), Evidence("phone", "text", "13800138000", 60, 71)],
    time=datetime(2026, 1, 1, tzinfo=UTC),
    pack="wechat@1",
)


def microseconds(call: Callable[[], object], number: int = 20_000, rounds: int = 7) -> float:
    """The time of one call, in the fastest of `rounds`."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(number):
            call()
        best = min(best, time.perf_counter() - start)
    return best / number * 1e6


def main() -> None:
    """Prints both tables."""
    sequence = [("ce_sequence", b"00000000000000000001")]
    cloud = [*sequence, ("ce_id", b"other"), ("ce_time", b"2026-01-01T08:30:00Z"), ("ce_source", b"feed")]
    print("decoding, µs an event   bytes   msgspec   orjson+convert   record   with ce_ headers")
    for kind, fields in EVENTS.items():
        body = orjson.dumps(fields)
        key = str(fields.get("subject") or fields["account"]).encode()
        struct = STRUCTS[kind]
        cells = (
            microseconds(lambda: decode_event(kind, body)),  # noqa: B023 - called at once
            microseconds(lambda: msgspec.convert(orjson.loads(body), struct)),  # noqa: B023
            microseconds(lambda: decode_record(kind, key, body, sequence)),  # noqa: B023
            microseconds(lambda: decode_record(kind, key, body, cloud)),  # noqa: B023
        )
        print(f"{kind:22}{len(body):7}{cells[0]:10.2f}{cells[1]:17.2f}{cells[2]:9.2f}{cells[3]:19.2f}")
    direct = microseconds(lambda: encode(VIOLATION))
    plain = microseconds(lambda: orjson.dumps(msgspec.to_builtins(VIOLATION)))
    print(f"\nencoding a violation of {len(encode(VIOLATION))} bytes: msgspec {direct:.2f} µs, ", end="")
    print(f"orjson of to_builtins {plain:.2f} µs")


if __name__ == "__main__":
    main()
