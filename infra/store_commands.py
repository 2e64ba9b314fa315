"""`webclass store …`: the place where recordings and files lie."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from infra.settings import Settings

commands = typer.Typer(no_args_is_help=True, help="The place where recordings and files lie.")


@commands.callback()
def _group() -> None:
    """With a single command, typer would leave its name out."""


@commands.command()
def init(
    lock_days: Annotated[
        int, typer.Option(min=0, max=36500, help="S3, a new bucket: nothing can be deleted for so many days.")
    ] = 0,
) -> None:
    """Make the folder or the bucket (with versioning), and prove that it can be written and read."""
    from infra.data_directory import make_data_directory
    from infra.object_store import set_up_store

    settings = Settings()
    make_data_directory(settings)
    typer.echo(f"the store is ready: {asyncio.run(set_up_store(settings, lock_days))}")
