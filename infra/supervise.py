"""`webclass serve`: starts the processes, restarts those that die, and ends them all, whatever happens to itself."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from infra.backoff import Backoff

STOP_TIMEOUT_S = 10.0
_PR_SET_PDEATHSIG: Final = 1

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """One process: its name in the logs and its whole command line. Children of a lower `stop_order` stop first."""

    name: str
    command: tuple[str, ...]
    stop_order: int = 0


@dataclass(slots=True, eq=False)
class _Child:
    spec: ChildSpec
    backoff: Backoff = field(default_factory=Backoff)
    process: asyncio.subprocess.Process | None = None
    keeper: asyncio.Task[None] | None = None


def die_with_parent(parent_pid: int) -> None:
    """Called first in a child: the kernel kills it when its supervisor dies, even by kill -9 (prctl(2), Linux)."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        sys.exit("the supervisor is gone already")


async def wait_for_stop_signal() -> signal.Signals:
    """Returns at the first SIGTERM or SIGINT."""
    stopped: asyncio.Future[signal.Signals] = asyncio.get_running_loop().create_future()

    def stop(number: signal.Signals) -> None:
        if not stopped.done():
            stopped.set_result(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop, number)
    return await stopped


class Supervisor:
    """Keeps the given processes running until `stop`."""

    def __init__(self, specs: list[ChildSpec], clock: Callable[[], float] = time.monotonic) -> None:
        self._children = [_Child(spec) for spec in specs]
        self._clock = clock

    def start(self) -> None:
        for child in self._children:
            child.keeper = asyncio.create_task(self._keep(child), name=f"keep {child.spec.name}")

    async def stop(self) -> None:
        """End the children group by group: SIGTERM, and SIGKILL for those still there after 10 s."""
        # First no more restarts; a keeper that is just starting a process hands it over before it ends.
        keepers = [child.keeper for child in self._children if child.keeper is not None]
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        for order in sorted({child.spec.stop_order for child in self._children}):
            await asyncio.gather(*(_end(child) for child in self._children if child.spec.stop_order == order))

    async def _keep(self, child: _Child) -> None:
        while True:
            reason = await self._live(child)
            now = self._clock()
            delay_s = child.backoff.crashed(now)
            _log.error("ended unexpectedly; restarting", child=child.spec.name, reason=reason, in_s=delay_s)
            if child.backoff.is_loop(now):
                _log.error("keeps crashing: its own lines above say why; trying on", child=child.spec.name)
            await asyncio.sleep(delay_s)

    async def _live(self, child: _Child) -> str:
        """One life of the child, from its start; returns why it ended."""
        start = asyncio.ensure_future(_spawn(child.spec))
        try:
            child.process = await asyncio.shield(start)
        except asyncio.CancelledError:
            # Stopped while starting: the process must not be lost from sight.
            with contextlib.suppress(OSError):
                child.process = await start
            raise
        except OSError as error:
            return f"cannot be started: {error}"
        _log.info("started", child=child.spec.name, pid=child.process.pid)
        return _reason(await child.process.wait())


async def _spawn(spec: ChildSpec) -> asyncio.subprocess.Process:
    # A session of its own: Ctrl-C in the terminal reaches only the supervisor, which then stops all in order.
    return await asyncio.create_subprocess_exec(*spec.command, stdin=asyncio.subprocess.DEVNULL, start_new_session=True)


async def _end(child: _Child) -> None:
    process = child.process
    if process is None or process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        _log.warning("did not stop in time; killing it", child=child.spec.name, pid=process.pid)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
