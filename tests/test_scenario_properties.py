"""Random histories of a few accounts, links and violations: what may change where subjects end, and what must not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.events import from_millis
from tests.scenarios.model import Held, Until
from tests.scenarios.play import emptied, event_of, held_by
from tests.scenarios.shipped import shipped
from tests.scenarios.start import START
from tests.scenarios.told import Case, Told, snapshot

_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000
_STEADY = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

SPAM = {"type": "post", "text": "超A货名包，支持专柜验货，加微信看图"}
RUMOUR = {"type": "post", "text": "自来水有毒，告诉家人千万别喝了"}
LIKES = {"type": "post", "text": "转发集赞满28个，到店领取保温杯一只"}
FOLLOWING = {"type": "post", "text": "关注公众号后查看第三题答案"}
FRAUD = {"type": "post", "text": "老板清仓，名表白送，只需付邮费"}
GUNS = {"type": "post", "text": "出售秃鹰气枪、仿真枪，货到付款"}
BAIT = {"type": "mass_send", "text": "转发朋友圈并截图发给客服，免费领电饭煲一台", "recipients": 200}
TRADE = {"type": "mass_send", "text": "本期互推好号，按粉结算", "recipients": 800}
GREETING = {"type": "post", "text": "早安，今天也要加油"}
COERCION_TO_ALL = {"type": "mass_send", "text": "为了家人请转发，不转会后悔一辈子", "recipients": 100_000}
RUMOUR_TO_ALL = {"type": "mass_send", "text": "自来水有毒，告诉家人千万别喝了", "recipients": 100_000}
WORDS = (SPAM, RUMOUR, LIKES, FOLLOWING, FRAUD, GUNS, BAIT, TRADE, GREETING, COERCION_TO_ALL, RUMOUR_TO_ALL)
TIMES = (0, 6, 12, 30, 54, 60, 66, 120, 780, 1440, 1470, 4320, 11_520, 12_960, 36_000, 59_040, 257_760, 262_080)
"""In minutes; multiples of the six minutes that offences are told apart by."""


class Moment(NamedTuple):
    """One event of a history; `minute` counts from its begin."""

    minute: int
    word: dict[str, Any]
    account: str = "ann"
    link: str = "http://one.example/1"


class End(NamedTuple):
    """Where a history ends: what is in force, and the reviews and charges by subject."""

    held: Held
    reviews: dict[str, list[Case]]
    charged: dict[str, set[str]]


MOMENTS = st.builds(
    Moment,
    st.sampled_from(TIMES),
    st.sampled_from(WORDS),
    st.sampled_from(("ann", "ben")),
    st.sampled_from(("http://one.example/1", "http://one.example/2", "http://203.0.113.7/")),
)
HISTORIES = st.lists(MOMENTS, min_size=1, max_size=10)


def bodies_of(moments: Sequence[Moment]) -> list[dict[str, Any]]:
    """The events as JSON has them, in the order of `moments`; their ids say which they are."""
    return [
        {
            **({"channel": "followers"} if moment.word["type"] == "mass_send" else {}),
            **moment.word,
            "id": f"e{number}",
            "account": moment.account,
            "links": [moment.link],
            "time": from_millis(START + moment.minute * _MINUTE_MS).isoformat(),
        }
        for number, moment in enumerate(moments)
    ]


def ended(bodies: Sequence[dict[str, Any]], at: int) -> End:
    """Where subjects are at a time, in ms since START, after events that arrive in this order."""
    engine, told = emptied(shipped()), Told()
    for decision in engine.judge([event_of(body) for body in bodies]):
        told.add(decision)
    seen = snapshot(told, held_by(engine, list(engine.subjects), at))
    return End(seen.held, seen.reviews, told.charged)


def last(moments: Sequence[Moment]) -> int:
    """The time of the newest event, in ms since START."""
    return max(moment.minute for moment in moments) * _MINUTE_MS


def in_time(bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """In order of time; what is of one instant stays in the order given."""
    return sorted(bodies, key=lambda body: str(body["time"]))


@_STEADY
@given(HISTORIES, st.data())
def test_the_order_within_an_instant_never_matters(moments: list[Moment], data: st.DataObject) -> None:
    bodies = bodies_of(moments)
    shuffled = data.draw(st.permutations(bodies))
    assert ended(in_time(shuffled), last(moments)) == ended(in_time(bodies), last(moments))


@_STEADY
@given(HISTORIES, st.data())
def test_the_order_of_arrival_never_matters(moments: list[Moment], data: st.DataObject) -> None:
    bodies = bodies_of(moments)
    assert ended(data.draw(st.permutations(bodies)), last(moments)) == ended(in_time(bodies), last(moments))


@_STEADY
@given(HISTORIES, st.data())
def test_duplicates_change_nothing(moments: list[Moment], data: st.DataObject) -> None:
    bodies = in_time(bodies_of(moments))
    again = data.draw(st.lists(st.sampled_from(bodies), max_size=5))
    assert ended([*bodies, *again], last(moments)) == ended(bodies, last(moments))
    twice = [body for body in bodies for _ in range(2)]
    assert ended(twice, last(moments)) == ended(bodies, last(moments))


@_STEADY
@given(HISTORIES, HISTORIES)
def test_a_longer_history_is_never_milder_by_more_than_the_grace(before: list[Moment], more: list[Moment]) -> None:
    """Within the hour that is one offence, an earlier begin may move the end of a renewed sanction: see below."""
    longer = [*before, *more]
    at = last(longer)
    short, long = ended(in_time(bodies_of(before)), at), ended(in_time(bodies_of(longer)), at)
    assert not milder(short.held, long.held, at, slack=_HOUR_MS)


ONCE_MILDER = {
    "within one slot of six minutes the first offence decides, and a later one renews what it led to": (
        [Moment(5, SPAM)],
        [Moment(1, SPAM)],
    ),
    "a renewal is rounded up to fixed instants, wherever the begin": (
        [Moment(10, SPAM), Moment(59, SPAM)],
        [Moment(0, SPAM)],
    ),
    "where a sanction ended those minutes earlier, the next violation would no longer prolong it": (
        [Moment(5, RUMOUR), Moment(723, SPAM)],
        [Moment(1, RUMOUR)],
    ),
    "what follows a permanent sanction brings those that only the later clause has": (
        [Moment(2880, COERCION_TO_ALL)],
        [Moment(1440, RUMOUR_TO_ALL)],
    ),
}


@pytest.mark.parametrize("reason", ONCE_MILDER)
def test_cases_in_which_a_longer_history_was_milder(reason: str) -> None:
    before, more = ONCE_MILDER[reason]
    longer = [*before, *more]
    at = last(longer)
    short, long = ended(in_time(bodies_of(before)), at), ended(in_time(bodies_of(longer)), at)
    assert milder(short.held, long.held, at, slack=0) == []


def milder(before: Held, after: Held, at: int, *, slack: int) -> list[str]:
    """Where `after` is milder than `before`, both of the time `at`: a sanction ends earlier by more than `slack` ms.

    A subject for which anything is in force for good needs only keep what was in force for good before.
    """
    found: list[str] = []
    for subject, actions in before.items():
        now = after.get(subject, {})
        for action, end in actions.items():
            if (end is None or None not in now.values()) and _sooner(end, now.get(action, at), slack):
                found.append(f"{subject}: {action}")
    return found


def _sooner(end: Until, new: Until, slack: int) -> bool:
    return new is not None and (end is None or new < end - slack)
