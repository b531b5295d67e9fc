"""The command line, `warden`: one file a command, imported only when the command runs.

Standard output carries data and nothing else; messages and progress go to standard error. Exit codes: 0, all is well;
1, the command found something wrong or could not go on; 2, it was asked wrongly (arguments, settings, pack).
"""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

COMMANDS = {
    "demo": (
        "streams.cli.demo:demo",
        "Watch the engine work: a broker, a worker and realistic traffic, in one terminal.",
    ),
    "worker": ("streams.cli.worker:worker", "Judge what arrives on the topics."),
    "feed": ("streams.cli.feed:feed", "Produce JSON lines of events to the topics."),
    "judge": ("streams.cli.judge:judge", "Judge JSON lines of events from a file, without a broker."),
    "explain": ("streams.cli.explain:explain", "Show what the pack makes of a text, a URL or an event."),
    "check": ("streams.cli.check:check", "Validate a pack and run the cases beside its rules."),
    "score": ("streams.cli.score:score", "Measure a pack on labelled text: precision, recall, false positives."),
    "learn": ("streams.cli.learn:learn", "Learn a lexicon of weighted n-grams from labelled text."),
    "backtest": ("streams.cli.backtest:backtest", "Replay events through two packs and show what differs."),
    "clauses": ("streams.cli.clauses:clauses", "Show the policy, clause by clause."),
    "topics": ("streams.cli.topics:topics", "Create, verify or list the topics."),
    "bans": ("streams.cli.bans:bans", "Show what is in force now, follow it, or bring it to gateways."),
    "subject": ("streams.cli.subject:subject", "Show why something holds for a subject, and its whole history."),
    "appeal": ("streams.cli.appeal:appeal", "Overturn or uphold an enforcement."),
    "reviews": ("streams.cli.reviews:reviews", "Show, approve or reject the cases that wait for a person."),
    "sanction": ("streams.cli.orders:sanction", "Impose a sanction by hand."),
    "clear": ("streams.cli.orders:clear", "Lift what holds for a subject, by hand."),
    "quota": ("streams.cli.quota:quota", "Show how much of each quota of automatic actions is used."),
    "words": ("streams.cli.words:words", "Put, remove or list the operator's own words."),
    "packs": ("streams.cli.packs:packs", "Publish packs to workers that run; canary, shadow, history, rollback."),
    "halt": ("streams.cli.controls:halt", "Put automatic enforcement to shadow: all of it, or one rule's."),
    "resume": ("streams.cli.controls:resume", "Let automatic enforcement go on."),
    "controls": ("streams.cli.controls:controls", "Show what is halted now, and who halted and resumed what and why."),
    "serve": ("streams.cli.serve:serve", "Serve the console of moderators, its API, and the HTTP door for feeds."),
    "tokens": ("streams.cli.tokens:tokens", "Make tokens for warden serve."),
    "settings": ("streams.cli.settings:settings", "Show every setting, its value and where it comes from."),
    "schemas": ("streams.cli.schemas:schemas", "List or write the JSON Schemas of inputs and outputs."),
}
"""Name -> where the command is, and its line in `warden --help`."""


class LazyGroup(click.Group):
    """A group that imports a command when it is called, so that `warden --help` imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of COMMANDS."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name)
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Adds a guess to click's message about an unknown command."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from rules.packs.source import did_you_mean

            error.message = f"{error.message} {did_you_mean(args[0], COMMANDS)}"
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of commands from COMMANDS, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command; a reader that went away (`warden judge … | head`) is no error."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="TOML file of settings. Default: WARDEN_CONFIG, else warden.toml in the current folder.",
)
@click.version_option(package_name="streamwarden", message="%(version)s")
@click.pass_context
def warden(ctx: click.Context, config: Path | None) -> None:
    """Streamwarden: a stream-processing moderation engine. Posts, shares and mass sends in; violations,
    escalating enforcement and a ban list out.

    \b
    warden demo                       watch it work
    warden judge events.jsonl         judge a file, without a broker
    warden COMMAND --help             more about a command, with examples
    """
    ctx.obj = config


def main() -> None:
    """The entry point of the `warden` program."""
    warden(prog_name="warden")
