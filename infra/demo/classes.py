"""The synthetic classes: join by the WebSocket protocol, raise a hand, take the floor when it is offered."""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp
from aiortc import RTCPeerConnection

from infra.demo.errors import DemoError
from infra.demo.picture import CLASSROOM
from infra.demo.publisher import publishing
from infra.demo.sound import Samples
from signaling.messages import (
    PROTOCOL_VERSION,
    Answer,
    AnswerFloor,
    ClientMessage,
    FloorEnded,
    FloorOffered,
    FromServer,
    Join,
    MediaLost,
    OfferPublish,
    Ping,
    Refused,
    SetHand,
    StopPublish,
    Welcome,
    from_server,
)
from streaming.control import Source

_PING_S: Final = 20.0
_PUBLISH_ID: Final = 1
_SOURCES: Final = {"0": Source.MICROPHONE, "1": Source.CAMERA}


class SyntheticClass:
    """A class that keeps its seat over lost connections."""

    def __init__(self, url: str, token: str, name: str, raises_hand: bool, murmur: Samples) -> None:
        self._url, self._token, self._name = url, token, name
        self._raises_hand, self._murmur = raises_hand, murmur
        self._resume: str | None = None

    async def attend(self, http: aiohttp.ClientSession) -> None:
        """Be in the lesson until the connection ends. Raises `DemoError` when the server refuses."""
        async with http.ws_connect(f"{self._url}/api/classroom") as socket:
            visit = _Visit(socket, self._murmur)
            pings = asyncio.create_task(visit.ping())
            try:
                await visit.send(
                    Join(version=PROTOCOL_VERSION, token=self._token, name=self._name, resume=self._resume)
                )
                async for frame in socket:
                    await self._receive(visit, from_server.validate_json(frame.data))
            finally:
                pings.cancel()
                await visit.leave_floor()

    async def _receive(self, visit: _Visit, message: FromServer) -> None:
        match message:
            case Refused():
                self._resume = None
                raise DemoError(f"{self._name} was refused: {message.message}")
            case Welcome():
                self._resume = message.resume
                if self._raises_hand:
                    await visit.send(SetHand(up=True))
            case _:
                await visit.receive(message)


class _Visit:
    """One connection: what the class does on what it is told."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, murmur: Samples) -> None:
        self._socket, self._murmur = socket, murmur
        self._answer: asyncio.Future[str] | None = None
        self._speaking: asyncio.Task[None] | None = None

    async def send(self, message: ClientMessage) -> None:
        await self._socket.send_str(message.model_dump_json())

    async def ping(self) -> None:
        while True:
            await asyncio.sleep(_PING_S)
            await self.send(Ping())

    async def receive(self, message: FromServer) -> None:
        match message:
            case FloorOffered():
                await self.send(AnswerFloor(accept=True))
                self._speaking = asyncio.create_task(self._speak())
            case Answer(sdp=sdp) if self._answer and not self._answer.done():
                self._answer.set_result(sdp)
            case FloorEnded():
                await self.leave_floor()
                await self.send(StopPublish())
            case MediaLost() if self._speaking:
                await self.leave_floor()
                self._speaking = asyncio.create_task(self._speak())

    async def leave_floor(self) -> None:
        if self._speaking:
            self._speaking.cancel()
            await asyncio.wait({self._speaking})
            self._speaking = None

    async def _speak(self) -> None:
        async with publishing(CLASSROOM, self._murmur, self._negotiate) as ended:
            await ended.wait()

    async def _negotiate(self, connection: RTCPeerConnection) -> str:
        self._answer = asyncio.get_running_loop().create_future()
        offer = connection.localDescription.sdp
        await self.send(OfferPublish(id=_PUBLISH_ID, sdp=offer, sources=_SOURCES))
        return await self._answer
