"""`webclass lesson …`: lessons and their links from the command line, whether or not the server runs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from infra.settings import Settings

if TYPE_CHECKING:
    from school.tables import Invitation

WEEK_HOURS = 7 * 24.0

commands = typer.Typer(no_args_is_help=True, help="Lessons and their links.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Kind = Annotated[
    Literal["full", "partial"], typer.Option(help="full: all of it live; partial: each class switches the feed on.")
]


@commands.command()
def create(
    title: Annotated[str, typer.Option(help="The lesson's title, 1 to 200 characters.")],
    kind: Kind = "full",
    valid_hours: Annotated[float, typer.Option(help="How long the links open the lesson.")] = WEEK_HOURS,
    as_json: AsJson = False,
) -> None:
    """Create a lesson with a link for each role."""
    from infra.addresses import network_url
    from infra.lesson_records import create_lesson

    settings = Settings()
    lesson, tokens = asyncio.run(create_lesson(settings, title, kind, valid_hours))
    here, network = _links(settings.public_url or settings.local_url, tokens), _links(network_url(settings), tokens)
    if as_json:
        about = {"lesson_id": lesson.id, "title": lesson.title, "kind": lesson.kind}
        _print_json({**about, "links": here, "network_links": network, "tokens": tokens})
        return
    console = Console(soft_wrap=True, highlight=False, markup=False)
    console.print(f"{lesson.title}  (lesson {lesson.id}, {lesson.kind})", style="bold")
    for where, links_there in {"In the network": network, "On this computer": here}.items():
        console.print(f"\n{where}:")
        for role, link in links_there.items():
            console.print(f"  {role:<11}{link}")


@commands.command("list")
def list_lessons(as_json: AsJson = False) -> None:
    """List the lessons, the newest first."""
    from infra.lesson_records import lessons_of

    lessons = asyncio.run(lessons_of(Settings()))
    if as_json:
        fields = ("title", "kind", "state", "created_at", "live_since", "ended_at")
        _print_json([{"lesson_id": each.id, **{name: getattr(each, name) for name in fields}} for each in lessons])
        return
    table = Table("Lesson", "Created", "Kind", "State", "Title", box=None)
    for each in lessons:
        table.add_row(each.id, _moment(each.created_at), each.kind, each.state, each.title)
    Console(highlight=False, markup=False).print(table)


@commands.command()
def links(lesson_id: Annotated[str, typer.Argument(metavar="LESSON_ID")], as_json: AsJson = False) -> None:
    """Show a lesson's links again, with the ids by which they are revoked."""
    from infra.addresses import network_url
    from infra.lesson_records import invitations_of

    settings = Settings()
    rows = asyncio.run(invitations_of(settings, lesson_id))
    if as_json:
        url = settings.public_url or settings.local_url
        fields = ("role", "label", "expires_at")
        _print_json(
            [
                {
                    "invitation_id": row.id,
                    **{name: getattr(row, name) for name in fields},
                    "state": _state(row),
                    "link": f"{url}/join#{token}",
                }
                for row, token in rows
            ]
        )
        return
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for row, token in rows:
        console.print(f"{row.id}  {row.role:<11}{_state(row):<9}until {_moment(row.expires_at)}  {row.label}")
        console.print(f"  {network_url(settings)}/join#{token}")


@commands.command()
def revoke(
    identifier: Annotated[
        str, typer.Argument(metavar="ID", help="An invitation's id, or a lesson's for all its links.")
    ],
) -> None:
    """Revoke one link, or all links of a lesson; whoever came in by them has to leave."""
    from infra import lesson_records

    typer.echo(f"revoked: {asyncio.run(lesson_records.revoke(Settings(), identifier))}")


def _links(url: str, tokens: Mapping[str, str]) -> dict[str, str]:
    return {role: f"{url}/join#{token}" for role, token in tokens.items()}


def _state(invitation: Invitation) -> str:
    if invitation.revoked_at is not None:
        return "revoked"
    return "expired" if invitation.expires_at <= time.time() else "open"


def _moment(unix_s: float) -> str:
    return datetime.fromtimestamp(unix_s, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
