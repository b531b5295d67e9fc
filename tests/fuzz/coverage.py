"""`python -m tests.fuzz.coverage TARGET CORPUS... [-options of libFuzzer]`: one target under atheris."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["rules", "streams.codec", "streams.lines"]):
    from tests.fuzz.targets import TARGETS
    from tests.fuzz.trying import tried


def main() -> None:
    """Runs until libFuzzer ends; what breaks the target is written where it was told to."""
    name = sys.argv.pop(1)
    target = TARGETS[name]
    for warm in (b"", b"pack: {name: x, version: '1'}\nlexicons: {w: {words: [x]}}\n", "http://a点b 分享".encode()):
        target(warm)  # tables are read once, which takes longer than a try may
    atheris.Setup(sys.argv, lambda data: tried(target, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
