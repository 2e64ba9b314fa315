"""What a directory adds: whole objects or none, whatever happens to the writer or the disk."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from archive.directory_store import ABANDONED_AFTER_S, DirectoryStore
from archive.errors import ObjectMissing, StoreError
from tests.serving import ROOT

_WRITER = """
import asyncio, sys
from pathlib import Path
from archive.directory_store import DirectoryStore
async def main():
    store = DirectoryStore(Path(sys.argv[1]))
    for number in range(10_000):
        await store.put(f"a/b{number}/c", bytes([number % 256]) * 300_000)
        print(number, flush=True)
asyncio.run(main())
"""


def killed_writer(root: Path) -> int:
    """Puts object after object until it is killed; how many puts have returned."""
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(root)], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as writer:
        assert writer.stdout is not None
        told = 0
        for _ in writer.stdout:
            told += 1
            if told == 20:
                writer.send_signal(signal.SIGKILL)
    return told


async def test_a_killed_writer_leaves_whole_objects_only(tmp_path: Path) -> None:
    told = killed_writer(tmp_path)
    store = DirectoryStore(tmp_path)
    found = [info async for info in store.list("")]
    assert len(found) >= told >= 20
    for info in found:
        assert info.size == 300_000
        assert len(b"".join([chunk async for chunk in store.read(info.key)])) == 300_000
    await store.close()


async def test_what_a_killed_writer_left_is_removed_later(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    await store.put("a", b"x")
    fresh, old = tmp_path / "new" / "fresh", tmp_path / "new" / "old"
    for path in (fresh, old):
        path.write_bytes(b"half")
    now = time.time()
    os.utime(old, (now - ABANDONED_AFTER_S - 1,) * 2)
    store.set_up(now)
    assert (fresh.exists(), old.exists()) == (True, False)
    await store.close()


async def test_nothing_of_an_object_that_did_not_fit_is_seen(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    await store.put("a/first", b"x")
    (tmp_path / "new").chmod(0)
    if os.geteuid() == 0:  # root writes anywhere: a file in the folder's place stops it as well
        (tmp_path / "new").chmod(0o700)
        (tmp_path / "new").rmdir()
        (tmp_path / "new").write_bytes(b"")
    with pytest.raises(StoreError, match="the store's directory"):
        await store.put("a/second", b"y")
    with pytest.raises(ObjectMissing):
        await store.info("a/second")
    await store.close()


async def test_only_the_server_may_look_inside(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    await store.put("a/b", b"x")
    for path in (tmp_path / "store" / "objects", tmp_path / "store" / "objects" / "a"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "store" / "objects" / "a" / "b").stat().st_mode) == 0o600
    await store.close()
