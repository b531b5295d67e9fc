"""`warden sanction` and `warden clear`: what moderators impose and take away by hand."""

from datetime import datetime, timedelta
from typing import Any

import click

from rules.decisions import Action
from streams.cli.arguments import DURATION, SUBJECT, TIME
from streams.cli.common import Failure
from streams.cli.deciding import Deciding, carry_out, deciding_options, quoted
from streams.ordering import ACTIONS, canonical, landing


@click.command()
@click.argument("subject", type=SUBJECT)
@click.argument("action", type=click.Choice(ACTIONS), metavar="ACTION")
@click.option("--for", "lasts", type=DURATION, help="How long, as in 12h or 7d. Default: for good.")
@click.option("--until", type=TIME, help="Until when (RFC 3339), instead of --for.")
@click.option(
    "--verbatim", is_flag=True, help="Take the subject as it is written, even if no event is charged to it so."
)
@deciding_options
def sanction(
    ctx: click.Context,
    *,
    subject: str,
    action: Action,
    lasts: timedelta | None,
    until: datetime | None,
    verbatim: bool,
    **given: Any,
) -> None:
    """Impose ACTION on a subject by hand: warn, stop_spread, block_access, suspend_share_api, suspend_account,
    ban_account, ban_domain, ban_ip or ban_share_api.

    It takes the place of the same action that the engine imposed, until something new is done. A later sanction of the
    same action replaces it; `warden clear` ends it.

    \b
    warden sanction account:alice suspend_account --for 7d --why "spread a rumour by voice message"
    warden sanction domain:quiz.example ban_domain --why "court order 12/2016" --by lin
    """
    from rules.events import Order

    checked = Deciding.of(**given)
    if lasts is not None and until is not None:
        raise click.UsageError("--for and --until exclude each other")
    _check_lands(subject, action)
    if not verbatim:
        _check_spelling(subject)
    if lasts is not None:
        until = checked.time + lasts
    if until is not None and until <= checked.time:
        raise click.UsageError(f"--until {until.isoformat()} is over")
    order = Order(
        id=checked.identity,
        subject=subject,
        do="sanction",
        action=action,
        until=until,
        moderator=checked.by,
        reason=checked.why,
        time=checked.time,
    )
    carry_out(ctx, order, checked)


@click.command()
@click.argument("subject", type=SUBJECT)
@click.argument("action", type=click.Choice(ACTIONS), metavar="[ACTION]", required=False)
@click.option("--exempt-for", type=DURATION, help="Forgive what is done from now on for so long, too: 12h, 7d.")
@deciding_options
def clear(ctx: click.Context, subject: str, action: Action | None, exempt_for: timedelta | None, **given: Any) -> None:
    """Lift ACTION from a subject, or everything; what it did so far leads to nothing any more.

    It is about this subject alone. What was wrong from the start is better appealed, which frees linked subjects as
    well and counts against the rule: `warden appeal`.

    \b
    warden clear account:alice --why "served its time"
    warden clear domain:quiz.example block_access --exempt-for 7d --why "the owner mends the page"
    """
    from rules.events import Order

    checked = Deciding.of(**given)
    if action is not None:
        _check_lands(subject, action)
    order = Order(
        id=checked.identity,
        subject=subject,
        do="clear",
        action=action,
        until=None if exempt_for is None else checked.time + exempt_for,
        moderator=checked.by,
        reason=checked.why,
        time=checked.time,
    )
    carry_out(ctx, order, checked)


def _check_lands(subject: str, action: Action) -> None:
    """Raises Failure (2) for a sanction that is none for this kind of subject."""
    lands = landing(subject)
    if action not in lands:
        kind = subject.partition(":")[0]
        hint = f"what does: {', '.join(lands)}"
        raise Failure(f"{action} does not land on {'an' if kind[0] in 'aeiou' else 'a'} {kind}\n    {hint}", 2)


def _check_spelling(subject: str) -> None:
    """Raises Failure (2) for a subject that gateways would never ask for: nothing would be stopped."""
    from lab.display import shown

    usual = canonical(subject)
    if usual != subject:
        raise Failure(f"no event is charged to {shown(subject)}, so nobody would ask for it\n"
                      f"    say {quoted(usual)}, or insist with --verbatim", 2)  # fmt: skip
