"""Kinds of arguments that several commands take: subjects, durations and times, checked while they are parsed."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rules.decisions import SubjectKind

_DURATION = re.compile(r"([0-9]{1,9})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=36_500)


class SubjectType(click.ParamType):
    """`KIND:KEY`, one of the five kinds and whatever stands behind the colon."""

    name = "KIND:KEY"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The subject as it was written."""
        from rules.subjects import kind_of

        subject = str(value)
        try:
            kind_of(subject)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not subject.partition(":")[2]:
            self.fail(f"{subject!r} names nothing behind the colon", param, ctx)
        return subject


class DurationType(click.ParamType):
    """A whole number and a unit, as in packs: `12h`, `7d`."""

    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The duration."""
        if isinstance(value, timedelta):
            return value
        match = _DURATION.fullmatch(str(value).strip())
        lasts = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta()
        if not lasts:
            self.fail(f"{value!r} is no duration: a whole number and one of s, m, h, d, w, as in 12h or 7d", param, ctx)
        if lasts > _LONGEST:
            self.fail(f"{value!r} is too long: at most 36500d, which is 100 years", param, ctx)
        return lasts


class TimeType(click.ParamType):
    """A time with its zone (RFC 3339)."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The time, in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            time = datetime.fromisoformat(str(value))
        except ValueError:
            time = None
        if time is None or time.tzinfo is None:
            self.fail(f"{value!r} is no time with a zone: 2026-01-01T12:00:00Z", param, ctx)
        return time.astimezone(UTC)


SUBJECT, DURATION, TIME = SubjectType(), DurationType(), TimeType()


def canonical(subject: str) -> str:
    """The spelling under which events are charged to a subject; its own where there is no other.

    Gateways ask the ban list for this one (`streams.bans.subjects_of_url`).
    """
    from rules.subjects import kind_of
    from streams.bans import subjects_of_url

    kind: SubjectKind = kind_of(subject)
    key = subject.partition(":")[2]
    url = {"link": key, "domain": f"http://{key}/", "ip": f"http://[{key}]/" if ":" in key else f"http://{key}/"}
    for found in subjects_of_url(url[kind]) if kind in url else ():
        if found.startswith(f"{kind}:"):
            return found
    return subject
