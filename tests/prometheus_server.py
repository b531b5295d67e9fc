"""Prometheus for tests: the programs, and a server of the session's own on a free loopback port.

The programs are those beside PROMETHEUS_BIN, else those of the path, else those of Debian's package, which is unpacked
into .cache without being installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from streams.embedded import end, free_port, log_tail

CACHE = Path(__file__).parents[1] / ".cache" / "prometheus"
NOTHING = (
    "The tests need Prometheus with promtool: install it (Debian, Ubuntu: `apt-get install prometheus`; macOS: "
    "`brew install prometheus`), or set PROMETHEUS_BIN to the program, with promtool beside it."
)
_START_S = 30.0
_DOWNLOAD_S = 120.0


def program(name: Literal["prometheus", "promtool"]) -> str:
    """Its path; the test fails where there is none."""
    if given := os.environ.get("PROMETHEUS_BIN"):
        found: str | None = str(Path(given).with_name(name))
    else:
        found = shutil.which(name) or _unpacked(name)
    if found is None or not os.access(found, os.X_OK):
        pytest.fail(NOTHING, pytrace=False)
    return found


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """What promtool says."""
    return subprocess.run([program("promtool"), *arguments], capture_output=True, text=True, timeout=60, check=False)


class Prometheus:
    """A server that runs."""

    def __init__(self, url: str) -> None:
        self.url = url

    def value(self, query: str) -> list[dict[str, Any]]:
        """The series of an instant query as of now. Raises ValueError for a query that is none."""
        return self._asked("query", query=query)

    def over_time(self, query: str, since: float, step: float = 0.5) -> list[float]:
        """Every value of every series of a query from `since` (Unix seconds) until now."""
        found = self._asked("query_range", query=query, start=str(since), end=str(time.time()), step=str(step))
        return [float(value) for series in found for _, value in series["values"]]

    def alerts(self) -> set[str]:
        """The names of the alerts that are pending or fire."""
        with urllib.request.urlopen(f"{self.url}/api/v1/alerts", timeout=10) as response:  # noqa: S310 - loopback
            return {alert["labels"]["alertname"] for alert in json.load(response)["data"]["alerts"]}

    def _asked(self, what: str, **parameters: str) -> list[dict[str, Any]]:
        url = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - loopback
                found: list[dict[str, Any]] = json.load(response)["data"]["result"]
                return found
        except urllib.error.HTTPError as error:
            raise ValueError(f"{parameters['query']}: {error.read().decode()}") from None


@contextmanager
def prometheus(config: str, folder: Path) -> Iterator[Prometheus]:
    """A Prometheus with this configuration for the length of the block; it keeps its data in `folder`."""
    (folder / "prometheus.yml").write_text(config)
    server = Prometheus(f"http://127.0.0.1:{free_port()}")
    log = folder / "prometheus.log"
    command = [program("prometheus"), f"--config.file={folder / 'prometheus.yml'}"]
    command += [f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={server.url.removeprefix('http://')}"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + _START_S
        while not _ready(server.url):
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"Prometheus does not start. {log_tail(log)}", pytrace=False)
            time.sleep(0.05)
        yield server
    finally:
        end(process, 10)


def _ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/-/ready", timeout=2) as response:  # noqa: S310 - loopback
            return bool(response.status == 200)
    except OSError:
        return False


def _unpacked(name: str) -> str | None:
    """The program of Debian's package in .cache, fetched when it is not there; None where that does not work."""
    found = CACHE / "usr" / "bin" / name
    if not found.exists() and shutil.which("apt-get") and shutil.which("dpkg-deb"):
        CACHE.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE.parent) as scratch:
            fetch = ["apt-get", "download", "prometheus"]
            done = subprocess.run(fetch, cwd=scratch, capture_output=True, timeout=_DOWNLOAD_S, check=False)
            packages = list(Path(scratch).glob("prometheus_*.deb"))
            if done.returncode == 0 and packages:
                subprocess.run(["dpkg-deb", "-x", str(packages[0]), f"{scratch}/all"], check=True)
                shutil.rmtree(CACHE, ignore_errors=True)
                Path(scratch, "all").rename(CACHE)
    return str(found) if found.exists() else None
