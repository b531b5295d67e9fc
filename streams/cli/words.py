"""`warden words`: the operator's own words, on their topic."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.common import Failure, asked, console, pack_of, pack_option, settings_of, write_json

if TYPE_CHECKING:
    from rules.packs import Pack
    from rules.words import Word

_FILE = click.Path(dir_okay=False, exists=True, path_type=Path)
_json = click.option("--json", "as_json", is_flag=True, help="JSON.")


@click.group()
def words() -> None:
    """The operator's own words: put, remove or list those on the topic `operator_words`.

    They fill the lexicons that the pack marks `operator: true`, beside the lists in the folder WARDEN_LEXICONS.
    Workers take a change up within seconds; decisions then cite it as `words.…` in their pack.

    \b
    warden words put unlawful_organisation_words 某某会 --pinyin
    warden words list
    """


@words.command()
@click.argument("lexicon")
@click.argument("word", nargs=-1)
@click.option("--file", type=_FILE, help="A list of words: .txt, .csv or .yaml, as in the folder WARDEN_LEXICONS.")
@click.option("--weight", type=click.FloatRange(-1000, 1000), default=1.0, show_default=True)
@click.option("--group", default="", help="Group of the lexicon that the words belong to.")
@click.option("--whole", is_flag=True, help="Only as words of their own.")
@click.option("--pinyin", is_flag=True, help="Their pinyin as well.")
@click.option("--initials", is_flag=True, help="The initials of their pinyin as well.")
@click.option("--exact", is_flag=True, help="Only exactly as written, without folding.")
@_json
@pack_option
@click.pass_context
def put(ctx: click.Context, /, lexicon: str, word: tuple[str, ...], *, as_json: bool, **given: Any) -> None:
    """Add each WORD to LEXICON, or change its weight and options. The options are for the words on the command line.

    \b
    warden words put unlawful_organisation_words 某某会 某某教
    warden words put order_rumour_words --file rumours.csv
    """
    from rules.words import Word
    from streams.operator_words import put_words

    settings = settings_of(ctx, pack=given["pack"])
    options = {name: given[name] for name in ("weight", "group", "whole", "pinyin", "initials")}
    words = [Word(text.strip(), **options, fold=not given["exact"]) for text in word]
    if given["file"] is not None:
        words += _read(given["file"])
    if not words:
        raise click.UsageError("name a word, or a file of words: --file")
    _check(pack_of(settings), lexicon, words)
    done = asked(put_words(settings, lexicon, words))
    _report(as_json, "put", lexicon, [each.text for each in words], f"{done} put in {lexicon}")


@words.command()
@click.argument("lexicon")
@click.argument("word", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All words of the lexicon that are on the topic.")
@_json
@click.pass_context
def remove(ctx: click.Context, lexicon: str, word: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Take each WORD away from LEXICON. Words of the lists in WARDEN_LEXICONS stay: take those out of their file.

    \b
    warden words remove unlawful_organisation_words 某某会
    warden words remove order_rumour_words --all
    """
    from streams.operator_words import current_words, remove_words

    if bool(word) == everything:
        raise click.UsageError("name words to remove, or say --all")
    settings = settings_of(ctx)
    known = [each.text for each in asked(current_words(settings)).of(lexicon)]
    gone = known if everything else list(dict.fromkeys(text.strip() for text in word))
    missing = [text for text in gone if text not in known]
    if missing:
        from rules.packs.source import did_you_mean

        raise Failure(f"{missing[0]!r} is not among the words of {lexicon!r} on the topic\n"
                      f"    {did_you_mean(missing[0], known)}")  # fmt: skip
    done = asked(remove_words(settings, lexicon, gone))
    _report(as_json, "removed", lexicon, gone, f"{done} removed from {lexicon}")


@words.command("list")
@click.argument("lexicon", required=False)
@_json
@pack_option
@click.pass_context
def list_(ctx: click.Context, lexicon: str | None, as_json: bool, pack: Path | None) -> None:
    """Show the words that workers look for: those of the lists in WARDEN_LEXICONS, and those on the topic.

    Records on the topic that are no words are named on standard error.

    \b
    warden words list
    warden words list unlawful_organisation_words --json
    """
    from streams.operator_words import current_words, listed

    settings = settings_of(ctx, pack=pack)
    loaded = pack_of(settings)
    if lexicon is not None:
        _check(loaded, lexicon, [])
    found = asked(current_words(settings))
    for problem in found.problems(loaded):
        click.echo(f"warden: {problem}", err=True)
    rows = [row for row in listed(loaded, found) if lexicon in {None, row["lexicon"]}]
    if as_json:
        write_json({"pack": found.merged(loaded).label, "words": rows})
        return
    from rich.table import Table
    from rich.text import Text

    table = Table("lexicon", "word", "weight", "options", "from")
    for row in rows:
        options = [name for name in ("whole", "pinyin", "initials") if row[name]]
        options += ["exact"] if not row["fold"] else []
        options += [f"group {row['group']}"] if row["group"] else []
        cells = (row["lexicon"], row["word"], f"{row['weight']:g}", ", ".join(options), row["from"])
        table.add_row(*map(Text, cells))
    console().print(table)


def _read(file: Path) -> "list[Word]":
    from rules.packs import PackError
    from rules.packs.read_lexicon import read_words
    from rules.packs.words import SUFFIXES

    if file.suffix not in SUFFIXES:
        raise Failure(f"{file}: lists of words are called {', '.join(SUFFIXES)}", 2)
    try:
        return read_words(file, str(file))
    except PackError as error:
        raise Failure(str(error), 2) from None


def _check(pack: "Pack", lexicon: str, given: "list[Word]") -> None:
    """Raises Failure (2) for a lexicon that the pack does not have, and for words that cannot be matched."""
    from rules.packs.source import did_you_mean
    from rules.words import wrong_words

    asked = pack.operator_lexicons()
    if lexicon not in asked:
        raise Failure(f"the pack {pack.label} has no operator lexicon {lexicon!r}\n"
                      f"    {did_you_mean(lexicon, asked)}", 2)  # fmt: skip
    if wrong := wrong_words([word.text for word in given]):
        raise Failure("\n".join(message for _, message in wrong), 2)


def _report(as_json: bool, did: str, lexicon: str, texts: list[str], line: str) -> None:
    if as_json:
        write_json({"lexicon": lexicon, did: texts})
    else:
        click.echo(line)
    sys.stdout.flush()
