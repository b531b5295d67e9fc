"""A short run of the chaos test, as `make chaos` runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SEED = "27"  # its first acts are poison, a killed broker, a stopped worker, two killed workers and repeats


@pytest.mark.timeout(600)  # it starts a broker, two workers, and a broker again; on a busy machine each takes its time
def test_after_half_a_minute_of_sabotage_nothing_is_lost_duplicated_or_otherwise(tmp_path: Path) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CHAOS_", "WARDEN_"))}
    asked = {"CHAOS_S": "25", "CHAOS_SEED": SEED, "CHAOS_RATE": "200", "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "chaos"], cwd=ROOT, env=inherited | asked, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = done.stdout.splitlines()
    figures = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line)}
    assert re.sub(r"\d+", "0", line) == (
        "events=0 kills=0 stalls=0 broker_restarts=0 rebalances=0 lost=0 duplicated=0 diverged=0 dead_letters=0 packs=0"
    )
    assert (figures["lost"], figures["duplicated"], figures["diverged"]) == (0, 0, 0)
    did = ("events", "kills", "stalls", "broker_restarts", "rebalances", "dead_letters", "packs")
    assert min(figures[name] for name in did) > 0, line
    assert not list(tmp_path.glob("streamwarden-chaos-*")), "a run without differences leaves nothing behind"
