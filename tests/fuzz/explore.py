"""`make fuzz`, or `python -m tests.fuzz.explore`: looks for bytes that break a target, and keeps them in the corpus.

Coverage-guided with atheris (libFuzzer) where it is installed (`pip install '.[fuzz]'`), each target in a process of
its own; else by mutations of the corpus that know nothing of coverage.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import click

from tests.fuzz.targets import TARGETS
from tests.fuzz.trying import tried

CORPUS = Path(__file__).parent / "corpus"
MAX_BYTES = 20_000
_MEMORY_MB = 3_000
_STUCK_S = 120
"""By the clock, which a busy machine may need; `tried` bounds the processor's time."""
_GRACE_S = 120.0
"""How long a target's process may take beyond its time, to load what it needs."""


@click.command(
    epilog="\b\nExample:\n  FUZZ_S=300 make fuzz\n  python -m tests.fuzz.explore --target packs --seconds 600\n"
)
@click.option(
    "--seconds", envvar="FUZZ_S", type=click.FloatRange(min=1), default=60, show_default=True, help="Per target."
)
@click.option("--target", "targets", multiple=True, type=click.Choice(list(TARGETS)), help="Default: all of them.")
@click.option("--seed", envvar="FUZZ_SEED", type=int, default=None, help="Default: the time.")
def main(*, seconds: float, targets: tuple[str, ...], seed: int | None) -> None:
    """Tries hostile input on each target; what breaks one is written to tests/fuzz/corpus and fails `make test`.

    Ends with code 1 when something was found.
    """
    found = 0
    for name in targets or TARGETS:
        how = "atheris" if find_spec("atheris") else "mutations; pip install '.[fuzz]' for coverage"
        click.echo(f"{name}: {seconds:.0f} s ({how})", err=True)
        found += not _explored(name, seconds, int(time.time()) if seed is None else seed)
    sys.exit(1 if found else 0)


def _explored(name: str, seconds: float, seed: int) -> bool:
    """Whether a target held; what broke it is in the corpus then."""
    if find_spec("atheris") is None:
        return _mutated(name, seconds, seed)
    with TemporaryDirectory(prefix="warden-fuzz-") as folder:
        fresh, broken = Path(folder) / "fresh", Path(folder) / "broken-"
        fresh.mkdir()
        command = [
            sys.executable, "-m", "tests.fuzz.coverage", name, str(fresh), str(CORPUS / name),
            f"-max_total_time={int(seconds)}", f"-seed={seed % 2**31 or 1}", f"-max_len={MAX_BYTES}",
            f"-timeout={_STUCK_S}", f"-rss_limit_mb={_MEMORY_MB}", f"-artifact_prefix={broken}",
            "-print_final_stats=1", "-verbosity=1",
        ]  # fmt: skip
        done = subprocess.run(
            command, cwd=Path(__file__).parents[2], capture_output=True, timeout=seconds + _GRACE_S, check=False
        )
        said = done.stderr.decode(errors="replace")
        executed = [line for line in said.splitlines() if "number_of_executed_units" in line]
        click.echo(f"  {executed[-1].strip() if executed else said[-2000:]}", err=True)
        for file in Path(folder).glob("broken-[clto]*"):  # crash, leak, timeout, oom: slow units are only told
            _keep(name, file.read_bytes(), said[-3000:])
        return done.returncode == 0


def _mutated(name: str, seconds: float, seed: int) -> bool:
    dice = Random(seed)
    seeds = [file.read_bytes() for file in sorted((CORPUS / name).iterdir())]
    deadline, count = time.monotonic() + seconds, 0
    while time.monotonic() < deadline:
        data = mutated(dice, seeds)
        count += 1
        try:
            tried(TARGETS[name], data)
        except Exception as error:  # whatever is not documented
            _keep(name, data, f"{type(error).__name__}: {error}")
            return False
    click.echo(f"  {count} tries", err=True)
    return True


def mutated(dice: Random, seeds: list[bytes]) -> bytes:
    """One of the seeds with some changes: bytes flipped, pieces doubled, dropped, moved in from another."""
    data = bytearray(dice.choice(seeds)[:MAX_BYTES])
    for _ in range(dice.randrange(1, 6)):
        at, length = dice.randrange(len(data) + 1), dice.choice((1, 2, 4, 16, 100))
        other = dice.choice(seeds)
        start = dice.randrange(len(other) + 1)
        match dice.randrange(4):
            case 0:
                piece = dice.randbytes(length)
            case 1:
                piece = b""
            case 2:
                piece = bytes(data[at : at + length]) * dice.choice((2, 3, 50))
            case _:
                piece = other[start : start + length]
        data[at : at + dice.choice((0, length))] = piece
    return bytes(data[:MAX_BYTES])


def _keep(name: str, data: bytes, why: str) -> None:
    digest = blake2b(data, digest_size=6).hexdigest()
    file = CORPUS / name / f"found-{digest}"
    file.write_bytes(data)
    click.echo(f"  BROKEN by {os.path.relpath(file)} ({len(data)} bytes)\n{why}", err=True)


if __name__ == "__main__":
    main()
