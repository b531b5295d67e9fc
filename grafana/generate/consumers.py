"""What follows the ban list: gateways, exports and webhooks."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.generate.panels import Levels, Panel, Query, dashboard, figure, graph

_RATE = "[$__rate_interval]"
STALE = Levels(5, 30)
"""Seconds; the alert BanConsumersStale fires at the second."""


def consumers() -> Dashboard:
    """List size, staleness, exports, webhooks: do bans reach those who act on them?"""
    return dashboard(
        "streamwarden-consumers",
        "Streamwarden consumers",
        "Do bans reach those who act on them? The ban list as its consumers have it, how old it is, and what exports "
        "and webhooks could not deliver.",
        [*_figures(), *_list(), *_exports(), *_hooks()],
    )


def _figures() -> list[Panel]:
    return [
        figure(
            "Consumers up",
            "Consumers of the ban list that answered the last scrape.",
            "short",
            'sum(up{job="streamwarden-consumers"})',
            levels=Levels(None, 1, low=True),
            width=6,
        ),
        figure(
            "Stalest list",
            "Seconds since the consumer that is worst off knew everything on the topic.",
            "s",
            "max(warden_ban_list_staleness_seconds)",
            levels=STALE,
            width=6,
        ),
        figure(
            "Webhook failures",
            "Attempts to deliver that failed, per second. Each is tried again.",
            "cps",
            f"sum(rate(warden_hook_failures_total{_RATE}))",
            levels=Levels(0.1, 1),
            width=6,
        ),
        figure(
            "Changes given up",
            "Changes that a webhook did not take in all attempts, in the last day.",
            "short",
            "sum(increase(warden_hook_dead_total[1d]))",
            levels=Levels(None, 1),
            width=6,
        ),
    ]


def _list() -> list[Panel]:
    return [
        graph(
            "Ban list size",
            "Subjects with a sanction as the workers have them, and as each consumer that keeps a list does. A "
            "consumer may keep only some actions or kinds, so its level may differ, but not its shape.",
            "short",
            Query("sum(warden_bans)", "workers"),
            Query("warden_ban_list_subjects", "{{instance}}"),
        ),
        graph(
            "Staleness",
            "Seconds since all that was on the topic is known to be taken in. Below one while all is well.",
            "s",
            Query("warden_ban_list_staleness_seconds", "{{instance}}"),
            levels=STALE,
        ),
        graph(
            "Loads",
            "Complete loads of the topic in an hour: one at the start, one for each connection lost.",
            "short",
            Query("increase(warden_ban_list_loads_total[1h])", "{{instance}}"),
            levels=Levels(2, 10),
        ),
        graph(
            "Undecodable",
            "Records of the ban list that a consumer left out, in an hour. There should be none.",
            "short",
            Query("increase(warden_ban_list_undecodable_total[1h])", "{{instance}} list"),
            Query("increase(warden_hook_undecodable_total[1h])", "{{instance}} webhook"),
            levels=Levels(None, 1),
        ),
    ]


def _exports() -> list[Panel]:
    return [
        graph(
            "Age of exports",
            "Seconds since the target was last made, or found, to say what is in force.",
            "s",
            Query("time() - warden_export_right_timestamp_seconds", "{{instance}}"),
            levels=STALE,
            width=8,
        ),
        graph(
            "Export writes",
            "Times that a target was changed, and attempts that failed, per second.",
            "cps",
            Query(f"rate(warden_export_writes_total{_RATE})", "{{instance}}"),
            Query(f"rate(warden_export_failures_total{_RATE})", "{{instance}} failed"),
            width=8,
        ),
        graph(
            "Not expressible",
            "Subjects that a target cannot express, and that are not in force there.",
            "short",
            Query("warden_export_skipped", "{{instance}}"),
            levels=Levels(1, 100),
            width=8,
        ),
    ]


def _hooks() -> list[Panel]:
    return [
        graph(
            "Webhook deliveries",
            "Changes delivered, and attempts that failed, per second.",
            "cps",
            Query(f"rate(warden_hook_delivered_total{_RATE})", "{{instance}}"),
            Query(f"rate(warden_hook_failures_total{_RATE})", "{{instance}} failed"),
        ),
        graph(
            "Changes that wait",
            "Changes that a webhook has not taken yet.",
            "short",
            Query("warden_hook_waiting", "{{instance}}"),
            levels=Levels(100, 1_000),
        ),
    ]
