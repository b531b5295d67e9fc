"""`warden explain`: what the pack makes of a text, a URL or an event."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.common import Failure, console, pack_of, pack_option, settings_of, write_json

if TYPE_CHECKING:
    from rich.text import Text

    from rules.events import MassSend, Post, Share
    from streams.explaining import Charge, Explanation, FiredRule, FoldedText, Step

_MAX_INPUT = 4_000_000
_MAX_SHOWN = 600
"""Longest text that is shown, in code points."""


@click.command()
@click.argument("text", metavar="[TEXT|URL|-]", required=False)
@click.option(
    "--event", metavar="JSON", help="An event's fields; `type` is post unless given, required fields are filled."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@pack_option
@click.pass_context
def explain(ctx: click.Context, text: str | None, event: str | None, as_json: bool, pack: Path | None) -> None:
    """Show what the pack makes of TEXT (as a post), of a URL (as a share), or of an event; - reads standard input.

    Shown: the text as it is matched, the signals that fire, the rules with their evidence, and the sanctions that a
    first and repeated offences would lead to.

    \b
    warden explain '分享后查看答案'
    warden explain http://weixin-pay.example.com/
    warden explain --event '{"type": "mass_send", "text": "互推", "promotes": ["b"], "recipients": 200000}'
    """
    from streams.explaining import explain as explained

    content = _event(text, event)
    explanation = explained(pack_of(settings_of(ctx, pack=pack)), content)
    if as_json:
        write_json(explanation)
    else:
        _show(explanation)


def _event(text: str | None, event: str | None) -> "Post | Share | MassSend":
    """The event asked about. Raises UsageError, or Failure (2) when it is not valid."""
    from rules.events import InvalidEventError
    from streams.explaining import event_from

    if (text is None) == (event is None):
        raise click.UsageError("give a TEXT, a URL or -, or else --event JSON")
    try:
        return event_from(_fields(text, event))
    except InvalidEventError as error:
        raise Failure(f"no valid event: {error}", 2) from None


def _fields(text: str | None, event: str | None) -> dict[str, object]:
    import orjson

    if text == "-" or event == "-":
        given = sys.stdin.buffer.read(_MAX_INPUT + 1).decode("utf-8", "replace")[:_MAX_INPUT].rstrip("\r\n")
        text, event = (given, None) if event is None else (None, given)
    if event is not None:
        try:
            fields = orjson.loads(event)
        except orjson.JSONDecodeError as error:
            raise Failure(f"--event is no JSON: {error}", 2) from None
        if not isinstance(fields, dict):
            raise Failure("--event is no JSON object", 2)
        return fields
    if text is not None and text.startswith(("http://", "https://")) and not any(map(str.isspace, text)):
        return {"type": "share", "url": text}
    return {"type": "post", "text": text}


def _show(explanation: "Explanation") -> None:
    from rich.text import Text

    out = console()
    out.print(Text(f"{explanation.type}, judged by {explanation.pack}", style="dim"))
    for text in explanation.texts:
        out.print(_highlighted(text, explanation.rules))
        if text.folded != text.text:
            out.print(Text.assemble(("  folded  ", "dim"), _cut(text.folded)))
    for signal in explanation.signals:
        history = "; other events of the account count as well" if signal.needs_history else ""
        out.print(
            Text.assemble(("signal  ", "dim"), signal.name, f" = {signal.value:g} ", (signal.kind + history, "dim"))
        )
    if not explanation.rules:
        out.print(Text("no rule fires", style="green"))
    for rule in explanation.rules:
        _show_rule(rule)


def _show_rule(rule: "FiredRule") -> None:
    from rich.text import Text

    out = console()
    notes: list[str] = [rule.severity] if rule.severity == "egregious" else []
    notes += [] if rule.mode == "enforce" else [f"{rule.mode}: recorded, never enforced"]
    notes += ["waits for users' reports: opens a review"] if rule.by_report else []
    head = Text.assemble(("rule    ", "dim"), (rule.name, "bold red"), f"  {rule.clause} {rule.title['zh']}")
    head.append(f" ({rule.title['en']})")
    head.append(f"  [{'; '.join(notes)}]" if notes else "", style="yellow")
    out.print(head)
    out.print(Text.assemble(("  when  ", "dim"), rule.when))
    for found in rule.evidence:
        place = f"{found.field}[{found.start}:{found.end}]" if found.end else found.field
        out.print(Text.assemble(("  evidence  ", "dim"), f"{found.signal} at {place}: ", (found.quote, "bold red")))
    for charge in rule.charges:
        out.print(Text.assemble(("  charges  ", "dim"), charge.subject, ("  " + _climb(charge), "yellow")))


def _climb(charge: "Charge") -> str:
    """The steps of a charge in one line: `stop_spread 12h → 1d → 7d → for good`."""
    return " → ".join(_step(step) for step in charge.steps) or "nothing lands on it"


def _step(step: "Step") -> str:
    from streams.cli.clauses import duration

    actions = " + ".join(step.actions)
    if step.actions == ["warn"]:
        return actions
    return f"{actions} {duration(step.lasts_ms) or 'for good'}"


def _highlighted(text: "FoldedText", rules: "list[FiredRule]") -> "Text":
    """A text of the event, with the evidence that stands in it marked."""
    from rich.text import Text

    shown = Text(_cut(text.text))
    for rule in rules:
        for found in rule.evidence:
            if found.field == text.field and found.end > found.start:
                shown.stylize("bold red underline", found.start, min(found.end, _MAX_SHOWN))
    return Text.assemble((f"{text.field}  ", "dim"), shown)


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + f"… ({len(text):,} characters)"
