"""The machine under a benchmark: which core is whose, what it is, what a process takes."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import psutil

_LIBRARIES = ("faust-streaming", "aiokafka", "quixstreams", "confluent-kafka", "numpy", "msgspec")


class Cores(NamedTuple):
    """`measured`: of the process that is measured, alone on it; `rest`: of the broker and of who watches."""

    measured: list[int]
    rest: list[int]


@cache
def cores() -> Cores:
    """The first core is the measured one. A machine of one core shares it, and its figures say little. Found out once:
    `on_cores` narrows what later calls would see."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[:1], usable[1:] or usable)


@contextmanager
def on_cores(wanted: Sequence[int]) -> Iterator[None]:
    """This thread, and the processes and threads it starts, run on these cores only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, wanted)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def peak_resident_mb(pid: int) -> float:
    """The most memory a running process ever had resident, in MB (10^6 bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"the kernel does not say how much memory process {pid} took at most")


def cpu_seconds(process: psutil.Process) -> float:
    """What a process and its children have used of processors so far, in seconds."""
    family = [process, *process.children(recursive=True)]
    return sum(sum(member.cpu_times()[:2]) for member in family)


def describe() -> dict[str, object]:
    """What figures depend on: processor, cores, memory, Python and libraries."""
    return {
        "processor": _processor(),
        "cores": len({*cores().measured, *cores().rest}),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name))},
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
