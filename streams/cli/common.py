"""What several commands share: settings and the pack with errors for people, and where output goes."""

import asyncio
import getpass
import logging
import sys
from collections.abc import Coroutine, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import click

from rules.packs import InvalidPackError, Pack
from rules.packs.words import load_with_words
from streams.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

T = TypeVar("T")

_PIPE_WIDTH = 160
"""Columns of a table that goes to a file or a pipe."""


class Failure(click.ClickException):
    """An expected error: its message goes to standard error as it is. Exit code 1, or 2 for being asked wrongly."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code

    def show(self, file: object = None) -> None:
        """Writes the message."""
        click.echo(f"warden: {self.message}", err=True)


def settings_of(ctx: click.Context, **given: object) -> Settings:
    """The settings, with values from the command line. Raises Failure (2)."""
    config = ctx.find_root().obj
    try:
        return load_settings(config if isinstance(config, Path) else None, **given)
    except SettingsError as error:
        raise Failure(f"the settings are wrong\n{error}", 2) from None


def pack_of(settings: Settings) -> Pack:
    """The pack, with the operator's words. Raises Failure (2) with everything that is wrong with it."""
    try:
        return load_with_words(settings.pack, settings.lexicons)
    except InvalidPackError as error:
        count = len(error.errors)
        raise Failure(f"the pack cannot be used: {count} error{'s' * (count != 1)}\n{error}", 2) from None


pack_option = click.option(
    "--pack",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Folder of the pack. Default: the setting, which is the shipped pack.",
)
"""`--pack FOLDER`, over the setting."""


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """The file `name`, or standard input for `-`. Raises Failure (2) when it cannot be opened."""
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = Path(name).open("rb")  # noqa: SIM115 - closed below; the error is for opening only
    except OSError as error:
        raise Failure(f"{name}: {error.strerror}", 2) from None
    with stream:
        yield stream


def write_lines(lines: Iterable[bytes]) -> None:
    """Writes lines to standard output."""
    out = sys.stdout.buffer
    for line in lines:
        out.write(line)
        out.write(b"\n")


def write_json(value: object) -> None:
    """Writes one value as indented JSON; structs and dataclasses as objects."""
    import msgspec
    import orjson

    plain = msgspec.to_builtins(value, enc_hook=str)
    sys.stdout.buffer.write(orjson.dumps(plain, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def console() -> "Console":
    """Standard output for people: colours and its own width on a terminal, plain and wide elsewhere."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH, highlight=False)


@contextmanager
def progress_bar() -> Iterator["Progress"]:
    """A progress display on standard error, which shows nothing unless that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    shown = sys.stderr.isatty()
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[note]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not shown, transient=True) as bar:
        yield bar


def size_of(name: str) -> int | None:
    """Bytes of a file; None for standard input and what has no size."""
    try:
        return None if name == "-" else Path(name).stat().st_size or None
    except OSError:
        return None


def user_name() -> str:
    """Who runs the command, for audits. Raises Failure (2)."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no name in the environment, and none for the user's number
        raise Failure("nobody knows who you are here: say it with --by", 2) from None


def asked(question: Coroutine[Any, Any, T]) -> T:
    """What the brokers answer, without their client's own log. Raises Failure (1) when they do not, or refuse."""
    from streams.topics import TopicsError

    quiet_clients()
    try:
        return asyncio.run(question)
    except (TopicsError, TimeoutError) as error:
        raise Failure(str(error)) from None


def quiet_clients() -> None:
    """Keeps the Kafka client's log off the terminal: commands report its errors themselves."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
