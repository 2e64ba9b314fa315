"""The command `webclass`. Late imports keep each command quick."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from archive.errors import ArchiveError
from infra import backup_commands, check_commands, export_commands, lesson_commands, recording_commands, store_commands
from infra.errors import InfraError
from infra.logs import set_up_logs
from infra.settings import Settings
from school.errors import SchoolError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Self-hosted live video lessons. Settings: see infra/webclass.sample.env.",
)
admin = typer.Typer(no_args_is_help=True, help="The administrator's account.")
app.add_typer(lesson_commands.commands, name="lesson")
app.add_typer(admin, name="admin")
app.add_typer(store_commands.commands, name="store")
app.add_typer(recording_commands.commands, name="recording")
app.command()(check_commands.check)
app.command()(backup_commands.backup)
app.command()(backup_commands.restore)
app.command()(export_commands.export)

Parent = Annotated[int, typer.Option(hidden=True, help="The supervisor's process id.")]


@app.command()
def serve() -> None:
    """Start the whole server on this machine and keep it running."""
    from infra.serve import serve as run

    settings = Settings()
    set_up_logs(settings, "serve")
    asyncio.run(run(settings))


@app.command()
def web(parent: Parent = 0) -> None:
    """Start only the web process: pages, API, WebSocket."""
    from infra.web_process import run_web_process

    settings = _begin("web", parent)
    _run(run_web_process(settings))


@app.command()
def media(
    index: Annotated[int, typer.Option(min=0, max=255, help="Which of the media processes: decides its port.")] = 0,
    parent: Parent = 0,
) -> None:
    """Start only one media process."""
    from infra.processes import run_media_process

    settings = _begin(f"media-{index}", parent)
    _run(run_media_process(settings, index))


@app.command()
def recorder(parent: Parent = 0) -> None:
    """Start only the recorder."""
    from infra.recorder_process import run_recorder_process

    settings = _begin("recorder", parent)
    _run(run_recorder_process(settings))


@app.command()
def demo() -> None:
    """Show an example lesson in progress, with a synthetic teacher and classes: no camera needed."""
    from infra.demo import run_demo

    asyncio.run(run_demo(Settings()))


@admin.command()
def link(name: Annotated[str, typer.Option(help="The administrator's name.")] = "") -> None:
    """Print a new one-time sign-in link, valid for an hour; earlier links stop working."""
    from infra.addresses import network_url
    from infra.preparation import open_school

    settings = Settings()

    async def make() -> str:
        async with open_school(settings) as school:
            now = time.time()
            found = await school.accounts.by_name(name) if name else await school.accounts.ensure_first(now)
            return await school.accounts.create_link(found.id, now)

    token = asyncio.run(make())
    typer.echo(f"{settings.local_url}/sign-in#{token}")
    if network_url(settings) != settings.local_url:
        typer.echo(f"{network_url(settings)}/sign-in#{token}")


def main() -> None:
    """Entry point: what a person can mend is one sentence on standard error and exit code 1, never a traceback."""
    try:
        app()
    except (InfraError, SchoolError, ArchiveError) as error:
        sys.exit(f"webclass: {error}")
    except ValidationError as error:
        for problem in error.errors():
            place = ".".join(str(part) for part in problem["loc"])
            name = f"WEBCLASS_{place.upper()}" if place else "settings"
            sys.stderr.write(f"webclass: {name}: {problem['msg']}\n")
        sys.exit(1)


def _begin(process: str, parent: int) -> Settings:
    from infra.supervise import die_with_parent

    if parent:
        die_with_parent(parent)
    settings = Settings()
    set_up_logs(settings, process)
    return settings


def _run(work: Coroutine[Any, Any, None]) -> None:
    import uvloop

    uvloop.run(work)


if __name__ == "__main__":
    main()
