"""The engine: what admins stop and change, packs and how they differ, and who did what."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.browser.site import Site
from tests.browser.tabs import Open

pytestmark = pytest.mark.timeout(400)


def test_the_engine_is_halted_and_resumed_by_an_admin(tab: Open, place: Site) -> None:
    made = tab("#/engine", role="admin")
    made.see("table .bars")
    made.see(".status .badge", has_text="Judging")
    made.see("h2", has_text="Workers")
    made.shot("engine")
    made.page.get_by_role("button", name="Halt enforcement").click()
    made.see("dialog .would", has_text="goes to shadow")
    made.decide("2", "Enter")
    made.see(".status.halted", has_text="ada")
    made.see("#bar .notice", has_text="halted")
    made.page.locator(".status").get_by_role("button", name="Resume").click()
    made.decide()
    made.see(".status .badge", has_text="Judging")
    assert place.api("/v1/now")["halted"] is None


def test_one_rule_goes_to_shadow_and_back(tab: Open, place: Site) -> None:
    made = tab("#/engine", role="admin")
    row = made.see("#rules tbody tr:has(button)")
    rule = row.locator("code").first.inner_text()
    row.get_by_role("button", name="Put in shadow").click()
    made.see("dialog .would", has_text=rule)
    made.decide()
    made.see(".status", has_text=rule)
    assert rule in place.api("/v1/now")["rules_halted"]
    made.page.locator(".status li").get_by_role("button", name="Resume").click()
    made.decide()
    made.waits(f"!document.querySelector('.status').textContent.includes({rule!r})")


def test_a_shadow_pack_is_compared_activated_and_rolled_back(tab: Open, place: Site) -> None:
    def compared() -> bool:
        told = place.api("/v1/packs")["shadow"]
        both = any(each["both"] for each in told.values())
        return both and told.get("trial.sunset", {}).get("shadow", 0) > 0 and "induced_sharing.unlock" in told

    place.until(compared, "both packs have judged", 60)
    made = tab("#/engine", role="admin")
    found = made.page.locator("section", has=made.page.get_by_role("heading", name="Shadow comparison"))
    columns = "both", "live only", "shadow only"
    shown = {}
    for rule in ("trial.sunset", "induced_sharing.unlock"):
        row = found.locator("tr", has_text=rule)
        row.wait_for()
        shown[rule] = dict(
            zip(columns, (int(cell.replace(",", "")) for cell in row.locator("td").all_inner_texts()[1:4]), strict=True)
        )
    assert shown["trial.sunset"]["shadow only"] > 0 == shown["trial.sunset"]["both"]
    assert shown["induced_sharing.unlock"]["live only"] > 0 == shown["induced_sharing.unlock"]["shadow only"]
    made.shot("engine-shadow")
    found.locator("tr", has_text="trial.sunset").get_by_role("link").first.click()
    made.see("h1", has_text="Violations")
    row = made.see(".found .row", has_text="trial.sunset")
    assert "shadow" in row.inner_text()
    assert "今天的晚霞太好看了" in row.inner_text()

    made.go("#/engine?part=packs")
    before = made.see("#packs dd strong").inner_text()
    assert before.startswith("wechat@")
    history = made.page.locator("section", has=made.page.get_by_role("heading", name="History"))
    history.locator("tr", has_text="trial@1").get_by_role("button", name="Activate").first.click()
    made.see("dialog .would", has_text="trial@1")
    made.page.select_option("dialog label:has-text('As') select", "live")
    made.decide()
    made.see("#packs dt:text-is('live') + dd", has_text="trial@1")
    place.until(lambda: place.api("/v1/now")["packs"]["live"].startswith("trial@1"), "it is live")
    history.locator("tr", has_text="Tested in shadow").first.wait_for()

    made.click("Roll back")
    made.see("dialog .would", has_text="judges again")
    made.decide()
    made.see("#packs dt:text-is('live') + dd", has_text=before)
    place.until(lambda: place.api("/v1/now")["packs"]["live"] == before, "it is rolled back")
    made.go("#/audit")
    made.see("tbody tr", has_text="More false hits than before")


def test_a_pack_is_activated_as_a_canary_and_rolled_back(tab: Open, place: Site) -> None:
    before = place.api("/v1/now")["packs"]
    assert not before["canary"]
    made = tab("#/engine?part=packs", role="admin")
    history = made.page.locator("section", has=made.page.get_by_role("heading", name="History"))
    history.locator("tr", has_text="trial@1").get_by_role("button", name="Activate").first.click()
    percent = made.page.locator("dialog label:has-text('Percent') input")
    assert not percent.is_visible()  # nothing but a canary is for some
    made.page.select_option("dialog label:has-text('As') select", "shadow")
    made.see("dialog .would", has_text="nothing comes of it")
    made.page.select_option("dialog label:has-text('As') select", "canary")
    percent.fill("60")
    made.see("dialog .would", has_text="judges 60 % of accounts")
    made.page.locator("#reason").focus()
    made.decide()
    canary = made.see("#packs dt:text-is('canary') + dd", has_text="trial@1")
    assert "60 % of accounts" in canary.inner_text()
    made.see("#packs dt:text-is('live') + dd", has_text=before["live"])
    told = place.until(lambda: (now := place.api("/v1/now")["packs"])["canary"] and now, "it is a canary")
    assert (told["live"], told["canary_percent"]) == (before["live"], 60)
    history.locator("tr", has_text="canary 60 %").first.wait_for()
    made.shot("engine-canary")

    def judged_by() -> set[str]:
        found = place.api(f"/v1/violations?mode=enforce&limit=200&since={quote(since)}")["items"]
        return {each["item"]["pack"] for each in found}

    since = place.api("/v1/now")["time"]
    place.until(lambda: len(judged_by()) == 2, "some accounts are judged by it, and others are not", 90)
    assert judged_by() == {told["live"], told["canary"]}

    made.click("Roll back")
    made.decide()
    made.see("#packs dt:text-is('canary') + dd", has_text="none")
    made.see("#packs dt:text-is('live') + dd", has_text=before["live"])
    place.until(lambda: place.api("/v1/now")["packs"] == before, "it is rolled back")


def test_rules_tell_how_often_they_hit(tab: Open, place: Site) -> None:
    told = place.until(
        lambda: [each for each in place.api("/v1/rules")["rules"] if each["hit_rate"] and each["violations"]],
        "workers tell rates",
    )
    rule = told[0]["rule"]
    made = tab("#/engine?part=rules")
    cells = made.see(f"#rules tr:has(code:text-is('{rule}'))").locator("td")
    assert cells.nth(5).inner_text().split()[1] == "%"
    assert int(cells.nth(3).inner_text().replace(",", "")) >= told[0]["violations"]
    cells.nth(3).get_by_role("link").click()
    made.see(".found .row .rule", has_text=rule)
    assert set(made.page.locator(".found .rule").all_inner_texts()) == {rule}


@pytest.mark.parametrize("width", [1280, 360])
def test_a_part_that_is_gone_to_is_not_hidden_behind_the_bar(tab: Open, width: int) -> None:
    made = tab("#/engine?part=rules", viewport={"width": width, "height": 700})
    made.see("table .bars")
    top = "document.querySelector('#rules h2').getBoundingClientRect().top"
    made.waits(f"{top} >= document.querySelector('#bar').getBoundingClientRect().bottom && {top} < 200")


def test_moderators_see_the_engine_and_stop_nothing(tab: Open) -> None:
    made = tab("#/engine")
    made.see("table .bars")
    assert made.page.get_by_role("button", name="Halt enforcement").is_disabled()


def test_what_could_not_be_read_is_told(tab: Open, place: Site) -> None:
    before = place.api("/v1/now")["journal"]["unreadable"]
    place.produce("reviews", [(b"account:nobody", b"no review"), (b"account:nobody", b"{}")])
    place.until(lambda: place.api("/v1/now")["journal"]["unreadable"] == before + 2, "they are counted")
    made = tab("#/engine?part=journal")
    made.see("#journal", has_text=f"{before + 2} records could not be read")
    made.see("#dead code", has_text="undecodable")
    assert made.page.locator("#dead dd").first.inner_text() != ""


def test_the_count_of_dead_letters_leads_to_what_they_held(tab: Open, place: Site) -> None:
    hostile = '<img src=x onerror="document.title=1"> \u202egnp ' + "x" * 5000
    place.produce("posts", [(b"account:dead", hostile.encode())])

    def listed() -> dict[str, Any] | None:
        found = place.api("/v1/dead-letters?reason=undecodable")["items"]
        return next((each for each in found if each["value"].startswith("<img")), None)

    told: Any = place.until(listed, "it is a dead letter")
    assert (told["cut"], told["bytes"]) == (True, len(hostile.encode()))
    made = tab("#/engine?part=dead")
    row = made.page.locator("#dead dl > div", has_text="undecodable")
    row.get_by_role("link").click()
    made.see("h1", has_text="Dead letters")
    letter = made.see(".found .row", has_text="<img src=x")
    assert f"partition {told['partition']}, offset {told['offset']}" in letter.inner_text()
    assert told["topic"] in letter.inner_text()
    assert "the beginning of 5,0" in letter.inner_text()
    letter.locator(".control", has_text="RLO").wait_for()
    assert made.page.locator("#main img").count() == 0  # shown, and nothing else
    assert set(made.page.locator(".found a code").all_inner_texts()) == {"undecodable"}
    made.shot("dead")
    made.press("j", "j", "k")
    made.see(".found .row[aria-current]:first-child")
    made.page.get_by_role("link", name="Clear filters").click()
    made.waits("location.hash === '#/dead'")
    made.go("#/")
    made.see(".tile .count[aria-label*='dead letters']").click()
    made.see("h1", has_text="Dead letters")
    made.see(".found .row")


def test_the_audit_tells_who_did_what(tab: Open) -> None:
    made = tab("#/audit")
    made.see("tbody tr", has_text="lin")
    made.see("tbody tr", has_text="ada")
    made.shot("audit")
