"""Apache Kafka as Java: its jars, which Maven fetches, and an archive of its classes, so that brokers start quickly."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from xml.etree import ElementTree as ET

from streams.embedded import BrokerError

POM = Path(__file__).with_name("pom.xml")
CACHE = Path(__file__).parents[2] / ".cache" / "kafka"
MAVEN_SECONDS = 240.0  # the first run downloads 45 MB; below pytest's own time limit, to say what hung
JAVA_LEAST = 17  # Kafka 4 brokers run on Java 17 or newer


def java_release() -> int | None:
    """The feature release of `java` on the path (17, 21, ...), None without a working one."""
    if shutil.which("java") is None:
        return None
    done = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(?:1\.)?(\d+)', done.stderr + done.stdout)
    return int(found.group(1)) if found and done.returncode == 0 else None


def maven_installed() -> bool:
    """Whether `mvn` is on the path."""
    return shutil.which("mvn") is not None


def kafka_version() -> str:
    """The Apache Kafka release that pom.xml pins."""
    found = ET.parse(POM).findtext(".//{*}kafka.version")  # noqa: S314 - our own file
    assert found, f"{POM} pins no kafka.version"
    return found


def resolve_jars() -> Path:
    """The folder of the broker's jars, filled by Maven the first time and whenever pom.xml changes."""
    stamp = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    jars = CACHE / f"{kafka_version()}-{stamp}"
    if jars.is_dir():
        return jars
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        draft = Path(scratch, "jars")
        command = [
            "mvn",
            "-B",
            "-q",
            "-f",
            str(POM),
            "dependency:copy-dependencies",
            f"-DoutputDirectory={draft}",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=MAVEN_SECONDS, check=False)
        if done.returncode:
            raise BrokerError(f"Maven could not fetch Kafka's jars ({POM}):\n{(done.stdout + done.stderr)[-2000:]}")
        try:
            draft.rename(jars)
        except OSError:
            if not jars.is_dir():  # else another run of the tests was faster, with the same jars
                raise
    return jars


def class_archive(jars: Path) -> Path:
    """Where the virtual machine keeps Kafka's classes as it had loaded them; there once `tests.fetch` has made it.

    A broker starts in 2 s with it and in 6 s without, for a third of the processor time. It belongs to one release of
    Java and to jars at one place; a machine that cannot use it loads the classes itself.
    """
    done = subprocess.run(["java", "-version"], capture_output=True, check=False)
    machine = hashlib.sha256(done.stderr + done.stdout + str(jars).encode()).hexdigest()[:8]
    return jars.parent / f"{jars.name}-{machine}.jsa"
