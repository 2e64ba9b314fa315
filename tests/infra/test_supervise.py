"""The supervisor with real processes: small ones that say on a file when they start and are told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import supervise
from infra.supervise import ChildSpec, Supervisor

CHILD = """
import signal, sys, time
file, stubborn = sys.argv[1], sys.argv[2] == "stubborn"
def say(word):
    with open(file, "a") as log: log.write(word + "\\n")
def stop(*_):
    say("stop " + sys.argv[3])
    if not stubborn: sys.exit(0)
signal.signal(signal.SIGTERM, stop)
import os
say(f"start {sys.argv[3]} {os.getpid()}")
while True: signal.pause()
"""

GUARDED = """
import sys
from infra.supervise import die_with_parent
import os, time
die_with_parent(int(sys.argv[1]))
print(os.getpid(), flush=True)
while True: time.sleep(60)
"""

PARENT = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())])
while True: time.sleep(60)
"""


class Log:
    """What the children said so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def lines(self) -> list[str]:
        return self.path.read_text().splitlines()

    def pids(self, name: str) -> list[int]:
        return [int(line.split()[2]) for line in self.lines() if line.startswith(f"start {name} ")]

    def spec(self, name: str, order: int = 0, *, stubborn: bool = False) -> ChildSpec:
        mood = "stubborn" if stubborn else "willing"
        return ChildSpec(name, (sys.executable, "-c", CHILD, str(self.path), mood, name), order)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - other processes give no asyncio event
            await asyncio.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A killed child of init may stay for a moment as a zombie.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


async def test_a_killed_child_is_started_again_and_the_others_stay(log: Log) -> None:
    supervisor = Supervisor([log.spec("a"), log.spec("b")])
    supervisor.start()
    try:
        await until(lambda: bool(log.pids("a") and log.pids("b")))
        os.kill(log.pids("a")[0], signal.SIGKILL)
        await until(lambda: len(log.pids("a")) == 2)
        assert len(log.pids("b")) == 1
    finally:
        await supervisor.stop()
    assert all(gone(pid) for pid in [*log.pids("a"), *log.pids("b")])


async def test_children_stop_in_their_order(log: Log) -> None:
    supervisor = Supervisor([log.spec("second", 1), log.spec("first", 0), log.spec("third", 2)])
    supervisor.start()
    await until(lambda: len(log.lines()) == 3)
    await supervisor.stop()
    assert log.lines()[3:] == ["stop first", "stop second", "stop third"]


async def test_a_child_that_does_not_stop_is_killed(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "STOP_TIMEOUT_S", 0.3)
    supervisor = Supervisor([log.spec("a", stubborn=True)])
    supervisor.start()
    await until(lambda: bool(log.pids("a")))
    await supervisor.stop()
    assert "stop a" in log.lines()
    assert gone(log.pids("a")[0])


async def test_stopping_at_once_leaves_nobody(log: Log) -> None:
    supervisor = Supervisor([log.spec("a"), log.spec("b")])
    supervisor.start()
    await asyncio.sleep(0)
    await supervisor.stop()
    assert all(gone(pid) for pid in [*log.pids("a"), *log.pids("b")])


async def test_a_program_that_cannot_be_started_does_not_stop_the_others(log: Log) -> None:
    supervisor = Supervisor([ChildSpec("missing", ("/nonexistent/program",)), log.spec("b")])
    supervisor.start()
    await until(lambda: bool(log.pids("b")))
    os.kill(log.pids("b")[0], signal.SIGKILL)
    await until(lambda: len(log.pids("b")) == 2)
    await supervisor.stop()


def kill_the_parent_of_a_child() -> int:
    """Returns the child's process id."""
    with subprocess.Popen([sys.executable, "-c", PARENT, GUARDED], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    return child


async def test_a_child_dies_with_its_parent_even_by_kill_9() -> None:
    child = await asyncio.to_thread(kill_the_parent_of_a_child)
    await until(lambda: gone(child))
