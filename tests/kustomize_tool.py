"""kustomize for tests: the program of the path, kubectl's own, or one that Go builds into .cache."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

CACHE = Path(__file__).parents[1] / ".cache" / "kustomize"
RELEASE = "v5.8.1"
LEAST = (5, 5)
"""Older ones run components before the ConfigMap of an overlay is made (kubernetes-sigs/kustomize, 5170)."""
NOTHING = (
    f"no kustomize {LEAST[0]}.{LEAST[1]} or newer: install kubectl 1.32 or kustomize, or Go, which builds it "
    "(`python -m tests.fetch`)"
)
_BUILD_S = 600.0


def build(folder: Path) -> list[dict[str, Any]]:
    """The objects that a kustomization makes; the test is skipped where there is no kustomize."""
    command = program()
    if command is None:
        pytest.skip(NOTHING)
    done = subprocess.run([*command, str(folder)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@cache
def program() -> list[str] | None:
    """The command that builds a kustomization, None where there is none."""
    if _new_enough(["kustomize", "version"]):
        return ["kustomize", "build"]
    if _new_enough(["kubectl", "version", "--client", "-o", "json"]):
        return ["kubectl", "kustomize"]
    return [str(CACHE / "kustomize"), "build"] if (CACHE / "kustomize").exists() else None


def fetch() -> None:
    """Has Go build it where there is no other. Without Go, or its proxy, there is none, and the tests say so."""
    if program() is not None or shutil.which("go") is None:
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["go", "install", f"sigs.k8s.io/kustomize/kustomize/v5@{RELEASE}"],
        env={**os.environ, "GOBIN": str(CACHE)},
        capture_output=True,
        timeout=_BUILD_S,
        check=False,
    )
    program.cache_clear()


def _new_enough(command: list[str]) -> bool:
    if shutil.which(command[0]) is None:
        return False
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    text = json.loads(done.stdout).get("kustomizeVersion", "") if command[-1] == "json" and done.stdout else done.stdout
    found = re.search(r"v(\d+)\.(\d+)", text)
    return found is not None and (int(found[1]), int(found[2])) >= LEAST
