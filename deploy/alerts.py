"""Writes the alerts of grafana/alerts as Prometheus' operator reads them: `python -m deploy.alerts`."""

from pathlib import Path
from typing import Any

import click
import yaml

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "grafana" / "alerts"
TARGET = ROOT / "deploy" / "kubernetes" / "components" / "monitoring" / "alerts.yaml"
_HEAD = "# Written by `python -m deploy.alerts` from grafana/alerts: change those.\n"


def rendered() -> str:
    """The PrometheusRule with all groups of all files, in the order of the files' names."""
    groups = [group for file in sorted(SOURCE.glob("*.yaml")) for group in yaml.safe_load(file.read_text())["groups"]]
    manifest: dict[str, Any] = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "streamwarden", "labels": {"app.kubernetes.io/name": "streamwarden"}},
        "spec": {"groups": groups},
    }
    return _HEAD + yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True, width=120)


@click.command(epilog="Example: python -m deploy.alerts --check")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when the file is not what it should be.")
def main(check: bool) -> None:
    """Write deploy/kubernetes/components/monitoring/alerts.yaml from the alerts in grafana/alerts."""
    wanted = rendered()
    if TARGET.exists() and TARGET.read_text("utf-8") == wanted:
        return
    if check:
        raise click.ClickException(f"not current: {TARGET.relative_to(ROOT)}\n    run `python -m deploy.alerts`")
    TARGET.write_text(wanted, "utf-8")
    click.echo(f"wrote {TARGET.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
