"""`warden appeal`: a moderator's verdict on an enforcement."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from streams.cli.arguments import SUBJECT
from streams.cli.common import Failure, settings_of
from streams.cli.deciding import Deciding, asked_with_progress, carry_out, clock, deciding_options, quoted

if TYPE_CHECKING:
    from streams.casebook import EnforcementFile


@click.command()
@click.argument("enforcement")
@click.option("--overturn", "verdict", flag_value="overturned", help="It was wrong: lift it, and what came with it.")
@click.option("--uphold", "verdict", flag_value="upheld", help="It was right: nothing changes.")
@click.option("--subject", type=SUBJECT, help="Whose it is. Default: found by the id.")
@deciding_options
def appeal(ctx: click.Context, enforcement: str, verdict: str | None, subject: str | None, **given: Any) -> None:
    """Overturn or uphold ENFORCEMENT, by its id; `warden subject` shows the ids of what is in force.

    Overturning takes back the violations behind it: from this subject, and from all others that were charged with the
    same, so what they led to there is lifted as well. A verdict is final.

    \b
    warden appeal 5f0c7a5d0bc84a7b --overturn --why "the page is the owner's own lottery"
    warden appeal 5f0c7a5d0bc84a7b --uphold --why "looked at: induced sharing" --by lin
    """
    from rules.events import Appeal
    from streams.casebook import enforcement_file

    if verdict is None:
        raise click.UsageError("say --overturn or --uphold")
    checked = Deciding.of(**given)
    settings = settings_of(ctx)
    found = asked_with_progress(
        "looking the enforcement up", lambda tell: enforcement_file(settings, enforcement, tell)
    )
    whose = _subject(found, subject)
    _check_final(found, whose, checked)
    carry_out(
        ctx,
        Appeal(
            id=checked.identity,
            subject=whose,
            enforcement=enforcement,
            verdict="overturned" if verdict == "overturned" else "upheld",
            moderator=checked.by,
            reason=checked.why,
            time=checked.time,
        ),
        checked,
    )


def _subject(found: "EnforcementFile", given: str | None) -> str:
    """Whose the enforcement is. Raises Failure (1) when nothing is known of it, (2) when it is somebody else's."""
    from lab.display import shown

    if found.subject is None:
        hint = f"warden subject {quoted(given)}" if given is not None else "warden subject KIND:KEY"
        raise Failure(f"no enforcement {shown(found.id)} is on the topics\n"
                      f"    {hint} shows the ids of what is in force, and of what was")  # fmt: skip
    if given is not None and given != found.subject:
        raise Failure(f"the enforcement {shown(found.id)} is of {shown(found.subject)}, not of {shown(given)}\n"
                      "    leave --subject out", 2)  # fmt: skip
    return found.subject


def _check_final(found: "EnforcementFile", subject: str, given: Deciding) -> None:
    """Raises Failure (1) for an enforcement with a verdict, unless it is this one, repeated."""
    from lab.display import shown

    old = found.verdict(given.identity)
    if old is None:
        return
    said = f"{shown(found.id)} was {old.verdict} at {clock(old.time)} by {shown(old.moderator)}: {shown(old.reason)}"
    hint = "it is not in force any more"
    if found.in_force(datetime.now(UTC)) and found.held is not None:
        hint = f"to lift it all the same: warden clear {quoted(subject)} {found.held.action} --why …"
    raise Failure(f"a verdict is final: {said}\n    {hint}")
