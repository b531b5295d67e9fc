"""The OpenAPI document is one, and says of each route what the server does by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from openapi_spec_validator import validate

from tests.streams.http.making import Server, run
from tests.streams.http.test_server import routes


def test_it_is_an_openapi_document_and_has_every_route(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        status, document, headers = await server.call("GET", "/v1/openapi.json")
        assert status == 200
        assert headers["Content-Type"].startswith("application/json")
        validate(document)
        assert document["openapi"].startswith("3.1")
        found = {(method.upper(), path) for path, each in document["paths"].items() for method in each}
        assert found == {(route.method, route.path) for route in server.routes}
        told = [each["operationId"] for path in document["paths"].values() for each in path.values()]
        assert len(set(told)) == len(told)

    run(test, tmp_path, extra=routes)


def test_it_says_what_a_route_takes_and_answers(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        _, document, _ = await server.call("GET", "/v1/openapi.json")
        paths: Any = document["paths"]
        events = paths["/v1/events"]["post"]
        assert set(events["requestBody"]["content"]) == {
            "application/json",
            "application/x-ndjson",
            "application/jsonl",
            "application/cloudevents+json",
            "application/cloudevents-batch+json",
        }
        assert set(events["responses"]) == {
            "200", "400", "401", "403", "408", "413", "415", "422", "429", "500", "503",
        }  # fmt: skip
        assert events["responses"]["429"]["headers"]["Retry-After"]["schema"]["type"] == "integer"
        assert "Role: `feed`." in events["description"]
        assert paths["/healthz"]["get"]["security"] == []
        assert events["security"] == [{"token": []}, {"session": []}]
        echo = {each["name"]: each for each in paths["/v1/echo"]["get"]["parameters"]}
        assert {name: each["required"] for name, each in echo.items()} == {"word": True, "limit": False, "kind": False}
        assert echo["kind"]["schema"]["type"] == "array"
        (variable,) = paths["/v1/failing/{subject}"]["get"]["parameters"]
        assert (variable["name"], variable["in"], variable["required"]) == ("subject", "path", True)
        assert "content" not in paths["/v1/failing/{subject}"]["get"]["responses"]["204"]
        assert "Asked" not in document["components"]["schemas"]

    run(test, tmp_path, extra=routes)


def test_the_asyncapi_document_is_for_those_who_may_read(tmp_path: Path) -> None:
    async def test(server: Server) -> None:
        assert (await server.call("GET", "/v1/asyncapi.json"))[0] == 401
        status, document, _ = await server.call("GET", "/v1/asyncapi.json", "read")
        assert (status, document["asyncapi"]) == (200, "3.0.0")

    run(test, tmp_path)
