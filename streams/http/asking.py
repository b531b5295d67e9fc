"""Asking the journal for an answer to a request: what may go wrong on the way is a problem with its status."""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Concatenate, ParamSpec, TypeVar

import msgspec

from streams.http.problems import Problem
from streams.http.rights import forbidden
from streams.journal.journal import BusyError, Journal

P = ParamSpec("P")
T = TypeVar("T")

Before = Annotated[int, msgspec.Meta(ge=0, le=(1 << 62), description="only what is older than this number")]
Since = Annotated[datetime, msgspec.Meta(tz=True, description="only what was produced at this time or later")]
Limit = Annotated[int, msgspec.Meta(ge=1, le=200)]
BUSY = {503: "too many requests wait"}


async def ask(
    journal: Journal,
    question: Callable[Concatenate[sqlite3.Connection, P], T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """The answer to a question of `streams.journal.questions`. Raises Problem (403 where the journal may not read what
    it is made of, 503)."""
    if journal.progress.refused is not None:
        raise forbidden(journal.progress.refused)
    try:
        return await journal.ask(question, *args, **kwargs)
    except BusyError:
        raise Problem(503, "busy", "Too many requests wait", "try again", retry_after_s=1) from None


def raw(body: bytes) -> Any:
    """JSON that the journal holds, to be put into an answer as it is."""
    return msgspec.Raw(body)
