"""`webclass demo`: a lesson in progress with a synthetic teacher and three classes, and the links to look at it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from http import HTTPStatus
from typing import Final

import aiohttp
from pydantic import BaseModel
from rich.console import Console

from infra.demo.cast import Cast
from infra.demo.errors import DemoError
from infra.settings import Settings
from infra.supervise import die_with_parent, wait_for_stop_signal

TITLE: Final = "Физика, 10 класс. Волны"
_WEBCLASS: Final = (sys.executable, "-m", "infra.cli")
_START_S: Final = 60.0
_STOP_S: Final = 15.0
_LOOK_EVERY_S: Final = 0.2
_LINKS: Final = {
    "viewer": "watch on a phone or at home · смотреть как зритель",
    "class": "join as a class with a projector · войти как класс",
    "co_teacher": "lead: hands, floor, chat · вести урок вторым учителем",
}


class _Created(BaseModel):
    """What `webclass lesson create --json` prints."""

    lesson_id: str
    links: dict[str, str]
    tokens: dict[str, str]


async def run_demo(settings: Settings) -> None:
    """Show the demonstration until SIGINT or SIGTERM; the server is started unless it runs already.

    Raises `DemoError` with a sentence for the person at the terminal.
    """
    showing = asyncio.create_task(_show(settings))
    stopped = asyncio.create_task(wait_for_stop_signal())
    await asyncio.wait({showing, stopped}, return_when=asyncio.FIRST_COMPLETED)
    showing.cancel()
    with suppress(asyncio.CancelledError):
        await showing


async def _show(settings: Settings) -> None:
    async with _server(settings) as server:
        lesson = await _create_lesson()
        await _check_same_data(settings, lesson)
        async with _people(settings, lesson) as people:
            _print_links(lesson)
            ends = [asyncio.create_task(process.wait()) for process in (people, server) if process]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            raise DemoError("The server or the synthetic teacher has ended unexpectedly; see the lines above.")


@asynccontextmanager
async def _server(settings: Settings) -> AsyncIterator[Process | None]:
    """The running server (None: somebody else started it) once it is ready."""
    if await _ready(settings):
        yield None
        return
    async with _child(*_WEBCLASS, "serve") as process:
        deadline = asyncio.get_running_loop().time() + _START_S
        while not await _ready(settings):
            if process.returncode is not None or asyncio.get_running_loop().time() > deadline:
                raise DemoError("The server did not start; see the lines above.")
            await asyncio.sleep(_LOOK_EVERY_S)
        yield process


async def _ready(settings: Settings) -> bool:
    """Whether our server answers. `DemoError` when its port is in other hands."""
    taken = DemoError(
        f"Port {settings.http_port} is taken by another program. "
        "End that program or set WEBCLASS_HTTP_PORT to a free port."
    )
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as http,
            http.get(f"{settings.local_url}/readyz") as response,
        ):
            if response.status not in {HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE}:
                raise taken
            return response.status == HTTPStatus.OK
    except aiohttp.ClientConnectorError:
        return False
    except (aiohttp.ClientError, TimeoutError) as error:
        raise taken from error


async def _create_lesson() -> _Created:
    command = (*_WEBCLASS, "lesson", "create", "--title", TITLE, "--json")
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, start_new_session=True)
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise DemoError("The lesson could not be made; see the lines above.")
    return _Created.model_validate(json.loads(output))


async def _check_same_data(settings: Settings, lesson: _Created) -> None:
    """A server that runs already must keep its lessons where we have just made ours."""
    authorization = {"Authorization": f"Bearer {lesson.tokens['viewer']}"}
    async with (
        aiohttp.ClientSession(headers=authorization) as http,
        http.get(f"{settings.local_url}/api/join-info") as response,
    ):
        if response.status != HTTPStatus.OK:
            raise DemoError(
                f"The server on port {settings.http_port} keeps its data elsewhere. "
                "Start the demonstration in its folder and with its settings, or end that server."
            )


@asynccontextmanager
async def _people(settings: Settings, lesson: _Created) -> AsyncIterator[Process]:
    tokens = {role: lesson.tokens[role] for role in ("teacher", "class")}
    cast = Cast(url=settings.local_url, lesson_id=lesson.lesson_id, tokens=tokens)
    async with _child(sys.executable, "-m", "infra.demo.people", stdin=PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(cast.model_dump_json().encode() + b"\n")
        await process.stdin.drain()
        yield process


@asynccontextmanager
async def _child(*command: str, stdin: int | None = None) -> AsyncIterator[Process]:
    """A process of ours that is asked to end with the context and made to after `_STOP_S`.

    It has a session of its own: Ctrl-C in the terminal reaches the demonstration only, which ends them in order.
    """
    process = await asyncio.create_subprocess_exec(
        *command, stdin=stdin, start_new_session=True, preexec_fn=partial(die_with_parent, os.getpid())
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()


def _print_links(lesson: _Created) -> None:
    """The links, each on a line of its own however long, so that a terminal can follow it."""
    console = Console(highlight=False)
    console.print(f"\n[bold]{TITLE}[/bold]")
    for role, purpose in _LINKS.items():
        console.print(f"{purpose}\n  {lesson.links[role]}", soft_wrap=True)
    console.print("Ctrl-C ends the demonstration · Ctrl-C заканчивает показ\n")
