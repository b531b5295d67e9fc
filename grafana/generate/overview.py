"""The whole engine on one page."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.generate.panels import Levels, Panel, Query, dashboard, figure, graph

_RATE = "[$__rate_interval]"
_LAG = "max by (topic, partition) (warden_consumer_lag)"
_TAKEN = f"sum(rate(warden_events_total{_RATE}))"


def overview() -> Dashboard:
    """Flow, lag, latency, enforcement, dead letters: is the engine well, and does it do what it usually does?"""
    return dashboard(
        "streamwarden-overview",
        "Streamwarden overview",
        "Is the engine well, and does it do what it usually does? What comes in, what is found, what is done about it, "
        "and how far behind it is.",
        [*_figures(), *_graphs()],
    )


def _figures() -> list[Panel]:
    return [
        figure("Events", "Records taken from all input topics by all workers, per second.", "cps", _TAKEN),
        figure(
            "Lag",
            "Records between what is done and the end, over all topics and partitions. Each partition counts once, "
            "though it moves between workers.",
            "short",
            f"sum({_LAG})",
            levels=Levels(1_000, 10_000),
        ),
        figure(
            "Latency, 99 %",
            "Seconds from an event's record to the decision about a subject, for 99 of 100 of them. The wait for "
            "acknowledgements comes on top: see Worker.",
            "s",
            f'histogram_quantile(0.99, sum by (le) (rate(warden_latency_seconds_bucket{{stage="enforce"}}{_RATE})))',
            levels=Levels(0.5, 2),
        ),
        figure(
            "Violations",
            "Violations found, of enforcing rules and of those in shadow, per second.",
            "cps",
            f"sum(rate(warden_violations_total{_RATE}))",
        ),
        figure(
            "Enforcements", "Sanctions put in force, per second.", "cps", f"sum(rate(warden_enforcements_total{_RATE}))"
        ),
        figure(
            "Subjects sanctioned",
            "Subjects with a sanction in force now, over all workers: the ban list's length.",
            "short",
            "sum(warden_bans)",
        ),
        figure(
            "Workers up",
            "Workers that answered the last scrape.",
            "short",
            'sum(up{job="streamwarden"})',
            levels=Levels(None, 1, low=True),
        ),
        figure(
            "Partitions without a worker",
            "Partitions of the input topics that no worker reads. Nobody reports the lag of these. More than none for "
            "longer than a session timeout: see the alert WorkerDown.",
            "short",
            f"max(warden_partitions) - (min(count by (topic) ({_LAG})) or vector(0))",
            levels=Levels(None, 1),
        ),
        figure(
            "Dead letters",
            "Share of the records taken that could not be, and went to dead_letters.",
            "percentunit",
            f"sum(rate(warden_dead_letters_total{_RATE})) / {_TAKEN}",
            levels=Levels(0.001, 0.01),
        ),
        figure(
            "All in shadow",
            "On while `warden halt` keeps all automatic enforcement in shadow.",
            "bool_on_off",
            "max(warden_halted)",
            levels=Levels(None, 1),
        ),
        figure(
            "Rules in shadow by control",
            "Rules that a person halted, or that left their usual band.",
            "short",
            "count(count by (rule) (warden_rule_halted == 1)) or vector(0)",
            levels=Levels(None, 1),
        ),
        figure(
            "Alerts firing",
            "Alerts of grafana/alerts that fire now. docs/operations.md has an entry for each.",
            "short",
            'count(ALERTS{alertstate="firing"}) or vector(0)',
            levels=Levels(None, 1),
        ),
    ]


def _graphs() -> list[Panel]:
    latency = "sum by (stage, le) (rate(warden_latency_seconds_bucket[$__rate_interval]))"
    return [
        graph(
            "Events by topic",
            "Records taken from each topic, per second.",
            "cps",
            Query(f"sum by (topic) (rate(warden_events_total{_RATE}))", "{{topic}}"),
        ),
        graph(
            "Latency by stage",
            "Seconds from an event's record to the end of judging it, by stage: half of them, and 99 of 100.",
            "s",
            Query(f"histogram_quantile(0.5, {latency})", "{{stage}} 50 %"),
            Query(f"histogram_quantile(0.99, {latency})", "{{stage}} 99 %"),
            levels=Levels(0.5, 2),
        ),
        graph(
            "Lag by topic",
            "Records not done yet. A lag that only grows means too few workers, or one that is stuck.",
            "short",
            Query(f"sum by (topic) ({_LAG})", "{{topic}}"),
            levels=Levels(1_000, 10_000),
        ),
        graph(
            "Lag of the partition that lags most",
            "One hot key, or one worker that is slow or stopped, shows here first.",
            "short",
            Query("max by (topic) (warden_consumer_lag)", "{{topic}}"),
            levels=Levels(1_000, 10_000),
        ),
        graph(
            "Lag by partition",
            "The ten partitions that are furthest behind. One number alone is a hot key or a slow worker, all of them "
            "are too few workers, or brokers that are slow.",
            "short",
            Query("topk(10, max by (topic, partition) (warden_consumer_lag))", "{{topic}} {{partition}}"),
            levels=Levels(1_000, 10_000),
        ),
        graph(
            "Workers and rebalances",
            "Workers that are ready, and assignments of partitions in 10 minutes. Each assignment stops the flow; a "
            "worker that comes and goes keeps it stopped.",
            "short",
            Query("sum(warden_ready)", "ready"),
            Query("sum(increase(warden_rebalances_total[10m]))", "assignments"),
        ),
        graph(
            "Enforcements by action",
            "Sanctions put in force, per second.",
            "cps",
            Query(f"sum by (action) (rate(warden_enforcements_total{_RATE}))", "{{action}}"),
        ),
        graph(
            "Lifts by action",
            "Sanctions that ended before their time, by appeals and orders, per second.",
            "cps",
            Query(f"sum by (action) (rate(warden_lifts_total{_RATE}))", "{{action}}"),
        ),
        graph(
            "Reviews opened by reason",
            "Cases that wait for a person, per second: handled by report, held by a quota, protected, or a brigade.",
            "cps",
            Query(f'sum by (reason) (rate(warden_reviews_total{{status="open"}}{_RATE}))', "{{reason}}"),
        ),
        graph(
            "Dead letters by reason",
            "Records that could not be taken, per second. Nothing is ever dropped silently.",
            "cps",
            Query(f"sum by (reason) (rate(warden_dead_letters_total{_RATE}))", "{{reason}}"),
        ),
    ]
