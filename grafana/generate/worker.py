"""What goes on inside the workers."""

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.generate.panels import Levels, Panel, Query, dashboard, figure, graph

_RATE = "[$__rate_interval]"
_JOB = '{job="streamwarden"}'


def worker() -> Dashboard:
    """Batches, time, memory, the collector, commits, rebalances, recovery: why is a worker slow, or not ready?"""
    return dashboard(
        "streamwarden-worker",
        "Streamwarden worker",
        "Why is a worker slow, or not ready? Batches, where their time goes, memory, garbage collection, commits, "
        "rebalances and recovery.",
        [*_standing(), *_batches(), *_process(), *_kafka(), *_follows()],
    )


def _standing() -> list[Panel]:
    return [
        figure(
            "Workers ready",
            "Workers with their partitions assigned and recovered.",
            "short",
            "sum(warden_ready)",
            levels=Levels(None, 1, low=True),
        ),
        figure(
            "Starts",
            "Starts of workers in the last hour, after the first: a supervisor starts again what failed.",
            "short",
            f"sum(changes(process_start_time_seconds{_JOB}[1h]))",
            levels=Levels(1, 5),
        ),
        figure(
            "Rebalances",
            "Assignments of partitions in the last 10 minutes, over all workers. Each stops the flow.",
            "short",
            "sum(increase(warden_rebalances_total[10m]))",
            levels=Levels(4, 20),
        ),
        figure(
            "Partitions in recovery",
            "Partitions of tables whose changelog is not read to its end.",
            "short",
            "sum(warden_recovery_partitions)",
            levels=Levels(1, 100),
        ),
        figure(
            "Records left to recover",
            "Records of changelogs left to read. It has to fall: see RecoveryStuck.",
            "short",
            "sum(warden_recovery_records_left)",
            levels=Levels(1, 1_000_000),
        ),
        figure(
            "Failed commits",
            "Commits of the last hour that the brokers refused; their records may be read again.",
            "short",
            "sum(increase(warden_commits_failed_total[1h]))",
            levels=Levels(1, 10),
        ),
    ]


def _batches() -> list[Panel]:
    seconds = f"sum by (stage, le) (rate(warden_batch_seconds_bucket{_RATE}))"
    return [
        graph(
            "Batch size",
            "Records in a batch, by stage: mean, and 95 of 100. Larger batches under load are the design at work.",
            "short",
            Query(
                f"sum by (stage) (rate(warden_batch_events_sum{_RATE})) / "
                f"sum by (stage) (rate(warden_batch_events_count{_RATE}))",
                "{{stage}} mean",
            ),
            Query(
                f"histogram_quantile(0.95, sum by (stage, le) (rate(warden_batch_events_bucket{_RATE})))",
                "{{stage}} 95 %",
            ),
        ),
        graph(
            "Time to judge a batch",
            "Seconds, by stage: half of them, and 99 of 100. Other partitions wait meanwhile.",
            "s",
            Query(f"histogram_quantile(0.5, {seconds})", "{{stage}} 50 %"),
            Query(f"histogram_quantile(0.99, {seconds})", "{{stage}} 99 %"),
            levels=Levels(0.25, 1),
        ),
        graph(
            "Time per stage",
            "Share of a worker's time that each stage judges. Near 100 % together, a worker is at its capacity.",
            "percentunit",
            Query(f"sum by (instance, stage) (rate(warden_batch_seconds_sum{_RATE}))", "{{instance}} {{stage}}"),
            levels=Levels(0.7, 0.9),
        ),
        graph(
            "Bytes per record",
            "How long the records are, by stage. Longer text takes longer to judge: see Time per record.",
            "bytes",
            Query(
                f"sum by (stage) (rate(warden_batch_bytes_total{_RATE})) / "
                f"sum by (stage) (rate(warden_batch_events_sum{_RATE}))",
                "{{stage}}",
            ),
        ),
        graph(
            "Violations per event",
            "Charges for each post, share and mass send: what hits costs more than what does not, here and in ENFORCE.",
            "short",
            Query(
                f"sum(rate(warden_violations_total{_RATE})) / "
                f'sum(rate(warden_batch_events_sum{{stage="screen"}}{_RATE}))',
                "violations",
            ),
        ),
        graph(
            "Time per record",
            "Seconds of judging for each record, by stage. It rises with text, with hits and with a shadow pack; while "
            "a pack is compiled, too.",
            "s",
            Query(
                f"sum by (stage) (rate(warden_batch_seconds_sum{_RATE})) / "
                f"sum by (stage) (rate(warden_batch_events_sum{_RATE}))",
                "{{stage}}",
            ),
        ),
    ]


def _process() -> list[Panel]:
    return [
        graph(
            "Processor",
            "Cores in use. Judging keeps to one; what is above goes to compression and to reading.",
            "percentunit",
            Query(f"rate(process_cpu_seconds_total{_JOB}{_RATE})", "{{instance}}"),
            levels=Levels(1, 1.5),
        ),
        graph(
            "Memory",
            "Resident memory of each worker. Make room for twice the usual: partitions move.",
            "bytes",
            Query(f"process_resident_memory_bytes{_JOB}", "{{instance}}"),
            levels=Levels(4 << 30, 8 << 30),
        ),
        graph(
            "Garbage collection",
            "Share of time in which Python's collector stops a worker, by generation.",
            "percentunit",
            Query(
                f"sum by (instance, generation) (rate(warden_gc_pause_seconds_sum{_RATE}))",
                "{{instance}} generation {{generation}}",
            ),
            levels=Levels(0.02, 0.1),
        ),
        graph(
            "Longest collections",
            "Seconds that 99 of 100 collections of the last 10 minutes stay below.",
            "s",
            Query(
                "histogram_quantile(0.99, sum by (instance, le) (rate(warden_gc_pause_seconds_bucket[10m]))) >= 0 "
                "or 0 * sum by (instance) (rate(warden_gc_pause_seconds_count[10m]))",  # without any, a quantile is NaN
                "{{instance}}",
            ),
            levels=Levels(0.1, 0.5),
        ),
        graph(
            "Open files",
            "File descriptors in use, as a share of what the process may have.",
            "percentunit",
            Query(f"process_open_fds{_JOB} / process_max_fds{_JOB}", "{{instance}}"),
            levels=Levels(0.7, 0.9),
        ),
    ]


def _kafka() -> list[Panel]:
    return [
        graph(
            "Wait for brokers",
            "Mean seconds until the brokers acknowledged what a plan sent, what it wrote to a changelog, and a commit.",
            "s",
            Query(
                f"sum by (instance, step) (rate(warden_broker_wait_seconds_sum{_RATE})) / "
                f"sum by (instance, step) (rate(warden_broker_wait_seconds_count{_RATE}))",
                "{{instance}} {{step}}",
            ),
            levels=Levels(0.1, 1),
        ),
        graph(
            "Commits",
            "Commits of offsets per second. Without any while events arrive, a crash repeats much.",
            "cps",
            Query(
                f'sum by (instance) (rate(warden_broker_wait_seconds_count{{step="commit"}}{_RATE}))', "{{instance}}"
            ),
            Query(f"sum by (instance) (rate(warden_commits_failed_total{_RATE}))", "{{instance}} failed"),
        ),
        graph(
            "Rebalances by worker",
            "Assignments of partitions in 10 minutes, by worker.",
            "short",
            Query("increase(warden_rebalances_total[10m])", "{{instance}}"),
            levels=Levels(2, 10),
        ),
        graph(
            "Recovery",
            "Records of changelogs left to read, by worker. It falls in one sweep when all is well.",
            "short",
            Query("warden_recovery_records_left", "{{instance}}"),
            levels=Levels(None, 1_000_000),
        ),
        graph(
            "Ready",
            "1 when a worker's partitions are assigned and recovered.",
            "short",
            Query("warden_ready", "{{instance}}"),
            levels=Levels(None, 1, low=True),
        ),
    ]


def _follows() -> list[Panel]:
    return [
        graph(
            "Packs in force",
            "Offset of the activation that each worker judges by; -1 for the pack of its settings. A worker that stays "
            "behind the others compiles, or cannot use the pack.",
            "none",
            Query("max by (instance) (warden_packs_offset)", "{{instance}}"),
            width=12,
        ),
        graph(
            "Packs refused",
            "1 while a worker cannot use the newest pack and keeps the one before: its log says why.",
            "short",
            Query("max by (instance) (warden_packs_refused)", "{{instance}}"),
            levels=Levels(None, 1),
            width=12,
        ),
        graph(
            "Controls in force",
            "Offset of controls up to which records are in force. If one stays behind, see its log.",
            "none",
            Query("warden_controls_offset", "{{instance}}"),
            width=8,
        ),
        graph(
            "Operator's words in force",
            "Offset of operator_words up to which changes are in force, over its partitions.",
            "none",
            Query("sum by (instance) (warden_operator_words_offset)", "{{instance}}"),
            width=8,
        ),
        graph(
            "Newest operator's word",
            "Seconds since the newest change that is in force was written.",
            "s",
            Query("time() - (warden_operator_words_changed_timestamp_seconds > 0)", "{{instance}}"),
            width=8,
        ),
    ]
