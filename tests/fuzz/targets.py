"""What is fuzzed, and what must hold for any bytes: only documented errors, and a batch reads as its parts do.

A target takes bytes and raises for what must not be: `AssertionError` for a broken property, whatever comes out for an
undocumented exception. Input that is refused as documented ends silently. Whoever calls it bounds time and memory.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson

from rules.events import STRUCTS, Content, EventType, InvalidEventError, MassSend, Post, Share, decode_event
from rules.hosts_in_text import hosts_in_texts
from rules.lexicon import LexiconError
from rules.links import Link, host_name, nested_urls, parse_link
from rules.packs import SHIPPED, InvalidPackError, load_pack
from rules.packs.archive import ArchiveError, unpacked
from rules.packs.source import PackError, Place
from rules.pages import read_html
from rules.screen import Arrival, Screen
from rules.subjects import subjects_of
from rules.text import fold_batch
from streams.codec import dead_letter, decode_message, decode_record, decode_relay, decode_violation, encode
from streams.lines import event_of, read_lines, record_of

Target = Callable[[bytes], None]

_KINDS: tuple[EventType, ...] = tuple(STRUCTS)
_MANY = 1_000
"""Problems and links of which an error or a page may name no more."""
_PLAIN_TEXT = "平常的一句话，没有什么特别。"


def text_of(data: bytes) -> str:
    """Any text, lone surrogates included, from any bytes."""
    return data.decode("utf-8", "surrogatepass") if _is_wtf8(data) else data.decode("utf-8", "replace")


def _is_wtf8(data: bytes) -> bool:
    with contextlib.suppress(UnicodeDecodeError):
        data.decode("utf-8", "surrogatepass")
        return True
    return False


def events(data: bytes) -> None:
    """Records and lines: decoded or refused with a reason, and what is refused goes whole to the dead letters."""
    for kind in _KINDS:
        key = _key_of(data)
        try:
            event, source = decode_record(kind, key, data)
        except InvalidEventError as error:
            record: Any = SimpleNamespace(
                topic="t", partition=0, offset=1, key=key, value=data, headers=(), timestamp=1
            )
            letter = dead_letter("dead_letters", record, error)
            assert letter.value == data
            assert all("\n" not in value.decode() for name, value in letter.headers if name == "detail")
            continue
        assert source == kind
        again = decode_event(kind, orjson.dumps(orjson.loads(data)))
        assert again == event, "what is decoded does not depend on how its JSON is written"
    headers = [(name, data[:64]) for name in ("ce_id", "ce_source", "ce_type", "ce_time", "ce_specversion")]
    with contextlib.suppress(InvalidEventError):
        decode_record("post", _key_of(data), data, headers)
    for line in read_lines(io.BytesIO(data), 4_000):
        for read in (event_of, record_of):
            with contextlib.suppress(InvalidEventError):
                read(line)


def internal(data: bytes) -> None:
    """Records that workers write themselves, and others might: violations, relays, sightings."""
    for read in (decode_violation, decode_relay, decode_message):
        with contextlib.suppress(InvalidEventError):
            found = read(_key_of(data), data)  # type: ignore[operator]
            assert read(_key_of(data), encode(found)) == found  # type: ignore[operator]


def _key_of(data: bytes) -> bytes:
    with contextlib.suppress(orjson.JSONDecodeError):
        value = orjson.loads(data)
        if isinstance(value, dict):
            for name in ("account", "subject", "key"):
                if isinstance(value.get(name), str):
                    return str(value[name]).encode()
    return data[:20]


def folding(data: bytes) -> None:
    """Texts: folded alone as in a batch, and every folded character stands for some of the original."""
    text = text_of(data)
    parts = [text, _PLAIN_TEXT, text[: len(text) // 2], "", text[::-1]]
    together = fold_batch(parts)
    for index, part in enumerate(parts):
        alone = fold_batch([part])
        assert alone.text(0) == together.text(index)
        start, end = int(together.bounds[index]), int(together.bounds[index + 1]) - 1
        base = int(together.starts[index])
        spans = zip(
            (together.origin[start:end] - base).tolist(), (together.last[start:end] - base).tolist(), strict=True
        )
        for first, last in spans:
            assert 0 <= first <= last < len(part)
        if end > start:
            first, last = together.original_span(start, end, index)
            assert 0 <= first < last <= len(part)


def links(data: bytes) -> None:
    """URLs, and hosts in texts: read as a web link or not at all, and read again they are the same."""
    text = text_of(data)
    for url in (text[:8192], *text[:8192].split("\n")[:20]):
        link = parse_link(url)
        name = host_name(url)
        assert (name is None) == (link is None)
        if link is not None:
            assert name == link.host.name
            _check_link(link)
        for inner in nested_urls(url):
            assert len(inner) <= 10 * len(url) + 100
    together = hosts_in_texts([text, _PLAIN_TEXT, text])
    alone = hosts_in_texts([text])
    found = [(host.start, host.end, host.name) for host in alone]
    assert [(host.start, host.end, host.name) for host in together if host.text == 0] == found
    assert [(host.start, host.end, host.name) for host in together if host.text == 2] == found
    assert all(0 <= start < end <= len(text) and name.isascii() for start, end, name in found)


def _check_link(link: Link) -> None:
    assert link.href.isascii()
    assert link.href.startswith(("http://", "https://"))
    assert "#" not in link.href
    assert link.host.name.isascii()
    assert link.host.name == link.host.name.lower()
    assert link.host.name.endswith(link.host.domain) or link.host.is_ip
    again = parse_link(link.href)
    assert again is not None
    assert again.host == link.host


def pages(data: bytes) -> None:
    """HTML: read as far as the limits, the same every time, and nothing longer than what was given."""
    html = text_of(data)
    read = read_html.__wrapped__ if hasattr(read_html, "__wrapped__") else read_html
    facts = read(html)
    assert facts == read(html + "")
    assert len(facts.title) <= len(html)
    assert len(facts.text) <= 4 * len(html) + 100
    assert facts.buttons.count("\n") <= _MANY
    assert facts.form.count("\n") <= _MANY


def screening(data: bytes) -> None:
    """Events, one JSON a line: judged in a batch as one by one, and every quote stands where the evidence says."""
    found: list[Content] = []
    for line in data.split(b"\n")[:20]:
        for kind in ("post", "share", "mass_send"):
            with contextlib.suppress(InvalidEventError):
                found.append(decode_event(kind, line))  # type: ignore[arg-type]
    with contextlib.suppress(InvalidEventError):
        text = text_of(data).encode("utf-8", "replace").decode()[:20_000]
        found.append(Post(id="t", account="t", time=_time(), text=text, html=text, links=[text[:8192]]))
        found.append(Share(id="u", account="u", time=_time(), url=text[:8192], scene="moments", title=text))
    arrivals = [
        Arrival(event, event.type, event.type, number)
        for number, event in enumerate(found)
        if isinstance(event, Post | Share | MassSend)
    ]
    screen = _shipped()
    together = screen.screen(arrivals, lambda _: None)
    states: dict[str, bytes] = {}
    one_by_one = []
    for arrival in arrivals:
        subjects_of(arrival.event, lambda _: False)
        screened = screen.screen([arrival], states.get)
        states |= screened.states
        one_by_one += screened.violations
    assert together.violations == one_by_one
    assert together.states == states
    for violation in one_by_one:
        encode(violation)


@cache
def _shipped() -> Screen:
    return Screen(load_pack(SHIPPED))


def _time() -> Any:
    return decode_event("post", b'{"id":"x","account":"a","time":"2026-01-01T00:00:00Z","text":""}').time


def packs(data: bytes) -> None:
    """A pack of one file: loaded and compiled, or refused with places; and archives of packs."""
    with tempfile.TemporaryDirectory(prefix="warden-fuzz-") as name:
        folder = Path(name) / "pack"
        folder.mkdir()
        (folder / "pack.yaml").write_bytes(data)
        refused: list[PackError] = []
        try:
            Screen(load_pack(folder))
        except InvalidPackError as error:
            refused = error.errors or [PackError(Place("", 0, 0), "")]
        except LexiconError:
            pass
        assert all(found.place.line >= 1 and found.place.column >= 1 for found in refused)
    with contextlib.suppress(ArchiveError):
        unpacked(data, blake2b(data, digest_size=16).hexdigest())


TARGETS: dict[str, Target] = {
    "events": events,
    "internal": internal,
    "folding": folding,
    "links": links,
    "pages": pages,
    "screening": screening,
    "packs": packs,
}
