"""Records in and out: keys, CloudEvents headers, dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.decisions import Ban, BanEntry, EventRef, Violation
from rules.events import STRUCTS, EventType, InvalidEventError, Post
from streams.codec import dead_letter, decode_ban, decode_record, decode_violation, encode, one_line

BODY = {"id": "1", "account": "alice", "time": "2026-01-01T00:00:00Z", "text": "hi"}
VIOLATION = Violation(
    id="v",
    cause="0123456789abcdef" * 2,
    event=EventRef("1", "post"),
    subject="account:alice",
    clause="links.1",
    rule="r",
    mode="enforce",
    severity="ordinary",
    evidence=[],
    time=datetime(2026, 1, 1, tzinfo=UTC),
    pack="tiny@1",
)


@dataclass
class Record:
    """A record as aiokafka gives it."""

    topic: str = "posts"
    partition: int = 3
    offset: int = 7
    key: bytes | None = b"alice"
    value: bytes | None = b"value"
    headers: Sequence[tuple[str, bytes | None]] = field(default_factory=list)


def body(**changes: object) -> bytes:
    fields = {name: value for name, value in {**BODY, **changes}.items() if value is not None}
    return orjson.dumps(fields)


def refused(kind: EventType, key: bytes | None, value: bytes | None, headers: object = ()) -> InvalidEventError:
    with pytest.raises(InvalidEventError) as raised:
        decode_record(kind, key, value, headers)  # type: ignore[arg-type]
    return raised.value


def test_a_record_is_its_event_from_the_source_of_its_type() -> None:
    event, source = decode_record("post", b"alice", body())

    assert event == Post(id="1", account="alice", time=datetime(2026, 1, 1, tzinfo=UTC), text="hi")
    assert source == "post"


def test_reports_and_appeals_are_keyed_by_subject() -> None:
    report = {"id": "1", "subject": "domain:é.example", "reporter": "r", "category": "spam", "time": BODY["time"]}

    event, _ = decode_record("report", "domain:é.example".encode(), orjson.dumps(report))

    assert event.id == "1"


def test_a_record_without_key_is_refused() -> None:
    assert refused("post", None, body()).reason == "missing_key"


@pytest.mark.parametrize("key", [b"", b"bob", b"alice ", b"\xff"])
def test_a_key_that_is_not_the_account_is_refused(key: bytes) -> None:
    assert refused("post", key, body()).reason == "key_mismatch"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null"),
        (b"", "undecodable"),
        (b"\xff\xfe", "undecodable"),
        (b'{"x":' + b"[" * 100_000, "undecodable"),
        (b"[]", "invalid"),
        (b'{"id": "1"}', "invalid"),
        (b" " * 4_000_001, "oversize"),
    ],
)
def test_a_body_that_is_no_event_is_refused(value: bytes | None, reason: str) -> None:
    assert refused("post", b"alice", value).reason == reason


def test_headers_win_over_the_body() -> None:
    headers = [("ce_id", b"h"), ("ce_source", b"/feed"), ("ce_time", b"2026-02-02T00:00:00+08:00"), ("x", b"\xff")]

    event, source = decode_record("post", b"alice", body(), headers)

    assert (event.id, source) == ("h", "/feed")
    assert event.time == datetime(2026, 2, 1, 16, tzinfo=UTC)


def test_the_body_may_leave_out_what_headers_give_or_have_it_wrong() -> None:
    headers = [("ce_id", b"h"), ("ce_time", b"2026-02-02T00:00:00Z")]

    for value in (body(id=None, time=None), body(id=7, time="yesterday")):
        event, source = decode_record("post", b"alice", value, headers)
        assert (event.id, event.time.month, source) == ("h", 2, "post")


def test_other_headers_change_nothing() -> None:
    assert decode_record("post", b"alice", body(), [("ce_sequence", b"1"), ("ce_type", b"x")]) == decode_record(
        "post", b"alice", body()
    )


@pytest.mark.parametrize(
    "header",
    [
        ("ce_id", b""),
        ("ce_id", None),
        ("ce_id", b"\xff"),
        ("ce_id", b"a\nb"),
        ("ce_time", b"2026-02-02"),
        ("ce_time", b"2026-02-02T00:00:00"),
        ("ce_source", b""),
        ("ce_source", b"s" * 300),
    ],
)
def test_a_wrong_header_is_refused(header: tuple[str, bytes | None]) -> None:
    error = refused("post", b"alice", body(), [header])

    assert error.reason == "invalid"
    assert header[0] in str(error)


def test_headers_do_not_repair_the_rest() -> None:
    assert refused("post", b"alice", body(text=None), [("ce_id", b"h")]).reason == "invalid"
    assert refused("post", b"alice", None, [("ce_id", b"h")]).reason == "null"


def test_violations_are_no_events() -> None:
    with pytest.raises(ValueError, match="decode_violation"):
        decode_record("violation", b"k", b"{}")


names = st.sampled_from(["ce_id", "ce_source", "ce_time", "ce_sequence", "other"])
bodies = st.one_of(
    st.none(),
    st.binary(max_size=60),
    st.dictionaries(
        st.sampled_from([*BODY, "title", "links"]),
        st.one_of(st.none(), st.integers(-(2**53), 2**53), st.text(), st.just([])),
    ).map(lambda fields: orjson.dumps({**BODY, **fields})),
)


@settings(deadline=None)
@given(
    st.sampled_from(list(STRUCTS)),
    st.one_of(st.none(), st.binary(max_size=10), st.just(b"alice")),
    bodies,
    st.lists(st.tuples(names, st.one_of(st.none(), st.binary(max_size=30)))),
)
def test_whatever_comes_is_an_event_or_refused_with_a_dead_letter(
    kind: EventType, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    try:
        event, source = decode_record(kind, key, value, headers)
    except InvalidEventError as error:
        letter = dead_letter("dead", Record(key=key, value=value, headers=headers), error)
        assert (letter.key, letter.value) == (key, value)
        assert all(isinstance(data, bytes) for _, data in letter.headers)
    else:
        assert type(event) is STRUCTS[kind]
        assert source


def test_a_dead_letter_keeps_the_record_and_says_why() -> None:
    record = Record(value=b"\x00garbage", headers=[("ce_id", b"7"), ("trace", None), ("reason", b"old")])

    letter = dead_letter("dead", record, InvalidEventError("undecodable", "line one\nline two\x00 " + "x" * 500))

    assert (letter.topic, letter.key, letter.value) == ("dead", b"alice", b"\x00garbage")
    headers = dict(letter.headers)
    assert {name: headers[name] for name in ("ce_id", "trace", "topic", "partition", "offset", "reason")} == {
        "ce_id": b"7",
        "trace": b"",
        "topic": b"posts",
        "partition": b"3",
        "offset": b"7",
        "reason": b"undecodable",
    }
    assert headers["detail"].startswith(b"line one line two x")
    assert len(headers["detail"].decode()) == 300


def test_a_value_beyond_the_topic_s_limit_is_cut_and_says_so() -> None:
    error = InvalidEventError("oversize", "big")

    whole = dead_letter("dead", Record(value=b"x" * 9_000), error, max_record_bytes=10_000)
    cut = dead_letter("dead", Record(value=b"x" * 11_000), error, max_record_bytes=10_000)

    assert whole.value == b"x" * 9_000
    assert "original_bytes" not in dict(whole.headers)
    assert cut.value is not None
    assert 9_000 < len(cut.value) < 10_000
    assert dict(cut.headers)["original_bytes"] == b"11000"


@given(st.text())
def test_a_detail_is_one_bounded_line(text: str) -> None:
    line = one_line(text)

    assert len(line) <= 300
    assert len(line.splitlines()) <= 1
    line.encode()


def test_violations_come_back_as_they_went() -> None:
    assert decode_violation(b"account:alice", encode(VIOLATION)) == VIOLATION


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (None, encode(VIOLATION), "missing_key"),
        (b"account:bob", encode(VIOLATION), "key_mismatch"),
        (b"account:alice", None, "null"),
        (b"account:alice", b"{", "undecodable"),
        (b"account:alice", b'{"kind":"review"}', "invalid"),
    ],
)
def test_a_foreign_record_among_violations_is_refused(key: bytes | None, value: bytes | None, reason: str) -> None:
    with pytest.raises(InvalidEventError) as raised:
        decode_violation(key, value)

    assert raised.value.reason == reason


def test_bans_come_back_as_they_went_and_a_tombstone_is_none() -> None:
    time = datetime(2026, 1, 1, tzinfo=UTC)
    entry = BanEntry(
        action="ban_ip", ladder="l", rung=1, permanent=True, starts=time, ends=None, clauses=["c"], enforcement="e"
    )
    ban = Ban(subject="ip:192.0.2.1", sanctions=[entry], time=time)

    assert decode_ban(encode(ban)) == ban
    assert decode_ban(None) is None
