"""Framing of ICE-TCP: whatever way the bytes are cut, and whatever they are."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from streaming.net import tcp
from streaming.net.tcp import FRAME_MAX_BYTES, TcpListener, TcpPath
from tests.streaming.net.client import HOST, until


class Owner:
    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.lost: list[TcpPath] = []
        self.paths: list[TcpPath] = []

    def frame_received(self, path: TcpPath, frame: bytes) -> None:
        if path not in self.paths:
            self.paths.append(path)
        self.frames.append(frame)

    def path_lost(self, path: TcpPath) -> None:
        self.lost.append(path)


class Door:
    def __init__(self, listener: TcpListener, owner: Owner, port: int) -> None:
        self.listener = listener
        self.owner = owner
        self.port = port

    async def enter(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, self.port)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    owner = Owner()
    listener = await TcpListener.open(HOST, 0, owner)
    yield Door(listener, owner, listener._server.sockets[0].getsockname()[1])
    await listener.close()


def framed(frame: bytes) -> bytes:
    return len(frame).to_bytes(2, "big") + frame


async def test_frames_come_out_whole_however_they_are_cut(door: Door) -> None:
    chance = random.Random(4)
    frames = [chance.randbytes(chance.choice([1, 2, 100, FRAME_MAX_BYTES])) for _ in range(60)]
    stream = b"".join(framed(frame) + framed(b"") for frame in frames)
    _, writer = await door.enter()
    while stream:
        cut = chance.choice([1, 2, 3, 500, 5000])
        writer.write(stream[:cut])
        await writer.drain()
        stream = stream[cut:]
    await until(lambda: len(door.owner.frames) == len(frames))
    assert door.owner.frames == frames
    writer.close()
    await until(lambda: door.owner.lost == door.owner.paths)


@pytest.mark.parametrize("start", [b"\xff\xff", b"GET / HTTP/1.1\r\n\r\n", b"\x05\xdd"])
async def test_what_is_not_framed_so_is_shut_out(door: Door, start: bytes) -> None:
    reader, writer = await door.enter()
    writer.write(start + bytes(10))
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    assert door.owner.frames == []
    assert not door.listener.paths
    writer.close()


async def test_silent_connections_are_closed_but_claimed_ones_stay(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "SILENT_S", 0.05)
    reader, writer = await door.enter()
    _, claimed = await door.enter()
    claimed.write(framed(b"claims"))
    await until(lambda: door.owner.paths)
    door.owner.paths[0].claimed = True
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    assert door.listener.paths == {door.owner.paths[0]}
    writer.close()
    claimed.close()


async def test_connections_are_bounded(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp, "CONNECTIONS_MAX", 2)
    inside = [await door.enter() for _ in range(2)]
    await until(lambda: len(door.listener.paths) == 2)
    reader, writer = await door.enter()
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await reader.readexactly(1)
    assert len(door.listener.paths) == 2
    for _, each in [*inside, (reader, writer)]:
        each.close()


async def test_a_peer_that_does_not_read_loses_frames_and_nobody_waits(door: Door) -> None:
    reader, writer = await door.enter()
    writer.write(framed(b"hello"))
    await until(lambda: door.owner.paths)
    (path,) = door.owner.paths
    frame = bytes(1400)
    for _ in range(20_000):
        if not path.send(frame):
            break
    assert path.dropped == 1
    received = await reader.readexactly(2 + len(frame))
    assert received == framed(frame)
    path.close()
    await until(lambda: door.owner.lost)
    assert not path.send(frame)
    writer.close()
