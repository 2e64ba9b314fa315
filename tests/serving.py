"""The real `webclass serve` as tests use it: a fresh data directory, free ports, its command line."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp

from infra.supervise import die_with_parent

ROOT = Path(__file__).parents[1]
WEBCLASS = (sys.executable, "-m", "infra.cli")
_START_S = 90.0
_STOP_S = 15.0
_LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Lesson:
    """What `webclass lesson create --json` printed."""

    lesson_id: str
    links: dict[str, str]
    tokens: dict[str, str]


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its addresses and process."""

    folder: Path
    http_port: int
    media_port: int
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    @property
    def origin(self) -> str:
        """A secure context without certificates: browsers trust localhost."""
        return f"http://localhost:{self.http_port}"

    def run(self, *arguments: str) -> bytes:
        """Output of a `webclass` command beside the running server."""
        done = subprocess.run(
            (*WEBCLASS, *arguments),
            cwd=self.folder,
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            timeout=60,
        )
        return done.stdout

    def create_lesson(self, title: str = "Физика. Волны", *, kind: str = "full", valid_hours: float = 2.0) -> Lesson:
        options = ("--title", title, "--kind", kind, "--valid-hours", str(valid_hours), "--json")
        found = json.loads(self.run("lesson", "create", *options))
        return Lesson(found["lesson_id"], found["links"], found["tokens"])

    def media_pids(self) -> list[int]:
        """The media processes, children of the supervisor."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"media" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]

    def log(self) -> str:
        return (self.folder / "server.log").read_text(encoding="utf-8", errors="replace")


@asynccontextmanager
async def serving(folder: Path, *, announced: str = "", media_processes: int = 1) -> AsyncIterator[Server]:
    """Start the server in `folder`, wait until it is ready, end it and all its processes."""
    environment = server_environment(folder, announced=announced, media_processes=media_processes)
    process = _start(folder, environment)
    server = Server(
        folder,
        int(environment["WEBCLASS_HTTP_PORT"]),
        int(environment["WEBCLASS_MEDIA_PORT"]),
        environment,
        process,
    )
    try:
        await _ready(server)
        yield server
    finally:
        _end(process)


def _start(folder: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """A test run that is killed takes its server along."""
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(
            (*WEBCLASS, "serve"),
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - one prctl call
        )


def server_environment(folder: Path, *, announced: str = "", media_processes: int = 1) -> dict[str, str]:
    """Settings of a server of its own; nothing of the caller's `WEBCLASS_…` gets in."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("WEBCLASS_")}
    http_port, https_port, media_port = free_ports(3, then=media_processes)
    return inherited | {
        "PYTHONPATH": str(ROOT),
        "WEBCLASS_DATA_DIR": str(folder / "data"),
        "WEBCLASS_HTTP_PORT": str(http_port),
        "WEBCLASS_HTTPS_PORT": str(https_port),
        "WEBCLASS_MEDIA_PORT": str(media_port),
        "WEBCLASS_MEDIA_PROCESSES": str(media_processes),
        "WEBCLASS_MEDIA_ANNOUNCED": announced,
        "WEBCLASS_LOG_FORMAT": "json",
    }


def free_ports(count: int, *, then: int = 1) -> list[int]:
    """Ports that are free for TCP and UDP, the last one with `then - 1` free ones after it."""
    with contextlib.ExitStack() as held:
        found: list[int] = []
        while len(found) < count:
            port = held.enter_context(_bound(0)).getsockname()[1]
            length = then if len(found) == count - 1 else 1
            try:
                for offset in range(length):
                    held.enter_context(_bound(port + offset, socket.SOCK_DGRAM))
                    if offset:
                        held.enter_context(_bound(port + offset))
            except (OSError, OverflowError):
                continue
            found.append(port)
        return found


def _bound(port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> socket.socket:
    bound = socket.socket(socket.AF_INET, kind)
    try:
        bound.bind(("", port))
    except BaseException:
        bound.close()
        raise
    return bound


async def _ready(server: Server) -> None:
    deadline = time.monotonic() + _START_S
    async with aiohttp.ClientSession() as http:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(f"{server.origin}/readyz") as response:
                    if response.ok:
                        return
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server did not start:\n{server.log()}")
            await asyncio.sleep(_LOOK_EVERY_S)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
