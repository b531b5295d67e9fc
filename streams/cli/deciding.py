"""What the commands share by which a moderator decides: who, why, the id, waiting for the answer and showing it."""

import shlex
import sys
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from streams.cli.common import Failure, asked, console, progress_bar, settings_of, user_name, write_json

if TYPE_CHECKING:
    from rules.decisions import Ban
    from rules.events import Moderation
    from streams.deciding import Answer, Outcome

_WAIT_S = 15.0


def deciding_options(command: Callable[..., None]) -> Callable[..., None]:
    """`--why`, `--by`, `--id`, `--wait`, `--timeout` and `--json`; the context comes first."""
    for option in reversed((
        click.option("--why", metavar="TEXT", required=True, help="The reason; the sanctioned party may read it."),
        click.option("--by", metavar="WHO", help="Who decides. Default: the name you are logged in by."),
        click.option("--id", "identity", metavar="ID", help="Id of the decision, new by default. "
                     "The same one again decides nothing again, and shows what came of it."),
        click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until a worker has answered."),
        click.option("--timeout", metavar="SECONDS", type=click.FloatRange(min=0.1), default=_WAIT_S, show_default=True,
                     help="How long to wait."),
        click.option("--json", "as_json", is_flag=True, help="One object: the decision, and what came of it."),
        click.pass_context,
    )):  # fmt: skip
        command = option(command)
    return command


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Deciding:
    """The options of `deciding_options`, checked."""

    why: str
    by: str
    identity: str
    retry: bool
    wait_s: float
    as_json: bool
    time: datetime

    @classmethod
    def of(
        cls, *, why: str, by: str | None, identity: str | None, wait: bool, timeout: float, as_json: bool
    ) -> "Deciding":
        """Raises UsageError for an empty reason, Failure (2) where nobody knows who decides."""
        if not why.strip():
            raise click.UsageError("--why: give a reason")
        return cls(
            why=why.strip(),
            by=user_name() if by is None else by.strip(),
            identity=str(uuid.uuid4()) if identity is None else identity,
            retry=identity is not None,
            wait_s=timeout if wait else 0.0,
            as_json=as_json,
            time=datetime.now(UTC),
        )


def asked_with_progress(task: str, question: Callable[[Callable[[int], None]], Coroutine[Any, Any, T]]) -> T:
    """The same for what reads much: the question is given a function to tell how many records it has read."""
    with progress_bar() as bar:
        line = bar.add_task(task, total=None, note="")
        return asked(question(lambda read: bar.update(line, note=f"{read:,} records")))


def carry_out(ctx: click.Context, decision: "Moderation", given: Deciding) -> None:
    """Writes a decision, waits, and shows what came of it.

    Raises Failure: (2) for one that workers could not read, or an id used for another one; (1) for one that they refuse
    or do not answer.
    """
    from streams.deciding import ConflictError, decide

    _check(decision)
    settings = settings_of(ctx)
    try:
        with progress_bar() as bar:
            line = bar.add_task("writing", total=None, note="")
            outcome = asked(
                decide(
                    settings,
                    decision,
                    wait_s=given.wait_s,
                    retry=given.retry,
                    tell=lambda stage: bar.update(line, description=stage),
                )
            )
    except ConflictError as error:
        raise Failure(f"{error}\n    leave --id out to decide anew", 2) from None
    if given.as_json:
        _write(outcome)
    else:
        _print(outcome, waited=given.wait_s > 0)
    sys.stdout.flush()
    _judge(outcome, given)


def _check(decision: "Moderation") -> None:
    """Raises Failure (2) for what workers could not read: it is not written."""
    from rules.events import InvalidEventError
    from streams.deciding import check

    try:
        check(decision)
    except InvalidEventError as error:
        hint = "ids and names are one line of at most 256 characters, subjects of 2048"
        raise Failure(f"workers could not read this: {error}\n    {hint}", 2) from None


def _judge(outcome: "Outcome", given: Deciding) -> None:
    """Raises Failure (1) for what was refused or not answered."""
    from lab.display import shown

    again = f"to see what came of it, the same with --id {quoted(outcome.decision.id)}"
    if outcome.refused is not None:
        reason, detail = shown(outcome.refused.reason), shown(outcome.refused.detail, 400)
        hint = f"nothing has changed; look at it: warden subject {quoted(outcome.decision.subject)}"
        if outcome.refused.reason in {"future", "too_old"}:
            hint = "nothing has changed; this machine's clock and the workers' differ"
        raise Failure(f"refused ({reason}): {detail}\n    {hint}")
    if given.wait_s and not outcome.answered:
        raise Failure(f"it is written, but no worker has answered within {given.wait_s:g} s\n"
                      f"    is one running? It is taken as soon as one is; {again}")  # fmt: skip
    if given.wait_s and not outcome.complete:
        raise Failure(f"linked subjects have not all answered within {given.wait_s:g} s: they will\n    {again}")


def _write(outcome: "Outcome") -> None:
    from streams.deciding import told as plain

    write_json(plain(outcome))


def _sanctions(ban: "Ban | None") -> list[Any]:
    return list(ban.sanctions) if ban is not None else []


def _print(outcome: "Outcome", waited: bool) -> None:
    from rich.text import Text

    from lab.display import shown
    from streams.deciding import of_changed

    out = console()
    before = ", as it was before" if outcome.repeated else ""
    out.print(Text(f"{outcome.decision.type.replace('_', ' ')} {shown(outcome.decision.id)} is written{before}"))
    if not waited or not outcome.answered or outcome.refused is not None:
        return
    bans = of_changed(outcome)
    by_subject: dict[str, list[Answer]] = {}
    for change in outcome.changes:
        by_subject.setdefault(change.subject, []).append(change)
    if not by_subject:
        out.print("nothing changed: what was in force before still is")
    for subject, changes in by_subject.items():
        out.print(Text(shown(subject), style="bold"))
        for change in changes:
            out.print(Text(f"  {shown(told(change), 400)}"))
        if subject in bans:
            held = [f"{each.action} {until(each.ends)}" for each in _sanctions(bans[subject])]
            out.print(Text(f"  now in force: {shown(', '.join(held), 400)}" if held else "  now nothing is in force"))


def told(change: "Answer") -> str:
    """A line about a change, not yet safe to show."""
    from rules.decisions import Enforcement, Lift

    match change:
        case Enforcement():
            return f"{change.action} {until(change.ends)} (enforcement {change.id})"
        case Lift():
            return f"lifted: {change.action} (enforcement {change.enforcement})"
        case _:
            return f"review {change.status}: {change.id}"


def until(ends: datetime | None) -> str:
    """When a sanction ends, for a person."""
    return "for good" if ends is None else f"until {clock(ends)}"


def clock(time: datetime) -> str:
    """A time for a person."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def quoted(text: str) -> str:
    """`text` as one word of a shell's command, with nothing in it that hides or reorders."""
    from lab.display import shown

    if shown(text, len(text)) == text:
        return shlex.quote(text)
    return "$'" + "".join(map(_escaped, text)) + "'"


def _escaped(character: str) -> str:
    from lab.display import shown

    if character in "'\\":
        return f"\\{character}"
    if shown(character) == character:
        return character
    point = ord(character)
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
