"""The three stages of a worker joined to their topics and tables: what judges, whoever moves the records."""

from typing import NamedTuple

from rules.crowds import Crowds
from rules.enforce import Enforcer
from rules.packs import Pack
from rules.screen import Screen
from streams.controls import Switch
from streams.crowds import Gathering
from streams.enforcement import Enforcing
from streams.hit_rates import Tripping
from streams.metrics import Metrics
from streams.screening import Screening
from streams.stores import StateTable
from streams.streamtime import StreamTime
from streams.topics import TopicNames


class Tables(NamedTuple):
    """What the stages remember: one table each."""

    accounts: StateTable
    crowds: StateTable
    subjects: StateTable
    rates: StateTable


class Stages(NamedTuple):
    """SCREEN, CROWDS and ENFORCE."""

    screening: Screening
    gathering: Gathering
    enforcing: Enforcing


def stages_of(
    pack: Pack,
    names: TopicNames,
    tables: Tables,
    *,
    partitions: int,
    metrics: Metrics,
    clock: StreamTime,
    switch: Switch,
) -> Stages:
    """The stages of one worker, which share its metrics, its stream time and its switch. Compiles the pack.

    `partitions`: of the topics, which share the pack's quotas.
    """
    metrics.expect(pack)
    screening = Screening(
        Screen(pack),
        {names.posts: "post", names.shares: "share", names.mass_sends: "mass_send"},
        tables.accounts,
        violations=names.violations,
        sightings=names.sightings,
        dead_letters=names.dead_letters,
        metrics=metrics,
        clock=clock,
        switch=switch,
        tripping=Tripping(tables.rates, names.controls, metrics),
    )
    gathering = Gathering(
        Crowds(pack),
        tables.crowds,
        sightings=names.sightings,
        violations=names.violations,
        dead_letters=names.dead_letters,
        metrics=metrics,
        clock=clock,
        switch=switch,
    )
    enforcing = Enforcing(
        Enforcer(pack, partitions),
        {
            names.reports: "report",
            names.appeals: "appeal",
            names.review_decisions: "review_decision",
            names.orders: "order",
        },
        tables.subjects,
        violations=names.violations,
        relays=names.relays,
        enforcements=names.enforcements,
        bans=names.bans,
        reviews=names.reviews,
        dead_letters=names.dead_letters,
        metrics=metrics,
        clock=clock,
        switch=switch,
    )
    return Stages(screening, gathering, enforcing)
