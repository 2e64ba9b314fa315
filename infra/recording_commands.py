"""`webclass recording …`: single recordings from the command line, whether or not the server runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from infra.settings import Settings

if TYPE_CHECKING:
    from archive.deletion import Deletion

commands = typer.Typer(no_args_is_help=True, help="Single recordings: deletion, and how long they are kept.")

RecordingId = Annotated[str, typer.Argument(metavar="RECORDING_ID")]


@commands.command("delete")
def delete_recording(
    recording_id: RecordingId, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False
) -> None:
    """Delete a recording for good; the running server deletes its media within a minute."""
    if not yes:
        typer.confirm(f"Delete the recording {recording_id} with all its sound and pictures?", abort=True)

    async def work() -> None:
        async with _deletion() as deletion:
            await deletion.delete(recording_id, time.time())

    asyncio.run(work())
    typer.echo("deleted")


@commands.command()
def hold(
    recording_id: RecordingId, off: Annotated[bool, typer.Option("--off", help="Take the hold off.")] = False
) -> None:
    """Put a legal hold on a recording: nobody can delete it, and it does not expire."""

    async def work() -> None:
        async with _deletion() as deletion:
            await deletion.keep(recording_id, replace(await deletion.keeping(recording_id), legal_hold=not off))

    asyncio.run(work())
    typer.echo("the hold is off" if off else "on hold")


@commands.command()
def keep(
    recording_id: RecordingId,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Deleted after this day; else as the setting says.")
    ] = None,
) -> None:
    """Set how long a recording is kept."""

    async def work() -> None:
        async with _deletion() as deletion:
            last = None if until is None else until.timestamp() + 24 * 3600
            await deletion.keep(recording_id, replace(await deletion.keeping(recording_id), retention_until=last))

    asyncio.run(work())
    typer.echo("kept as the server's setting says" if until is None else f"kept until {until:%Y-%m-%d}")


@asynccontextmanager
async def _deletion() -> AsyncIterator[Deletion]:
    from archive.deletion import Deletion
    from infra.database import open_database, sessions_of
    from infra.preparation import prepare

    settings = Settings()
    await prepare(settings)
    engine = open_database(settings)
    try:
        yield Deletion(sessions_of(engine))
    finally:
        await engine.dispose()
