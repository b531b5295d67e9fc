"""`warden explain`: what the pack makes of a text, a URL or an event."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.common import Failure, console, pack_of, pack_option, settings_of, write_json

if TYPE_CHECKING:
    from rich.text import Text

    from rules.crowd_tracing import Counted, CrowdTrace
    from rules.events import MassSend, Post, Share
    from rules.tracing import Part
    from rules.wording import Change, FoldedText, FoundWord
    from streams.explaining import Charge, ConsideredRule, Explanation, FiredRule, FiredSignal, Step

_MAX_INPUT = 4_000_000
_MAX_SHOWN = 600
"""Longest text that is shown, in code points."""
_MOST_WORDS, _MOST_CHANGES, _MOST_RULES = 20, 20, 3
"""Words, changes by folding, and rules that do not fire: as many are shown without --all."""


@click.command()
@click.argument("text", metavar="[TEXT|URL|-]", required=False)
@click.option(
    "--event", metavar="JSON", help="An event's fields; `type` is post unless given, required fields are filled."
)
@click.option("--all", "everything", is_flag=True, help="Every word found, and every rule that was looked at.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@pack_option
@click.pass_context
def explain(
    ctx: click.Context, *, text: str | None, event: str | None, everything: bool, as_json: bool, pack: Path | None
) -> None:
    """Show what the pack makes of TEXT (as a post), of a URL (as a share), or of an event; - reads standard input.

    Shown, step by step: the text with the evidence marked, what folding changed, the words found with their weights,
    the signals, the rules that fire with the sanctions that a first and repeated offences would lead to, and the rules
    that come near, with what they lack. Of rules that several accounts break together: what the event is counted
    under, and how many it takes.

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
        _show(explanation, everything)


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


def _show(explanation: "Explanation", everything: bool) -> None:
    from rich.text import Text

    out = console()
    out.print(Text(f"{explanation.type}, judged by {explanation.pack}", style="dim"))
    for text in explanation.texts:
        out.print(_highlighted(text, explanation.rules))
        if text.folded != text.text:
            out.print(Text.assemble(("  folded  ", "dim"), _cut(text.folded)))
            out.print(Text.assemble(("  changed  ", "dim"), _changes(text.changes, everything)))
    words = explanation.words if everything else explanation.words[:_MOST_WORDS]
    for word in words:
        out.print(_word(word))
    if len(words) < len(explanation.words):
        out.print(Text(f"        and {len(explanation.words) - len(words)} more: --all shows them", style="dim"))
    for signal in explanation.signals:
        out.print(_signal(signal))
    if not explanation.rules:
        out.print(Text("no rule fires", style="green"))
    for rule in explanation.rules:
        _show_rule(rule)
    waiting = sum(rule.waits_for_others for rule in explanation.considered)
    near = explanation.considered if everything else explanation.considered[: max(_MOST_RULES, waiting)]
    for considered in near:
        _show_considered(considered)
    if len(near) < len(explanation.considered):
        left = len(explanation.considered) - len(near)
        out.print(Text(f"        and {left} more rules were looked at: --all shows them", style="dim"))


def _changes(changes: "list[Change]", everything: bool) -> str:
    from lab.display import shown

    told = changes if everything else changes[:_MOST_CHANGES]
    parts = [f"{shown(one.original, 20)!r} → {shown(one.folded, 20)!r} at {one.start}" for one in told]
    return "; ".join(parts) + ("; …" if len(told) < len(changes) else "")


def _word(word: "FoundWord") -> "Text":
    from rich.text import Text

    from lab.display import shown

    quote = shown(word.quote, 60)
    matched = f" as {shown(word.form, 60)}" if word.form != word.quote else ""
    line = Text.assemble(("word    ", "dim"), f"{word.weight:+g} ", (quote, "bold"), matched)
    return line.append(f"  {word.signal} at {word.field}[{word.start}:{word.end}]", style="dim")


def _signal(signal: "FiredSignal") -> "Text":
    from rich.text import Text

    notes = signal.kind
    if signal.reached is not None and signal.value <= 0:
        notes += f"; its words add up to {signal.reached:g} of the {signal.needs or 0:g} that it takes"
    if signal.needs_history:
        notes += "; other events of the account count as well"
    style = "" if signal.value > 0 else "dim"
    return Text.assemble(("signal  ", "dim"), (f"{signal.name} = {signal.value:g} ", style), (notes, "dim"))


def _show_rule(rule: "FiredRule") -> None:
    from rich.text import Text

    from lab.display import shown

    out = console()
    notes: list[str] = [rule.severity] if rule.severity == "egregious" else []
    notes += [] if rule.mode == "enforce" else [f"{rule.mode}: recorded, never enforced"]
    after = "" if rule.reporters is None else f" once {rule.reporters} users have reported the subject"
    notes += [f"not enforced: opens a review for a person{after}"] if rule.by_report else []
    head = Text.assemble(("rule    ", "dim"), (rule.name, "bold red"), f"  {rule.clause} {rule.title['zh']}")
    head.append(f" ({rule.title['en']})")
    head.append(f"  [{'; '.join(notes)}]" if notes else "", style="yellow")
    out.print(head)
    _show_condition(rule.when, rule.parts)
    _show_crowd(rule.crowd)
    for found in rule.evidence:
        place = f"{found.field}[{found.start}:{found.end}]" if found.end else found.field
        quote = shown(found.quote)
        out.print(Text.assemble(("  evidence  ", "dim"), f"{found.signal} at {place}: ", (quote, "bold red")))
    for charge in rule.charges:
        out.print(Text.assemble(("  charges  ", "dim"), shown(charge.subject), ("  " + _climb(charge), "yellow")))
        if charge.waits:
            out.print(Text.assemble(("           a person decides: ", "dim"), shown(charge.waits)))


def _show_considered(rule: "ConsideredRule") -> None:
    from rich.text import Text

    notes = [] if rule.mode == "enforce" else [rule.mode]
    notes += ["holds; waits for others that do the same"] if rule.waits_for_others else []
    head = Text.assemble(("near    ", "dim"), rule.name, f"  {rule.clause} {rule.title['zh']} ({rule.title['en']})")
    head.append(f"  [{'; '.join(notes)}]" if notes else "", style="yellow")
    console().print(head)
    _show_condition(rule.when, rule.parts)
    _show_crowd(rule.crowd)


def _show_condition(when: str, parts: "list[Part]") -> None:
    """The condition, then its parts: what holds, what does not, and on what values."""
    from rich.text import Text

    out = console()
    out.print(Text.assemble(("  when  ", "dim"), when))
    for part in parts:
        mark = ("    ✓ ", "green") if part.holds else ("    ✗ ", "red")
        values = ", ".join(f"{name} = {value:g}" for name, value in part.values.items())
        out.print(Text.assemble(mark, part.text, (f"   {values}", "dim")))


def _show_crowd(crowd: "CrowdTrace | None") -> None:
    """How many it takes, and what this event is counted under."""
    from rich.text import Text

    if crowd is None:
        return
    out = console()
    out.print(Text.assemble(("  crowd  ", "dim"), crowd.needs))
    for one in crowd.counted:
        out.print(_counted(crowd, one))
    if crowd.uncounted is not None:
        out.print(Text.assemble(("  counted  ", "dim"), ("not at all: ", "yellow"), crowd.uncounted))


def _counted(crowd: "CrowdTrace", one: "Counted") -> "Text":
    from rich.text import Text

    from lab.display import shown

    groups = f", and {len(one.groups)} groups of near copies" if one.groups else ""
    line = Text.assemble(("  counted  ", "dim"), (f"{len(one.members)} of {crowd.at_least}", "bold"))
    line.append(f" ({', '.join(shown(member, 60) for member in one.members)}) under the {one.under} ")
    return line.append(shown(one.value, 60), style="bold").append(f"  key {one.key}{groups}", style="dim")


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
    """A text of the event, made harmless, with the evidence that stands in it marked."""
    from rich.text import Text

    from lab.display import shown

    marked = {
        position
        for rule in rules
        for found in rule.evidence
        if found.field == text.field
        for position in range(found.start, min(found.end, _MAX_SHOWN))
    }
    line = Text.assemble((f"{text.field}  ", "dim"))
    for position, character in enumerate(text.text[:_MAX_SHOWN]):
        line.append(shown(character), style="bold red underline" if position in marked else "")
    return line.append(_rest(text.text))


def _cut(text: str) -> str:
    from lab.display import shown

    return shown(text[:_MAX_SHOWN], _MAX_SHOWN) + _rest(text)


def _rest(text: str) -> str:
    """What stands for the part of a text that is not shown."""
    return "" if len(text) <= _MAX_SHOWN else f"… ({len(text):,} characters)"
