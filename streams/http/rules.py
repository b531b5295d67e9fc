"""GET /v1/packs and /v1/rules: which packs are in force, how a shadow pack differs, and what each rule does."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from rules.activations import Standing
from streams.http.asking import BUSY, ask
from streams.http.policy import Policy
from streams.http.routes import Call, Route
from streams.http.times import now_ms
from streams.http.times import told as told_time
from streams.http.workers import Workers
from streams.journal import questions
from streams.journal.journal import Journal

_HOUR = 3_600_000


class PackInForce(msgspec.Struct):
    """A pack. digest: empty for the pack of the settings; percent: of accounts, for a canary."""

    label: str
    digest: str
    percent: float | None = None


class PacksInForceTold(msgspec.Struct):
    """What is in force. at: the offset of the activation that made it so, -1 for none; for POST /v1/packs/rollback."""

    at: int
    live: PackInForce
    canary: PackInForce | None
    shadow: PackInForce | None


class ActivationTold(msgspec.Struct):
    """One activation, and its offset."""

    offset: int
    do: str
    pack: str
    label: str
    percent: float | None
    by: str
    why: str
    time: datetime


class Agreement(msgspec.Struct):
    """Events in which a rule hit since workers began: in both packs, or in one of them only."""

    both: int = 0
    live: int = 0
    shadow: int = 0


class PacksAnswer(msgspec.Struct):
    """Packs in force, every activation (the newest first, up to 500), and how the shadow pack differs, by rule."""

    in_force: PacksInForceTold
    history: list[ActivationTold]
    shadow: dict[str, Agreement]
    problem: str


class RulesQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Over how many hours, the one that runs included."""

    hours: Annotated[int, msgspec.Meta(ge=1, le=168)] = 24


class RuleTold(msgspec.Struct):
    """What a rule did. violations: charged; shadow: charged without effect; overturned: sanctions that it led to and
    that an appeal took back; subjects: sanctioned by it; per_hour: violations of each hour, the one that runs last;
    hit_rate, usual_hit_rate: hits of an event now and usually, null where no worker tells."""

    rule: str
    clause: str
    mode: str
    violations: int = 0
    shadow: int = 0
    overturned: int = 0
    subjects: int = 0
    per_hour: list[int] = []
    hit_rate: float | None = None
    usual_hit_rate: float | None = None


class RulesAnswer(msgspec.Struct):
    """Every rule of the live pack, and those of others that did something. since: the start of the first hour."""

    rules: list[RuleTold]
    since: datetime


def samples(metrics: Iterable[str], name: str) -> list[tuple[dict[str, str], float]]:
    """The samples of a metric in Prometheus's text format: labels and value. Labels here hold no quotes or commas."""
    found: list[tuple[dict[str, str], float]] = []
    for text in metrics:
        for line in text.splitlines():
            if not line.startswith(name + "{"):
                continue
            labels, _, value = line[len(name) + 1 :].rpartition("} ")
            pairs = (part.partition("=") for part in labels.split('",'))
            try:
                found.append(({key: quoted.strip('"') for key, _, quoted in pairs}, float(value)))
            except ValueError:
                continue
    return found


def agreement(metrics: Iterable[str]) -> dict[str, Agreement]:
    """How live and shadow packs agree, over all workers."""
    found: dict[str, Agreement] = {}
    for labels, value in samples(metrics, "warden_shadow_pack_hits_total"):
        rule, by = labels.get("rule", ""), labels.get("found_by", "")
        told = found.setdefault(rule, Agreement())
        if by in {"both", "live", "shadow"}:
            setattr(told, by, getattr(told, by) + int(value))
    return found


def rate(metrics: Sequence[str], name: str) -> dict[str, float]:
    """The highest hit rate of each rule, over workers and types of event."""
    found: dict[str, float] = {}
    for labels, value in samples(metrics, name):
        rule = labels.get("rule", "")
        found[rule] = max(value, found.get(rule, 0.0))
    return found


class Rules:
    """Answers about packs and rules."""

    def __init__(self, journal: Journal, policy: Policy, workers: Workers) -> None:
        self._journal, self._policy, self._workers = journal, policy, workers

    async def packs(self, _: Call) -> PacksAnswer:
        """GET /v1/packs."""
        log = self._policy.topic.log
        labels, standing = log.labels(), log.newest
        history = [
            ActivationTold(at, each.do, each.pack, each.label, each.percent, each.by, each.why, each.time)
            for at, each in reversed(log.records[-500:])
        ]
        metrics = await self._workers.metrics() if standing.shadow else []
        return PacksAnswer(self._in_force(standing, labels), history, agreement(metrics), self._policy.problem)

    def _in_force(self, standing: Standing, labels: dict[str, str]) -> PacksInForceTold:
        known = self._policy.known
        live = labels.get(standing.live) or (known.label if known is not None else "")
        canary, shadow = standing.canary, standing.shadow
        return PacksInForceTold(
            standing.at,
            PackInForce(live, standing.live),
            PackInForce(labels.get(canary, ""), canary, standing.percent) if canary else None,
            PackInForce(labels.get(shadow, ""), shadow) if shadow else None,
        )

    async def rules(self, call: Call) -> RulesAnswer:
        """GET /v1/rules."""
        hours: int = call.query.hours
        first = now_ms() // _HOUR - hours + 1
        pack = self._policy.known
        rules = pack.rules.values() if pack is not None else ()
        told = {rule.name: RuleTold(rule.name, rule.clause, rule.mode, per_hour=[0] * hours) for rule in rules}
        for hour in await ask(self._journal, questions.rule_hours, first):
            rule = told.get(hour.rule)
            if rule is None:
                rule = told[hour.rule] = RuleTold(hour.rule, hour.clause, "", per_hour=[0] * hours)
            _count(rule, hour, hour.hour - first)
        acting = [name for name, rule in told.items() if rule.violations]
        for name, number in (await ask(self._journal, questions.subjects_hit, acting, first * _HOUR)).items():
            told[name].subjects = number
        metrics = await self._workers.metrics()
        now, usual = rate(metrics, "warden_rule_hit_rate"), rate(metrics, "warden_rule_usual_hit_rate")
        for name, rule in told.items():
            rule.hit_rate, rule.usual_hit_rate = now.get(name), usual.get(name)
        found = sorted(told.values(), key=lambda rule: (-rule.violations - rule.shadow, rule.rule))
        return RulesAnswer(found, told_time(first * _HOUR))


def _count(rule: RuleTold, hour: questions.RuleHour, index: int) -> None:
    if hour.kind == "overturned":
        rule.overturned += hour.n
        return
    rule.clause = rule.clause or hour.clause
    if hour.kind == "enforce":
        rule.violations += hour.n
    else:
        rule.shadow += hour.n
    if 0 <= index < len(rule.per_hour):
        rule.per_hour[index] += hour.n


def rules_routes(rules: Rules) -> Sequence[Route]:
    """GET /v1/packs and GET /v1/rules."""
    return (
        Route(method="GET", path="/v1/packs", role="read", handler=rules.packs, answer=PacksAnswer, tag="policy",
              summary="Packs in force, every activation, and how a shadow pack differs"),
        Route(method="GET", path="/v1/rules", role="read", handler=rules.rules, query=RulesQuery, answer=RulesAnswer,
              tag="policy", summary="What each rule did, by the hour", problems=BUSY),
    )  # fmt: skip
