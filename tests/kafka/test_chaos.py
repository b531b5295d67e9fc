"""A short run of the chaos test, as `make chaos` runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from chaos.__main__ import EXIT_STOPPED

ROOT = Path(__file__).parents[2]
SEED = "27"  # its first acts are poison, a killed broker, a stopped worker, two killed workers and repeats
CHAOS = (sys.executable, "-m", "chaos")


def environment(seconds: str, folder: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CHAOS_", "WARDEN_"))}
    return {**inherited, "CHAOS_S": seconds, "CHAOS_SEED": SEED, "CHAOS_RATE": "200", "TMPDIR": str(folder)}


@pytest.mark.timeout(600)  # it starts a broker, two workers, and a broker again; on a busy machine each takes its time
def test_after_half_a_minute_of_sabotage_nothing_is_lost_duplicated_or_otherwise(tmp_path: Path) -> None:
    done = subprocess.run(CHAOS, cwd=ROOT, env=environment("25", tmp_path), capture_output=True, text=True, check=False)
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


@pytest.mark.timeout(300)
def test_a_run_that_is_told_to_stop_leaves_no_process_behind(tmp_path: Path) -> None:
    run = subprocess.Popen(CHAOS, cwd=ROOT, env=environment("200", tmp_path), stderr=subprocess.PIPE, text=True)
    assert run.stderr is not None
    with run.stderr as said:
        while "the workers judge" not in (line := said.readline()):
            assert line, "it ended before its workers judged"
        started = psutil.Process(run.pid).children(recursive=True)
        assert len(started) >= 4  # a broker, a supervisor and its two workers
        run.terminate()
        said.read()
    assert run.wait(60) == EXIT_STOPPED
    _, alive = psutil.wait_procs(started, timeout=10)
    assert not alive
