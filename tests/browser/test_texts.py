"""Texts of others: in the playground as they are typed, and hostile ones wherever they are shown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rules.decisions import Enforcement, Evidence, Notice, content_id
from streams.codec import encode
from tests.browser.site import Site
from tests.browser.tabs import Open, address, ids

HOSTILE = "account:<script>alert(1)</script>\u202eevil"

pytestmark = pytest.mark.timeout(400)


def test_what_is_typed_is_judged_as_it_is_typed(tab: Open) -> None:
    made = tab("#/explain")
    made.see(".state", has_text="judged as you type")
    made.page.locator("#input").press_sequentially("分享到朋★友圈後即可查看答·案", delay=2)
    made.see(".verdict[data-tone=bad]")
    made.see(".rule-card .holds")
    made.see(".sample.folded")
    made.see(".sides mark")
    made.see(".ladder .badge")
    made.shot("explain")
    made.page.fill("#input", "今天去公园散步")
    made.see(".verdict[data-tone=good]", has_text="Nothing would happen")
    made.page.fill("#input", "http://weixin-pay.example.com/")
    made.see(".explained", has_text="judged as share")
    made.page.fill("#input", '{"type": "mass_send", "text": "互粉互推", "recipients": 5}')
    made.see(".explained", has_text="judged as mass_send")
    made.page.fill("#input", "<html><body>分享到朋友圈后即可查看答案</body></html>")
    made.see(".explained", has_text="judged as share")
    made.page.fill("#input", '{"type": ')
    made.see(".verdict", has_text="no JSON object")


def test_hostile_text_is_inert_and_legible(tab: Open, place: Site) -> None:
    text = (
        "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
        "\u202e翻转\u2066隔离 " + "e" + "\u0301" * 400 + " https://evil.example/click javascript:alert(1) "
        "分享到朋友圈后即可查看答案 " + "长" * 200_000
    )
    made = tab("#/explain")
    made.page.fill("#input", text[:15_000])
    made.see(".sides .control", has_text="RLO")
    made.see(".sides .control", has_text="LRI")
    made.see(".sides .control", has_text="+396")
    made.see(".sides button.more")
    assert made.page.locator(".explained .content a").count() == 0
    assert made.page.locator(".explained script, .explained img").count() == 0
    assert "owned" not in made.page.title()
    made.shot("hostile")
    quoted = Enforcement(
        id=content_id("hostile"), subject=HOSTILE, action="warn", ladder="accounts", rung=1, permanent=False,
        starts=datetime.now(UTC), ends=None, clauses=["links.1.1"], rule="induced_sharing.unlock",
        violations=[content_id("v")], evidence=[Evidence("s", "text", text, 0, len(text))],
        notice=Notice(text[:100], text[:100]), pack="p@1", time=datetime.now(UTC), previous=None,
    )  # fmt: skip
    made.go("#/?action=warn")
    made.see("h2", has_text="Decisions")
    place.produce("enforcements", [(HOSTILE.encode(), encode(quoted))])
    row = made.see(".feed .row:has(.subject .control)", has_text="alert(1)")
    assert row.bounding_box()["height"] < 200
    assert len(row.inner_text()) < 2000
    assert made.page.locator(".feed script, .feed img").count() == 0
    row.locator(".subject").click()
    made.see("h1 .control", has_text="RLO")
    assert "owned" not in made.page.title()


def test_a_line_of_a_megabyte_shows_what_was_found_in_it(tab: Open, place: Site) -> None:
    account = f"long-{next(ids)}"
    words = "分享到朋友圈后即可查看答案"
    line = "长" * 170_000 + words + "长" * 180_000
    assert len(line.encode()) > 1 << 20
    url = f"https://{account}.example/"
    share = {
        "type": "share", "id": account, "account": account, "time": datetime.now(UTC).isoformat(), "url": url,
        "title": "测试", "scene": "moments", "page": {"final_url": url, "html": f"<p>{line}</p>"},
    }  # fmt: skip
    place.feed([share])
    subject = f"account:{account}"
    told = place.until(lambda: place.api(f"/v1/subject?id={subject}")["timeline"], "it is judged")
    (found,) = [each for each in told if each["kind"] == "violation" and each["rule"] == "induced_sharing.unlock"]
    evidence = place.api(f"/v1/evidence?violation={found['id']}")
    assert evidence["why_not"] == ""
    (mark,) = [each for each in evidence["marks"] if each["quote"] == words]
    text = evidence["event"]["fields"][mark["field"]]
    assert text[mark["start"] : mark["end"]] == words
    assert evidence["event"]["left_out"][mark["field"]] + mark["start"] == 170_000
    assert len(text) <= 50_000
    made = tab(address("subject", subject))
    made.see(".because mark", has_text=words)
    shown = made.see(".timeline .violation", has_text="induced_sharing.unlock")
    shown.get_by_role("button", name="In context").click()
    shown.locator(".context .sample", has_text=words).first.wait_for()
    assert shown.locator(".context mark").count() > 0
    shown.locator(".context", has_text="characters before this part are left out").wait_for()
    assert shown.locator(".context button.more").count() > 0
    assert shown.bounding_box()["height"] < 1500
    made.shot("megabyte")
    made.go("#/explain")
    made.page.fill("#input", line)
    made.see(".verdict", has_text="Too long: 350,013")
