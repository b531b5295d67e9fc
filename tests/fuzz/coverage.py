"""`python -m tests.fuzz.coverage TARGET CORPUS... [-options of libFuzzer]`: one target under atheris."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["rules", "streams.codec", "streams.lines"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Runs until libFuzzer ends; what breaks the target is written where it was told to."""
    name = sys.argv.pop(1)
    atheris.Setup(sys.argv, TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
