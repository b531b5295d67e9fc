"""The AsyncAPI 3 document of all topics, made from the structs and the specs of the topics.

It says what Streamwarden does: it receives what is on input topics, and sends what is on the others.
"""

from importlib.metadata import version
from typing import Any

import msgspec

from rules.activations import Activation
from rules.controls import ControlRecord
from rules.decisions import Ban, Enforcement, Lift, Review, Violation
from rules.events import STRUCTS
from rules.relays import Relay
from rules.sightings import Message
from streams.codec import ID_HEADER, SOURCE_HEADER, TIME_HEADER
from streams.merging import SEQUENCE_HEADER
from streams.operator_words import WordRecord
from streams.schemas import DeadLetterHeaders
from streams.settings import Settings
from streams.topics import INPUTS, Role, TopicSpec, topic_specs

Json = dict[str, Any]
"""A JSON object."""

_REF = "#/components/schemas/{name}"
_KAFKA = "0.5.0"
"""Version of AsyncAPI's Kafka bindings."""

_SENT: dict[Role, tuple[Any, str]] = {
    "violations": (Violation, "What broke a clause, with its evidence. Internal, and of use to others."),
    "relays": (Relay, "What the record of one subject, or of somebody who reports, tells another. Internal."),
    "sightings": (Message, "Events that are violations if enough others meet them. Internal."),
    "enforcements": (Enforcement | Lift, "Every sanction imposed, changed or lifted: a log."),
    "bans": (Ban, "What is in force for a subject now; compacted, a tombstone when nothing is."),
    "reviews": (Review, "Cases for a person, as they open, change and end."),
    "dead_letters": (None, "What could not be taken, as it came, and why in the headers."),
    "operator_words": (WordRecord, "The operator's own words; compacted, a tombstone takes a word away."),
    "controls": (ControlRecord, "Who halted and resumed automatic enforcement, and why."),
    "packs": (Activation, "Which pack is in force; pieces of packs, which are bytes, have keys of their own."),
}
_RECEIVED: dict[Role, str] = {
    "posts": "What accounts publish.",
    "shares": "Links that accounts pass on.",
    "mass_sends": "Messages of an account to many.",
    "reports": "Complaints of users about a subject.",
    "appeals": "Moderators' verdicts on enforcements.",
    "review_decisions": "Moderators' decisions on reviews.",
    "orders": "Sanctions that moderators impose or clear by hand.",
}


def document(settings: Settings) -> Json:
    """The document, with the names and limits of the topics as settings have them."""
    payloads: dict[Role, Any] = {role: STRUCTS[kind] for kind, role in INPUTS.items()}
    payloads |= {role: kind for role, (kind, _) in _SENT.items() if kind is not None}
    headers = DeadLetterHeaders
    found, components = msgspec.json.schema_components([*payloads.values(), headers], ref_template=_REF)
    *schemas_of, dead = map(_plain, found)
    schemas = dict(zip(payloads, schemas_of, strict=True))
    specs = topic_specs(settings)
    texts = _RECEIVED | {role: text for role, (_, text) in _SENT.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Streamwarden",
            "version": version("streamwarden"),
            "description": "The topics of a moderation engine: events and decisions in, enforcement out.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {role: _channel(spec, texts[role]) for role, spec in specs.items()},
        "operations": {_verb(role) + "_" + role: _operation(role) for role in specs},
        "components": {
            "messages": {role: _message(role, specs[role], schemas.get(role), texts[role], dead) for role in specs},
            "schemas": _plain(components) | {"CloudEventHeaders": _CLOUD_EVENT_HEADERS},
        },
    }


_CLOUD_EVENT_HEADERS: Json = {
    "title": "CloudEventHeaders",
    "description": "CloudEvents 1.0 in Kafka's binary mode; each is optional, and wins over the body.",
    "type": "object",
    "properties": {
        ID_HEADER: {"type": "string", "description": "the event's id, unique within its source"},
        SOURCE_HEADER: {"type": "string", "description": "without it, the type of the event is its source"},
        TIME_HEADER: {"type": "string", "format": "date-time"},
        SEQUENCE_HEADER: {
            "type": "string",
            "description": "orders records of the same timestamp across topics, compared as text",
        },
    },
}


def _channel(spec: TopicSpec, text: str) -> Json:
    configuration: Json = {"cleanup.policy": [spec.cleanup], "max.message.bytes": spec.max_message_bytes}
    if spec.retention_ms is not None:
        configuration["retention.ms"] = spec.retention_ms
    return {
        "address": spec.name,
        "title": spec.role.replace("_", " ").capitalize(),
        "description": f"{text} Keyed by {spec.key}.",
        "messages": {spec.role: {"$ref": f"#/components/messages/{spec.role}"}},
        "bindings": {
            "kafka": {
                "topic": spec.name,
                "partitions": spec.partitions,
                "replicas": spec.replication,
                "topicConfiguration": configuration,
                "bindingVersion": _KAFKA,
            }
        },
    }


def _verb(role: Role) -> str:
    return "receive" if role in _RECEIVED or role == "operator_words" else "send"


def _operation(role: Role) -> Json:
    return {
        "action": _verb(role),
        "channel": {"$ref": f"#/channels/{role}"},
        "messages": [{"$ref": f"#/channels/{role}/messages/{role}"}],
    }


def _message(role: Role, spec: TopicSpec, payload: Json | None, text: str, dead: Json) -> Json:
    found: Json = {
        "name": role,
        "title": role.replace("_", " ").capitalize(),
        "summary": text,
        "bindings": {"kafka": {"key": {"type": "string", "description": spec.key}, "bindingVersion": _KAFKA}},
    }
    if payload is None:
        return {**found, "contentType": "application/octet-stream", "headers": dead}
    if role in _RECEIVED:
        found["headers"] = {"$ref": _REF.format(name="CloudEventHeaders")}
    return {**found, "contentType": "application/json", "payload": payload}


def _plain(schema: Any) -> Any:
    """A schema as AsyncAPI has them: `discriminator` is a property's name there, and an object in OpenAPI."""
    match schema:
        case {"discriminator": {"propertyName": name}, **rest}:
            return {**_plain(rest), "discriminator": name}
        case dict():
            return {name: _plain(part) for name, part in schema.items()}
        case list():
            return [_plain(part) for part in schema]
    return schema
