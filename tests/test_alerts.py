"""The alert rules: right as promtool reads them, each with cases, and each with an entry in the runbook."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.prometheus_server import promtool

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "grafana" / "alerts").glob("*.yaml"))
CASES = sorted((ROOT / "grafana" / "alerts" / "cases").glob("*.yaml"))
RULES: list[dict[str, Any]] = [
    rule for file in FILES for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]
]


def cases_of(alert: str) -> list[dict[str, Any]]:
    found = [test for file in CASES for test in yaml.safe_load(file.read_text())["tests"]]
    return [each for test in found for each in test["alert_rule_test"] if each["alertname"] == alert]


def test_the_rules_are_valid() -> None:
    done = promtool("check", "rules", *map(str, FILES))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_fire_when_they_should_and_not_before() -> None:
    done = promtool("test", "rules", *map(str, CASES))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rule_that_never_fires_fails_its_case(tmp_path: Path) -> None:
    (tmp_path / "cases").mkdir()
    engine, cases = ROOT / "grafana/alerts/engine.yaml", ROOT / "grafana/alerts/cases/engine.yaml"
    rules = engine.read_text()
    (tmp_path / engine.name).write_text(rules.replace('up{job="streamwarden"} == 0', 'up{job="streamwarden"} == 7'))
    (tmp_path / "cases" / cases.name).write_text(cases.read_text())
    done = promtool("test", "rules", str(tmp_path / "cases" / cases.name))
    assert done.returncode != 0
    assert "WorkerDown" in done.stdout + done.stderr


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule["alert"]) for rule in RULES])
def test_an_alert_has_a_case_that_fires_a_summary_and_an_entry_in_the_runbook(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]
    page, _, anchor = notes["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)

    assert any(case["exp_alerts"] for case in cases_of(rule["alert"]))
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert notes["summary"].endswith(".")
    assert notes["description"].endswith(".")
    assert anchor == rule["alert"].lower()
    assert rule["alert"] in headings


def test_the_runbook_has_no_entry_for_an_alert_that_is_gone() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    runbook = page[page.index("## Runbook") :]

    assert sorted(re.findall(r"^### (.+)$", runbook, re.MULTILINE)) == sorted(rule["alert"] for rule in RULES)
