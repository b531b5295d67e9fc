"""Sessions of browsers: the cookie, what ends them, and what pages of other sites cannot do with them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson

from streams.http import login
from streams.http.attempts import ADDRESSES, MOST, SPAN_S, Attempts
from streams.http.sessions import LASTS_S, Sessions
from streams.http.sessions import MOST as MOST_SESSIONS
from streams.http.tokens import Identity, Role, entry_of
from streams.settings import Settings
from tests.streams.http.making import Server, run

LIN = Identity("lin", "read", b"")
MARKED: Any = {"Warden_Request": "1"}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def log_in(server: Server, role: Role = "read", **headers: str) -> tuple[int, Any, Any]:
    data = orjson.dumps({"token": server.tokens[role]})
    return await server.call("POST", "/v1/session", data=data, Content_Type="application/json", **headers)


async def cookie_of(server: Server, role: Role = "read") -> str:
    _, _, headers = await log_in(server, role, **MARKED)
    return str(headers["Set-Cookie"]).partition(";")[0]


def test_a_session_ends_by_itself() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    secret = sessions.open(LIN)
    clock.now += LASTS_S - 1
    assert sessions.identity(secret) == LIN
    assert len(sessions) == 1
    clock.now += 1
    assert sessions.identity(secret) is None
    assert len(sessions) == 0


def test_the_oldest_session_gives_way() -> None:
    sessions = Sessions(Clock())
    secrets = [sessions.open(LIN) for _ in range(MOST_SESSIONS + 1)]
    assert len(set(secrets)) == len(secrets)
    assert sessions.identity(secrets[0]) is None
    assert sessions.identity(secrets[1]) == sessions.identity(secrets[-1]) == LIN


def test_the_cookie_stands_for_the_token_and_scripts_cannot_read_it(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        status, body, headers = await log_in(server, "moderate", **MARKED)
        assert (status, body) == (200, {"name": "the moderate", "role": "moderate"})
        cookie = headers["Set-Cookie"]
        flags = {part.strip().partition("=")[0].lower() for part in cookie.split(";")[1:]}
        assert flags == {"httponly", "max-age", "path", "samesite"}
        assert "SameSite=Strict" in cookie
        assert re.match(r"warden_session=[\w-]{43};", cookie)
        assert server.tokens["moderate"] not in cookie
        again = await server.call("GET", "/v1/session", Cookie=cookie.partition(";")[0])
        assert again[:2] == (200, {"name": "the moderate", "role": "moderate"})

    run(test, tmp_path)


def test_over_tls_the_cookie_is_for_tls_alone(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        _, _, headers = await log_in(server, X_Forwarded_Proto="https", **MARKED)
        assert "Secure" in headers["Set-Cookie"]

    run(test, tmp_path, settings=Settings(http_port=0, http_behind_proxy=True))


def test_a_client_cannot_say_that_it_came_through_a_proxy(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        _, _, headers = await log_in(server, X_Forwarded_Proto="https", **MARKED)
        assert "Secure" not in headers["Set-Cookie"]

    run(test, tmp_path)


def test_a_session_ends_with_its_token(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        cookie = await cookie_of(server)
        server.file.write_text(entry_of("somebody else", "read", "wrd_other"))
        server.doorkeeper.tokens.reload()
        assert (await server.call("GET", "/v1/session", Cookie=cookie))[0] == 401
        assert len(server.doorkeeper.sessions) == 0

    run(test, tmp_path)


def test_a_session_ends_with_a_logout(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        cookie = await cookie_of(server)
        status, _, headers = await server.call("DELETE", "/v1/session", Cookie=cookie, **MARKED)
        assert status == 204
        assert "Max-Age=0" in headers["Set-Cookie"]
        assert (await server.call("GET", "/v1/session", Cookie=cookie))[0] == 401

    run(test, tmp_path)


def test_what_changes_something_needs_the_mark_with_a_cookie_and_not_with_a_token(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        assert (await log_in(server))[0] == 403, "a login, too: a page of another site could log somebody in"
        cookie = await cookie_of(server)
        status, problem, _ = await server.call("DELETE", "/v1/session", Cookie=cookie)
        assert (status, problem["code"]) == (403, "cross_site")
        assert (await server.call("GET", "/v1/session", Cookie=cookie))[0] == 200
        assert (await server.call("DELETE", "/v1/session", "read"))[0] == 204

    run(test, tmp_path)


def test_those_who_see_nothing_have_no_session(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        assert (await log_in(server, "feed", **MARKED))[0] == 403

    run(test, tmp_path)


def test_who_guesses_is_sent_away_before_a_guess_is_looked_at(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(login, "FAILED_S", 0.0)

    async def test(server: Server) -> None:
        for _ in range(MOST):
            data = b'{"token":"wrd_guess"}'
            status, problem, _ = await server.call(
                "POST", "/v1/session", data=data, Content_Type="application/json", **MARKED
            )
            assert (status, problem["code"]) == (401, "unauthorized")
        status, problem, headers = await log_in(server, **MARKED)
        assert (status, problem["code"]) == (429, "busy")
        assert 0 < int(headers["Retry-After"]) <= SPAN_S + 1
        assert f"warden_http_failed_logins_total {MOST}.0" in server.state.metrics.exposition().decode()
        assert (await server.call("GET", "/v1/session", "read"))[0] == 200, "programs with a token go on"

    run(test, tmp_path)


def test_failed_logins_are_forgotten_and_bounded() -> None:
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(MOST):
        assert attempts.wait_s("192.0.2.1") == 0
        attempts.failed("192.0.2.1")
    assert attempts.wait_s("192.0.2.1") > 0
    assert attempts.wait_s("192.0.2.2") == 0
    clock.now += SPAN_S
    assert attempts.wait_s("192.0.2.1") == 0
    attempts.failed("192.0.2.1")
    assert attempts.wait_s("192.0.2.1") == 0
    for number in range(ADDRESSES + 5):
        attempts.failed(str(number))
    assert len(attempts._failed) == ADDRESSES
