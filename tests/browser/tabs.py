"""A page of the console in a browser, as tests use it; and what tests ask of the site behind it."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.browser.site import Site

SHOTS = Path(__file__).parents[2] / "build" / "screenshots"
SLOW_MS = 30_000
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
_AGAIN = (
    ".row:nth-child(n+5)", ".entry:nth-child(n+9)", "tbody tr:nth-child(n+4)", ".names code:nth-child(n+4)",
    ".rule-card:nth-child(n+3)", ".signals li:nth-child(n+5)", "option:nth-child(n+4)",
)  # fmt: skip
ALIKE = f"{{exclude: {list(_AGAIN)}}}"
"""What is made as its neighbours are, and looked at in them: axe-core takes a minute for hundreds of rows."""
EXPECTED = re.compile(r"Failed to load resource|net::ERR_")
"""What the browser itself says of a call that failed; only where a test makes calls fail."""
ids = itertools.count(1)


class Tab:
    """A page of the console, and what went wrong in it."""

    def __init__(self, place: Site, page: Any) -> None:
        self.place, self.page = place, page
        self.errors: list[str] = []
        self.failing = False
        page.set_default_timeout(SLOW_MS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._said)

    def _said(self, message: Any) -> None:
        if message.type in {"error", "warning"} and not (self.failing and EXPECTED.search(message.text)):
            self.errors.append(message.text)

    def go(self, address: str) -> None:
        """To an address, such as `#/reviews`."""
        self.page.goto(f"{self.place.url}/{address}")

    def see(self, selector: str, **options: Any) -> Any:
        """The first element that fits, as soon as it is seen."""
        found = self.page.locator(selector, **options).first
        found.wait_for()
        return found

    def press(self, *keys: str) -> None:
        """Presses keys, one after the other."""
        for key in keys:
            self.page.keyboard.press(key)

    def click(self, name: str, within: str = "body", **options: Any) -> None:
        """Clicks the first button of this name."""
        self.page.locator(within).get_by_role("button", name=name, **options).first.click()

    def decide(self, *keys: str) -> None:
        """Gives a reason in the dialog by keys - the first usual one - and sends the decision at once."""
        self.press(*(keys or ("1", "Enter")))
        self.click("Send now")

    def shot(self, name: str) -> None:
        """Leaves a picture in build/screenshots."""
        self.page.screenshot(path=SHOTS / f"{name}.png")

    def waits(self, expression: str) -> None:
        """Until it holds; asked from here, because the page's own policy forbids to evaluate strings in it."""
        deadline = time.monotonic() + SLOW_MS / 1000
        while not self.page.evaluate(f"Boolean({expression})"):
            assert time.monotonic() < deadline, f"never: {expression}"
            self.page.wait_for_timeout(50)

    def serious(self, only: str = "") -> list[str]:
        """What axe-core finds that is serious; `only`: one of its rules."""
        if not self.page.evaluate("typeof axe === 'object'"):
            self.page.evaluate(AXE)
        chosen = f", runOnly: ['{only}']" if only else ""
        answer = self.page.evaluate(f"axe.run({ALIKE}, {{resultTypes: ['violations'], preload: false{chosen}}})")
        return [
            f"{each['id']} ({each['impact']}): {each['nodes'][0]['html'][:200]}"
            for each in answer["violations"]
            if each["impact"] in {"serious", "critical"}
        ]


Open = Callable[..., Tab]


def open_cases(place: Site) -> list[dict[str, Any]]:
    """The cases that wait, the one that waits longest first, as the page has them."""
    found: list[dict[str, Any]] = place.api("/v1/reviews?limit=100&order=oldest")["reviews"]
    return found


def held(place: Site, kind: str) -> str:
    """A subject of a kind for which an appealable sanction holds."""

    def look() -> str | None:
        for each in place.api(f"/v1/subjects?prefix={kind}:&limit=100&held=true")["subjects"]:
            if each["in_force"]:
                return str(each["subject"])
        return None

    return str(place.until(look, f"a {kind} for which something holds"))


def address(page: str, name: str) -> str:
    """The address of a page about something."""
    return f"#/{page}/{quote(name, safe='')}"


def pages(place: Site) -> dict[str, str]:
    """Every page, with something on it."""
    return {
        "now": "#/",
        "subject": address("subject", held(place, "domain")),
        "subjects": "#/subjects?prefix=account:",
        "reviews": "#/reviews",
        "violations": "#/violations",
        "explain": f"#/explain?text={quote('分享到朋友圈后即可查看答案')}",
        "engine": "#/engine",
        "dead": "#/dead",
        "audit": "#/audit",
    }


READY = {
    "now": ".feed .row", "subject": ".timeline .entry", "subjects": ".subjects .row", "reviews": ".case .would",
    "violations": ".violation", "explain": ".rule-card", "engine": "table .bars", "dead": ".found .row",
    "audit": "tbody tr",
}  # fmt: skip
"""What is seen once a page is there."""
