"""Writes grafana/dashboards/*.json: `python -m grafana.generate`."""

from pathlib import Path

import click

from grafana.generate.boards import rendered

FOLDER = Path(__file__).parents[1] / "dashboards"


@click.command(epilog="Example: python -m grafana.generate --check")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when a file is not what it should be.")
def main(check: bool) -> None:
    """Write the dashboards that Grafana is provisioned with, and remove others from their folder."""
    wanted = rendered()
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    stale = sorted(name for name in wanted.keys() | there.keys() if wanted.get(name) != there.get(name))
    if check and stale:
        raise click.ClickException(f"not current: {', '.join(stale)}\n    run `python -m grafana.generate`")
    for name in stale:
        if name in wanted:
            (FOLDER / name).write_text(wanted[name], encoding="utf-8")
        else:
            (FOLDER / name).unlink()
        click.echo(f"{'wrote' if name in wanted else 'removed'} {FOLDER / name}")


if __name__ == "__main__":
    main()
