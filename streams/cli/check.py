"""`warden check`: validates a pack, runs the cases beside its rules, and its rules over known-good text."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.common import Failure, progress_bar, settings_of, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.known_good import Accepted, Gate, Good, Hit
    from rules.packs import InvalidPackError, Pack
    from rules.packs.check import CheckResult, Crossing
    from rules.packs.check import Failure as WrongCase
    from rules.packs.source import Place

_FILE = click.Path(dir_okay=False, path_type=Path)
_EVERY = 1000
"""Known-good texts between two looks at the progress."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong, or worth a look: where, what, and what to do. `rule` is empty for what is no rule's own."""

    file: str
    line: int
    column: int
    rule: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        rule = f"{self.rule}: " if self.rule else ""
        hint = f"\n    {self.hint}" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column}: {rule}{self.message}{hint}"


@dataclass(frozen=True, slots=True)
class KnownGood:
    """What came of known-good text: `texts` judged, hits by file order, `more` that are not listed."""

    texts: int
    new: "list[Hit]"
    more: int
    accepted: int
    stale: "list[Accepted]"


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. Counts are 0 for a pack that could not be loaded; `warnings` are no errors.
    `overlaps`: cases that hit their own rule, and break another clause as well."""

    pack: str
    ok: bool = False
    clauses: int = 0
    rules: int = 0
    words: int = 0
    ngrams: int = 0
    cases: int = 0
    findings: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)
    overlaps: list[Finding] = field(default_factory=list)
    known_good: KnownGood | None = None


@click.command()
@click.argument("pack", required=False, type=click.Path(path_type=Path))
@click.option("--known-good", type=_FILE, metavar="FILE", help="Run every rule over text that is fine.")
@click.option("--accept", type=_FILE, metavar="FILE", help="Known-good texts that rules may hit, with the reasons why.")
@click.option("--write-accepted", type=_FILE, metavar="FILE", help="Write the list that --accept would have to be.")
@click.option("--overlaps", is_flag=True, help="List cases that hit their rule and break other clauses as well.")
@click.option("--strict", is_flag=True, help="Warnings are errors.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def check(
    ctx: click.Context,
    *,
    pack: Path | None,
    known_good: Path | None,
    accept: Path | None,
    write_accepted: Path | None,
    overlaps: bool,
    strict: bool,
    as_json: bool,
) -> None:
    """Validate PACK, a folder, and run the cases written beside its rules. Default: the pack of the settings.

    Every error is shown with its file, line and column; warnings name what is valid but hardly meant: what nothing
    uses, words that cannot be found, rules that add nothing. Exit code 1 when something is wrong.

    Every case is held against all enforced rules: a text that passes its own rule and breaks another is an error,
    unless the case says so with `also: [RULE]`. In files of included packs it is a warning.

    --known-good runs every rule over text that is known to be fine: labelled rows without a clause, events, or plain
    lines. A hit that the accepted list does not name is an error. The list has one hit a line: rule, id or hash of the
    text, reason, with tabs between.

    \b
    warden check
    warden check packs/mine --overlaps
    warden check packs/mine --known-good good.jsonl --accept accepted.tsv
    warden check packs/mine --known-good good.jsonl --write-accepted accepted.tsv
    """
    if known_good is None and (accept or write_accepted):
        raise click.UsageError("--accept and --write-accepted need --known-good FILE")
    settings = settings_of(ctx, pack=pack)
    loaded, report = checked(settings.pack, settings.lexicons)
    if known_good is not None and loaded is not None:
        gate = _gate(loaded, known_good, accept, write_accepted)
        shown = KnownGood(gate.texts, gate.new, gate.more, len(gate.accepted), gate.stale)
        report = replace(report, ok=report.ok and gate.ok, known_good=shown)
    if strict and report.warnings:
        report = replace(report, ok=False)
    if as_json:
        write_json(report)
    else:
        for finding in report.findings:
            click.echo(str(finding))
        for warning in report.warnings:
            click.echo(f"warning: {warning}")
        for overlap in report.overlaps if overlaps else ():
            click.echo(f"overlap: {overlap}")
        if report.known_good is not None:
            _show_gate(report.known_good, known_good, accept)
        click.echo(_summary(report))
    ctx.exit(0 if report.ok else 1)


def checked(folder: Path, lexicons: Path | None) -> "tuple[Pack | None, Report]":
    """The pack in `folder`, None for one that cannot be used, and what there is to say about it."""
    from rules.packs import InvalidPackError
    from rules.packs.check import check_pack
    from rules.packs.lint import lint
    from rules.packs.source import yaml_files
    from rules.packs.words import load_with_words

    try:
        pack = load_with_words(folder, lexicons)
        result = check_pack(pack)
        own = {file.name for _, file in yaml_files(folder)}
    except InvalidPackError as error:
        return None, Report(pack=str(folder), findings=_errors(error))
    remarks = [_finding(remark.place, "", remark.message, remark.hint) for remark in lint(pack, folder)]
    return pack, _report(pack, result, own, remarks)


def gated(pack: "Pack", known_good: Path, accept: Path | None) -> "Gate":
    """What the known-good gate says of a pack. Raises Failure (2) for a file that cannot be read, or has no text."""
    return _gate(pack, known_good, accept, None)


def _gate(pack: "Pack", known_good: Path, accept: Path | None, write: Path | None) -> "Gate":
    """Runs the gate, and writes the list it asks for. Raises Failure (2) for a file that cannot be read."""
    from lab.files import CorpusError
    from lab.known_good import proposed_list, read_accepted, read_known_good, run_gate

    try:
        accepted = read_accepted(accept) if accept else []
        gate = run_gate(pack, _watched(read_known_good(known_good)), accepted)
    except CorpusError as error:
        raise Failure(f"the known-good gate cannot run\n{error}", 2) from None
    if not gate.texts:
        raise Failure(f"{known_good}: no known-good text in it", 2)
    if write is not None:
        try:
            write.write_text(proposed_list(gate, accepted), "utf-8")
        except OSError as error:
            raise Failure(f"{write}: {error.strerror}") from None
    return gate


def _watched(texts: "Iterator[Good]") -> "Iterator[Good]":
    """`texts`, counted on a progress display."""
    with progress_bar() as bar:
        task = bar.add_task("known-good text", total=None, note="")
        for number, text in enumerate(texts, 1):
            yield text
            if number % _EVERY == 0:
                bar.update(task, note=f"{number:,} read")


def _show_gate(gate: KnownGood, texts: Path | None, accept: Path | None) -> None:
    for hit in gate.new:
        quotes = ", ".join(hit.quotes)
        click.echo(f"{texts}:{hit.line}: {hit.rule} ({hit.mode}) hits known-good text {hit.key}: {quotes}")
        click.echo(f"    {hit.text}")
    if gate.more:
        click.echo(f"and {gate.more:,} more hits")
    for entry in gate.stale:
        click.echo(f"warning: {accept}:{entry.line}: {entry.rule} hits {entry.key} no more: remove the entry")


def _errors(error: "InvalidPackError") -> list[Finding]:
    return [_finding(wrong.place, "", wrong.message, wrong.hint) for wrong in error.errors]


def _report(pack: "Pack", result: "CheckResult", own: set[str], remarks: list[Finding]) -> Report:
    """`own`: the names of the pack's own files; what is wrong among the cases of others is a warning."""
    findings = [
        _finding(failure.place, failure.rule, _verdict(failure), f"fired: {', '.join(failure.fired) or 'nothing'}")
        for failure in result.failures
    ]
    findings += [
        _finding(
            pack.rules[name].place, name, "has no hits or no passes", "write what must hit and what must not beside it"
        )
        for name in result.untested
    ]
    innocents = [_innocent(pack, crossing) for crossing in result.innocents]
    stale = [_stale(crossing) for crossing in result.stale if crossing.place.file in own]
    findings += [finding for finding in innocents if finding.file in own]
    warnings = [*remarks, *stale, *(finding for finding in innocents if finding.file not in own)]
    return Report(
        pack=pack.label,
        ok=not findings,
        clauses=len(pack.clauses),
        rules=len(pack.rules),
        words=sum(len(lexicon.entries) for lexicon in pack.lexicons.values()),
        ngrams=sum(len(part.ngrams) for lexicon in pack.learned.values() for part in lexicon.parts),
        cases=result.cases,
        findings=_in_order(findings),
        warnings=_in_order(warnings),
        overlaps=_in_order([_overlap(pack, crossing) for crossing in result.overlaps]),
    )


def _in_order(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda found: (found.file, found.line, found.column))


def _innocent(pack: "Pack", crossing: "Crossing") -> Finding:
    hint = f"mend what it breaks; or, if that is right, write it as {{…, also: [{', '.join(crossing.others)}]}}"
    return _finding(
        crossing.place, crossing.rule, f"passes, but breaks {_cited(pack, crossing)}: {crossing.text}", hint
    )


def _overlap(pack: "Pack", crossing: "Crossing") -> Finding:
    return _finding(
        crossing.place, crossing.rule, f"hits, and breaks {_cited(pack, crossing)} as well: {crossing.text}", ""
    )


def _stale(crossing: "Crossing") -> Finding:
    gone = f"`also` names what it does not break: {', '.join(crossing.others)}"
    return _finding(crossing.place, crossing.rule, gone, "remove the name")


def _cited(pack: "Pack", crossing: "Crossing") -> str:
    return ", ".join(f"{name} ({pack.rules[name].clause})" for name in crossing.others)


def _verdict(failure: "WrongCase") -> str:
    wanted = "must hit but does not" if failure.expected else "must not hit but does"
    return f"{wanted}: {failure.text}"


def _finding(place: "Place", rule: str, message: str, hint: str) -> Finding:
    return Finding(place.file, place.line, place.column, rule, message, hint)


def _summary(report: Report) -> str:
    wrong = len(report.findings)
    state = "ok" if report.ok else _count(wrong, "error") if wrong else "not ok"
    if not report.rules:
        return f"{report.pack}: {state}; nothing was loaded"
    ngrams = f", {report.ngrams} learned n-grams" if report.ngrams else ""
    counts = f"{report.clauses} clauses, {report.rules} rules, {report.words} words{ngrams}, {report.cases} cases"
    if report.warnings:
        counts += f", {_count(len(report.warnings), 'warning')}"
    if (gate := report.known_good) is not None:
        counts += f"; {gate.texts:,} known-good texts: {_count(len(gate.new) + gate.more, 'new hit')}"
        counts += f", {gate.accepted:,} accepted, {len(gate.stale):,} stale"
    return f"{report.pack}: {state}; {counts}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"
