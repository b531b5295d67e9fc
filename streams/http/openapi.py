"""The OpenAPI 3.1 document, made from the routes: what the server does by is what it says."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from types import UnionType
from typing import Any, get_args

import msgspec

from streams.http.problems import CONTENT_TYPE, ProblemDetails
from streams.http.routes import Route
from streams.http.server import CHANGING
from streams.http.sessions import COOKIE, MARK

Json = dict[str, Any]
_REF = "#/components/schemas/{name}"
_VARIABLE = re.compile(r"\{(\w+)\}")
_BY_LINE = frozenset({"application/x-ndjson", "application/jsonl"})

_TAGS = {
    "events": "For feeds: events in, without a Kafka client.",
    "session": "Logins of browsers.",
    "now": "What is happening.",
    "feed": "What is decided, as it comes.",
    "subjects": "Why something holds for somebody.",
    "reviews": "What waits for a person.",
    "decisions": "What people decide.",
    "engine": "What halts and resumes the engine, and which packs judge.",
    "violations": "What rules found.",
    "dead letters": "What could not be taken, and why.",
    "policy": "What the packs say, and what a text would come to.",
    "audit": "Who did what.",
    "operation": "For operators and their tools.",
}
_DESCRIPTION = (
    "The API of `warden serve`. Calls carry a token (`Authorization: Bearer …`, made by `warden tokens create`), or "
    f"the cookie of a session; with a cookie, what changes something needs the header `{MARK}` as well. Roles: `read` "
    "sees everything, `moderate` decides as well, `admin` also halts and changes the engine; `feed` posts events and "
    "sees nothing. Errors are problem details (RFC 9457)."
)
_COMMON = {
    400: "the request is wrong: see `detail`",
    401: "no token, or none that is known",
    403: "not for this role, or not from this site",
    408: "the body comes too slowly",
    413: "the body is too large",
    415: "not this Content-Type or Content-Encoding",
    500: "the server failed",
    503: "the server is stopping, or cannot write now: try again after Retry-After",
}


def document(routes: Iterable[Route]) -> Json:
    """The document of some routes."""
    routes = list(routes)
    types = [kind for given in _types(routes) for kind in _apart(given)]
    schemas, components = msgspec.json.schema_components(types, ref_template=_REF)
    of = _Schemas(types, schemas)
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, of, components)
    used = {route.tag for route in routes}
    queries = {route.query.__name__ for route in routes if route.query is not None}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Streamwarden", "version": version("streamwarden"), "description": _DESCRIPTION},
        "tags": [
            {"name": name, "description": _TAGS.get(name, "")}
            for name in [*_TAGS, *sorted(used - set(_TAGS))]
            if name in used
        ],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in components.items() if name not in queries},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
    }


class _Schemas:
    """The schemas of types, by the types, of which not all can be keys of a dictionary."""

    def __init__(self, types: list[Any], schemas: Iterable[Json]) -> None:
        self._found = list(zip(types, schemas, strict=True))

    def __call__(self, kind: Any) -> Json:
        found = [next(schema for known, schema in self._found if known is part) for part in _apart(kind)]
        return found[0] if len(found) == 1 else {"anyOf": found}


def _apart(kind: Any) -> Sequence[Any]:
    """The members of a union that msgspec cannot tell apart, which no JSON is decoded as; else the type itself."""
    if isinstance(kind, UnionType):
        structs = [part for part in get_args(kind) if isinstance(part, type) and issubclass(part, msgspec.Struct)]
        if len(structs) > 1 and any(part.__struct_config__.tag is None for part in structs):
            return get_args(kind)
    return (kind,)


def _types(routes: Iterable[Route]) -> Iterator[Any]:
    yield ProblemDetails
    for route in routes:
        yield from (
            kind
            for kind in (route.query, route.body, route.answer, *route.takes.values(), *route.answers.values())
            if kind is not None
        )


def _operation(route: Route, of: _Schemas, components: Mapping[str, Any]) -> Json:
    found: Json = {
        "operationId": _operation_id(route),
        "summary": route.summary,
        "description": " ".join(filter(None, (route.description, route.role and f"Role: `{route.role}`."))),
        "tags": [route.tag],
        "security": [] if route.role is None else [{"token": []}, {"session": []}],
        "parameters": [*_variables(route), *_queries(route, of, components), *_mark(route)],
        "responses": _responses(route, of),
    }
    if route.takes:
        found["requestBody"] = {
            "required": True,
            "content": {media: _taken(media, of(kind)) for media, kind in route.takes.items()},
        }
    elif route.body is not None:
        found["requestBody"] = {"required": True, "content": {"application/json": {"schema": of(route.body)}}}
    return {name: part for name, part in found.items() if part or name == "security"}


def _operation_id(route: Route) -> str:
    words = re.findall(r"\w+", route.path.removeprefix("/v1"))
    return "_".join([route.method.lower(), *words])


def _taken(media: str, schema: Json) -> Json:
    if media in _BY_LINE:  # OpenAPI 3.2 calls it itemSchema; 3.1 has no word for it
        return {"schema": {"type": "string", "description": "one JSON object a line"}, "x-itemSchema": schema}
    return {"schema": schema}


def _variables(route: Route) -> Iterator[Json]:
    for name in _VARIABLE.findall(route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _queries(route: Route, of: _Schemas, components: Mapping[str, Any]) -> Iterator[Json]:
    if route.query is None:
        return
    struct = components[of(route.query)["$ref"].rpartition("/")[2]]
    required = set(struct.get("required", ()))
    for name, schema in struct.get("properties", {}).items():
        yield {"name": name, "in": "query", "required": name in required, "schema": schema}


def _mark(route: Route) -> Iterator[Json]:
    if route.method in CHANGING and (route.role is None or route.tag != "events"):
        yield {
            "name": MARK,
            "in": "header",
            "required": route.role is None,
            "description": "any value; needed with a cookie, and to log in: pages of other sites cannot send it",
            "schema": {"type": "string"},
        }


def _responses(route: Route, of: _Schemas) -> Json:
    found: Json = {str(route.status): _answer(route, of)}
    for status, kind in route.answers.items():
        found[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {"application/json": {"schema": of(kind)}},
        }
    told = {**{status: _COMMON[status] for status in _common(route)}, **route.problems}
    for status in sorted(told.keys() - route.answers.keys()):
        problem = status >= HTTPStatus.BAD_REQUEST
        found[str(status)] = _problem(status, told[status], of) if problem else _answer(route, of, told[status])
    return dict(sorted(found.items()))


def _common(route: Route) -> Iterator[int]:
    """The problems that a route may have without saying so."""
    if route.query is not None or route.body is not None or route.takes:
        yield 400
    if route.role is not None:
        yield 401
    if route.role is not None or route.method in CHANGING:
        yield 403
    if route.body is not None or route.takes:
        yield from (408, 413, 415)
    if route.method in CHANGING:
        yield 503
    yield 500


def _answer(route: Route, of: _Schemas, when: str = "") -> Json:
    description = when or HTTPStatus(route.status).phrase
    if route.answer is None:
        return {"description": description}
    schema = of(route.answer)
    if route.content == "application/json":
        media: Json = {"schema": schema}
    else:
        media = {"schema": {"type": "string"}} | ({} if route.answer is str else {"x-itemSchema": schema})
    return {"description": description, "content": {route.content: media}}


def _problem(status: int, when: str, of: _Schemas) -> Json:
    found: Json = {"description": when, "content": {CONTENT_TYPE: {"schema": of(ProblemDetails)}}}
    if status in {429, 503}:
        found["headers"] = {
            "Retry-After": {"description": "seconds to wait", "schema": {"type": "integer", "minimum": 0}}
        }
    if status == 401:
        found["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return found
