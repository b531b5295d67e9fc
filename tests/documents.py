"""The commands that README.md and docs/*.md show, and whether the programs know what they ask for."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import click

from streams.cli import warden

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RUN_BY_THEIR_OWN_TESTS = {
    "docs/packs.md": "tests/test_packs_doc.py",
    "docs/consumers.md": "tests/kafka/test_consumers_doc.py",
}
"""Documents whose `console` blocks are run there, with what they print; the other blocks are not."""
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_OF_A_MAKE_THAT_RUNS_THIS = ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "ARGS")
_PROGRAM = r"(?:[A-Z_]+=\S+ )*(?:warden|make|python -m|kubectl|docker|promtool)(?= )"
_COMMAND = re.compile(rf"(?:^(?:\$ )?|\| ){_PROGRAM}.*")
_INLINE = re.compile(rf"`({_PROGRAM}[^`]*)`")
_VARIABLE = re.compile(r"([A-Z_]+)=")


class Shown(NamedTuple):
    """A command that a document shows, without what is said about it beside it."""

    document: str
    text: str


def commands() -> Iterator[Shown]:
    """Those that a reader copies: of code blocks, and of tables."""
    for file in DOCUMENTS:
        name = str(file.relative_to(ROOT))
        text = file.read_text("utf-8")
        for language, body in _FENCE.findall(text):
            if language == "console" and name in RUN_BY_THEIR_OWN_TESTS:
                continue
            for line in re.sub(r"\\\n\s*", "", body).splitlines():
                if found := _COMMAND.search(line):
                    yield Shown(name, re.split(r" {2,}", found[0].removeprefix("| ").removeprefix("$ "))[0].strip())
        for line in _FENCE.sub("", text).splitlines():
            if line.startswith("|"):
                yield from (Shown(name, command) for command in _INLINE.findall(line))


def mentioned() -> Iterator[Shown]:
    """Those that sentences name."""
    for file in DOCUMENTS:
        for command in _INLINE.findall(_FENCE.sub("", file.read_text("utf-8"))):
            yield Shown(str(file.relative_to(ROOT)), " ".join(command.split()))


def wrong_with(text: str) -> str:
    """Why a command cannot be meant as it stands: there is no such command, option, target or module; else nothing."""
    words = shlex.split(re.sub(r"(?<=\s)…|…(?=\s)", "X", text))
    names = []
    while words and (found := _VARIABLE.match(words[0])):
        names.append(found[1])
        del words[0]
    if unknown := [name for name in names if name not in _sources()]:
        return f"nothing reads {', '.join(unknown)}"
    match words:
        case ["warden", *arguments]:
            return _wrong_with_warden(arguments)
        case ["make", *arguments]:
            return _wrong_with_make(arguments)
        case ["python", "-m", module, *arguments]:
            return _wrong_with_module(module, arguments)
        case ["kubectl" | "docker" | "promtool", *arguments]:
            return _wrong_with_names(arguments)
    return "this is no command"


def _wrong_with_warden(arguments: Sequence[str]) -> str:
    command: click.Command = warden
    context = click.Context(command)
    rest = list(arguments)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(context, rest[0])
        if found is None:
            break
        command = found
        del rest[0]
    if isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        return f"there is no command {rest[0]!r}"
    known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    return _unknown_options(rest, known)


def _wrong_with_make(arguments: Sequence[str]) -> str:
    own = {name: value for name, value in os.environ.items() if name not in _OF_A_MAKE_THAT_RUNS_THIS}
    done = subprocess.run(["make", "-n", *arguments], cwd=ROOT, env=own, capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr
    modules = re.findall(r"/python -m ((?:benchmarks|chaos|soak|grafana|deploy|lab)\S*)([^\n]*)", done.stdout)
    demos = [_wrong_with_warden(shlex.split(line)) for line in re.findall(r"/warden ([^\n]*)", done.stdout)]
    return "".join([*demos, *(_wrong_with_module(module, shlex.split(given)) for module, given in modules)])


def _wrong_with_module(module: str, arguments: Sequence[str]) -> str:
    file = _file(module)
    if file is None:
        return f"there is no module {module}"
    return _unknown_options(arguments, {"--help", *re.findall(r"[\"'](--[a-z][\w-]*)", file.read_text("utf-8"))})


def _wrong_with_names(arguments: Sequence[str]) -> str:
    """Of programs that are not ours: the files and the objects that are ours."""
    objects = "\n".join(file.read_text("utf-8") for file in (ROOT / "deploy" / "kubernetes").rglob("*.yaml"))
    for word in arguments:
        if word.startswith(("deploy/", "grafana/")) and not list(ROOT.glob(word)):
            return f"there is no {word}"
        if (
            found := re.fullmatch(r"(job|statefulset|deployment)/(\S+)", word)
        ) and f"name: {found[2]}\n" not in objects:
            return f"no manifest has {word}"
    return ""


def _unknown_options(arguments: Sequence[str], known: set[str]) -> str:
    unknown = [word for word in arguments if word.startswith("-") and len(word) > 1 and word.split("=")[0] not in known]
    return f"there is no option {', '.join(unknown)}" if unknown else ""


def _file(module: str) -> Path | None:
    """What `python -m` runs. Its options are read there: to start each program would take a minute."""
    place = ROOT / module.replace(".", "/")
    return next((file for file in (place.with_suffix(".py"), place / "__main__.py") if file.exists()), None)


@cache
def _sources() -> str:
    """Where names of variables are read: the Makefile, the runs that it starts, and the settings."""
    files = [ROOT / "Makefile", *(ROOT / "chaos").glob("*.py"), *(ROOT / "soak").glob("*.py")]
    settings = [f"WARDEN_{name.upper()}" for name in _settings()]
    return "\n".join([*(file.read_text("utf-8") for file in files), *settings])


def _settings() -> list[str]:
    from streams.settings import Settings

    return list(Settings.model_fields)
