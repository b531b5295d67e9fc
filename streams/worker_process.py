"""Workers, and `warden serve`, as child processes with settings of their own: for demo, chaos run, soak, benchmarks and
tests."""

import os
import subprocess
import sys
from pathlib import Path

from pydantic import SecretStr

from streams.settings import PREFIX, Settings


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment that gives a process these settings, and none of those that this process was given.

    A password is in it only if it was given as a variable here as well: files are passed on by name.
    """
    given = {f"{PREFIX}{name.upper()}": _plain(value) for name, value in settings.model_dump(exclude_none=True).items()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return {**inherited, **given}


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def start_worker(settings: Settings, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """Starts `warden worker` with `arguments`; what it says is added to `log`. The caller ends it."""
    return _start(settings, log, "worker", *arguments)


def start_serve(settings: Settings, log: Path) -> subprocess.Popen[bytes]:
    """Starts `warden serve`; what it says is added to `log`. The caller ends it."""
    return _start(settings, log, "serve")


def _start(settings: Settings, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    """A command of its own session: Ctrl-C in the terminal reaches the caller, which then stops what it started."""
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "streams.cli", *arguments],
            env=environment_of(settings),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
