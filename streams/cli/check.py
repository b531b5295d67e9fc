"""`warden check`: validates a pack and runs the cases beside its rules."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.common import settings_of, write_json

if TYPE_CHECKING:
    from rules.packs import InvalidPackError, Pack
    from rules.packs.check import CheckResult, Failure
    from rules.packs.source import Place


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong: where, what, and what to do. `rule` is empty for errors of the pack itself."""

    file: str
    line: int
    column: int
    rule: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        rule = f"{self.rule}: " if self.rule else ""
        return f"{self.file}:{self.line}:{self.column}: {rule}{self.message}" + (
            f"\n    {self.hint}" if self.hint else ""
        )


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found. Counts are 0 for a pack that could not be loaded."""

    pack: str
    ok: bool = False
    clauses: int = 0
    rules: int = 0
    words: int = 0
    cases: int = 0
    findings: list[Finding] = field(default_factory=list)


@click.command()
@click.argument("pack", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_context
def check(ctx: click.Context, pack: Path | None, as_json: bool) -> None:
    """Validate PACK, a folder, and run the cases written beside its rules. Default: the pack of the settings.

    Every error is shown with its file, line and column. Exit code 1 when something is wrong.

    \b
    warden check
    warden check packs/mine --json
    """
    settings = settings_of(ctx, pack=pack)
    report = checked(settings.pack, settings.lexicons)
    if as_json:
        write_json(report)
    else:
        for finding in report.findings:
            click.echo(str(finding))
        click.echo(_summary(report))
    ctx.exit(0 if report.ok else 1)


def checked(pack: Path, lexicons: Path | None) -> Report:
    """Loads and checks the pack in a folder."""
    from rules.packs import InvalidPackError
    from rules.packs.check import check_pack
    from rules.packs.words import load_with_words

    try:
        loaded = load_with_words(pack, lexicons)
        return _report(loaded, check_pack(loaded))
    except InvalidPackError as error:
        return Report(pack=str(pack), findings=_errors(error))


def _errors(error: "InvalidPackError") -> list[Finding]:
    return [_finding(wrong.place, "", wrong.message, wrong.hint) for wrong in error.errors]


def _report(pack: "Pack", result: "CheckResult") -> Report:
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
    return Report(
        pack=pack.label,
        ok=result.ok,
        clauses=len(pack.clauses),
        rules=len(pack.rules),
        words=sum(len(lexicon.words) for lexicon in pack.lexicons.values()),
        cases=result.cases,
        findings=sorted(findings, key=lambda found: (found.file, found.line, found.column)),
    )


def _verdict(failure: "Failure") -> str:
    wanted = "must hit but does not" if failure.expected else "must not hit but does"
    return f"{wanted}: {failure.text}"


def _finding(place: "Place", rule: str, message: str, hint: str) -> Finding:
    return Finding(place.file, place.line, place.column, rule, message, hint)


def _summary(report: Report) -> str:
    wrong = len(report.findings)
    state = "ok" if report.ok else f"{wrong} error{'s' * (wrong != 1)}"
    if not report.rules:
        return f"{report.pack}: {state}; nothing was loaded"
    counts = f"{report.clauses} clauses, {report.rules} rules, {report.words} words, {report.cases} cases"
    return f"{report.pack}: {state}; {counts}"
