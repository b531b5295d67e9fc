"""GET /v1/clauses: the policy, clause by clause, as the live pack has it."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rules.packs import Pack
from streams.http.policy import Policy
from streams.http.routes import Call, Route


class RuleShown(msgspec.Struct):
    """A rule as it enforces a clause."""

    name: str
    mode: str


class ClauseShown(msgspec.Struct):
    """One clause. by_report: a person decides; first, egregious: its sanctions; ladder: how repetitions climb."""

    id: str
    zh: str
    en: str
    text: str
    by_report: bool
    first: list[str]
    egregious: list[str]
    ladder: str
    rules: list[RuleShown]


class ClausesAnswer(msgspec.Struct):
    """The policy. `pack`: the label of the live pack."""

    pack: str
    clauses: list[ClauseShown]


def clauses_of(pack: Pack) -> list[ClauseShown]:
    """Every clause of a pack, in the pack's order."""
    rules: dict[str, list[RuleShown]] = {}
    for rule in pack.rules.values():
        rules.setdefault(rule.clause, []).append(RuleShown(rule.name, rule.mode))
    return [
        ClauseShown(
            id=clause.id,
            zh=clause.title.zh,
            en=clause.title.en,
            text=clause.text,
            by_report=clause.by_report,
            first=list(clause.first),
            egregious=list(clause.egregious),
            ladder=pack.ladder_of[clause.id].name,
            rules=rules.get(clause.id, []),
        )
        for clause in pack.clauses.values()
    ]


def rulebook_routes(policy: Policy) -> Sequence[Route]:
    """GET /v1/clauses."""

    async def clauses(_: Call) -> Any:
        pack = policy.live
        return ClausesAnswer(pack.label, clauses_of(pack))

    return (
        Route(method="GET", path="/v1/clauses", role="read", handler=clauses, answer=ClausesAnswer, tag="policy",
              summary="The policy, clause by clause: titles, text, sanctions, rules",
              problems={503: "the policy is not known yet"}),
    )  # fmt: skip
