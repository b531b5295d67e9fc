"""`warden topics`: create, verify and list the topics."""

import click

from streams.cli.common import asked, console, settings_of, write_json

as_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON value.")


@click.group()
def topics() -> None:
    """Create, verify or list the topics. Names, partitions, retention and replication are settings.

    \b
    warden topics create
    warden topics verify --json
    """


@topics.command()
@as_json_option
@click.pass_context
def create(ctx: click.Context, as_json: bool) -> None:
    """Create the topics that are missing, and wait until they can be used. Those that exist are left alone.

    \b
    WARDEN_PARTITIONS=16 warden topics create
    """
    from streams.topics import create_topics

    result = asked(create_topics(settings_of(ctx)))
    if as_json:
        write_json(result)
        return
    for name in result.created:
        click.echo(f"created  {name}")
    for name in result.existed:
        click.echo(f"exists   {name}")


@topics.command()
@as_json_option
@click.pass_context
def verify(ctx: click.Context, as_json: bool) -> None:
    """Compare the broker's topics with the settings: existence, partitions, cleanup, record size. Exit code 1 when
    something is wrong.

    \b
    warden topics verify
    """
    from streams.topics import topic_specs, verify_topics

    settings = settings_of(ctx)
    result = asked(verify_topics(settings))
    for note in result.notes:
        click.echo(f"warden: {note}", err=True)
    if as_json:
        write_json({"ok": not result.problems, "problems": result.problems, "notes": result.notes})
    else:
        for problem in result.problems:
            click.echo(str(problem))
        if not result.problems:
            click.echo(f"ok: {len(topic_specs(settings))} topics")
    ctx.exit(1 if result.problems else 0)


@topics.command("list")
@as_json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """Show the topics as the settings want them; asks no broker.

    \b
    warden topics list --json
    """
    from rich.table import Table

    from streams.topics import topic_specs

    specs = list(topic_specs(settings_of(ctx)).values())
    if as_json:
        write_json(specs)
        return
    table = Table("topic", "keyed by", "partitions", "copies", "cleanup", "kept", "largest record")
    for spec in specs:
        kept = "for good" if spec.retention_ms is None else f"{spec.retention_ms // 3_600_000:,} h"
        kept = "the newest of each key" if spec.cleanup == "compact" else kept
        size = f"{spec.max_message_bytes:,} bytes"
        table.add_row(spec.name, spec.key, str(spec.partitions), str(spec.replication), spec.cleanup, kept, size)
    console().print(table)
