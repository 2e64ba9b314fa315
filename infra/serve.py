"""`webclass serve`: prepare, supervise, and tell the person at the keyboard where to go."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

import aiohttp
from rich.console import Console
from rich.text import Text

from infra.addresses import bracketed, network_url
from infra.certificates import fingerprint
from infra.ports import check_ports
from infra.preparation import open_school
from infra.processes import children
from infra.settings import Settings, Tls
from infra.supervise import Supervisor, wait_for_stop_signal

READY_POLL_S = 0.1


async def serve(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT, then stops all processes in order. Raises `InfraError` when it cannot start."""
    check_ports(settings)
    sign_in_link = await first_sign_in_link(settings)
    stop = asyncio.ensure_future(wait_for_stop_signal())
    supervisor = Supervisor(children(settings))
    supervisor.start()
    welcome = asyncio.create_task(_welcome(settings, sign_in_link))
    try:
        await stop
    finally:
        welcome.cancel()
        await asyncio.gather(welcome, return_exceptions=True)
        await supervisor.stop()


async def first_sign_in_link(settings: Settings) -> str | None:
    """A one-time link while the administrator has no password; on the first run this makes the administrator too."""
    async with open_school(settings) as school:
        administrator = await school.accounts.ensure_first(time.time())
        if administrator.password_hash is not None:
            return None
        return f"{settings.local_url}/sign-in#{await school.accounts.create_link(administrator.id, time.time())}"


async def wait_ready(url: str) -> None:
    """Returns when `/readyz` answers 200."""
    async with aiohttp.ClientSession() as session:
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(f"{url}/readyz", timeout=aiohttp.ClientTimeout(total=2)) as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(READY_POLL_S)


async def _welcome(settings: Settings, sign_in_link: str | None) -> None:
    listening_everywhere = settings.host in {"", "0.0.0.0", "::"}  # noqa: S104
    await wait_ready(f"http://{'localhost' if listening_everywhere else bracketed(settings.host)}:{settings.http_port}")
    console = Console(file=sys.stdout, soft_wrap=True, highlight=False)
    console.print()
    console.print(Text("webclass работает · webclass is running", style="bold"))
    _line(console, "На этом компьютере · On this computer", settings.local_url)
    _line(console, "В сети · In the network", network_url(settings))
    if settings.tls is Tls.LOCAL:
        trust = network_url(settings).replace("https://", "http://", 1).rsplit(":", 1)[0]
        _line(console, "Доверие браузеров · Make browsers trust it", f"{trust}:{settings.http_port}/trust")
        _line(console, "Отпечаток · Fingerprint", fingerprint(settings.secrets_dir / "ca.crt"))
    if sign_in_link is not None:
        _line(console, "Вход администратора, один раз, 1 час · Administrator's sign-in, once, 1 hour", sign_in_link)
    console.print("  Ctrl-C останавливает · stops it\n")


def _line(console: Console, title: str, value: str) -> None:
    console.print(Text(f"  {title}:\n    "), Text(value, style="bold cyan"), sep="")
