"""`warden schemas`: the JSON Schemas of inputs and outputs."""

from pathlib import Path

import click


@click.group()
def schemas() -> None:
    """List or write the JSON Schemas of every input and output, and of a pack's files, generated from the engine's own
    types.

    \b
    warden schemas list
    warden schemas write
    """


@schemas.command("list")
def list_() -> None:
    """Print the path of each schema that is installed; that of a pack's files, which editors ask for, comes last.

    \b
    warden schemas list
    """
    from rules.packs.schema import PATH
    from streams.schemas import FOLDER

    for path in [*sorted(FOLDER.glob("*.json")), PATH]:
        click.echo(str(path))


@schemas.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
def write(folder: Path | None) -> None:
    """Generate the schemas, that of a pack's files too, into FOLDER, by default where the program keeps them; print
    each path.

    \b
    warden schemas write
    warden schemas write build/schemas
    """
    from rules.packs.schema import PATH, encoded
    from streams.schemas import FOLDER
    from streams.schemas import write as write_schemas

    for path in write_schemas(folder or FOLDER):
        click.echo(str(path))
    pack = folder / PATH.name if folder else PATH
    pack.write_bytes(encoded())
    click.echo(str(pack))


@schemas.command()
@click.pass_context
def asyncapi(ctx: click.Context) -> None:
    """Print the AsyncAPI 3 document of all topics, with their names, keys, headers and limits as settings have them.

    \b
    warden schemas asyncapi > asyncapi.json
    """
    import orjson

    from streams.asyncapi import document
    from streams.cli.common import settings_of

    click.echo(orjson.dumps(document(settings_of(ctx)), option=orjson.OPT_INDENT_2).decode())
