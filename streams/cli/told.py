"""A subject's history told to a person: what is in force, what led to it, how to undo it, and everything in order."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from rules.decisions import BY_HAND, BanEntry, Enforcement, Lift, Review, Violation
from rules.events import Appeal, Order, Report, ReviewDecision
from streams.cli.common import console
from streams.cli.deciding import clock, quoted, until
from streams.ordering import canonical
from streams.undoing import undo_all

if TYPE_CHECKING:
    from rules.packs import Pack
    from streams.subject_history import Entry, History

_LINE = 400
"""Longest line shown, in characters."""
_CHARGES = 3
"""Violations shown behind one sanction."""


def print_history(found: "History", now: datetime, pack: "Pack") -> None:
    """Writes it all to standard output; text from outside is shown inert."""
    from rich.text import Text

    from lab.display import shown

    out = console()
    out.print(Text(shown(found.subject, _LINE), style="bold"))
    entries = held(found, now)
    for entry in entries:
        out.print(Text.assemble("  ", (shown(entry.action), "red"), f" {shown(_since(entry))}"))
        for line in _why(entry, found, pack):
            out.print(Text(f"    {shown(line, _LINE)}"))
    if not entries:
        out.print("  nothing is in force")
    for review in _open_reviews(found):
        proposed = ", ".join(review.proposed) or "nothing"
        out.print(Text(shown(f"  waits for a person ({review.reason}): {proposed}; {review.detail}", _LINE)))
        out.print(Text(f"    to decide: warden reviews show {quoted(review.id)}"))
    _print_timeline(found)
    if found.unreadable:
        out.print(f"{found.unreadable} records of the subject could not be read")
    for command in undo(found, now):
        out.print(Text(f"to undo: {command}"), soft_wrap=True)


def held(found: "History", now: datetime) -> list[BanEntry]:
    """What is in force."""
    from streams.bans.records import in_force

    ban = in_force(found.ban, now) if found.ban is not None else None
    return ban.sanctions if ban is not None else []


def undo(found: "History", now: datetime) -> list[str]:
    """The commands that undo what is in force: an appeal for each ladder, or an order where a verdict is final."""
    final = {appeal.enforcement for appeal in _appeals(found)}
    return [
        f"warden appeal {quoted(undo.appeal)} --overturn --why …"
        if undo.appeal is not None
        else f"warden clear {quoted(found.subject)} {quoted(undo.clear or '')} --why …"
        for undo in undo_all(held(found, now), final)
    ]


def kind(entry: "Entry") -> str:
    """The word for what an entry is."""
    return "review_decision" if isinstance(entry, ReviewDecision) else type(entry).__name__.lower()


def _appeals(found: "History") -> Iterator[Appeal]:
    """The verdicts that workers took, or have not yet refused."""
    for entry in found.entries:
        if isinstance(entry, Appeal) and entry.id not in found.refused:
            yield entry


def _open_reviews(found: "History") -> list[Review]:
    newest = {entry.id: entry for entry in found.entries if isinstance(entry, Review)}
    return [review for review in newest.values() if review.status == "open"]


def _since(entry: BanEntry) -> str:
    by = "by a moderator's order" if entry.ladder == BY_HAND else f"rung {entry.rung} of {entry.ladder}"
    return f"{until(entry.ends)}, since {clock(entry.starts)}: {by}"


def _why(entry: BanEntry, found: "History", pack: "Pack") -> Iterator[str]:
    """What led to a sanction in force."""
    for clause in entry.clauses:
        yield _clause(clause, pack)
    made = [each for each in found.entries if isinstance(each, Enforcement) and each.id == entry.enforcement]
    decisions = {each.id: each for each in found.entries if isinstance(each, Appeal | ReviewDecision | Order)}
    if made and (decision := decisions.get(made[-1].because)) is not None:
        yield f"{kind(decision).replace('_', ' ')} by {decision.moderator}: {decision.reason}"
    named = set(made[-1].violations) if made else set()
    charges = [each for each in found.entries if isinstance(each, Violation) and each.id in named]
    for charge in charges[:_CHARGES]:
        said = ", ".join(piece.quote for piece in charge.evidence[:3])
        yield f"{charge.rule}: {charge.event.type} {charge.event.id} at {clock(charge.time)}: {said}"
        if charge.linked:
            yield f"  also charged: {', '.join(charge.linked)}"
    if len(charges) > _CHARGES:
        yield f"and {len(charges) - _CHARGES} more violations"
    yield f"enforcement {entry.enforcement}"


def _print_timeline(found: "History") -> None:
    from rich.table import Table
    from rich.text import Text

    from lab.display import shown

    out = console()
    if not found.entries:
        out.print("  the topics hold nothing about it: no charge, no report, no decision")
        usual = canonical(found.subject)
        if usual != found.subject:
            out.print(Text(f"  events are charged to another spelling: warden subject {quoted(usual)}"), soft_wrap=True)
        return
    table = Table("time (UTC)", "what", "which", "detail")
    table.columns[-1].overflow = "fold"
    for entry in found.entries:
        which, detail = _cells(entry)
        if isinstance(entry, Appeal | ReviewDecision | Order) and (refused := found.refused.get(entry.id)) is not None:
            detail = f"REFUSED ({refused.reason}): {refused.detail}; {detail}"
        cells = (f"{entry.time:%Y-%m-%d %H:%M:%S}", kind(entry).replace("_", " "), which, detail)
        table.add_row(*(Text(shown(cell, _LINE)) for cell in cells))
    out.print(table)


def _cells(entry: "Entry") -> tuple[str, str]:  # noqa: PLR0911 - one for each kind of entry
    """Which one it is, and what it says."""
    match entry:
        case Violation():
            said = ", ".join(piece.quote for piece in entry.evidence[:3])
            mode = "" if entry.mode == "enforce" else f" ({entry.mode})"
            others = f"; also charged: {', '.join(entry.linked)}" if entry.linked else ""
            return (
                f"{entry.clause} {entry.rule}{mode}",
                f"{entry.severity}; {entry.event.type} {entry.event.id}: {said}{others}",
            )
        case Enforcement():
            ends = "a warning" if entry.action == "warn" else until(entry.ends)
            led = f"rung {entry.rung} of {entry.ladder}, by {entry.rule}" if entry.ladder != BY_HAND else "ordered"
            return f"{entry.action} {ends}", f"{led}; {entry.id}{_because(entry.because)}"
        case Lift():
            rules = f"; against {', '.join(entry.rules)}" if entry.rules else ""
            return (
                f"{entry.action} lifted",
                f"{entry.enforcement}, by {entry.moderator}: {entry.reason}{rules}{_because(entry.because)}",
            )
        case Review():
            proposed = f"proposes {', '.join(entry.proposed) or 'nothing'}" if entry.status == "open" else entry.status
            return ", ".join(entry.clauses), f"{proposed} ({entry.reason}: {entry.detail}); {entry.id}"
        case Report():
            return entry.category, f"by {entry.reporter}"
        case Appeal():
            return entry.verdict, f"{entry.enforcement}, by {entry.moderator}: {entry.reason}"
        case ReviewDecision():
            return entry.verdict, f"{entry.review}, by {entry.moderator}: {entry.reason}"
        case Order():
            length = "" if entry.until is None else f" until {clock(entry.until)}"
            return f"{entry.do} {entry.action or 'all'}{length}", f"by {entry.moderator}: {entry.reason}"


def _because(decision: str) -> str:
    return f"; because of {decision}" if decision else ""


def _clause(name: str, pack: "Pack") -> str:
    clause = pack.clauses.get(name)
    return f"{name} {clause.title.en} / {clause.title.zh}" if clause is not None else f"{name} (not in this pack)"
