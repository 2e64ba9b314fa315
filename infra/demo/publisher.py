"""One sending connection of a synthetic person: aiortc's own RTCPeerConnection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from infra.demo.errors import DemoError
from infra.demo.picture import Board, Painter
from infra.demo.sound import Samples
from infra.demo.tracks import Camera, Microphone

_CONNECT_S: Final = 15.0

Negotiate = Callable[[RTCPeerConnection], Awaitable[str]]
"""Carries `localDescription` of the connection to the server and returns the answer's SDP."""


@asynccontextmanager
async def publishing(board: Board, samples: Samples, negotiate: Negotiate) -> AsyncIterator[asyncio.Event]:
    """Send picture and sound while the context lasts; the event tells that the connection has ended on its own.

    Raises `DemoError` when it isn't connected in time, and whatever `negotiate` raises.
    """
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    ended, connected = asyncio.Event(), asyncio.Event()

    @connection.on("connectionstatechange")
    def changed() -> None:
        if connection.connectionState == "connected":
            connected.set()
        elif connection.connectionState in {"failed", "closed"}:
            ended.set()

    tracks = [Microphone(samples), Camera(Painter(board))]
    try:
        for track in tracks:
            connection.addTransceiver(track, direction="sendonly")
        await connection.setLocalDescription(await connection.createOffer())
        answer = await negotiate(connection)
        await connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        try:
            await asyncio.wait_for(connected.wait(), _CONNECT_S)
        except TimeoutError as error:
            raise DemoError("the media connection did not come up") from error
        yield ended
    finally:
        await connection.close()
        for track in tracks:
            track.stop()
