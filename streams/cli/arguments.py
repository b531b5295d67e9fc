"""Kinds of arguments that several commands take: subjects, durations and times, checked while they are parsed."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

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
