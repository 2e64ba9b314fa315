"""`webclass export`: a recording as a folder of its own."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.settings import Settings

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


def export(
    recording_id: Annotated[str, typer.Argument(metavar="RECORDING_ID")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Is made; must be empty.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")] = False,
) -> None:
    """Write a recording into a folder that any HLS player plays, with its metadata and the sums of all files."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("objects"), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=as_json) as progress:
        bar = progress.add_task("export")
        files = asyncio.run(_export(recording_id, folder, progress, bar))
    if as_json:
        typer.echo(json.dumps({"recording_id": recording_id, "folder": str(folder), "files": files}))
    else:
        typer.echo(f"{files} files; play {folder / 'index.m3u8'}, check them by `sha256sum -c SHA256SUMS` there")


async def _export(recording_id: str, folder: Path, progress: Progress, bar: TaskID) -> int:
    from archive.catalog import Catalog
    from archive.errors import NotFound
    from archive.export import Export
    from infra.database import open_database, sessions_of
    from infra.object_store import open_store
    from infra.preparation import prepare

    settings = Settings()
    await prepare(settings)
    engine, store = open_database(settings), open_store(settings)
    try:
        catalog = Catalog(sessions_of(engine))
        recording = await catalog.find_one(recording_id)
        if recording is None:
            raise NotFound(f"no recording {recording_id[:32]!r}")
        return await Export(catalog, store, folder, lambda: progress.advance(bar)).run(recording)
    finally:
        await store.close()
        await engine.dispose()
