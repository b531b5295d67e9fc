"""Fetches what tests start besides Python, before several processes ask for it at once: `python -m tests.fetch`.

What cannot be had is no error here: the tests that need it say so.
"""

from __future__ import annotations

import sys
from contextlib import suppress

import pytest

from streams.embedded import BrokerError
from tests import kustomize_tool
from tests.browser import chromium
from tests.kafka.broker import archive_classes
from tests.kafka.java import JAVA_LEAST, java_release, maven_installed, resolve_jars
from tests.prometheus_server import program


def main() -> None:
    """Kafka's jars, Prometheus and kustomize, into `.cache`; Chromium, as a package. Nothing where they are there."""
    try:
        if maven_installed() and (java_release() or 0) >= JAVA_LEAST:
            archive_classes(resolve_jars())
    except BrokerError as error:
        sys.stderr.write(f"{error}\n")
    with suppress(pytest.fail.Exception):
        program("prometheus")
    kustomize_tool.fetch()
    chromium.install()


if __name__ == "__main__":
    main()
