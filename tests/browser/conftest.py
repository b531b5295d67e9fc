"""One site with live traffic, one browser and one login a role, for all tests of this folder.

They end with the folder's last test: Playwright keeps an event loop running in its thread, in which nothing else may
start one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from streams.http.tokens import Role
from tests.browser import chromium
from tests.browser.site import Site, Traffic, site
from tests.browser.tabs import SHOTS, SLOW_MS, Open, Tab
from tests.kafka.broker import Broker
from tests.kafka.conftest import kafka  # noqa: F401 - the fixture

FIRST, RATE = 3000, 20.0
"""Events at once, and then a second, of the traffic behind the tests: plenty to see, and little enough for a busy
machine."""


@pytest.fixture(scope="package")
def place(kafka: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:  # noqa: F811
    """A worker and a console, with traffic."""
    with site(kafka.bootstrap, f"t{os.getpid()}-{int(time.time())}-", tmp_path_factory.mktemp("site")) as made:
        feeding = Traffic(made.system.settings, FIRST, RATE)
        feeding.start()
        try:
            made.until(lambda: made.api("/v1/now")["reviews_open"] >= 6, "cases wait", 90)
            made.produce("posts", [(b"account:first", b"no event")])  # a dead letter
            for role in ("moderate", "admin"):  # so that the audit has something to tell, whichever tests are run
                order = {
                    "subject": f"account:first-{role}",
                    "do": "sanction",
                    "action": "warn",
                    "reason": "a beginning",
                }
                made.api("/v1/orders", role, order)
            yield made
        finally:
            feeding.stop()


@pytest.fixture(scope="package")
def browser(place: Site) -> Iterator[Any]:
    """Chromium."""
    playwright_api = pytest.importorskip("playwright.sync_api", reason="needs Playwright: `pip install playwright`")
    program = chromium.found()
    if program is None:
        pytest.skip(chromium.NOTHING)
    SHOTS.mkdir(parents=True, exist_ok=True)
    with playwright_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        yield running
        running.close()


@pytest.fixture(scope="package")
def cookies(browser: Any, place: Site) -> dict[Role, Any]:
    """The state of a browser that is logged in, for each role."""
    found: dict[Role, Any] = {}
    for role in ("admin", "moderate", "read"):
        context = browser.new_context()
        page = context.new_page()
        page.goto(place.url)
        page.fill("#token", place.tokens[role])
        page.keyboard.press("Enter")
        page.locator("nav").wait_for(timeout=SLOW_MS)
        found[role] = context.storage_state()
        context.close()
    return found


@pytest.fixture
def tab(browser: Any, place: Site, cookies: dict[Role, Any]) -> Iterator[Open]:
    """Opens tabs; afterwards none of them may have had an error. `role` None: nobody is logged in."""
    opened: list[Tab] = []

    def open_(address: str = "#/", role: Role | None = "moderate", **options: Any) -> Tab:
        state = None if role is None else cookies[role]
        given = {"storage_state": state, "locale": "en-GB", "viewport": {"width": 1280, "height": 900}}
        context = browser.new_context(**(given | options))
        made = Tab(place, context.new_page())
        opened.append(made)
        made.go(address)
        return made

    yield open_
    for each in opened:
        errors = list(each.errors)
        each.page.context.close()
        assert errors == []
