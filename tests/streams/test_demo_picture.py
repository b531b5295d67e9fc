"""The demo's view as a picture: it can be drawn, says what the view says, and fetches nothing."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET
from pathlib import Path

from rich.text import Text

from rules.packs import load_pack
from streams.demo.picture import pictured, svg
from streams.demo.tally import Tally
from streams.demo.view import screen
from tests.kafka.system import TINY

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
ENFORCEMENT = (
    b'{"action":"block_access","subject":"domain:quiz.example","rung":1,"permanent":false,"ends":"2026-01-02T00:00:00Z",'
    b'"evidence":[{"quote":"[red]<script>\xe5\x88\x86\xe4\xba\xab"}],"clauses":["links.1.1"]}'
)


def words(picture: str) -> str:
    """What a reader sees; also that it is well-formed."""
    lines = ET.fromstring(picture).iter(f"{SVG}text")  # noqa: S314 - made here
    return " ".join("".join(line.itertext()) for line in lines).replace("\xa0", " ")


def test_the_picture_says_what_the_view_says_and_what_people_wrote_is_text() -> None:
    tally = Tally(judged=1234)
    tally.take("enforcements", b"domain:quiz.example", ENFORCEMENT)
    picture = svg(screen(tally, load_pack(TINY), "http://127.0.0.1:6066", 20_000))

    shown = words(picture)
    assert "1,234 of 20,000" in shown
    assert "block_access" in shown
    assert "domain:quiz.example" in shown
    assert "[red]<script>" in shown
    assert "<script" not in picture


def fetched(picture: str) -> list[str]:
    """Addresses that a reader's program would ask."""
    return re.findall(r'(?:url\("?|href="|src=")(?!#)([^")]+)', picture)


def test_a_picture_fetches_nothing() -> None:
    assert fetched('src="https://a.example/x" url("https://b.example") url(#clip)') == [
        "https://a.example/x",
        "https://b.example",
    ]
    assert fetched(svg(Text("hello"))) == []


def test_chinese_has_the_room_that_it_takes() -> None:
    lengths = [
        float(re.search(r'textLength="([\d.]+)"[^>]*>' + text, svg(Text(text)))[1])  # type: ignore[index]
        for text in ("分享", "abcd")
    ]
    assert lengths[0] == lengths[1] > 0


def test_it_is_of_the_last_moment_at_work(tmp_path: Path) -> None:
    now = ["working"]
    with pictured(tmp_path / "view.svg", lambda: Text(now[0]), lambda: now[0] == "working"):
        time.sleep(1.2)
        now[0] = "idle"
    assert "working" in words((tmp_path / "view.svg").read_text("utf-8"))

    with pictured(tmp_path / "none.svg", lambda: Text("never at work"), lambda: False):
        pass
    assert "never at work" in words((tmp_path / "none.svg").read_text("utf-8"))


def test_the_picture_of_the_readme_is_one_of_the_demo() -> None:
    picture = (ROOT / "docs" / "demo.svg").read_text("utf-8")

    assert fetched(picture) == []
    assert all(heading in words(picture) for heading in ("Violations by clause", "Latest enforcement", "events/s"))
