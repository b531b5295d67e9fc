"""Every input has a limit: what is at it is taken, what is one beyond is refused, and the document says which it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rules.events import (
    MAX_EVENT_BYTES,
    MAX_FOLLOWERS,
    MAX_HTML,
    MAX_RECIPIENTS,
    MAX_REDIRECTS,
    MAX_TEXT,
    EventType,
    InvalidEventError,
    decode_event,
)
from rules.subjects import subjects_of
from streams.cli.explain import _MAX_INPUT
from streams.lines import event_of, read_lines
from tests.rules.making import post, share

DOCUMENT = (Path(__file__).parents[2] / "docs/security.md").read_text()
TIME = "2026-01-01T08:00:00+08:00"
NAMES = {"id": "1", "time": TIME}
REVIEW = {"moderator": "m", "reason": "r", "subject": "account:a"}
VALID: dict[EventType, dict[str, Any]] = {
    "post": {**NAMES, "account": "a", "text": ""},
    "share": {**NAMES, "account": "a", "url": "http://a.example/", "scene": "chat"},
    "mass_send": {**NAMES, "account": "a", "text": "", "channel": "nearby", "recipients": 1},
    "report": {**NAMES, "subject": "account:a", "reporter": "b", "category": "spam"},
    "appeal": {**NAMES, **REVIEW, "enforcement": "e", "verdict": "upheld"},
    "review_decision": {**NAMES, **REVIEW, "review": "v", "verdict": "approved"},
    "order": {**NAMES, **REVIEW, "do": "clear"},
}
URL = "http://a.example/"


def url(length: int) -> str:
    return URL + "x" * (length - len(URL))


def subject(length: int) -> str:
    return "domain:" + "x" * (length - len("domain:"))


def names(count: int) -> list[str]:
    return ["x"] * count


def page(field: str, make: Callable[[int], Any]) -> Callable[[int], dict[str, Any]]:
    return lambda size: {field: make(size)}


def text(length: int) -> str:
    return "字" * length


LIMITS: list[tuple[EventType, str, int, Callable[[int], Any]]] = [
    *((kind, field, MAX_TEXT, text) for kind in ("post", "mass_send") for field in ("title", "text")),
    ("share", "title", MAX_TEXT, text),
    ("share", "desc", MAX_TEXT, text),
    ("post", "html", MAX_HTML, lambda size: "<" * size),
    *(("share", "page", MAX_TEXT, page(field, text)) for field in ("title", "text")),
    ("share", "page", MAX_HTML, page("html", lambda size: "<" * size)),
    ("share", "page", MAX_REDIRECTS, page("redirects", lambda size: [URL] * size)),
    ("share", "page", 8192, page("final_url", url)),
    ("share", "page", 8192, page("redirects", lambda size: [url(size)])),
    ("share", "page", 45, page("ip", lambda size: "1" * size)),
    ("share", "url", 8192, url),
    *((kind, "links", 100, lambda size: [URL] * size) for kind in ("post", "mass_send")),
    ("post", "links", 8192, lambda size: [url(size)]),
    ("mass_send", "promotes", 100, names),
    ("mass_send", "recipients", MAX_RECIPIENTS, int),
    *((kind, "followers", MAX_FOLLOWERS, int) for kind in ("post", "share", "mass_send")),
    *((kind, "id", 256, text) for kind in VALID),
    *((kind, "account", 256, text) for kind in ("post", "share", "mass_send")),
    *((kind, "app", 256, text) for kind in ("post", "share")),
    ("mass_send", "copied_from", 256, text),
    ("post", "ip", 45, lambda size: "1" * size),
    *(("report", field, 256, text) for field in ("reporter", "category", "event", "device")),
    ("report", "comment", MAX_TEXT, text),
    *((kind, "subject", 2048, subject) for kind in ("report", "appeal", "review_decision", "order")),
    *((kind, "reason", MAX_TEXT, text) for kind in ("appeal", "review_decision", "order")),
    *((kind, "moderator", 256, text) for kind in ("appeal", "review_decision", "order")),
]


@pytest.mark.parametrize(("kind", "field", "limit", "make"), LIMITS, ids=lambda value: str(value)[:20])
def test_at_the_limit_it_is_taken_and_beyond_refused(
    kind: EventType, field: str, limit: int, make: Callable[[int], Any]
) -> None:
    def body(size: int) -> bytes:
        return json.dumps({**VALID[kind], field: make(size)}, ensure_ascii=False).encode()

    decode_event(kind, body(limit))
    with pytest.raises(InvalidEventError) as refused:
        decode_event(kind, body(limit + 1))

    assert refused.value.reason == "invalid"
    assert f"$.{field}" in str(refused.value)


def test_an_event_has_so_many_bytes_and_no_more() -> None:
    start = json.dumps({**VALID["post"], "unknown": ""}).encode()[:-2]
    body = start + b"x" * (MAX_EVENT_BYTES - len(start) - 2) + b'"}'
    assert len(body) == MAX_EVENT_BYTES

    decode_event("post", body)
    with pytest.raises(InvalidEventError) as refused:
        decode_event("post", body + b" ")

    assert refused.value.reason == "oversize"


@pytest.mark.parametrize("spare", [0, -1])
def test_a_line_of_a_file_has_so_many_bytes_and_no_more(spare: int, tmp_path: Path) -> None:
    line = json.dumps({"type": "post", **VALID["post"]}).encode()
    (tmp_path / "events.jsonl").write_bytes(line + b"\n")

    with (tmp_path / "events.jsonl").open("rb") as stream:
        (read,) = read_lines(stream, len(line) + spare)

    assert len(read.body) == len(line) + spare
    if spare == 0:
        assert event_of(read) == decode_event("post", line)
    else:
        with pytest.raises(InvalidEventError, match="a line has at most"):
            event_of(read)


def test_so_many_subjects_are_charged_at_most() -> None:
    """As many as an event can name: its account, each of 100 links with its domain, and its application."""
    links = [f"http://d{number}.example/" for number in range(100)]
    of_post = subjects_of(post(links=links, app="x" * 256), lambda _: False)
    of_share = subjects_of(
        share("http://a.example/", app="x", page={"final_url": "http://b.example/", "ip": "1.2.3.4"}), lambda _: False
    )

    assert (len(of_post), len(of_share)) == (202, 7)
    assert "| subjects that one event is charged to | 202 |" in DOCUMENT


def test_the_document_says_so() -> None:
    stated = {
        "bytes of an event": MAX_EVENT_BYTES,
        "characters of a text, title, comment or reason": MAX_TEXT,
        "characters of a page's HTML": MAX_HTML,
        "redirects of a page": MAX_REDIRECTS,
        "links of an event": 100,
        "accounts that a mass send promotes": 100,
        "characters of a URL": 8192,
        "characters of a name (account, event, application, moderator …)": 256,
        "characters of a subject": 2048,
        "bytes of what `warden explain` takes": _MAX_INPUT,
    }

    assert [what for what, limit in stated.items() if f"| {what} | {limit:,} |" not in DOCUMENT] == []
