"""Decoding: what is no valid event is refused with a bounded reason, and what is valid survives."""

from __future__ import annotations

import json
from datetime import timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.events import (
    MAX_EVENT_BYTES,
    MAX_FOLLOWERS,
    MAX_RECIPIENTS,
    MAX_TEXT,
    STRUCTS,
    Appeal,
    InvalidEventError,
    MassSend,
    Post,
    Report,
    Share,
    convert_event,
    decode_event,
    from_millis,
    links_of,
    millis,
)
from tests.rules.making import at, mass_send, post, share

TIME = "2026-01-01T08:00:00+08:00"
VALID: dict[str, dict[str, Any]] = {
    "post": {"id": "1", "account": "alice", "time": TIME, "text": "你好"},
    "share": {"id": "1", "account": "alice", "time": TIME, "url": "http://a.example/", "scene": "chat"},
    "mass_send": {
        "id": "1",
        "account": "alice",
        "time": TIME,
        "text": "你好",
        "channel": "nearby",
        "recipients": 3,
    },
    "report": {"id": "1", "subject": "account:alice", "reporter": "bob", "category": "spam", "time": TIME},
    "appeal": {
        "id": "1",
        "subject": "domain:a.example",
        "enforcement": "f00",
        "verdict": "upheld",
        "moderator": "carol",
        "reason": "",
        "time": TIME,
    },
    "review_decision": {
        "id": "1",
        "subject": "domain:a.example",
        "review": "f00",
        "verdict": "approved",
        "moderator": "carol",
        "reason": "",
        "time": TIME,
    },
    "order": {
        "id": "1",
        "subject": "domain:a.example",
        "do": "clear",
        "moderator": "carol",
        "reason": "",
        "time": TIME,
    },
}


def encoded(kind: str, **changes: Any) -> bytes:
    return json.dumps({**VALID[kind], **changes}).encode()


def refusal(kind: Any, body: bytes | None) -> str:
    """The reason for which `body` is refused."""
    with pytest.raises(InvalidEventError) as caught:
        decode_event(kind, body)
    return caught.value.reason


@pytest.mark.parametrize("kind", STRUCTS)
def test_the_least_event_of_each_kind_is_accepted(kind: Any) -> None:
    assert type(decode_event(kind, encoded(kind))) is STRUCTS[kind]


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (kind, field)
        for kind, fields in VALID.items()
        for field in fields
    ],
)  # fmt: skip
def test_an_event_without_a_required_field_is_invalid(kind: Any, field: str) -> None:
    fields = {name: value for name, value in VALID[kind].items() if name != field}
    assert refusal(kind, json.dumps(fields).encode()) == "invalid"


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("post", {"text": 5}),
        ("post", {"text": None}),
        ("post", {"links": "http://a.example/"}),
        ("post", {"links": [1]}),
        ("post", {"id": ""}),
        ("post", {"account": ""}),
        ("post", {"account": "a" * 257}),
        ("post", {"account": "alice\n"}),
        ("post", {"account": "al\x00ice"}),
        ("post", {"account": "al\x7fice"}),
        ("post", {"app": ""}),
        ("post", {"ip": "not an ip"}),
        ("post", {"ip": "1.2.3.4\n"}),
        ("post", {"links": ["http://a.example/"] * 101}),
        ("post", {"links": [""]}),
        ("post", {"text": "字" * (MAX_TEXT + 1)}),
        ("share", {"url": ""}),
        ("share", {"url": "http://a.example/" + "x" * 8192}),
        ("share", {"scene": "shop"}),
        ("share", {"scene": "Moments"}),
        ("share", {"page": []}),
        ("share", {"page": {"final_url": 1}}),
        ("mass_send", {"channel": "everyone"}),
        ("post", {"followers": -1}),
        ("share", {"followers": MAX_FOLLOWERS + 1}),
        ("mass_send", {"followers": "3"}),
        ("mass_send", {"recipients": -1}),
        ("mass_send", {"recipients": 1.5}),
        ("mass_send", {"recipients": "3"}),
        ("mass_send", {"recipients": True}),
        ("mass_send", {"recipients": MAX_RECIPIENTS + 1}),
        ("mass_send", {"recipients": 2**64}),
        ("mass_send", {"recipients": 10**400}),
        ("mass_send", {"promotes": ["x"] * 101}),
        ("report", {"subject": "alice"}),
        ("report", {"subject": "user:alice"}),
        ("report", {"subject": "account:"}),
        ("report", {"subject": "account:alice\n"}),
        ("appeal", {"verdict": "maybe"}),
    ],
)
def test_a_field_of_the_wrong_type_or_outside_its_limits_is_invalid(kind: Any, changes: dict[str, Any]) -> None:
    assert refusal(kind, encoded(kind, **changes)) == "invalid"


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-01T08:00:00",
        "2026-01-01",
        "yesterday",
        "",
        1_767_225_600,
        None,
        "2026-02-30T00:00:00Z",
        "2026-01-01T25:00:00Z",
        "2026-01-01T00:00:00+99:99",
        "0000-01-01T00:00:00Z",
    ],
)
def test_a_time_without_a_zone_or_that_is_none_is_invalid(time: object) -> None:
    assert refusal("post", encoded("post", time=time)) == "invalid"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00",
        b"not json",
        b"{",
        b"\xef\xbb\xbf{}",
        b'{"id": NaN}',
        b'{"id": Infinity}',
        b'{"id": "\xff"}',
        b'{"id": "\xed\xa0\x80"}',
        b'{"id": "\\ud800"}',
        b'{"id": "tab\tinside"}',
        encoded("post") + b" {}",
    ],
)
def test_bytes_that_are_no_json_are_undecodable(body: bytes) -> None:
    assert refusal("post", body) == "undecodable"


@pytest.mark.parametrize("body", [b"null", b"[]", b"3", b'"post"', b"[[[[[[]]]]]]"])
def test_json_that_is_no_object_is_invalid(body: bytes) -> None:
    assert refusal("post", body) == "invalid"


def test_a_record_without_a_value_is_null() -> None:
    assert refusal("post", None) == "null"


def test_ten_megabytes_are_oversize_before_they_are_parsed() -> None:
    assert refusal("post", b"\xff" * 10_000_000) == "oversize"


def test_the_largest_event_that_is_allowed_is_parsed() -> None:
    body = encoded("post", unknown="x" * MAX_EVENT_BYTES)[: MAX_EVENT_BYTES - 2] + b'"}'
    assert isinstance(decode_event("post", body), Post)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_is_refused_and_does_not_overflow_the_stack(opening: bytes) -> None:
    body = encoded("post")[:-1] + b', "unknown": ' + opening * 100_000
    assert refusal("post", body) == "undecodable"


def test_a_field_that_nobody_knows_is_ignored() -> None:
    assert decode_event("post", encoded("post", mood="happy")) == decode_event("post", encoded("post"))


def test_the_last_of_two_equal_keys_counts() -> None:
    event = decode_event("post", encoded("post")[:-1] + b', "account": "bob"}')
    assert isinstance(event, Post)
    assert event.account == "bob"


def test_the_same_instant_in_another_zone_is_the_same_time() -> None:
    utc = decode_event("post", encoded("post", time="2026-01-01T00:00:00Z"))
    assert decode_event("post", encoded("post")).time == utc.time


def test_a_refusal_names_the_field_that_is_wrong() -> None:
    with pytest.raises(InvalidEventError, match=r"\$\.page\.ip"):
        decode_event("share", encoded("share", page={"ip": "?"}))


@given(st.sampled_from(sorted(STRUCTS)), st.binary(max_size=200))
@example("post", b'{"id":"1","account":"a","time":"2026-01-01T00:00:00Z","text":"\\uDC00"}')
def test_random_bytes_raise_nothing_but_invalid_event_error(kind: Any, body: bytes) -> None:
    with pytest.raises(InvalidEventError) as caught:
        decode_event(kind, body)
    assert caught.value.reason in {"undecodable", "invalid"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(STRUCTS)), st.data())
def test_a_valid_event_with_one_random_value_is_an_event_or_invalid(kind: Any, data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(sorted(STRUCTS[kind].__struct_fields__)))
    value = data.draw(JSON)
    try:
        event = convert_event(kind, {**VALID[kind], field: value})
    except InvalidEventError as error:
        assert error.reason == "invalid"  # noqa: PT017 - either outcome is right
        return
    assert decode_event(kind, msgspec.json.encode(event)) == event


@pytest.mark.parametrize("fields", [None, 5, [], "post", {1: 2}, {"id": "1"}])
def test_fields_that_make_no_event_are_invalid_when_converted(fields: object) -> None:
    with pytest.raises(InvalidEventError) as caught:
        convert_event("post", fields)
    assert caught.value.reason == "invalid"


def test_converting_and_decoding_give_the_same_event() -> None:
    assert convert_event("mass_send", VALID["mass_send"]) == decode_event("mass_send", encoded("mass_send"))


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
times = st.datetimes(timezones=zones)
EVENTS = st.one_of(
    st.builds(Post, id=names, account=names, time=times, title=texts, text=texts, links=st.lists(names, max_size=3)),
    st.builds(Share, id=names, account=names, time=times, url=names, scene=st.sampled_from(["moments", "chat"])),
    st.builds(
        MassSend,
        id=names,
        account=names,
        time=times,
        text=texts,
        channel=st.sampled_from(["followers", "drift_bottle"]),
        recipients=st.integers(0, MAX_RECIPIENTS),
        followers=st.integers(0, MAX_FOLLOWERS),
        promotes=st.lists(names, max_size=3),
    ),
    st.builds(Report, id=names, subject=names.map("ip:{}".format), reporter=names, category=names, time=times),
    st.builds(
        Appeal,
        id=names,
        subject=names.map("app:{}".format),
        enforcement=names,
        verdict=st.sampled_from(["upheld", "overturned"]),
        moderator=names,
        reason=texts,
        time=times,
    ),
)


@given(EVENTS)
def test_a_valid_event_survives_the_wire(event: Any) -> None:
    assert decode_event(event.type, msgspec.json.encode(event)) == event


@given(st.integers(0, 253_402_300_799_999))
def test_a_time_survives_as_milliseconds(value: int) -> None:
    assert millis(from_millis(value)) == value


@pytest.mark.parametrize("beyond", [-1, -(10**15), 10**15, 10**20])
def test_milliseconds_beyond_what_a_time_holds_are_clamped(beyond: int) -> None:
    assert millis(from_millis(beyond)) == (0 if beyond < 0 else 253_402_300_799_999)


def test_times_before_1970_count_backwards() -> None:
    assert millis(at(days=-365 * 60)) < 0


def test_the_links_of_an_event_are_those_its_author_wrote() -> None:
    assert links_of(share("http://a.example/")) == ["http://a.example/"]
    assert links_of(post(links=["b.example"])) == ["b.example"]
    assert links_of(mass_send(links=["c.example"])) == ["c.example"]
