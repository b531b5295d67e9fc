"""`warden serve`: the console's pages, what they are made of, and the door for events."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.generate.panels import Levels, Panel, Query, dashboard, figure, graph

_RATE = "[$__rate_interval]"
_POSTS = 'route="/v1/events"'
_BUSY = f'warden_http_requests_total{{{_POSTS},status=~"429|503"}}'
LATE = Levels(5, 60)
"""Seconds; the alert JournalBehind fires at the second."""


def console() -> Dashboard:
    """Requests, refusals, posted events, pages, journal: does the console answer, and is what it shows current?"""
    return dashboard(
        "streamwarden-console",
        "Streamwarden console",
        "Does `warden serve` answer, does it take the events that are posted, and is what its pages show current?",
        [*_figures(), *_requests(), *_door(), *_pages(), *_journal()],
    )


def _figures() -> list[Panel]:
    return [
        figure(
            "Consoles up",
            "Processes of `warden serve` that answered the last scrape.",
            "short",
            'sum(up{job="streamwarden-serve"})',
            levels=Levels(None, 1, low=True),
        ),
        figure(
            "Answered within, 99 %",
            "Seconds within which 99 of 100 requests are answered. Streams are not among them; a decision waits for "
            "workers, up to ten seconds.",
            "s",
            f"histogram_quantile(0.99, sum by (le) (rate(warden_http_request_seconds_bucket{_RATE})))",
            levels=Levels(2, 10),
        ),
        figure(
            "Failed requests",
            "Answers with 500 or more, of all: Kafka is away, too much waits, or the log says why.",
            "percentunit",
            f'(sum(rate(warden_http_requests_total{{status=~"5.."}}{_RATE})) or vector(0)) '
            f"/ sum(rate(warden_http_requests_total{_RATE}))",
            levels=Levels(0.01, 0.1),
        ),
        figure(
            "Posts turned away",
            "Posts of events that were told to come later, of all: with 429 more comes than Kafka takes, with 503 it "
            "acknowledges nothing.",
            "percentunit",
            f"(sum(rate({_BUSY}{_RATE})) or vector(0)) / sum(rate(warden_http_requests_total{{{_POSTS}}}{_RATE}))",
            levels=Levels(0.01, 0.1),
        ),
        figure(
            "Pages are behind",
            "How old the newest record is that pages do not show yet, in seconds, by the process that is worst off.",
            "s",
            "max(warden_journal_behind_seconds)",
            levels=LATE,
        ),
        figure(
            "Pages that follow",
            "Pages that are open and follow the feed. A process takes 500.",
            "short",
            "sum(warden_http_streams)",
            levels=Levels(400, 500),
        ),
    ]


def _requests() -> list[Panel]:
    return [
        graph(
            "Requests by route",
            "Requests answered, per second.",
            "cps",
            Query(f"sum by (method, route) (rate(warden_http_requests_total{_RATE}))", "{{method}} {{route}}"),
        ),
        graph(
            "Latency by route, 99 %",
            "Seconds within which 99 of 100 requests are answered; streams are not among them.",
            "s",
            Query(
                "histogram_quantile(0.99, sum by (le, method, route) "
                f"(rate(warden_http_request_seconds_bucket{_RATE})))",
                "{{method}} {{route}}",
            ),
            levels=Levels(2, 10),
        ),
        graph(
            "Refusals by reason",
            "Requests that were refused, per second, by the `code` of the answer: `unauthorized` and `forbidden` are "
            "callers', `no_right` is this process's own login, `kafka` and `busy` pass.",
            "cps",
            Query(f"sum by (code) (rate(warden_http_problems_total{_RATE}))", "{{code}}"),
        ),
        graph(
            "Failed logins",
            "Tokens that were wrong, per second: somebody mistypes, or guesses.",
            "cps",
            Query(f"sum(rate(warden_http_failed_logins_total{_RATE}))", "failed"),
            levels=Levels(0.1, 1),
        ),
    ]


def _door() -> list[Panel]:
    return [
        graph(
            "Posted events",
            "Events that were posted and are on their topics, per second, by type; and those that had been written a "
            "moment before, and were not written again.",
            "cps",
            Query(f"sum by (type) (rate(warden_http_events_total{_RATE}))", "{{type}}"),
            Query(f"sum(rate(warden_http_events_repeated_total{_RATE}))", "repeated"),
            width=8,
        ),
        graph(
            "Wrong events by reason",
            "Posted events that were wrong, per second. Each ends its post: the feed has to mend it and go on.",
            "cps",
            Query(f"sum by (reason) (rate(warden_http_events_refused_total{_RATE}))", "{{reason}}"),
            levels=Levels(0.01, 0.1),
            width=8,
        ),
        graph(
            "Posts by status",
            "Posts of events, per second: 200 are on their topics, 429 and 503 are to come again.",
            "cps",
            Query(f"sum by (status) (rate(warden_http_requests_total{{{_POSTS}}}{_RATE}))", "{{status}}"),
            width=8,
        ),
        graph(
            "Bytes that wait for Kafka",
            "Bytes of posts that were read and are not acknowledged. At 64 MiB posts are answered 429.",
            "bytes",
            Query("warden_http_bytes_held", "{{instance}}"),
            levels=Levels(32 << 20, 60 << 20),
        ),
        graph(
            "Connections",
            "Connections that are open, of 1,000; and those beyond, per second.",
            "short",
            Query("warden_http_connections", "{{instance}}"),
            Query(f"rate(warden_http_connections_turned_away_total{_RATE})", "{{instance}} turned away"),
            levels=Levels(800, 1_000),
        ),
    ]


def _pages() -> list[Panel]:
    return [
        graph(
            "Lateness of the feed",
            "Seconds from a decision's record to its way to the pages: half, and 99 of 100, of the batches that went.",
            "s",
            *(
                Query(
                    f"histogram_quantile({part}, sum by (le) (rate(warden_feed_lateness_seconds_bucket{_RATE})))", name
                )
                for part, name in ((0.5, "half"), (0.99, "99 %"))
            ),
            levels=LATE,
        ),
        graph(
            "Pages and sessions",
            "Pages that follow the feed and browsers that are logged in; and pages that did not keep up and were cut "
            "off, in an hour: they connect again.",
            "short",
            Query("sum(warden_http_streams)", "pages"),
            Query("sum(warden_http_sessions)", "sessions"),
            Query("sum(increase(warden_feed_cut_off_total[1h]))", "cut off"),
        ),
    ]


def _journal() -> list[Panel]:
    return [
        graph(
            "Journal behind",
            "How old the newest record is that the journal has not read, in seconds; 1 where it stands still, which "
            "the log explains.",
            "s",
            Query("warden_journal_behind_seconds", "{{instance}}"),
            Query("warden_journal_stopped", "{{instance}} stands still"),
            levels=LATE,
            width=8,
        ),
        graph(
            "Journal size",
            "Bytes of the journal's file, which WARDEN_JOURNAL_MAX_BYTES bounds, the ban list apart.",
            "bytes",
            Query("warden_journal_bytes", "{{instance}}"),
            width=8,
        ),
        graph(
            "Journal records",
            "Records that the journal keeps, and 1 once it has read what was there when it began: until then pages say "
            "that they are not complete.",
            "short",
            Query("warden_journal_records", "{{instance}}"),
            Query("warden_journal_complete", "{{instance}} complete"),
            width=8,
        ),
        graph(
            "Records taken in",
            "Records that the journal reads, per second.",
            "cps",
            Query(f"rate(warden_journal_taken_total{_RATE})", "{{instance}}"),
        ),
        graph(
            "Unreadable records",
            "Records that are not what their topic should hold, in an hour: pages do not show them. There should be "
            "none.",
            "short",
            Query("increase(warden_journal_unreadable_total[1h])", "{{instance}}"),
            levels=Levels(None, 1),
        ),
    ]
