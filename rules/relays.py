"""What the record of one subject tells that of another: immutable values, on the internal topic `relays`.

Each is about one `subject`, whose record it reaches in the order it was told, and repeats of it change nothing.
"""

from datetime import datetime

import msgspec

from rules.decisions import Cause
from rules.reporters import Inquiry, Outcome, Testimony


class Retraction(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="retraction"):
    """To a subject that is charged with the same as one whose enforcement was overturned: these `causes` count no more.

    `appeal` is the id of the moderator's verdict, `enforcement` what it overturned, `of` whose that was.
    """

    subject: str
    causes: list[Cause]
    appeal: str
    enforcement: str
    of: str
    moderator: str
    reason: str
    time: datetime


class Evading(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="evading"):
    """To a domain: its violation with this `cause` came from an `ip` that was punished already, when `on`; else it has
    turned out that the IP was not. The rest says what the violation was, for a domain that has forgotten it."""

    subject: str
    cause: Cause
    on: bool
    ip: str
    time: datetime
    clause: str = ""
    rule: str = ""
    linked: list[str] = []


Relay = Retraction | Evading | Inquiry | Testimony | Outcome
"""`rules/reporters.py` has the last three: the mail between subjects and those who report them."""
