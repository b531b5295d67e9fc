"""How a setting is declared: a field of a pydantic model with its group, as `warden settings` shows it."""

from typing import Any, Literal

from pydantic import Field

Group = Literal["policy", "kafka", "access", "topics", "worker", "web", "http", "log"]


def setting(default: Any, group: Group, description: str, **limits: Any) -> Any:
    """A field of the settings; `limits` are pydantic's (ge, le, gt, pattern, ...)."""
    return Field(default, description=description, json_schema_extra={"group": group}, **limits)
