"""`warden reviews`: the cases that wait for a person, and deciding them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, get_args

import click

from rules.decisions import ReviewReason
from streams.cli.arguments import SUBJECT
from streams.cli.common import Failure, console, settings_of, write_json
from streams.cli.deciding import Deciding, asked_with_progress, carry_out, clock, deciding_options

if TYPE_CHECKING:
    from rules.decisions import Review, Violation
    from rules.events import ReviewVerdict
    from streams.casebook import Reviews
    from streams.settings import Settings

REASONS: tuple[ReviewReason, ...] = get_args(ReviewReason)


@click.group(invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="Those that are decided or closed as well.")
@click.option("--subject", type=SUBJECT, help="Only those of this subject.")
@click.option("--reason", type=click.Choice(REASONS), help="Only those that wait for this reason.")
@click.option("--json", "as_json", is_flag=True, help="A list of reviews as their topic holds them.")
@click.pass_context
def reviews(
    ctx: click.Context, everything: bool, subject: str | None, reason: ReviewReason | None, as_json: bool
) -> None:
    """Show the cases that wait for a person, the newest first, and what approving each would do.

    Reasons: by_report, the clause is enforced by a person's decision; brigade, the reports look arranged; quota, one is
    used up; protected, a sanction would hit too many others. The commands below take none of these options.

    \b
    warden reviews
    warden reviews --reason protected --json
    warden reviews show 5f0c7a5d0bc84a7b
    warden reviews approve 5f0c7a5d0bc84a7b --why "looked at: mutual promotion"
    """
    if ctx.invoked_subcommand is not None:
        if everything or subject is not None or reason is not None or as_json:
            raise click.UsageError(f"options of {ctx.invoked_subcommand} go behind it")
        return
    found = _read(settings_of(ctx))
    chosen = [
        review
        for review in sorted(found.newest.values(), key=lambda review: review.time, reverse=True)
        if (everything or review.status == "open")
        and subject in {None, review.subject}
        and reason in {None, review.reason}
    ]
    if as_json:
        write_json(chosen)
    else:
        _print_table(chosen, everything)


@reviews.command()
@click.argument("review")
@click.option("--json", "as_json", is_flag=True, help="One object: the review, the violations it is about, and others.")
@click.pass_context
def show(ctx: click.Context, review: str, as_json: bool) -> None:
    """Show REVIEW with its evidence, what approving it would do, and the open cases of linked subjects.

    \b
    warden reviews show 5f0c7a5d0bc84a7b
    """
    from rules.decisions import Violation
    from streams.subject_history import history

    settings = settings_of(ctx)
    cases = _read(settings)
    found = _found(cases, review)
    past = asked_with_progress(
        "reading what it is about", lambda tell: history(settings, found.subject, tell=lambda read, _of: tell(read))
    )
    about = [each for each in past.entries if isinstance(each, Violation) and each.id in found.violations]
    linked = {subject for each in about for subject in each.linked}
    others = [each for each in cases.newest.values() if each.subject in linked and each.status == "open"]
    if as_json:
        write_json({"review": found, "violations": about, "linked": others})
    else:
        _print(found, about, others)


@reviews.command()
@click.argument("review")
@deciding_options
def approve(ctx: click.Context, review: str, **given: Any) -> None:
    """Put what REVIEW proposes in force. It counts from now on.

    \b
    warden reviews approve 5f0c7a5d0bc84a7b --why "looked at: mutual promotion"
    """
    _decide(ctx, review, "approved", Deciding.of(**given))


@reviews.command()
@click.argument("review")
@deciding_options
def reject(ctx: click.Context, review: str, **given: Any) -> None:
    """Leave the subject of REVIEW alone: what it is about leads to nothing, now and later.

    \b
    warden reviews reject 5f0c7a5d0bc84a7b --why "a charity, and not a chain letter" --by lin
    """
    _decide(ctx, review, "rejected", Deciding.of(**given))


def _decide(ctx: click.Context, review: str, verdict: "ReviewVerdict", given: Deciding) -> None:
    from lab.display import shown
    from rules.events import ReviewDecision

    found = _found(_read(settings_of(ctx)), review)
    if found.status != "open" and not given.retry:
        why = f": {shown(found.detail)}" if found.detail else ""
        raise Failure(f"the review {shown(review)} was {found.status} at {clock(found.time)}{why}\n"
                      "    what it put in force can be appealed: warden subject shows how")  # fmt: skip
    decision = ReviewDecision(
        id=given.identity,
        subject=found.subject,
        review=review,
        verdict=verdict,
        moderator=given.by,
        reason=given.why,
        time=given.time,
    )
    carry_out(ctx, decision, given)


def _read(settings: "Settings") -> "Reviews":
    from streams.casebook import current_reviews

    found = asked_with_progress("reading the reviews", lambda tell: current_reviews(settings, tell))
    if found.unreadable:
        click.echo(f"warden: {found.unreadable} records of the topic are no reviews", err=True)
    return found


def _found(cases: "Reviews", review: str) -> "Review":
    """Raises Failure (1)."""
    from lab.display import shown

    found = cases.newest.get(review)
    if found is None:
        raise Failure(f"no review {shown(review)} is on the topic\n    warden reviews --all lists them")
    return found


def _print_table(chosen: "Iterable[Review]", everything: bool) -> None:
    from rich.table import Table
    from rich.text import Text

    from lab.display import shown

    table = Table("time", "review", "subject", "clauses", "approving would", "because")
    rows = 0
    for review in chosen:
        rows += 1
        state = "" if review.status == "open" else f"{review.status}: "
        cells = (
            clock(review.time),
            review.id,
            review.subject,
            ", ".join(review.clauses),
            would(review) if review.status == "open" else "",
            f"{state}{review.reason}: {review.detail}",
        )
        table.add_row(*(Text(shown(cell)) for cell in cells))
    out = console()
    if rows:
        table.columns[1].no_wrap = True
        table.columns[2].overflow = "fold"
        out.print(table)
    else:
        out.print("no reviews" if everything else "no case waits for a person")


def would(review: "Review") -> str:
    """What approving a review does, not yet safe to show."""
    if not review.proposed:
        return "nothing"
    lasts = "" if review.proposed == ["warn"] else f" {_length(review.lasts)}"
    return f"{', '.join(review.proposed)}{lasts} (rung {review.rung} of {review.ladder})"


def _length(seconds: int | None) -> str:
    from streams.cli.clauses import duration

    return "for good" if seconds is None else f"for {duration(1000 * seconds)}"


def _print(review: "Review", about: "list[Violation]", others: "list[Review]") -> None:
    from rich.text import Text

    from lab.display import shown

    out = console()

    def line(text: str, style: str = "") -> None:
        out.print(Text(shown(text, 400), style=style))

    line(f"review {review.id}: {review.status}", "bold")
    line(review.subject)
    line(f"  {review.reason}: {review.detail}")
    if review.reporters:
        line(f"  {review.reporters} people reported it")
    line(f"  clauses {', '.join(review.clauses)}; at {clock(review.time)}, by {review.pack}")
    if review.status == "open":
        line(f"  approving would {would(review)}")
    for each in about:
        said = ", ".join(piece.quote for piece in each.evidence[:3])
        line(f"  {clock(each.time)} {each.clause} {each.rule}, {each.event.type} {each.event.id}: {said}")
        if each.linked:
            line(f"    also charged: {', '.join(each.linked)}")
    if len(about) < len(review.violations):
        line(f"  {len(review.violations) - len(about)} more violations are not on their topic any more")
    for other in others:
        line(f"  also open: {other.id} of {other.subject}: {would(other)}")
    if review.status == "open":
        line(f"warden reviews approve {review.id} --why …")
        line(f"warden reviews reject {review.id} --why …")
