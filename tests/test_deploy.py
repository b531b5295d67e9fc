"""The deployment files agree with each other, with the Compose schema and with what the workers export.

No Docker engine is needed: the files are read, not run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml

from streams.bans.export.running import ExportState
from streams.bans.hooks.delivery import HookState
from streams.bans.metrics import ConsumerMetrics, export_readings, hook_readings
from streams.collector import Pauses
from streams.http.metrics import ServeMetrics
from streams.http.tokens import Tokens
from streams.journal.following import Progress
from streams.live_metrics import Sources
from streams.metrics import Metrics
from streams.pack_metrics import PackMetrics
from streams.vitals import Recovering, Vitals
from tests.kafka.java import kafka_version
from tests.prometheus_server import promtool

ROOT = Path(__file__).parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
DASHBOARDS = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))


def families() -> dict[str, str]:
    """Name -> type of what workers, consumers and `warden serve` really export."""
    metrics = Metrics()
    sources = Sources(
        lag=dict, subjects=dict, banned=dict, quotas=dict, rates=dict, vitals=Vitals(), recovering=lambda: NOTHING_LEFT
    )
    metrics.watch(sources, Pauses(), partitions=1)
    PackMetrics(metrics.registry)
    consumers = ConsumerMetrics([*export_readings(ExportState()), *hook_readings(HookState())])
    served = ServeMetrics()
    served.watch_sessions(int)
    served.watch_connections(int)
    served.watch_door(int, dict, int)
    served.watch_journal(lambda: Progress(behind_s=0.0))
    found = [*metrics.registry.collect(), *consumers.collect(), *served.registry.collect()]
    return {family.name: family.type for family in found if family.name.startswith("warden_")}


NOTHING_LEFT = Recovering(0, 0)
FAMILIES = families()
SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("_sum", "_count"),
}
PROCESS = {
    f"process_{name}"
    for name in ("cpu_seconds_total", "resident_memory_bytes", "open_fds", "max_fds", "start_time_seconds")
}
"""Of the client library, on Linux."""
EXPORTED = {name + suffix for name, kind in FAMILIES.items() for suffix in SUFFIXES[kind]} | PROCESS | {"up", "ALERTS"}


def panels() -> Iterator[object]:
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            yield pytest.param(panel, id=f"{file.stem}: {panel.get('title')}")


def metrics_of(query: str) -> set[str]:
    """The metric names of a PromQL query: the identifiers that are no function, label, duration or keyword."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\boffset\s+\w+|\b(?:by|without|on|ignoring)\s*\([^)]*\)', " ", query)
    names = re.findall(r"[a-zA-Z_:][\w:]*(?!\w)(?!\s*\()", bare)
    return set(names) - {"and", "or", "unless", "bool", "offset"}


def published_ports() -> Iterator[object]:
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            yield pytest.param(port, id=f"{name} {port}")


def test_compose_file_is_valid() -> None:
    schema = json.loads((ROOT / "tests/data/compose-spec/compose-spec.json").read_text())

    jsonschema.Draft202012Validator(schema).validate(COMPOSE)


@pytest.mark.parametrize("port", list(published_ports()))
def test_ports_are_published_on_loopback_only(port: str) -> None:
    assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


def test_compose_and_tests_run_the_same_kafka() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{kafka_version()}"


def test_secrets_have_no_default() -> None:
    secrets = {
        name: value
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if re.search("PASSWORD|SECRET|TOKEN", name) and not name.endswith("_FILE")
    }

    assert set(secrets) == {"GF_SECURITY_ADMIN_PASSWORD"}
    assert all(re.fullmatch(r"\$\{\w+:\?[^}]+\}", value) for value in secrets.values())


def test_tokens_of_the_console_are_a_secret_file_and_there_is_none_by_default() -> None:
    console = SERVICES["console"]

    assert console["secrets"] == ["http-tokens", "worker-token"]
    assert console["environment"]["WARDEN_HTTP_WORKER_TOKEN_FILE"] == "/run/secrets/worker-token"  # noqa: S105
    assert console["environment"]["WARDEN_HTTP_TOKENS_FILE"] == "/run/secrets/http-tokens"
    assert COMPOSE["secrets"] == {
        "http-tokens": {"file": "${WARDEN_TOKENS_FILE:-/dev/null}"},
        "worker-token": {"file": "${WARDEN_WORKER_TOKEN_FILE:-/dev/null}"},
    }
    assert len(Tokens(Path("/dev/null"))) == 0
    assert console["command"] == ["serve"]
    assert console["ports"] == ["127.0.0.1:6070:6070"]


@pytest.mark.parametrize("name", ["worker-1", "worker-2"])
def test_workers_tell_the_console_of_their_subjects(name: str) -> None:
    worker = SERVICES[name]

    assert worker["secrets"] == ["http-tokens"]
    assert worker["environment"]["WARDEN_HTTP_TOKENS_FILE"] == "/run/secrets/http-tokens"
    assert worker["environment"]["WARDEN_WEB_ADVERTISED_HOST"] == name


def test_what_keeps_running_has_a_healthcheck() -> None:
    without = {name for name, service in SERVICES.items() if "healthcheck" not in service}

    assert without == {"topics"}
    assert SERVICES["topics"]["restart"] == "no"


def test_workers_wait_for_their_topics() -> None:
    for worker in ("worker-1", "worker-2"):
        assert SERVICES[worker]["command"] == ["worker"]
        assert SERVICES[worker]["depends_on"] == {"topics": {"condition": "service_completed_successfully"}}
    assert SERVICES["topics"]["command"] == ["topics", "create"]
    assert SERVICES["topics"]["depends_on"] == {"kafka": {"condition": "service_healthy"}}


@pytest.mark.parametrize("name", SERVICES)
def test_containers_may_do_no_more_than_they_need(name: str) -> None:
    service = SERVICES[name]

    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is (name != "kafka")


@pytest.mark.parametrize("name", ["topics", "worker-1", "worker-2", "console"])
def test_our_containers_run_as_the_images_user_and_write_where_they_must_only(name: str) -> None:
    service = SERVICES[name]
    user = [line.split()[1] for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("USER ")][-1]

    assert service["user"].split(":") == [user, user]
    assert int(user) > 0
    volumes = {volume.split(":")[1] for volume in service.get("volumes", ())}
    assert volumes == ({"/var/lib/warden"} if name == "console" else set())  # the journal of the console
    assert {mount.split(":")[0] for mount in service["tmpfs"]} | volumes == {"/tmp", "/var/lib/warden"}  # noqa: S108


def test_files_mounted_from_the_project_exist() -> None:
    mounts = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    ours = [mount.split(":")[0] for mount in mounts if mount.startswith("./")]

    assert len(ours) == 5
    assert [path for path in ours if not (ROOT / path).exists()] == []


def test_the_image_runs_warden_as_an_ordinary_user() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    last_stage = max(n for n, line in enumerate(lines) if line.startswith("FROM "))

    assert users[-1] not in {"root", "0"}
    assert any(line.startswith("USER ") for line in lines[last_stage:])
    assert lines[-1] == 'ENTRYPOINT ["warden"]'


def test_the_build_sees_what_the_dockerfile_copies() -> None:
    copied = {
        word
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    }
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert copied == allowed


def test_prometheus_scrapes_every_worker() -> None:
    config = yaml.safe_load((ROOT / "grafana/prometheus/prometheus.yml").read_text())
    job, serve, consumers = config["scrape_configs"]
    workers = [name for name in SERVICES if name.startswith("worker-")]
    port = SERVICES["worker-1"]["environment"]["WARDEN_WEB_PORT"]

    assert job["metrics_path"] == "/metrics"
    assert job["static_configs"] == [{"targets": [f"{name}:{port}" for name in workers]}]
    assert serve["static_configs"] == [{"targets": ["console:6070"]}]
    names = [each["job_name"] for each in config["scrape_configs"]]
    assert names == ["streamwarden", "streamwarden-serve", "streamwarden-consumers"]
    assert consumers["file_sd_configs"]


def test_prometheus_finds_its_alerts_and_its_configuration_is_valid(tmp_path: Path) -> None:
    text = (ROOT / "grafana/prometheus/prometheus.yml").read_text()
    mounted = dict(volume.split(":")[:2][::-1] for volume in SERVICES["prometheus"]["volumes"])
    for inside in ("/etc/prometheus/alerts", "/etc/prometheus/consumers"):
        assert f"{inside}/*.yaml" in text
        text = text.replace(inside, str(ROOT / mounted[inside]))
    (tmp_path / "prometheus.yml").write_text(text)
    done = promtool("check", "config", str(tmp_path / "prometheus.yml"))

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(list((ROOT / 'grafana/alerts').glob('*.yaml')))} rule files found" in done.stdout + done.stderr


def test_grafana_finds_its_dashboards_and_its_data() -> None:
    providers = yaml.safe_load((ROOT / "grafana/provisioning/dashboards/streamwarden.yaml").read_text())
    sources = yaml.safe_load((ROOT / "grafana/provisioning/datasources/prometheus.yaml").read_text())
    mounted = dict(volume.split(":")[:2][::-1] for volume in SERVICES["grafana"]["volumes"])
    folder = mounted[providers["providers"][0]["options"]["path"]]
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])

    assert (ROOT / folder) == DASHBOARDS[0].parent
    assert (ROOT / folder / home.name) in DASHBOARDS
    assert sources["datasources"][0]["url"] == "http://prometheus:9090"
    assert sources["datasources"][0]["uid"] == "prometheus"


@pytest.mark.parametrize("panel", list(panels()))
def test_a_panel_says_what_it_shows_and_asks_only_for_what_is_exported(panel: dict[str, object]) -> None:
    shown = json.loads(json.dumps(panel))

    assert shown["title"]
    assert shown["description"].endswith(".")
    assert shown["fieldConfig"]["defaults"]["unit"]
    assert shown["datasource"]["uid"] == "prometheus"
    for target in shown["targets"]:
        asked = metrics_of(target["expr"])
        assert asked
        assert asked <= EXPORTED


@pytest.mark.parametrize("file", sorted((ROOT / "grafana" / "alerts").glob("*.yaml")), ids=lambda file: file.stem)
def test_alerts_ask_only_for_what_is_exported(file: Path) -> None:
    asked = [metrics_of(r["expr"]) for group in yaml.safe_load(file.read_text())["groups"] for r in group["rules"]]

    assert all(asked)
    assert set().union(*asked) <= EXPORTED


def test_every_exported_metric_is_on_a_panel() -> None:
    queries = [
        target["expr"]
        for file in DASHBOARDS
        for panel in json.loads(file.read_text())["panels"]
        for target in panel["targets"]
    ]
    asked = set().union(*map(metrics_of, queries))

    unseen = {n for n in FAMILIES if not any(a.startswith(n) for a in asked)}
    assert unseen == set()


def test_a_metric_that_nobody_exports_is_noticed() -> None:
    query = 'sum by (le) (rate(warden_oops_total{topic="up"}[5m] offset 1h)) / on (a) other'

    assert metrics_of(query) == {"warden_oops_total", "other"}
