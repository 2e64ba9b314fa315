"""`webclass check`: whether the archive is whole."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.settings import Settings

if TYPE_CHECKING:
    from rich.progress import Progress

COULD_NOT_CHECK = 2


def check(
    repair: Annotated[bool, typer.Option("--repair", help="Let replay go on around what is broken.")] = False,
    remove_orphans: Annotated[
        bool, typer.Option("--remove-orphans", help="With --repair: delete objects that no row names.")
    ] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Believe the store's sums instead of reading all.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Compare rows and objects of the archive. Exit code: 0 nothing found, 1 something found, 2 could not check."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from sqlalchemy.exc import SQLAlchemyError

    from archive.errors import ArchiveError
    from infra.errors import InfraError

    console = Console(stderr=True)
    columns = (TextColumn("checking"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=as_json) as progress:
            found = asyncio.run(_check(progress, repair=repair, remove_orphans=remove_orphans, quick=quick))
    except (ArchiveError, InfraError) as error:
        typer.echo(f"webclass: could not check: {error}", err=True)
        raise typer.Exit(COULD_NOT_CHECK) from error
    except (SQLAlchemyError, OSError) as error:
        typer.echo(f"webclass: could not check, the database cannot be used: {type(error).__name__}", err=True)
        raise typer.Exit(COULD_NOT_CHECK) from error
    if as_json:
        repaired = sum(each["repaired"] for each in found)
        typer.echo(json.dumps({"found": len(found), "repaired": repaired, "findings": found}, indent=2))
    else:
        for each in found:
            end = "  (repaired)" if each["repaired"] else ""
            typer.echo(f"{each['kind']}  recording {each['recording_id']}  {each['object_key']}: {each['detail']}{end}")
        typer.echo(f"found: {len(found)}")
    raise typer.Exit(1 if found else 0)


async def _check(progress: Progress, *, repair: bool, remove_orphans: bool, quick: bool) -> list[dict[str, Any]]:
    from archive.check import Checker, as_json
    from archive.repair import Repair
    from infra.database import open_database, sessions_of
    from infra.object_store import open_store
    from infra.preparation import prepare

    settings = Settings()
    await prepare(settings)
    engine, store = open_database(settings), open_store(settings)
    try:
        bar = progress.add_task("checking")
        sessions = sessions_of(engine)
        checker = Checker(sessions, store, time.time(), quick=quick, advance=lambda more: progress.advance(bar, more))
        progress.update(bar, total=await checker.total())
        mending = Repair(sessions, store, remove_orphans=remove_orphans)
        return [
            as_json(finding, repaired=repair and await mending.mend(finding)) async for finding in checker.findings()
        ]
    finally:
        await store.close()
        await engine.dispose()
