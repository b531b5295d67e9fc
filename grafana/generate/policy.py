"""What the policy finds, and how well it does."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.generate.panels import Levels, Panel, Query, bars, dashboard, figure, graph

_RATE = "[$__rate_interval]"
_BAND = 3
"""`factor` of the band in rules/hit_rates.py."""


def policy() -> Dashboard:
    """Violations, shadow against live, hit rates, subjects, appeals: which rules need a look?"""
    return dashboard(
        "streamwarden-policy",
        "Streamwarden policy",
        "Which rules need a look? What is found by which clause and rule, what shadow would add, which rules leave "
        "their band, and where people disagree with the engine.",
        [*_found(), *_bands(), *_people(), *_subjects(), *_parts(), *_packs()],
    )


def _found() -> list[Panel]:
    return [
        graph(
            "Violations by clause",
            "The ten clauses that are broken most, per second.",
            "cps",
            Query(f"topk(10, sum by (clause) (rate(warden_violations_total{_RATE})))", "{{clause}}"),
        ),
        graph(
            "Violations by rule",
            "The ten rules that find most, per second.",
            "cps",
            Query(f"topk(10, sum by (rule) (rate(warden_violations_total{_RATE})))", "{{rule}}"),
        ),
        graph(
            "Shadow against live",
            "Violations per second by the mode in which they count: those in shadow lead to nothing.",
            "cps",
            Query(f"sum by (mode) (rate(warden_violations_total{_RATE}))", "{{mode}}"),
        ),
        bars(
            "Rules in shadow that find most",
            "Violations of the last hour that would have counted, had their rule been enforcing.",
            "short",
            Query('topk(10, sum by (rule) (increase(warden_violations_total{mode="shadow"}[1h])))', "{{rule}}"),
        ),
    ]


def _bands() -> list[Panel]:
    return [
        bars(
            "Hit rate against the usual",
            f"How many times its usual rate a rule hits, in the worker and type of event where that is most. From "
            f"{_BAND} on, with enough hits to be sure, a rule trips and goes to shadow, where it is not counted.",
            "short",
            Query(
                "topk(10, max by (rule) (warden_rule_hit_rate / (warden_rule_usual_hit_rate > 0)))",
                "{{rule}}",
            ),
            levels=Levels(2, _BAND),
        ),
        graph(
            "Hit rate, now and usually",
            "Share of events that a rule hits, in the window of ten minutes that is open and over the closed ones: the "
            "five rules that hit most.",
            "percentunit",
            Query("topk(5, max by (rule) (warden_rule_hit_rate))", "{{rule}} now"),
            Query("topk(5, max by (rule) (warden_rule_usual_hit_rate))", "{{rule}} usually"),
        ),
        bars(
            "Trips",
            "How often a rule left its band in the last day, by all workers' counts.",
            "short",
            Query("topk(10, sum by (rule) (increase(warden_rule_trips_total[1d])))", "{{rule}}"),
            levels=Levels(None, 1),
        ),
        graph(
            "Held back by controls",
            "Violations of enforcing rules that a control turned to shadow, per second, by stage.",
            "cps",
            Query(f"sum by (stage) (rate(warden_violations_held_back_total{_RATE}))", "{{stage}}"),
        ),
    ]


def _people() -> list[Panel]:
    return [
        bars(
            "Appeals: violations overturned by rule",
            "Violations of the last day that an appeal took back. A rule that stands out is wrong about people.",
            "short",
            Query("topk(10, sum by (rule) (increase(warden_overturned_total[1d])))", "{{rule}}"),
            levels=Levels(5, 50),
        ),
        figure(
            "Overturned of what was found",
            "Share of the last day's violations of enforcing rules that appeals took back.",
            "percentunit",
            'sum(increase(warden_overturned_total[1d])) / sum(increase(warden_violations_total{mode="enforce"}[1d]))',
            levels=Levels(0.001, 0.01),
            width=6,
        ),
        figure(
            "Reviews that wait",
            "Cases opened, less those that ended, in the last day. What grows wants more people.",
            "short",
            'clamp_min(sum(increase(warden_reviews_total{status="open"}[1d])) - '
            'sum(increase(warden_reviews_total{status=~"approved|rejected|closed"}[1d])), 0)',
            levels=Levels(500, 5_000),
            width=6,
        ),
        graph(
            "Reviews ended",
            "How cases ended, per second: approved, rejected, or closed because they were gone.",
            "cps",
            Query(
                f'sum by (status) (rate(warden_reviews_total{{status=~"approved|rejected|closed"}}{_RATE}))',
                "{{status}}",
            ),
        ),
        graph(
            "Repeats",
            "Reports and moderators' decisions that were known already and changed nothing, per second, by type.",
            "cps",
            Query(f"sum by (type) (rate(warden_repeated_total{_RATE}))", "{{type}}"),
        ),
        bars(
            "Quotas",
            "How much is used of the fullest share of each quota. One that is full holds sanctions for review.",
            "percentunit",
            Query("max by (quota) (warden_quota_used_ratio)", "{{quota}}"),
            levels=Levels(0.8, 1),
        ),
    ]


def _subjects() -> list[Panel]:
    return [
        bars(
            "Busiest subjects",
            "Violations charged to the ten busiest subjects of a worker in the last 5 to 10 minutes. Their names are "
            "not among the metrics: the topic violations has them, and `warden subject` the whole story.",
            "short",
            Query("topk(10, warden_busiest_subject_violations)", "{{kind}}, no. {{place}} of {{instance}}"),
        ),
        graph(
            "Climbing",
            "Sanctions put in force by rung, per second: high rungs are subjects that do it again.",
            "cps",
            Query(f"sum by (rung) (rate(warden_enforcement_rungs_total{_RATE}))", "rung {{rung}}"),
        ),
        graph(
            "Subjects with a record",
            "By kind, over all workers. They decide how much memory the workers need.",
            "short",
            Query("sum by (kind) (warden_subjects)", "{{kind}}"),
        ),
        graph(
            "Subjects sanctioned",
            "Those with a sanction in force, by kind.",
            "short",
            Query("sum by (kind) (warden_bans)", "{{kind}}"),
        ),
    ]


def _parts() -> list[Panel]:
    return [
        graph(
            "Crowds",
            "Events that are violations only together with others, per second: seen, found to be a crowd, and counted "
            "but over a limit and so not held for a later charge.",
            "cps",
            Query(f"sum(rate(warden_sightings_total{_RATE}))", "sightings"),
            Query(f"sum(rate(warden_crowds_released_total{_RATE}))", "crowds released"),
            Query(f"sum(rate(warden_sightings_not_held_total{_RATE}))", "not held"),
        ),
        graph(
            "Operator's words",
            "Words of each of the operator's lexicons that the workers judge with.",
            "short",
            Query("max by (lexicon) (warden_operator_words)", "{{lexicon}}"),
        ),
    ]


def _packs() -> list[Panel]:
    return [
        graph(
            "Packs by role",
            "How many workers judge by each pack: the live one, a canary for some accounts, a shadow beside. Two live "
            "packs are workers that have not switched yet, or cannot: see Packs refused on the worker's dashboard.",
            "short",
            Query("count by (role, pack) (warden_pack_info)", "{{role}} {{pack}}"),
        ),
        bars(
            "Shadow pack against the live one",
            "Events of the last hour in which a rule hit by one of the packs only: `shadow` is what would be added, "
            "`live` what would be gone.",
            "short",
            Query(
                'topk(10, sum by (rule, found_by) (increase(warden_shadow_pack_hits_total{found_by!="both"}[1h])))',
                "{{rule}}, {{found_by}} only",
            ),
        ),
    ]
