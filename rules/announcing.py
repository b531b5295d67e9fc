"""What is published of a sanction: that it holds now, or that it holds no more before its time."""

from datetime import datetime

import msgspec

from rules.cases import violation_id
from rules.decisions import Enforcement, Evidence, Lift, Notice, content_id
from rules.holdings import Holding, instant
from rules.packs.model import Pack
from rules.subject_state import Announced


class Trigger(msgspec.Struct):
    """What led to a decision: a violation, with its rule and evidence, or (`because` is its id) what a moderator said.

    `rules` are those whose violations were retracted.
    """

    rule: str
    evidence: list[Evidence]
    time: datetime
    because: str = ""
    moderator: str = ""
    reason: str = ""
    rules: list[str] = []


def enforcement(subject: str, held: Holding, trigger: Trigger, pack: Pack, previous: bytes | None) -> Enforcement:
    """The announcement of a sanction. previous: the id of the last one of its ladder and action."""
    offences = () if held.standing is None else (*held.standing.led, *held.standing.spell)
    rule = trigger.rule or (offences[-1].rule if offences else "")
    return Enforcement(
        id=held.id,
        subject=subject,
        action=held.action,
        ladder=held.ladder,
        rung=held.rung,
        permanent=held.permanent,
        starts=instant(held.starts),
        ends=None if held.ends is None else instant(held.ends),
        clauses=held.clauses,
        rule=rule,
        violations=[violation_id(cause, subject) for cause in dict.fromkeys([each.cause for each in offences])],
        evidence=trigger.evidence,
        notice=_notice(rule, offences[-1].clause if offences else "", trigger, pack),
        pack=pack.label,
        time=trigger.time,
        previous=None if previous is None else previous.hex(),
        because=trigger.because,
    )


def lift(subject: str, held: Holding, trigger: Trigger, pack: Pack) -> Lift:
    """The compensation of a sanction."""
    return lift_of(subject, Announced(bytes.fromhex(held.id), held.ladder, held.action, held.ends, []), trigger, pack)


def lift_of(subject: str, told: Announced, trigger: Trigger, pack: Pack) -> Lift:
    """The same of one that is known by its announcement only."""
    return Lift(
        id=content_id("lift", told.id.hex(), trigger.because),
        subject=subject,
        action=told.action,
        ladder=told.ladder,
        enforcement=told.id.hex(),
        because=trigger.because,
        moderator=trigger.moderator,
        reason=trigger.reason,
        rules=trigger.rules,
        pack=pack.label,
        time=trigger.time,
    )


def _notice(rule: str, clause: str, trigger: Trigger, pack: Pack) -> Notice:
    if rule in pack.rules:
        return pack.rules[rule].notice
    return pack.clauses[clause].title if clause in pack.clauses else Notice(trigger.reason, trigger.reason)
