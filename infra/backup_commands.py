"""`webclass backup` and `webclass restore`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from infra.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Empty, or a former backup: then only news is copied.")],
    as_json: AsJson = False,
) -> None:
    """Copy everything that lasts into a folder, while the server runs. Exit code 1 where objects were missing."""
    from infra.backup import back_up

    with _counting("objects", quiet=as_json) as advance:
        made = asyncio.run(back_up(Settings(), folder, advance))
    if as_json:
        about = {"objects": made.objects, "bytes": made.object_bytes, "copied": made.copied, "missing": made.missing}
        typer.echo(json.dumps(about, indent=2))
    else:
        typer.echo(f"{made.objects} objects ({made.object_bytes / 1e6:.1f} MB), {made.copied} of them new")
        for key in made.missing:
            typer.echo(f"missing: {key}", err=True)
    raise typer.Exit(1 if made.missing else 0)


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False)],
    force: Annotated[bool, typer.Option("--force", help="Replace what is there already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a backup back, into an empty data directory and database. The server must not run."""
    from infra.backup import restore as bring_back

    with _counting("objects", quiet=as_json) as advance:
        count = asyncio.run(bring_back(Settings(), folder, force=force, advance=advance))
    typer.echo(json.dumps({"objects": count}) if as_json else f"restored: {count} objects; `webclass check` reads all")


@contextmanager
def _counting(what: str, *, quiet: bool) -> Iterator[Callable[[], None]]:
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn(what), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        bar = progress.add_task(what, total=None)
        yield lambda: progress.advance(bar)
