"""Cases that need a decision: decided, undone, stale, and sent once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from rules.decisions import Review, content_id
from streams.codec import encode
from tests.browser.site import Site
from tests.browser.tabs import Open, address, ids, open_cases

pytestmark = pytest.mark.timeout(400)


def own_case(place: Site) -> str:
    """The id of a case about an account that nothing else happens to: approving it puts a sanction in force."""
    account = f"quiet-{next(ids)}"
    now = datetime.now(UTC).isoformat()
    place.feed([{"type": "post", "id": f"post-of-{account}", "account": account, "time": now, "text": "互推换量"}])

    def opened() -> str | None:
        told = place.api(f"/v1/subject?id=account:{account}")["reviews"]
        return str(told[0]["id"]) if told else None

    return place.until(opened, "the case is open") or ""


def test_a_case_is_decided_and_undone_by_keys_alone(tab: Open, place: Site) -> None:
    made = tab()
    made.see(".feed .row")
    made.press("g", "r")
    made.see(".cases .row[aria-current]")
    made.see(".case .would")
    made.press("j")
    chosen = made.page.locator(".cases .row[aria-current]").get_attribute("data-id")
    made.press("Enter")
    made.waits(f"location.hash.includes({chosen!r})")
    made.see(".case article")
    made.see(".case .would strong, .case .would .badge")
    made.see(".case .clause.full [lang=zh]")
    made.shot("review")
    made.press("?")
    made.see("dialog kbd")
    made.press("Escape")
    made.press("a")
    made.see("dialog h2", has_text="Approve")
    made.press("1", "Enter")
    made.see(".toast", has_text="is sent in")
    made.press("u")  # taken back: nothing is written
    made.see(".toast", has_text="nothing was sent")
    assert place.api(f"/v1/reviews/{chosen}")["review"]["status"] == "open"
    chosen = own_case(place)
    made.go(f"#/review/{chosen}")
    made.see(".case article")
    made.press("a")
    made.see("dialog h2")
    made.decide()
    told = made.see(".toast.good, .toast.warn, .toast.bad")
    place.until(lambda: place.api(f"/v1/reviews/{chosen}")["review"]["status"] == "approved", "it is approved")
    assert "Approved: " in told.inner_text()
    told.get_by_role("button", name="Undo").wait_for()
    made.press("u")  # now it is overturned by appeal, as that button does it
    made.see("dialog h2", has_text="Overturn")
    made.press("3", "Enter")  # and sent after five seconds
    subject = place.api(f"/v1/reviews/{chosen}")["review"]["subject"]

    def overturned() -> bool:
        told = place.api(f"/v1/subject?id={subject}")["timeline"]
        return any(each["kind"] == "appeal" and each["verdict"] == "overturned" for each in told)

    place.until(overturned, "it is overturned")


def test_a_rejection_is_sent_once_and_cannot_be_undone(tab: Open, place: Site) -> None:
    case = open_cases(place)[-1]["review"]
    made = tab(f"#/review/{case['id']}")
    sent: list[str] = []
    made.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    made.see(".case article")
    made.press("r")
    made.see("dialog .would", has_text="later violations count anew")
    made.press("1")
    made.page.locator("dialog button[type=submit]").dblclick()
    made.see(".toast", has_text="is sent in")
    made.go(f"#/review/{case['id']}")
    made.page.wait_for_timeout(300)
    made.press("r")  # a second decision on the same case is not begun
    assert made.page.locator("dialog").count() == 0
    made.page.get_by_role("button", name="Send now").dblclick()
    made.see(".toast.good, .toast.warn, .toast.bad")
    assert len([url for url in sent if url.endswith("/decision")]) == 1
    place.until(lambda: place.api(f"/v1/reviews/{case['id']}")["review"]["status"] == "rejected", "it is rejected")
    made.press("u")
    made.see(".toast", has_text="cannot be undone")


def test_a_case_that_ended_meanwhile_is_not_decided_again(tab: Open, place: Site) -> None:
    case = open_cases(place)[0]["review"]
    made = tab(f"#/review/{case['id']}")
    made.failing = True  # 409 is the point
    made.see(".case article")
    made.press("a")
    made.see("dialog h2")
    made.press("1", "Enter")
    made.see(".toast", has_text="is sent in")
    path = f"/v1/reviews/{case['id']}/decision"
    place.api(path, body={"verdict": "rejected", "reason": "somebody else was quicker", "seen": case["time"]})
    made.page.get_by_role("button", name="Send now").click()
    made.see(".toast.warn", has_text="Nothing was decided")
    assert place.api(f"/v1/reviews/{case['id']}")["review"]["status"] == "rejected"


def test_who_may_only_read_decides_nothing(tab: Open, place: Site) -> None:
    case = open_cases(place)[0]["review"]
    made = tab(f"#/review/{case['id']}", role="read")
    made.see(".case article", has_text="may not")
    made.press("a")
    assert made.page.locator("dialog").count() == 0
    made.go(address("subject", case["subject"]))
    made.see(".subject-head")
    assert made.page.get_by_role("button", name="Sanction by hand").count() == 0


def test_a_decision_whose_answer_was_lost_is_sent_again_and_counts_once(tab: Open, place: Site) -> None:
    subject = f"account:lost-{next(ids)}"
    made = tab(address("subject", subject))
    made.failing = True
    made.see(".free")

    def lose(route: Any) -> None:
        route.fetch()  # it is written, and the answer never comes
        route.abort()

    made.page.route("**/v1/orders", lose, times=1)
    made.page.get_by_role("button", name="Sanction by hand").click()
    made.decide()
    made.see(".toast.bad", has_text="Not done")
    made.page.get_by_role("button", name="Try again").click()
    made.see(".toast.good, .toast.warn")
    place.until(lambda: place.api(f"/v1/subject?id={subject}")["in_force"], "it is in force")
    told = place.api(f"/v1/subject?id={subject}")["timeline"]
    assert len([each for each in told if each["kind"] == "order"]) == 1


def test_the_queue_goes_on_behind_the_first_hundred(tab: Open, place: Site) -> None:
    now = datetime.now(UTC)
    cases = [
        Review(
            id=content_id("queue", str(number)), subject=f"account:queue-{number}", reason="by_report", detail="",
            status="open", clauses=["accounts.2"], rule="accounts.exchange", violations=[], evidence=[],
            proposed=["warn"], ladder="accounts", rung=1, lasts=None, pack="p@1", time=now,
        )
        for number in range(110)
    ]  # fmt: skip
    place.produce("reviews", [(each.subject.encode(), encode(each)) for each in cases])
    place.until(lambda: place.api("/v1/reviews")["open"] > 110, "they wait")
    try:
        first = open_cases(place)
        after = first[-1]["review"]["id"]
        rest = place.api(f"/v1/reviews?limit=100&order=oldest&after={after}")["reviews"]
        made = tab("#/reviews")
        made.see(".list .dim a", has_text="the 100 that wait longest")
        made.page.locator(".list .after").get_by_role("button", name="More").click()
        made.waits("!document.querySelector('.list .after button, .list .after .loading')")
        shown = made.page.locator(".cases .row").evaluate_all("all => all.map(each => each.dataset.id)")
        assert shown[: len(first) + len(rest)] == [each["review"]["id"] for each in [*first, *rest]]
        assert {each.id for each in cases} <= set(shown)
    finally:
        ended = [msgspec.structs.replace(each, status="closed") for each in cases]
        place.produce("reviews", [(each.subject.encode(), encode(each)) for each in ended])
    made.waits("![...document.querySelectorAll('.cases .subject')].some(each => each.textContent.includes('queue-'))")
    place.until(lambda: place.api("/v1/reviews")["open"] < len(cases), "they are closed")
