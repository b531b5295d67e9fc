"""The three stages of a worker joined to their topics and tables: what judges, whoever moves the records."""

from typing import NamedTuple

from streams.controls import Switch
from streams.crowds import Gathering
from streams.enforcement import Enforcing
from streams.hit_rates import Tripping
from streams.ledger import End, Register
from streams.metrics import Metrics
from streams.packs_in_force import PacksInForce
from streams.screening import Screening
from streams.stores import StateTable
from streams.streamtime import StreamTime
from streams.topics import TopicNames, enforce_topics


class Tables(NamedTuple):
    """What the stages remember: one table each."""

    accounts: StateTable
    crowds: StateTable
    subjects: StateTable
    rates: StateTable
    packs: StateTable


class Stages(NamedTuple):
    """SCREEN, CROWDS and ENFORCE."""

    screening: Screening
    gathering: Gathering
    enforcing: Enforcing


def stages_of(
    packs: PacksInForce,
    names: TopicNames,
    tables: Tables,
    *,
    metrics: Metrics,
    clock: StreamTime,
    switch: Switch,
    end: End,
) -> Stages:
    """The stages of one worker, which share its packs, its metrics, its stream time and its switch.

    `end`: see `streams.ledger.Register`.
    """
    contents = (names.posts, names.shares, names.mass_sends)
    screening = Screening(
        packs,
        Register("screen", tables.packs, contents, packs, end, internal=False),
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
        packs,
        Register("crowds", tables.packs, (names.sightings,), packs, end, internal=True),
        tables.crowds,
        sightings=names.sightings,
        violations=names.violations,
        dead_letters=names.dead_letters,
        metrics=metrics,
        clock=clock,
        switch=switch,
    )
    enforcing = Enforcing(
        packs,
        Register("enforce", tables.packs, enforce_topics(names), packs, end, internal=True),
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
