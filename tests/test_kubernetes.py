"""The Kubernetes manifests: what real schemas accept, and what agrees with the settings, the image and the code.

No cluster is needed. Each file is checked as it stands, and again as kustomize puts them together.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from deploy.alerts import main as write_alerts
from streams.cli import warden
from streams.settings import PREFIX, Settings, load_settings
from tests.kubernetes_schemas import problems, trigger_parameters
from tests.kustomize_tool import build

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "kubernetes"
BASE, EXAMPLE = FOLDER / "base", FOLDER / "overlays" / "example"
KUSTOMIZATIONS = sorted(FOLDER.rglob("kustomization.yaml"))
MANIFESTS = [file for file in sorted(FOLDER.rglob("*.yaml")) if file.name != "kustomization.yaml"]
NAME = "app.kubernetes.io/name"
COMPONENT = "app.kubernetes.io/component"
SECRETS = {
    "streamwarden-kafka": {"password", "ca.pem"},
    "streamwarden-admin": {"password", "ca.pem"},
    "streamwarden-keda": {"username", "password", "ca.pem"},
    "streamwarden-console-login": {"password", "ca.pem"},
    "streamwarden-console": {"tokens.toml", "worker-token"},
    "streamwarden-console-tls": {"tls.crt", "tls.key"},
}
"""The Secrets that an operator makes, and their keys."""


def objects(*files: Path) -> list[dict[str, Any]]:
    return [each for file in files for each in yaml.safe_load_all(file.read_text("utf-8"))]


def one(found: list[dict[str, Any]], kind: str, name: str = "") -> dict[str, Any]:
    (result,) = (each for each in found if each["kind"] == kind and name in ("", each["metadata"]["name"]))
    return result


def variables(file: Path) -> dict[str, str]:
    lines = [line for line in file.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def template(workload: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = workload["spec"]["template"]
    return found


PLAIN = objects(*MANIFESTS)
WORKLOADS = [each for each in PLAIN if "template" in each.get("spec", {})]
WORKER = one(PLAIN, "StatefulSet")
(CONTAINER,) = template(WORKER)["spec"]["containers"]


def by_name(each: dict[str, Any]) -> str:
    return f"{each['kind']} {each['metadata']['name']}"


@pytest.mark.parametrize("manifest", PLAIN, ids=by_name)
def test_a_cluster_accepts_the_manifest(manifest: dict[str, Any]) -> None:
    assert problems(manifest) == []


def test_what_a_cluster_would_refuse_or_drop_is_noticed() -> None:
    wrong = copy.deepcopy(WORKER)
    wrong["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    wrong["spec"]["replicas"] = "two"
    scaled = copy.deepcopy(one(PLAIN, "ScaledObject"))
    scaled["spec"]["maxReplicas"] = 3

    assert "readinesProbe" in "".join(problems(wrong))
    assert "'two' is not" in "".join(problems(wrong))
    assert "maxReplicas" in "".join(problems(scaled))
    assert problems({"apiVersion": "v2", "kind": "Oops"}) != []


@pytest.mark.parametrize("file", KUSTOMIZATIONS, ids=lambda file: str(file.parent.relative_to(FOLDER)))
def test_a_kustomization_names_what_is_there_and_all_of_it(file: Path) -> None:
    content = yaml.safe_load(file.read_text("utf-8"))
    generated = [name for each in content.get("configMapGenerator", []) for name in each["envs"]]
    named = [*content.get("resources", []), *content.get("components", []), *generated]

    assert [name for name in named if not (file.parent / name).exists()] == []
    assert {each.name for each in file.parent.iterdir() if each.is_file()} - set(named) == {"kustomization.yaml"}


@pytest.fixture(scope="module")
def example() -> list[dict[str, Any]]:
    return build(EXAMPLE)


@pytest.mark.parametrize("folder", [BASE, EXAMPLE], ids=["base", "example"])
def test_a_cluster_accepts_what_kustomize_makes(folder: Path) -> None:
    made = build(folder)

    assert len(made) >= 7
    assert [problem for each in made for problem in problems(each)] == []


def test_the_example_sets_its_settings_everywhere(example: list[dict[str, Any]]) -> None:
    settings = one(example, "ConfigMap")
    scaled = one(example, "ScaledObject")["spec"]
    (kafka,) = (each["metadata"] for each in scaled["triggers"] if each["type"] == "kafka")
    own = variables(EXAMPLE / "settings.env")

    assert settings["data"] == variables(BASE / "settings.env") | own
    assert kafka["bootstrapServers"] == own["WARDEN_BOOTSTRAP"]
    assert kafka["consumerGroup"] == settings["data"]["WARDEN_APP_ID"]
    assert scaled["maxReplicaCount"] == int(own["WARDEN_PARTITIONS"])
    assert "replicas" not in one(example, "StatefulSet")["spec"]
    for workload in (one(example, "StatefulSet"), one(example, "Job")):
        (container,) = template(workload)["spec"]["containers"]
        assert container["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
        assert container["image"] == "registry.example.com/streamwarden:0.1.0"
    assert {each["metadata"].get("namespace") for each in example if each["kind"] != "Namespace"} == {"streamwarden"}


@pytest.mark.parametrize("file", sorted(FOLDER.rglob("settings.env")), ids=lambda file: file.parent.name)
def test_settings_are_settings(file: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}

    assert variables(file).keys() <= known
    assert not [name for name in variables(file) if name.endswith(("_PASSWORD", "_TOKEN"))]


@pytest.mark.parametrize("workload", WORKLOADS, ids=by_name)
def test_a_pod_starts_with_settings_that_streamwarden_takes(
    workload: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_in(workload, tmp_path, monkeypatch)

    assert settings.security_protocol == "SASL_SSL"
    assert settings.replication == 3
    assert settings.log_format == "json"


def test_the_workers_of_the_example_answer_the_console(
    example: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = one(example, "StatefulSet")
    (container,) = template(worker)["spec"]["containers"]
    settings = settings_in(worker, tmp_path, monkeypatch)
    names = [each["name"] for each in container["env"]]

    assert settings.http_tokens_file is not None
    assert settings.http_tokens_file.exists()
    assert settings.web_advertised_host == f"$(POD_NAME).{worker['spec']['serviceName']}"
    assert names.index("POD_NAME") < names.index("WARDEN_WEB_ADVERTISED_HOST")  # else it is not filled in
    assert set(names) <= {"POD_NAME"} | {PREFIX + name.upper() for name in Settings.model_fields}


def settings_in(workload: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Those of its pod, with the files of its Secrets where it has them."""
    (container,) = template(workload)["spec"]["containers"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    given = variables(BASE / "settings.env") | {
        each["name"]: each["value"] for each in container["env"] if "value" in each
    }
    for volume in template(workload)["spec"]["volumes"]:
        if "secret" in volume:
            place = tmp_path / mounts[volume["name"]].lstrip("/")
            place.mkdir(parents=True)
            items = [item["key"] for item in volume["secret"].get("items", [])]
            for key in items or SECRETS[volume["secret"]["secretName"]]:
                (place / key).write_text("x")
            assert volume["secret"]["defaultMode"] == 0o440
    for name, value in given.items():
        monkeypatch.setenv(name, str(tmp_path) + value if value.startswith("/etc/") else value)
    return load_settings()


def test_the_worker_serves_where_it_is_asked() -> None:
    settings = variables(BASE / "settings.env")
    (port,) = CONTAINER["ports"]
    service = one(PLAIN, "Service", "streamwarden-worker")
    probes = {name: CONTAINER[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    served = (ROOT / "streams/web.py").read_text("utf-8")

    assert port == {"name": "web", "containerPort": int(settings["WARDEN_WEB_PORT"])}
    assert [(each["port"], each["targetPort"]) for each in service["spec"]["ports"]] == [(port["containerPort"], "web")]
    assert probes == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}
    assert all(f'add_get("{path}"' in served for path in (*probes.values(), "/metrics"))
    assert WORKER["spec"]["serviceName"] == service["metadata"]["name"]
    assert service["spec"]["publishNotReadyAddresses"]


def test_the_console_serves_where_it_is_asked() -> None:
    (container,) = template(one(PLAIN, "Deployment"))["spec"]["containers"]
    given = {each["name"]: each["value"] for each in container["env"]}
    (port,) = container["ports"]
    service = one(PLAIN, "Service", "streamwarden-console")
    probes = [container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")]
    served = (ROOT / "streams/http/operation.py").read_text("utf-8")

    assert int(given["WARDEN_HTTP_PORT"]) == port["containerPort"] == Settings().http_port
    assert [(each["port"], each["targetPort"]) for each in service["spec"]["ports"]] == [(6070, port["name"])]
    assert {(each["port"], each["scheme"]) for each in probes} == {(port["name"], "HTTPS")}
    assert all(f'path="{each["path"]}"' in served for each in probes)


def test_the_state_is_on_the_volume() -> None:
    settings = variables(BASE / "settings.env")
    (claim,) = WORKER["spec"]["volumeClaimTemplates"]
    mounts = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}

    assert settings["WARDEN_STORE"] == "rocksdb://"
    assert mounts[claim["metadata"]["name"]] == settings["WARDEN_DATA_DIR"]


def test_a_pod_that_is_told_to_stop_has_the_time_for_its_last_acknowledgements() -> None:
    assert template(WORKER)["spec"]["terminationGracePeriodSeconds"] >= Settings().request_timeout_s + 30


@pytest.mark.parametrize("workload", WORKLOADS, ids=by_name)
def test_pods_may_do_no_more_than_they_need(workload: dict[str, Any]) -> None:
    pod = template(workload)["spec"]
    user = [line.split()[1] for line in (ROOT / "Dockerfile").read_text().splitlines() if line.startswith("USER ")][-1]
    account = one(PLAIN, "ServiceAccount")

    assert pod["serviceAccountName"] == account["metadata"]["name"]
    assert account["automountServiceAccountToken"] is False
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"] == int(user)
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"] == container["resources"]["requests"]["memory"]
        assert container["resources"]["requests"]["cpu"]
        assert not [each for each in container["env"] if re.search("(PASSWORD|TOKEN|SECRET)$", each["name"])]


def test_no_secret_is_in_the_manifests() -> None:
    assert [by_name(each) for each in PLAIN if each["kind"] == "Secret"] == []


def test_secrets_are_those_that_the_document_makes() -> None:
    mounted = {
        volume["secret"]["secretName"]
        for workload in WORKLOADS
        for volume in template(workload)["spec"]["volumes"]
        if "secret" in volume
    }
    asked = one(PLAIN, "TriggerAuthentication")["spec"]["secretTargetRef"]
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")

    assert mounted | {each["name"] for each in asked} == set(SECRETS)
    assert {each["key"] for each in asked} == SECRETS["streamwarden-keda"]
    for secret, keys in SECRETS.items():
        made = re.search(rf"create secret (generic|tls) {secret} ([^\n]*)", page)
        assert made is not None, secret
        given = set(re.findall(r"--from-(?:file|literal)=([\w.-]+)", made[2]))
        assert given == (set() if made[1] == "tls" else keys)
        assert (made[1] == "tls") == ("tls.crt" in keys)


@pytest.mark.parametrize("workload", WORKLOADS, ids=by_name)
def test_a_container_runs_a_command_that_there_is(workload: dict[str, Any]) -> None:
    (container,) = template(workload)["spec"]["containers"]
    shown = CliRunner().invoke(warden, [*container["args"], "--help"])

    assert shown.exit_code == 0, shown.output
    assert "command" not in container  # the image's entry point is warden


def selectors() -> Iterator[object]:
    """(what selects, the labels that it selects by)."""
    for each in PLAIN:
        spec = each.get("spec", {})
        for selector in (spec.get("selector"), spec.get("podSelector")):
            if selector:
                yield pytest.param(selector.get("matchLabels", selector), each["kind"], id=by_name(each))


@pytest.mark.parametrize(("labels", "kind"), list(selectors()))
def test_selectors_select_something(labels: dict[str, str], kind: str) -> None:
    pods = [template(workload)["metadata"]["labels"] for workload in WORKLOADS]
    services = [each["metadata"]["labels"] for each in PLAIN if each["kind"] == "Service"]
    selected = [each for each in (services if kind == "ServiceMonitor" else pods) if labels.items() <= each.items()]

    assert selected
    assert NAME in labels
    if kind != "NetworkPolicy":
        assert len(selected) == 1


def test_all_pods_are_behind_a_network_policy_and_reach_the_brokers() -> None:
    policy = one(PLAIN, "NetworkPolicy", "streamwarden")["spec"]
    port = int(variables(BASE / "settings.env")["WARDEN_BOOTSTRAP"].rpartition(":")[2])

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in policy
    assert port in [each["port"] for rule in policy["egress"] for each in rule["ports"]]
    assert int(variables(EXAMPLE / "settings.env")["WARDEN_BOOTSTRAP"].rpartition(":")[2]) == port


def test_autoscaling_asks_keda_for_what_keda_knows() -> None:
    scaled = one(PLAIN, "ScaledObject")["spec"]
    settings = variables(BASE / "settings.env")
    lag = next(each["metadata"] for each in scaled["triggers"] if each["type"] == "kafka")

    for trigger in scaled["triggers"]:
        known = trigger_parameters(trigger["type"])
        assert trigger["metadata"].keys() <= known.keys()
        for name, value in trigger["metadata"].items():
            assert value in known[name].get("allowedValue", [value])
    assert scaled["scaleTargetRef"]["name"] == WORKER["metadata"]["name"]
    assert lag["bootstrapServers"] == settings["WARDEN_BOOTSTRAP"]
    assert lag["consumerGroup"] == settings["WARDEN_APP_ID"]
    assert scaled["maxReplicaCount"] == int(settings["WARDEN_PARTITIONS"])
    assert lag["sasl"] == settings["WARDEN_SASL_MECHANISM"].lower().replace("-", "_").replace("sha_", "sha")
    assert lag["tls"] == "enable"


def test_prometheus_calls_the_job_what_the_alerts_call_it() -> None:
    monitor = one(PLAIN, "ServiceMonitor", "streamwarden-worker")["spec"]
    console = one(PLAIN, "ServiceMonitor", "streamwarden-console")["spec"]
    service = one(PLAIN, "Service", "streamwarden-worker")
    rules = "".join(file.read_text() for file in (ROOT / "grafana/alerts").glob("*.yaml"))
    asked = set(re.findall(r'job="([\w-]+)"', rules))

    assert service["metadata"]["labels"][monitor["jobLabel"]] in asked
    assert [(each["port"], each["path"]) for each in monitor["endpoints"]] == [("web", "/metrics")]
    (endpoint,) = console["endpoints"]
    assert (endpoint["port"], endpoint["path"], endpoint["scheme"]) == ("https", "/metrics", "https")
    assert {each["replacement"] for each in endpoint["relabelings"] if each["targetLabel"] == "job"} <= asked


def test_the_alerts_are_those_of_grafana() -> None:
    done = CliRunner().invoke(write_alerts, ["--check"])

    assert done.exit_code == 0, done.output
