"""The server: who is let in where, what errors look like, and what is in headers and in no log."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import orjson
import pytest
import trustme

from streams.http import listening, server
from streams.http.listening import ExposedError, tls
from streams.http.problems import Problem
from streams.http.routes import Call, Route
from streams.http.server import HEADERS, Doorkeeper
from streams.http.tokens import INCLUDES, TokensError
from streams.settings import Settings
from tests.streams.http.making import ROLES, Server, run, serving

SOMEBODY = "account:somebody-in-the-path"


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    word: str
    limit: int = 5
    kind: list[str] = []


class Given(msgspec.Struct):
    id: str
    reason: str = ""


def routes(_: Doorkeeper) -> Sequence[Route]:
    async def echo(call: Call) -> dict[str, Any]:
        return {"word": call.query.word, "limit": call.query.limit, "kind": call.query.kind}

    async def act(call: Call) -> Given:
        return msgspec.convert(call.body, Given)

    async def fail(call: Call) -> None:
        raise RuntimeError(f"about {call.path['subject']}")

    async def refuse(_: Call) -> None:
        raise Problem(409, "stale", "It changed", "look again")

    return (
        Route(method="GET", path="/v1/echo", role="read", handler=echo, query=Asked, answer=dict[str, Any],
              summary="Echo"),
        Route(method="POST", path="/v1/acts", role="moderate", handler=act, body=Given, answer=Given, summary="Act",
              max_body_bytes=1000),
        Route(method="GET", path="/v1/failing/{subject}", role="admin", handler=fail, summary="Fail", status=204),
        Route(method="POST", path="/v1/stale", role="admin", handler=refuse, summary="Be stale", status=204,
              problems={409: "it changed"}),
    )  # fmt: skip


def walked(one: Server) -> Iterator[tuple[Route, str]]:
    for route in one.routes:
        yield route, route.path.replace("{subject}", SOMEBODY).replace("{id}", "x")


def test_no_route_lets_in_whom_it_should_not(tmp_path: Path) -> None:
    async def test(one: Server) -> None:
        seen = 0
        for route, path in walked(one):
            for role in (None, *ROLES):
                if route.role is None or (role is not None and route.role in INCLUDES[role]):
                    continue
                status, problem, headers = await one.call(route.method, path, role, data=b"{}")
                assert (status, problem["code"]) == ((401, "unauthorized") if role is None else (403, "forbidden"))
                assert problem["status"] == status
                assert headers["Content-Type"] == "application/problem+json"
                assert role is not None or headers["WWW-Authenticate"] == "Bearer"
                seen += 1
        assert seen > 15

    run(test, tmp_path, extra=routes)


def test_only_what_says_nothing_of_anybody_is_open_to_everybody(tmp_path: Path) -> None:
    async def test(one: Server) -> None:
        assert {route.path for route in one.routes if route.role is None} == {
            "/healthz", "/readyz", "/metrics", "/v1/openapi.json", "/v1/session",
        }  # fmt: skip

    run(test, tmp_path)


@pytest.mark.parametrize(
    "given", ["Basic eDp5", "Bearer", "Bearer ", "Bearer wrd_other", "Bearer \u00e9", "bearer  ", "x" * 5000]
)
def test_a_header_that_is_no_token_of_ours_lets_nobody_in(tmp_path: Path, given: str) -> None:
    async def test(one: Server) -> None:
        status, problem, _ = await one.call("GET", "/v1/session", Authorization=given)
        assert (status, problem["code"]) == (401, "unauthorized")
        cookie = "warden_session=" + "x" * 300
        assert (await one.call("GET", "/v1/session", Cookie=cookie))[0] == 401

    run(test, tmp_path)


def test_a_token_in_the_address_is_none(tmp_path: Path) -> None:
    async def test(one: Server) -> None:
        assert (await one.call("GET", f"/v1/session?token={one.tokens['read']}"))[0] == 401

    run(test, tmp_path)


@pytest.mark.parametrize(
    ("call", "status", "code"),
    [
        (("GET", "/v1/nothing", None, ""), 404, "not_found"),
        (("DELETE", "/v1/echo", None, ""), 405, "method_not_allowed"),
        (("PATCH", "/v1/echo", None, ""), 405, "method_not_allowed"),
        (("GET", "/v1/echo", None, ""), 400, "invalid"),
        (("GET", "/v1/echo?word=a&word=b", None, ""), 400, "invalid"),
        (("GET", "/v1/echo?word=a&limit=x", None, ""), 400, "invalid"),
        (("GET", "/v1/echo?word=a&other=x", None, ""), 400, "invalid"),
        (("POST", "/v1/acts", b"{}", "application/json"), 400, "invalid"),
        (("POST", "/v1/acts", b"{", "application/json"), 400, "undecodable"),
        (("POST", "/v1/acts", b'{"id":"\xff"}', "application/json"), 400, "undecodable"),
        (("POST", "/v1/acts", b'{"id":' + b"[" * 900, "application/json"), 400, "invalid"),
        (("POST", "/v1/acts", b"id=1", "application/x-www-form-urlencoded"), 415, "media_type"),
        (("POST", "/v1/acts", b'{"id":"' + b"x" * 1000 + b'"}', "application/json"), 413, "too_large"),
        (("POST", "/v1/stale", b"", "application/json"), 409, "stale"),
    ],
)
def test_errors_are_problem_details(
    tmp_path: Path, call: tuple[str, str, bytes | None, str], status: int, code: str
) -> None:
    method, path, body, media = call

    async def test(one: Server) -> None:
        found, problem, headers = await one.call(method, path, "admin", data=body, Content_Type=media or "text/plain")
        assert (found, problem["status"], problem["code"]) == (status, status, code)
        assert problem["title"]
        assert headers["Content-Type"] == "application/problem+json"
        if status == 405:
            assert headers["Allow"] == "GET"
        for name, value in HEADERS.items():
            assert headers[name] == value

    run(test, tmp_path, extra=routes)


def test_lists_take_a_parameter_several_times(tmp_path: Path) -> None:
    async def test(one: Server) -> None:
        answer = await one.call("GET", "/v1/echo?word=a&kind=x&kind=y&limit=7", "read")
        assert answer[:2] == (200, {"word": "a", "limit": 7, "kind": ["x", "y"]})

    run(test, tmp_path, extra=routes)


def test_bodies_that_say_nothing_of_their_size_are_bounded(tmp_path: Path) -> None:
    async def parts() -> Any:
        for _ in range(50):
            yield b" " * 100

    async def test(one: Server) -> None:
        status, _, _ = await one.call("POST", "/v1/acts", "admin", data=parts(), Content_Type="application/json")
        assert status == 413
        status, _, _ = await one.call(
            "POST", "/v1/acts", "admin", data=b"x", Content_Type="application/json", Content_Encoding="gzip"
        )
        assert status == 415

    run(test, tmp_path, extra=routes)


def test_a_slow_body_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "BODY_S", 0.1)

    async def parts() -> Any:
        yield b"{"
        await asyncio.sleep(1)
        yield b"}"

    async def test(one: Server) -> None:
        status, problem, _ = await one.call("POST", "/v1/acts", "admin", data=parts(), Content_Type="application/json")
        assert (status, problem["code"]) == (408, "timeout")

    run(test, tmp_path, extra=routes)


def test_a_failure_tells_the_client_nothing_and_the_log_no_path(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def test(one: Server) -> None:
        status, problem, headers = await one.call("GET", f"/v1/failing/{SOMEBODY}", "admin")
        assert (status, problem["code"]) == (500, "failed")
        assert "RuntimeError" not in str(problem)
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        await one.call("GET", f"/v1/echo?word={SOMEBODY}", "read")
        await one.call("GET", f"/{SOMEBODY}", "read")
        said = [record.getMessage() for record in caplog.records]
        assert "GET /v1/failing/{subject} failed" in said
        assert not any(SOMEBODY in line or token in line for line in said for token in one.tokens.values())

    run(test, tmp_path, extra=routes)


def test_what_may_change_something_is_audited(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    async def test(one: Server) -> None:
        body = orjson.dumps({"id": "case-1", "reason": "hostile text"})
        await one.call("POST", "/v1/acts", "moderate", data=body, Content_Type="application/json")
        await one.call("POST", "/v1/acts", "read", data=body, Content_Type="application/json")
        await one.call("POST", "/v1/acts", None, data=body, Content_Type="application/json")
        await one.call("GET", "/v1/echo?word=x", "read")

    run(test, tmp_path, extra=routes)
    said = [record.getMessage().partition("audit ")[2] for record in caplog.records if "audit " in record.getMessage()]
    who = {"method": "POST", "route": "/v1/acts"}
    assert [orjson.loads(line) for line in said] == [
        {"actor": "the moderate", "role": "moderate", **who, "id": "case-1", "status": 200},
        {"actor": None, "role": None, **who, "id": "", "status": 403},
        {"actor": None, "role": None, **who, "id": "", "status": 401},
    ]


def test_metrics_have_routes_and_no_paths(tmp_path: Path) -> None:
    async def test(one: Server) -> None:
        await one.call("GET", f"/v1/failing/{SOMEBODY}", "admin")
        await one.call("GET", f"/{SOMEBODY}")
        await one.call("PUT", "/v1/echo")
        status, text, headers = await one.call("GET", "/metrics")
        assert status == 200
        assert headers["Content-Type"].startswith("text/plain")
        assert 'warden_http_requests_total{method="GET",route="/v1/failing/{subject}",status="500"} 1.0' in text
        assert 'warden_http_requests_total{method="GET",route="unknown",status="404"} 1.0' in text
        assert 'warden_http_requests_total{method="other",route="unknown",status="405"} 1.0' in text
        assert 'warden_http_request_seconds_count{method="GET",route="/v1/failing/{subject}"} 1.0' in text
        assert "warden_http_connections 1.0" in text
        assert SOMEBODY not in text

    run(test, tmp_path, extra=routes)


def test_a_stopping_server_changes_nothing_any_more(tmp_path: Path) -> None:
    async def test(one: Server) -> None:
        one.state.stopping = True
        body = b'{"id":"x"}'
        status, problem, headers = await one.call(
            "POST", "/v1/acts", "admin", data=body, Content_Type="application/json"
        )
        assert (status, problem["code"], "Retry-After" in headers) == (503, "stopping", True)
        assert (await one.call("GET", "/v1/session", "read"))[0] == 200
        assert (await one.call("GET", "/readyz"))[0] == 503

    run(test, tmp_path, extra=routes)


def test_connections_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "MAX_CONNECTIONS", 3)

    async def test(one: Server) -> None:
        host, port = one.url.removeprefix("http://").split(":")
        opened = [await asyncio.open_connection(host, int(port)) for _ in range(3)]
        reader, writer = await asyncio.open_connection(host, int(port))
        assert await asyncio.wait_for(reader.read(), 5) == b""
        for _, each in (*opened, (reader, writer)):
            each.close()
        await asyncio.sleep(0.1)
        assert "warden_http_connections_turned_away_total 1.0" in (await one.call("GET", "/metrics"))[1]

    run(test, tmp_path)


def test_a_connection_that_says_nothing_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "IDLE_S", 0.2)

    async def test(one: Server) -> None:
        host, port = one.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /v1/session HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()

    run(test, tmp_path)


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 9000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(100)) + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad\x00Name: wrd_secret\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
def test_a_head_that_is_none_is_refused_and_not_logged(
    tmp_path: Path, head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def test(one: Server) -> None:
        host, port = one.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head)
        assert b" 400 " in (await asyncio.wait_for(reader.read(200), 5)).partition(b"\r\n")[0]
        writer.close()
        assert (await one.call("GET", "/healthz"))[0] == 200

    run(test, tmp_path)
    assert not any("wrd_" in f"{record.getMessage()}{record.exc_info}{record.exc_text}" for record in caplog.records)
    assert not any(record.levelno >= logging.ERROR for record in caplog.records)


def test_tls_is_served_and_nothing_listens_beyond_loopback_without(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    issued = authority.issue_cert("127.0.0.1")
    certificate.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(str(key))
    settings = Settings(http_port=0, http_tls_cert_file=certificate, http_tls_key_file=key)

    async def main() -> None:
        async with serving(tmp_path, settings=settings) as one:
            assert one.url.startswith("https://127.0.0.1:")
            context = ssl.create_default_context()
            authority.configure_trust(context)
            async with one.client.get(one.url + "/healthz", ssl=context) as answer:
                assert answer.status == 200
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await one.client.get(one.url + "/healthz")

    asyncio.run(main())
    assert tls(Settings(http_host="::1")) is None
    assert tls(Settings(http_host="192.0.2.1", http_behind_proxy=True)) is None
    assert tls(Settings(http_host="0.0.0.0", http_tls_cert_file=certificate, http_tls_key_file=key)) is not None  # noqa: S104
    with pytest.raises(ExposedError, match="WARDEN_HTTP_TLS_CERT_FILE"):
        tls(Settings(http_host="0.0.0.0"))  # noqa: S104
    with pytest.raises(TokensError, match="no certificate with its key"):
        tls(Settings(http_tls_cert_file=key, http_tls_key_file=certificate))
    with pytest.raises(TokensError, match=r"nothing\.pem"):
        tls(Settings(http_tls_cert_file=tmp_path / "nothing.pem", http_tls_key_file=key))
    with pytest.raises(ValueError, match="one without the other"):
        Settings(http_tls_cert_file=certificate)
