"""A subject: why something holds for it, how it is undone, and finding one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import orjson
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
    told = made.see(".toast.good, .toast.warn", has_text=subject).inner_text()
    left = place.api(f"/v1/subjects?prefix={subject}")["subjects"][0]["in_force"]
    assert (f"{subject}: nothing is in force" in told) == (not left)
    assert ("Other sanctions still hold" in told) == bool(left)
    made.see(".timeline .entry.appeal", has_text="overturned")
    made.see(".timeline .entry.appeal", has_text="lin")
    heads = made.page.locator(".timeline .entry.violation .head").all_inner_texts()
    assert heads
    assert {head.strip() for head in heads} == {"violation"}  # what was found stands below it, and no raw record


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


def test_a_subject_is_found_by_its_bare_name_and_by_an_address(tab: Open, place: Site) -> None:
    domain, link = held(place, "domain").partition(":")[2], held(place, "link").partition(":")[2]
    made = tab()
    made.see(".feed .row")
    for typed, subject in (
        (domain.upper(), f"domain:{domain}"),
        (f"https://{domain}/", f"domain:{domain}"),
        (link, f"link:{link}"),
        (link.partition("://")[2], f"link:{link}"),
    ):
        made.page.fill("#find", typed)
        made.press("Enter")
        made.see(f".subjects .subject[href$='{quote(subject, safe='')}']")
    made.page.locator(".subjects .subject").first.click()
    made.see(".subject-head")


def test_a_name_that_many_begin_with_is_led_on_by_its_kind(tab: Open, place: Site) -> None:
    told = place.api("/v1/subjects?prefix=account:s&limit=100")["subjects"]
    assert len(told) > 20
    made = tab("#/subjects?prefix=s")
    made.see(".subjects .row")
    made.page.get_by_role("link", name="More: account:s").click()
    made.waits("document.querySelectorAll('.subjects .row').length > 20")
    assert made.page.locator("#prefix").input_value() == "account:s"


def test_a_ban_that_is_worked_out_anew_is_no_order_of_who_overturned_another(tab: Open, place: Site) -> None:
    subject, now = f"account:anew-{next(ids)}", datetime.now(UTC)
    said = {"id": f"a-{subject}", "verdict": "overturned", "moderator": "lin", "reason": "wrongly matched"}
    at = now.isoformat().replace("+00:00", "Z")
    appeal = {**said, "subject": subject, "enforcement": content_id("other"), "time": at}
    made_anew = Enforcement(
        id=content_id(subject), subject=subject, action="warn", ladder="accounts", rung=1, permanent=False, starts=now,
        ends=now + timedelta(hours=1), clauses=["links.1.1"], rule="induced_sharing.unlock",
        violations=[content_id("v")], evidence=[], notice=Notice("警告", "a warning"), pack="p@1", time=now,
        previous=None, because=said["id"],
    )  # fmt: skip
    entry = BanEntry(
        action="warn", ladder="accounts", rung=1, permanent=False, starts=now, ends=now + timedelta(hours=1),
        clauses=["links.1.1"], enforcement=made_anew.id,
    )  # fmt: skip
    key = subject.encode()
    place.produce("appeals", [(key, orjson.dumps(appeal))])
    place.produce("enforcements", [(key, encode(made_anew))])
    place.produce("bans", [(key, encode(Ban(subject=subject, sanctions=[entry], time=now)))])
    place.until(lambda: len(place.api(f"/v1/subject?id={subject}")["timeline"]) >= 2, "it is known")
    place.until(lambda: place.api(f"/v1/subject?id={subject}")["in_force"], "it is held")
    made = tab(address("subject", subject))
    made.see(".because", has_text="Worked out anew when lin overturned another sanction: wrongly matched")


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
