"""Logins of browsers: a token is given once, and a cookie that scripts cannot read stands for it from then on."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from streams.http.tokens import Identity

COOKIE = "warden_session"
LASTS_S = 12 * 3600.0
"""A working day, after which the token must be given again."""
MOST = 1000
"""Sessions at a time; beyond, the oldest ends."""
MARK = "Warden-Request"
"""A header that pages of other sites cannot send along with the cookie: what changes something must have it."""


@dataclass(frozen=True, slots=True)
class _Session:
    identity: Identity
    ends: float


class Sessions:
    """The sessions of this process; they end with it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sessions: dict[str, _Session] = {}

    def __len__(self) -> int:
        now = self._clock()
        return sum(session.ends > now for session in self._sessions.values())

    def open(self, identity: Identity) -> str:
        """A new session's secret."""
        now = self._clock()
        self._sessions = {key: session for key, session in self._sessions.items() if session.ends > now}
        while len(self._sessions) >= MOST:
            del self._sessions[next(iter(self._sessions))]
        secret = secrets.token_urlsafe(32)
        self._sessions[secret] = _Session(identity, now + LASTS_S)
        return secret

    def identity(self, secret: str) -> Identity | None:
        """Whose session it is; None when there is none. Secrets have 256 bits, and are looked up by a hash."""
        session = self._sessions.get(secret)
        return session.identity if session is not None and session.ends > self._clock() else None

    def close(self, secret: str) -> None:
        """Ends a session, if there is one."""
        self._sessions.pop(secret, None)


def give_cookie(response: web.StreamResponse, secret: str, *, secure: bool) -> None:
    """Has the browser keep a session. `secure`: the page came over TLS."""
    response.set_cookie(COOKIE, secret, max_age=int(LASTS_S), httponly=True, samesite="Strict", secure=secure, path="/")
