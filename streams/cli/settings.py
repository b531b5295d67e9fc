"""`warden settings`: every setting, its value and where it comes from."""

from itertools import groupby

import click

from streams.cli.common import console, settings_of, write_json


@click.command()
@click.option("--json", "as_json", is_flag=True, help="A JSON list, one object a setting.")
@click.pass_context
def settings(ctx: click.Context, as_json: bool) -> None:
    """Show every setting: its variable, its value, where the value comes from, and its default.

    An environment variable beats the TOML file (its keys are the names in lower case, without WARDEN_), which beats
    the default. Variables that start with WARDEN_ and name no setting are reported.

    \b
    warden settings
    WARDEN_PARTITIONS=16 warden settings --json
    """
    from streams.settings import list_settings, unknown_variables

    listed = list_settings(settings_of(ctx))
    for name, hint in unknown_variables():
        click.echo(f"warden: {name} is set and names no setting; {hint}", err=True)
    if as_json:
        write_json(listed)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table("variable", "value", "from", "meaning")
    for group, members in groupby(listed, key=lambda setting: setting.group):
        table.add_section()
        table.add_row(Text(group, style="bold"))
        for setting in members:
            default = "" if setting.source == "default" else f" (default: {setting.default or 'none'})"
            style = "" if setting.source == "default" else "bold"
            table.add_row(
                Text(setting.variable),
                Text(setting.value or "none", style=style),
                Text(setting.source),
                Text(setting.description + default),
            )
    console().print(table)
