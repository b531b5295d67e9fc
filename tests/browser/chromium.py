"""Chromium for tests: CHROMIUM, or the one of the path; installed from Debian's package where that is possible.

Playwright's own browsers are not used: they are fetched from where not everybody may fetch.
"""

from __future__ import annotations

import os
import shutil
import subprocess

NOTHING = (
    "The browser's tests need Chromium: install it (Debian, Ubuntu: `apt-get install chromium fonts-noto-cjk`), or set "
    "CHROMIUM to the program."
)
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_INSTALL_S = 600.0


def found() -> str | None:
    """The program; None where there is none."""
    if given := os.environ.get("CHROMIUM"):
        return given
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def install() -> None:
    """Installs Debian's package when there is no Chromium and this user may; else does nothing."""
    if found() is not None or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-noto-cjk"],
    ):
        done = subprocess.run(command, capture_output=True, env=environment, timeout=_INSTALL_S, check=False)
        if done.returncode:
            return
