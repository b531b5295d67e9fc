"""Logging in and out, sessions that end, and connections that are lost."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.browser.site import Site
from tests.browser.tabs import Open, Tab, open_cases

pytestmark = pytest.mark.timeout(400)


def test_a_token_logs_in(browser: Any, place: Site) -> None:
    context = browser.new_context(locale="en-GB")
    made = Tab(place, context.new_page())
    made.failing = True  # a wrong token is answered with 401
    made.go("")
    made.see("h1", has_text="Log in")
    made.shot("login")
    assert made.serious() == []
    made.page.emulate_media(color_scheme="dark")
    assert made.serious("color-contrast") == []
    made.page.emulate_media(color_scheme="light")
    made.page.set_viewport_size({"width": 360, "height": 740})
    made.shot("login-360")
    assert made.page.evaluate("document.documentElement.scrollWidth") <= 360
    made.page.fill("#token", "wrd_nobody")
    made.press("Enter")
    made.see(".wrong", has_text="not known")
    made.page.fill("#token", place.tokens["read"])
    made.press("Enter")
    made.see("nav a", has_text="Reviews")
    assert made.page.evaluate("document.cookie") == ""  # scripts cannot see the session
    made.page.click("button.who")
    made.see("h1", has_text="Log in")
    assert made.errors == []
    context.close()


def test_a_session_that_ended_leads_to_the_login_and_back(tab: Open, place: Site) -> None:
    made = tab("#/audit")
    made.failing = True
    made.see("tbody tr")
    made.page.context.clear_cookies()
    made.page.get_by_role("link", name="Engine").click()
    made.see("h1", has_text="Log in")
    made.page.fill("#token", place.tokens["moderate"])
    made.press("Enter")
    made.see("h1", has_text="Engine")
    made.waits("location.hash === '#/engine'")


def logged_in(browser: Any, place: Site, role: Any = "moderate") -> Tab:
    """A page with a session of its own, which a test may end."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    made = Tab(place, context.new_page())
    made.failing = True
    made.go("")
    made.page.fill("#token", place.tokens[role])
    made.press("Enter")
    made.see(".feed .row")
    return made


def begin_to_reject(made: Tab, case: dict[str, Any]) -> str:
    """Rejects a case; the decision waits to be sent. Returns the path of the case."""
    made.go(f"#/review/{case['id']}")
    made.see(".case article")
    made.press("r")
    made.see("dialog h2")
    made.press("1", "Enter")
    made.see(".toast", has_text="is sent in")
    return f"/v1/reviews/{case['id']}"


def test_who_logs_out_while_a_decision_waits_has_it_sent_first(browser: Any, place: Site) -> None:
    made = logged_in(browser, place)
    path = begin_to_reject(made, open_cases(place)[-1]["review"])
    made.page.click("button.who")
    made.see("h1", has_text="Log in")
    assert place.api(path)["review"]["status"] == "rejected"
    assert made.errors == []
    made.page.context.close()


def test_a_decision_that_the_sessions_end_kept_back_is_sent_by_who_made_it(browser: Any, place: Site) -> None:
    made = logged_in(browser, place)
    case = open_cases(place)[-1]["review"]
    path = begin_to_reject(made, case)
    made.page.context.clear_cookies()
    made.click("Send now")
    made.see("h1", has_text="Log in")
    made.see(".toast.bad", has_text="The session has ended")
    assert place.api(path)["review"]["status"] == "open"
    made.page.fill("#token", place.tokens["moderate"])
    made.press("Enter")
    made.see("nav a", has_text="Reviews")
    made.click("Try again")
    place.until(lambda: place.api(path)["review"]["status"] == "rejected", "it is rejected")

    path = begin_to_reject(made, open_cases(place)[-1]["review"])
    made.page.context.clear_cookies()
    made.click("Send now")
    made.see("h1", has_text="Log in")
    made.page.fill("#token", place.tokens["admin"])  # somebody else
    made.press("Enter")
    made.see(".toast.warn", has_text="lin decided it")
    assert place.api(path)["review"]["status"] == "open"
    assert made.errors == []
    made.page.context.close()


def test_a_lost_connection_is_told_and_what_was_missed_comes(tab: Open) -> None:
    made = tab()
    made.failing = True
    made.see(".feed .row")
    made.page.route("**/v1/**", lambda route: route.abort())
    made.page.context.set_offline(True)
    made.page.evaluate("dispatchEvent(new Event('offline'))")
    made.see(".live[data-state=lost]")
    made.see("#bar .notice", has_text="No connection")
    made.shot("disconnected")
    top = made.page.locator(".feed .row time").first.get_attribute("datetime")
    made.page.context.set_offline(False)
    made.page.unroute("**/v1/**")
    made.see(".live[data-state=live]")
    made.waits(f"document.querySelector('.feed .row time').dateTime > {top!r}")


def test_errors_and_emptiness_are_told(tab: Open) -> None:
    made = tab("#/audit")
    made.failing = True
    made.see("h1")
    problem = {"status": 503, "title": "Kafka does not answer", "code": "kafka", "detail": "no broker"}
    made.page.route(
        "**/v1/reviews?**",
        lambda route: route.fulfill(status=503, body=orjson.dumps(problem), content_type="application/problem+json"),
        times=1,
    )
    made.go("#/reviews")
    made.see(".state.error", has_text="brokers cannot be reached")
    empty = {"reviews": [], "open": 0}
    made.page.route("**/v1/reviews?**", lambda route: route.fulfill(json=empty), times=1)
    made.page.get_by_role("button", name="Try again").click()
    made.see(".state", has_text="No case waits")
    made.go("#/no-such-page")
    made.see(".state", has_text="no such page")
