"""Errors as clients read them: problem details (RFC 9457), with what to do where something can be done."""

import msgspec
from aiohttp import web

CONTENT_TYPE = "application/problem+json"


class ProblemDetails(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What went wrong. `code`: one of a few words that programs may tell apart. Of posted events: `line`,
    from 1, is the first that is not certainly on the topics; `accepted`, how many before it are; `reason`, why it was
    refused, in the words of dead letters."""

    status: int
    title: str
    code: str
    detail: str = ""
    reason: str = ""
    line: int | None = None
    accepted: int | None = None


class Problem(Exception):  # noqa: N818 - the term of the RFC
    """Ends a request with problem details. `retry_after_s`: when it may be tried again."""

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str = "",
        *,
        retry_after_s: int | None = None,
        reason: str = "",
        line: int | None = None,
        accepted: int | None = None,
    ) -> None:
        super().__init__(title)
        self.details = ProblemDetails(
            status=status, code=code, title=title, detail=detail, reason=reason, line=line, accepted=accepted
        )
        self.retry_after_s = retry_after_s


def response(problem: Problem) -> web.Response:
    """The answer that tells of it."""
    headers = {} if problem.retry_after_s is None else {"Retry-After": str(problem.retry_after_s)}
    if problem.details.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return web.Response(
        status=problem.details.status,
        body=msgspec.json.encode(problem.details),
        content_type=CONTENT_TYPE,
        headers=headers,
    )
