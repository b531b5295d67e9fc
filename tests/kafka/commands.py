"""`warden` as processes of their own that need not import everything anew: each is forked from one that has.

A command takes most of a second of a processor's time before it does anything, and the tests run hundreds of them.
What is forked has an environment, a folder, streams and an exit code of its own. Commands started from nothing are in
the tests that do not use this: of consumers and security, of the demo, and of every worker and server.

The one that has imported all is `python -m tests.kafka.commands`, because pytest has threads, and to fork a process
with threads is not safe. For each connection to its socket it forks a keeper, which forks the command, waits for it
and answers with its number and its exit code.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from streams.cli import COMMANDS, main

ROOT = Path(__file__).parents[2]
BESIDE = ("aiokafka.admin", "rich.progress", "rich.table")
"""What commands import as they run."""
NOT_BEFORE = {"worker", "serve", "demo", "learn", "score", "backtest"}
"""Commands that import much, and are not run this way."""


def run_warden(
    arguments: Sequence[str], environment: Mapping[str, str], stdin: bytes, seconds: float
) -> subprocess.CompletedProcess[bytes]:
    """Runs `warden` to its end in this environment, as `subprocess.run` does.

    Raises `subprocess.TimeoutExpired` after so many seconds; the command is killed then.
    """
    command = [sys.executable, "-m", "streams.cli", *arguments]
    if sys.platform != "linux":  # elsewhere libraries may not survive a fork
        return subprocess.run(command, input=stdin, capture_output=True, env=environment, timeout=seconds, check=False)
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        socket.socket(socket.AF_UNIX) as line,
    ):
        given.write(stdin)
        given.seek(0)
        line.connect(_address())
        line.settimeout(seconds)
        socket.send_fds(line, [b"."], [given.fileno(), out.fileno(), err.fileno()])
        asked = {"arguments": list(arguments), "environment": dict(environment), "folder": str(Path.cwd())}
        line.sendall(json.dumps(asked).encode() + b"\n")
        with line.makefile("r") as answers:
            number = int(answers.readline())
            try:
                code = int(answers.readline())
            except TimeoutError:
                os.kill(number, signal.SIGKILL)
                raise subprocess.TimeoutExpired(command, seconds) from None
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(command, code, out.read(), err.read())


_started: list[subprocess.Popen[bytes]] = []


@cache
def _address() -> str:
    """Where commands are asked for; what listens there is started once, and ends when this process does."""
    address = str(Path(tempfile.mkdtemp(prefix="warden-commands-"), "socket"))
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.kafka.commands", address],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # its threads would be lost in a fork
        stdin=subprocess.PIPE,  # nothing is written to it: it ends with this process
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for pytest
    )
    _started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n", "no commands can be forked"
    return address


def listen(address: str) -> None:
    """Forks what is asked for. Returns in each command, ready for `main`; never in the process that listens."""
    for name, (place, _) in COMMANDS.items():
        if name not in NOT_BEFORE:
            importlib.import_module(place.partition(":")[0])
    for module in BESIDE:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for keepers
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(address)
    listening.listen(32)
    gc.freeze()  # a collection in a command would copy what they share
    os.write(1, b"ready\n")
    while True:
        ready, _, _ = select.select([listening.fileno(), 0], [], [])
        if listening.fileno() not in ready:  # the tests have ended
            shutil.rmtree(Path(address).parent, ignore_errors=True)
            os._exit(0)
        line, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            _keep(line)
            return
        line.close()


def _keep(line: socket.socket) -> None:
    """Forks a command and answers what becomes of it. Returns in the command only."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(line, 1, 3)
    with line.makefile("r") as lines:
        asked = json.loads(lines.readline())
    number = os.fork()
    if number:
        for each in streams:
            os.close(each)
        line.sendall(f"{number}\n".encode())
        _, status = os.waitpid(number, 0)
        line.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        os._exit(0)
    line.close()
    for to, each in enumerate(streams):
        os.dup2(each, to)
        os.close(each)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    sys.argv = ["warden", *asked["arguments"]]


if __name__ == "__main__":
    listen(sys.argv[1])
    main()
