"""How each command of the documents is run by a test; `tests/test_documents.py` misses those that are not here.

A command is named as the document shows it, without the words beside it. `run` is what is run for it, where it cannot
be run as it stands: names filled in, an end for what would go on. Those of OFFLINE run in a folder with the files that
`tests/test_documents.py` makes, those of ONLINE one after the other with a worker on a real Kafka.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One command of a document."""

    text: str
    run: str = ""
    """The text itself, unless it is given; several commands have ` && ` between them, `>> FILE` takes the output."""
    stdin: str = ""
    """Name of the file on its standard input."""
    until: str = ""
    """What it says when it has begun to do what it goes on with; then it is ended."""

    def commands(self) -> list[str]:
        return (self.run or self.text).split(" && ")


OFFLINE = (
    # README.md
    Step("warden judge events.jsonl"),
    Step("warden judge -", stdin="events.jsonl"),
    Step("warden explain 分享到朋友圈后即可查看答案"),
    Step("warden clauses"),
    Step("warden check", "warden check packs/mine"),
    Step("warden score labelled.jsonl.gz"),
    Step("warden learn labelled.jsonl.gz --clause links.6 --out ads.yaml"),
    Step("warden backtest events.jsonl --pack A --against B"),
    Step("warden schemas", "warden schemas list"),
    Step("warden settings"),
    Step("warden tokens create --name lin --role moderate >> tokens.toml"),
    Step("warden tokens create --name lin --role moderate --days 90 >> tokens.toml"),
    # docs/tools.md
    Step("warden score labelled.jsonl.gz --part kept-out"),
    Step("warden check PACK", "warden check packs/mine"),
    Step("warden explain TEXT", "warden explain 转发后解锁"),
    Step("warden explain", "warden explain 你好"),
    Step("warden check PACK --known-good FILE", "warden check packs/mine --known-good good.jsonl"),
    Step("warden score LABELLED", "warden score labelled.jsonl.gz"),
    Step("warden backtest EVENTS --pack NEW --against OLD", "warden backtest events.jsonl --pack A --against B"),
    Step("warden check packs/mine --known-good good.jsonl --accept accepted.tsv"),
    Step("warden score labelled.jsonl.gz --part kept-out --where 'source=telecom*' --examples 20"),
    Step("warden score --hosts hosts.jsonl.gz --pages pages.jsonl.gz --json"),
    Step("warden backtest events.jsonl.gz --pack packs/mine --against shipped --report backtest.md"),
    # docs/console.md
    Step(
        "warden tokens create --name lin --role moderate --days 90 >> tokens.toml",
        "warden tokens create --name lin --role moderate --days 90",
    ),
    # docs/http.md
    Step("warden tokens create --name lin --role admin >> tokens.toml", "warden tokens create --name lin --role admin"),
    # docs/operations.md
    Step("warden tokens create --name lin --role admin >> tokens.toml"),
    Step("python -m benchmarks.sizing --rate 20000 --subjects 50000000"),
)
ONLINE = (
    # README.md
    Step("warden topics create"),
    Step("warden worker --processes 4", "warden worker --processes 1"),
    Step("warden feed events.jsonl"),
    Step("warden bans --follow", until="domain:quiz.example"),
    Step("warden bans export --to nginx", "warden bans export --to nginx --file domains.map --once"),
    Step(
        "warden subject domain:x.example why something holds for a subject, its whole history, and the command that "
        "undoes it",
        "warden subject domain:quiz.example",
    ),
    Step("warden reviews"),
    Step("warden quota"),
    Step("warden words", "warden words list"),
    # docs/moderation.md
    Step("warden subject domain:quiz.example"),
    Step("warden subject account:alice --since 30"),
    Step("warden subject link:https://quiz.example/prize --json"),
    Step("warden appeal ID --overturn …", "warden appeal {held:domain:one.example} --overturn --why mistake"),
    Step("warden appeal … --overturn --why …", "warden appeal {held:domain:two.example} --overturn --why mistake"),
    Step(
        'warden appeal 5f0c7a5d0bc84a7b90c5a8ac6b1d2e3f --overturn --why "the page is the owner\'s own lottery"',
        'warden appeal {held:domain:quiz.example} --overturn --why "the page is the owner\'s own lottery"',
    ),
    Step(
        'warden appeal 5f0c7a5d0bc84a7b90c5a8ac6b1d2e3f --uphold --why "looked at: induced sharing" --by lin',
        'warden appeal {held:domain:three.example} --uphold --why "looked at: induced sharing" --by lin',
    ),
    Step("warden reviews --reason protected --json"),
    Step("warden reviews --subject account:alice --all"),
    Step("warden reviews show 5f0c7a5d0bc84a7b90c5a8ac6b1d2e3f", "warden reviews show {case:account:bob}"),
    Step("warden reviews show ID", "warden reviews show {case:account:bob}"),
    Step(
        'warden reviews approve 5f0c7a5d0bc84a7b90c5a8ac6b1d2e3f --why "looked at: mutual promotion"',
        'warden reviews approve {case:account:bob} --why "looked at: mutual promotion"',
    ),
    Step(
        'warden reviews reject 5f0c7a5d0bc84a7b90c5a8ac6b1d2e3f --why "a charity, and not a chain letter"',
        'warden reviews reject {case:account:carol} --why "a charity, and not a chain letter"',
    ),
    Step('warden sanction account:alice suspend_account --for 7d --why "spread a rumour by voice message"'),
    Step('warden sanction domain:quiz.example ban_domain --why "court order 12/2016" --by lin'),
    Step('warden sanction account:alice ban_account --until 2999-01-01T00:00:00Z --why "court order 13/2016"'),
    Step('warden clear account:alice suspend_account --why "served its time"'),
    Step('warden clear domain:quiz.example --exempt-for 7d --why "the owner mends the page"'),
    Step(
        "warden sanction account:alice suspend_account --for 7d --why …",
        "warden sanction account:alice suspend_account --for 7d --why rumours",
    ),
    Step("warden clear account:alice --why …", "warden clear account:alice --why enough"),
    Step(
        "warden sanction, warden clear",
        "warden sanction account:mallory suspend_account --for 1d --why rumours && "
        "warden clear account:mallory --why enough",
    ),
    Step("warden quota --at 2026-01-01T12:00:00Z --json"),
    # docs/operations.md, docs/packs.md
    Step('warden packs publish packs/mine --known-good good.jsonl --shadow --why "ticket 4711"'),
    Step("warden packs diff live packs/mine"),
    Step('warden packs activate shadow --canary 5 --why "as expected"'),
    Step('warden packs activate canary --why "no complaints in two days"'),
    Step('warden packs rollback --why "hits the operator\'s own lottery"'),
    Step('warden packs activate canary --why "…"'),
    Step('warden packs rollback --why "…"'),
    Step('warden packs publish packs/mine --known-good good.jsonl --accept accepted.tsv --why "ticket 4711"'),
    Step("warden packs publish DIR", "warden packs publish packs/next --no-known-good --why newer"),
    Step("warden packs history"),
    Step("warden packs history --offsets"),
    Step("warden packs diff live packs/next"),
    Step("warden packs show ours@7"),
    Step('warden halt --why "a wave of complaints about marketing accounts"'),
    Step('warden halt --rule fraud.prize --why "hits the operator\'s own lottery" --by lin'),
    Step("warden controls"),
    Step('warden resume --why "the list of words is mended"'),
    Step('warden resume --rule fraud.prize --why "looked at 50 hits: all of them right"'),
    Step("warden halt --why TEXT", "warden halt --why complaints && warden resume --why mended"),
    Step("warden halt", "warden halt --why complaints && warden resume --why mended"),
    Step("warden words put", "warden words put own_words 转发领取"),
)
ELSEWHERE = {
    "warden bans hook URL": (
        "tests/kafka/test_consumers_doc.py::test_its_receiver_takes_what_is_signed_and_nothing_else"
    ),
    "warden bans hook https://gateway.example.com/bans --dead-letters given-up.jsonl": (
        "tests/kafka/test_ban_hook.py::test_what_is_given_up_is_a_dead_letter_and_is_not_tried_again"
    ),
    "python -m streams.schemas": "tests/streams/test_schemas.py::test_the_files_are_what_the_types_generate",
    "python -m rules.packs.schema": (
        "tests/rules/test_pack_schema.py::test_the_stored_schema_is_the_one_that_is_generated"
    ),
    "make dashboards": "tests/test_dashboards.py::test_the_files_are_current",
    "python -m deploy.alerts": "tests/test_kubernetes.py::test_the_alerts_are_those_of_grafana",
    "make bench-report": "tests/test_sizing.py::test_the_table_of_the_document_is_current",
    "warden demo --events 20000 --exit --picture docs/demo.svg": (
        "tests/kafka/test_operation.py::test_the_demo_serves_the_console_it_names_and_runs_to_its_end_on_the_embedded_broker"
    ),
    "warden serve": "tests/kafka/test_http_doc.py::test_what_curl_is_answered_is_what_the_document_says",
    "warden serve --tokens tokens.toml": (
        "tests/kafka/test_http_doc.py::test_what_curl_is_answered_is_what_the_document_says"
    ),
    "warden bans export --to redis": "tests/kafka/test_consumers_doc.py::test_its_commands_print_what_it_says",
}
"""Commands that another test runs, or whose result it compares with the file that they write: which."""
NOT_RUN = {
    "make demo": "goes on until it is told to stop",
    "make test": "is what runs this",
    "make setup": "is the first step of `make test`",
    "make lint": "is a step of `make test`",
    "make types": "is a step of `make test`",
    "make lock": "asks PyPI for releases; tests/test_lock.py says when it is due",
    "make lexicons LABELLED=labelled.jsonl.gz": "needs the labelled text that the shipped lexicons were learned from",
    "python -m tests.kubernetes_schemas": "needs the sources of Kubernetes, KEDA and the operator",
    "make chaos": "takes two minutes; half a minute of it is tests/kafka/test_chaos.py",
    "CHAOS_S=600 CHAOS_SEED=2 make chaos": "takes ten minutes",
    "CHAOS_BROKERS=3 make chaos": "takes two minutes and three brokers",
    "CHAOS_STORE=rocksdb:// make chaos": "takes two minutes",
    "make soak": "takes twenty minutes",
    "SOAK_S=120 make soak": "takes two minutes, and the machine for itself",
    "make bench": "measures for an hour",
    "python -m benchmarks.console --only idle": "measures",
    "python -m benchmarks.console --only journal": "measures",
    "python -m benchmarks.door": "measures",
    'make bench ARGS="--only comparison"': "measures: it needs the machine for itself",
    'make bench ARGS="--only recovery"': "measures",
    'make bench ARGS="--only growth"': "measures",
    **dict.fromkeys(
        (
            "kubectl create namespace streamwarden",
            "kubectl -n streamwarden create secret generic streamwarden-kafka --from-file=password=worker-password "
            "--from-file=ca.pem",
            "kubectl -n streamwarden create secret generic streamwarden-admin --from-file=password=admin-password "
            "--from-file=ca.pem",
            "kubectl -n streamwarden create secret generic streamwarden-keda --from-literal=username=autoscaler "
            "--from-file=password=autoscaler-password --from-file=ca.pem",
            "kubectl -n streamwarden create secret generic streamwarden-console-login "
            "--from-file=password=console-password --from-file=ca.pem",
            "kubectl -n streamwarden create secret generic streamwarden-console --from-file=tokens.toml "
            "--from-file=worker-token",
            "kubectl -n streamwarden create secret tls streamwarden-console-tls --cert=console.pem --key=console.key",
            "kubectl apply --server-side -k deploy/kubernetes/overlays/example",
            "kubectl -n streamwarden wait --for=condition=complete --timeout=300s job/streamwarden-topics",
            "kubectl -n streamwarden rollout status statefulset/streamwarden-worker",
            "kubectl -n streamwarden delete job streamwarden-topics --ignore-not-found",
        ),
        "needs a cluster; what it applies is tests/test_kubernetes.py",
    ),
    "docker build -t registry.example.com/streamwarden:0.1.0 .": "needs a Docker engine, and the network",
    "python -m benchmarks.judging": "measures",
    "python -m benchmarks.texts LABELLED --batch 4096": "measures",
    "python -m benchmarks.evasion LABELLED --pairs": "measures, and needs labelled text",
}
"""Commands that no test can run: why. That they exist, with their options, is tested."""
