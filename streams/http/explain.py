"""POST /v1/explain: the playground, which shows what the live pack makes of a text, a URL, a page or an event.

One thread works at it, so a pasted novel delays the next one who pastes, and nobody else; who would wait too long is
refused.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from rules.events import InvalidEventError, MassSend, Post, Share, Url
from streams.explaining import Explanation, event_from, explain
from streams.http.policy import Policy
from streams.http.problems import Problem
from streams.http.routes import Call, Route

MAX_TEXT = 20_000
"""Longest text, in code points; of an event all its texts together, without HTML."""
MAX_HTML = 200_000
"""Longest page, in code points."""
MAX_BODY_BYTES = 2_000_000
WAITING = 8
"""Requests that may wait for the one that is worked on."""
MAX_FIELDS = 200
"""Values in an event, at any depth."""


class ExplainBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is asked about: a text, as a post; a URL, as a share, with what its page says or holds; or an event, whose
    `type` is post unless given, and whose required fields are filled in."""

    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] | None = None
    url: Url | None = None
    html: Annotated[str, msgspec.Meta(max_length=MAX_HTML)] | None = None
    event: dict[str, Any] | None = None


def event_of(body: ExplainBody) -> Post | Share | MassSend:
    """The event that is asked about. Raises Problem (400)."""
    try:
        return event_from(_fields(body))
    except InvalidEventError as error:
        raise Problem(400, "invalid", "No valid event", str(error)[:300]) from None


def _fields(body: ExplainBody) -> dict[str, object]:
    if body.event is not None:
        if body.text is not None or body.url is not None or body.html is not None:
            raise Problem(400, "invalid", "Bad body", "give an event, or else a text, a url, html")
        _check_size(body.event)
        return body.event
    if body.url is None and body.html is None:
        if body.text is None:
            raise Problem(400, "invalid", "Bad body", "give a text, a url, html or an event")
        return {"type": "post", "text": body.text}
    share: dict[str, object] = {"type": "share"}
    if body.url is not None:
        share["url"] = body.url
    if body.html is not None or body.text is not None:
        share["page"] = {"html": body.html or "", "text": body.text or ""}
    return share


def _check_size(event: dict[str, Any]) -> None:
    """Raises Problem (400) for an event that is too much work."""
    text = html = values = 0
    left: list[tuple[str, Any]] = list(event.items())
    while left:
        name, value = left.pop()
        values += 1
        if isinstance(value, dict):
            left.extend(value.items())
        elif isinstance(value, list):
            left.extend((name, each) for each in value)
        elif isinstance(value, str):
            html += len(value) if name == "html" else 0
            text += len(value) if name != "html" else 0
        if values > MAX_FIELDS or text > MAX_TEXT or html > MAX_HTML:
            detail = f"at most {MAX_TEXT:,} characters of text, {MAX_HTML:,} of html and {MAX_FIELDS} values"
            raise Problem(400, "too_large", "Too large an event", detail)


class Playground:
    """Works explanations out, one at a time."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._waiting = 0

    async def explain(self, call: Call) -> Explanation:
        """POST /v1/explain."""
        event = event_of(call.body)
        if self._waiting > WAITING:
            raise Problem(429, "busy", "Too many ask at once", "try again", retry_after_s=1)
        pack = self._policy.live
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(
                self._policy.executor, lambda: explain(pack, event, self._policy.screen(pack))
            )
        finally:
            self._waiting -= 1


def explain_routes(playground: Playground) -> Sequence[Route]:
    """POST /v1/explain."""
    return (
        Route(method="POST", path="/v1/explain", role="read", handler=playground.explain, body=ExplainBody,
              answer=Explanation, tag="policy", max_body_bytes=MAX_BODY_BYTES,
              summary="What the live pack makes of a text, a URL, a page or an event, step by step; changes nothing",
              problems={429: "too many ask at once", 503: "the policy is not known yet"}),
    )  # fmt: skip
