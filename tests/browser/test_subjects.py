"""A subject: why something holds for it, how it is undone, and finding one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rules.decisions import Ban, BanEntry, Enforcement, Notice, content_id
from streams.codec import encode
from tests.browser.site import Site
from tests.browser.tabs import Open, address, held, ids

pytestmark = pytest.mark.timeout(400)


def test_why_a_domain_is_blocked_and_how_it_is_undone(tab: Open, place: Site) -> None:
    subject = held(place, "domain")
    made = tab()
    made.see(".feed .row")
    made.press("/")
    made.page.keyboard.type(subject)
    made.press("Enter")
    made.see("h1", has_text=subject.partition(":")[2])
    made.see(".in-force .badge")
    made.see(".in-force .clause.full [lang=en]")
    made.see(".in-force .clause.full [lang=zh]")
    made.see(".because mark")
    made.see(".linked .subject")
    made.page.locator(".because").get_by_role("button", name="In context").first.click()
    made.see(".context .sample, .context .dim")
    made.shot("subject")
    undo = made.page.locator(".holding").get_by_role("button", name="Undo").first
    undo.click()
    made.see("dialog .would", has_text="charged with the same")
    made.press("Enter")
    made.see("dialog .wrong", has_text="reason")  # none without a reason
    made.decide()
    made.see(".toast.good")
    made.see(".timeline .entry.appeal", has_text="overturned")
    made.see(".timeline .entry.appeal", has_text="lin")


def test_a_sanction_by_hand_and_its_end(tab: Open, place: Site) -> None:
    subject = f"account:by-hand-{next(ids)}"
    made = tab(address("subject", subject))
    made.see("h1", has_text="by-hand")
    made.see(".free")
    made.page.get_by_role("button", name="Sanction by hand").click()
    made.page.select_option("dialog label:has-text('Action') select", "suspend_account")
    made.page.fill("#reason", "harm that no rule knows yet")
    made.page.locator("dialog button[type=submit]").click()
    made.page.get_by_role("button", name="Send now").click()
    made.see(".in-force .holding", has_text="suspend account")
    made.see(".because", has_text="harm that no rule knows yet")
    assert place.api(f"/v1/subjects?prefix={subject}")["subjects"][0]["in_force"] == ["suspend_account"]
    made.page.get_by_role("button", name="Clear", exact=True).first.click()
    made.decide()
    made.see(".free")
    assert place.api(f"/v1/subjects?prefix={subject}")["subjects"][0]["in_force"] == []


def test_subjects_are_found_by_how_they_begin(tab: Open, place: Site) -> None:
    subject = held(place, "account")
    made = tab("#/subjects?prefix=account:")
    made.see(".subjects .row")
    made.page.fill("#prefix", subject)
    made.waits("document.querySelectorAll('.subjects .row').length >= 1")
    made.see(".subjects .subject", has_text=subject.partition(":")[2]).click()
    made.see(".subject-head")
    made.page.go_back()
    made.page.fill("#prefix", "account:nobody-is-called-this")
    made.see(".state", has_text="No subject begins")


def test_subjects_that_are_held_are_listed_to_the_last(tab: Open, place: Site) -> None:
    names = [f"account:held-{number:03}" for number in range(105)]
    now = datetime.now(UTC)
    entry = BanEntry(
        action="warn", ladder="by_hand", rung=0, permanent=False, starts=now, ends=now + timedelta(hours=1),
        clauses=["links.1.1"], enforcement=content_id("held"),
    )  # fmt: skip
    bans = [Ban(subject=name, sanctions=[entry], time=now) for name in names]
    place.produce("bans", [(each.subject.encode(), encode(each)) for each in bans])
    place.until(lambda: place.api("/v1/subjects?prefix=account:held-104")["subjects"], "they are held")
    made = tab("#/subjects?prefix=account:held&held=1")
    made.see(".subjects .row", has_text="held-099")
    assert made.page.locator("#held").is_checked()
    made.click("More", "#main")
    made.see(".subjects .row", has_text="held-104")
    assert made.page.locator(".subjects .row").count() == len(names)
    place.produce("bans", [(name.encode(), None) for name in names])


def test_a_long_history_is_read_on_from_the_journal_and_then_from_the_topics(tab: Open, place: Site) -> None:
    subject = f"account:old-{next(ids)}"
    now = datetime.now(UTC)
    told = [
        Enforcement(
            id=content_id(subject, str(number)), subject=subject, action="warn", ladder="accounts", rung=1,
            permanent=False, starts=now, ends=None, clauses=["links.1.1"], rule="induced_sharing.unlock",
            violations=[content_id("v")], evidence=[], notice=Notice("警告", "a warning"), pack="p@1",
            time=now + timedelta(milliseconds=number), previous=None,
        )
        for number in range(510)
    ]  # fmt: skip
    place.produce("enforcements", [(subject.encode(), encode(each)) for each in told])
    last = told[-1].id
    place.until(
        lambda: any(each["id"] == last for each in place.api(f"/v1/subject?id={subject}")["timeline"]), "it is known"
    )
    made = tab(address("subject", subject))
    made.see(".choices a", has_text="all 500")
    made.click("Look further back")
    made.see(".choices a", has_text="all 510")
    made.click("Look further back")  # all that the topics have: there is nothing behind it
    made.waits("!document.querySelector('#timeline').textContent.includes('Look further back')")
    made.see(".choices a", has_text="all 510")
    made.page.locator("#timeline .after").get_by_role("button", name="More").click()
    assert made.page.locator(".timeline .entry").count() == 60
