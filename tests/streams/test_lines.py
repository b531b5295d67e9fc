"""JSON lines: numbers, limits, and the record that a line becomes."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.events import InvalidEventError
from streams.lines import Line, event_of, read_lines, record_of


def lines(data: bytes, limit: int = 100) -> list[Line]:
    return list(read_lines(io.BytesIO(data), limit))


def line(text: str) -> Line:
    return lines(text.encode(), 1000)[0]


def test_lines_are_numbered_from_one_and_blank_ones_are_skipped() -> None:
    found = lines(b"\xef\xbb\xbfone\r\n\n  \ntwo\nthree")

    assert [(each.number, each.body, each.end) for each in found] == [
        (1, b"one", 8),
        (4, b"two", 16),
        (5, b"three", 21),
    ]


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_a_line_of_the_limit_is_whole_and_one_byte_more_is_not(ending: bytes) -> None:
    whole, cut = lines(b"x" * 100 + ending), lines(b"x" * 101 + ending)

    assert (whole[0].body, whole[0].size) == (b"x" * 100, 100)
    assert (cut[0].body, cut[0].size) == (b"x" * 100, 101)


def test_of_a_huge_line_only_the_start_is_kept_and_the_next_line_is_found() -> None:
    found = lines(b"x" * 1_000_000 + b"\nnext\n")

    assert [(each.number, len(each.body), each.size) for each in found] == [(1, 100, 1_000_000), (2, 4, 4)]


@given(st.lists(st.binary(max_size=250).map(lambda data: data.replace(b"\n", b"x").replace(b"\r", b"x"))))
def test_nothing_is_lost_but_blank_lines(bodies: list[bytes]) -> None:
    found = lines(b"start\n" + b"\n".join(bodies))

    assert [each.size for each in found[1:]] == [len(body) for body in bodies if body.strip()]


def test_a_record_is_the_line_without_its_type_keyed_by_the_account() -> None:
    kind, key, value = record_of(line('{"type": "post", "account": "阿", "id": 1.50, "big": 123456789012345678901}'))

    assert (kind, key) == ("post", "阿".encode())
    assert value == '{"account":"阿","id":1.50,"big":123456789012345678901}'.encode()


def test_the_record_of_an_appeal_is_keyed_by_its_subject() -> None:
    assert record_of(line('{"type": "appeal", "account": "a", "subject": "ip:192.0.2.1"}'))[1] == b"ip:192.0.2.1"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "undecodable"),
        ("[]", "invalid"),
        ("{}", "unknown_type"),
        ('{"type": 7}', "unknown_type"),
        ('{"type": "psot", "account": "a"}', "unknown_type"),
        ('{"type": "post"}', "missing_key"),
        ('{"type": "post", "account": ""}', "missing_key"),
        ('{"type": "post", "account": 7}', "missing_key"),
        ('{"type": "report", "account": "a"}', "missing_key"),
        (json.dumps({"type": "post", "account": "a", "text": "x" * 1000}), "oversize"),
    ],
)
def test_a_line_without_type_or_key_is_no_record(text: str, reason: str) -> None:
    with pytest.raises(InvalidEventError) as raised:
        record_of(line(text))

    assert raised.value.reason == reason


@given(st.binary(max_size=80))
def test_any_bytes_are_an_event_or_refused(data: bytes) -> None:
    for each in lines(data):
        with pytest.raises(InvalidEventError):
            event_of(each)


@pytest.mark.parametrize("name", ["type", "account"])
def test_a_name_that_is_not_utf_8_is_refused_for_the_topics(name: str) -> None:
    body = b'{"type":"post","account":"a","id":"1"}'.replace(
        b'"' + name.encode() + b'":"', b'"' + name.encode() + b'":"\xff'
    )
    with pytest.raises(InvalidEventError) as refused:
        record_of(Line(1, body, len(body), len(body)))
    assert refused.value.reason == "undecodable"
