"""A media process in little: it listens on a real socket and speaks `streaming.control`, but holds no media. What it
answers can be made to go wrong, and every request is kept to be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from streaming import control
from streaming.control import Answer, Event, PeerSummary, Request

_R = TypeVar("_R")
WAIT_S = 5.0


class FakeMedia:
    """`answer` replaces the usual answer of a request; returning None leaves it unanswered."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests: list[Request] = []
        self.rooms: dict[str, dict[str, PeerSummary]] = {}
        self.answer: Callable[[Request], Answer | bytes | None] | None = None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Condition()

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.path, limit=control.MESSAGE_MAX_BYTES)

    async def kill(self) -> None:
        """Gone with everything it held, as after kill -9."""
        self.rooms.clear()
        await self.cut()
        if self._server is not None:
            self._server.close()
            self._server = None
        self.path.unlink(missing_ok=True)

    async def cut(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def emit(self, event: Event) -> None:
        self.write(control.encode(event))

    def write(self, data: bytes) -> None:
        for writer in self._writers:
            writer.write(data)

    def of(self, kind: type[_R]) -> list[_R]:
        return [request for request in self.requests if isinstance(request, kind)]

    async def wait_for(self, kind: type[_R], matches: Callable[[_R], bool] = lambda _: True) -> _R:
        """The first such request, once it has come."""
        async with asyncio.timeout(WAIT_S), self._changed:
            while True:
                found = [request for request in self.of(kind) if matches(request)]
                if found:
                    return found[0]
                await self._changed.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                request = control.decode_request(line)
                self.requests.append(request)
                special = self.answer(request) if self.answer is not None else self._usual(request)
                if isinstance(special, bytes):
                    writer.write(special)
                elif special is not None:
                    writer.write(control.encode(special))
                async with self._changed:
                    self._changed.notify_all()
        except (ConnectionError, ValueError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def usual(self, request: Request) -> Answer:
        """What a media process in good health answers."""
        return self._usual(request)

    def _usual(self, request: Request) -> Answer:
        number = request.request_id
        match request:
            case control.GetSnapshot():
                peers = [peer for room in self.rooms.values() for peer in room.values()]
                return control.Snapshot(request_id=number, lesson_ids=list(self.rooms), peers=peers)
            case control.OpenRoom():
                self.rooms.setdefault(request.lesson_id, {})
            case control.CloseRoom():
                self.rooms.pop(request.lesson_id, None)
            case control.Publish() | control.Subscribe():
                return self._join(request)
            case control.ClosePeer():
                self.rooms.get(request.lesson_id, {}).pop(request.peer_id, None)
            case control.RestartIce():
                return control.IceRestarted(
                    request_id=number,
                    ufrag="ours",
                    password="p" * 22,
                    candidates=["candidate:1 1 udp 1 127.0.0.1 7700 typ host"],
                )
        return control.Done(request_id=number)

    def _join(self, request: control.Publish | control.Subscribe) -> Answer:
        room = self.rooms.get(request.lesson_id)
        if room is None:
            return self._refuse(request, control.RefusalCode.NO_ROOM)
        if not request.sdp.startswith("v=0"):
            return self._refuse(request, control.RefusalCode.BAD_SDP)
        publishes = isinstance(request, control.Publish)
        room[request.peer_id] = PeerSummary(
            lesson_id=request.lesson_id,
            peer_id=request.peer_id,
            role="publisher" if publishes else "subscriber",
            state=control.PeerState.CONNECTED,
            flowing=[control.Source.MICROPHONE, control.Source.CAMERA] if publishes else [],
        )
        return control.Answered(request_id=request.request_id, sdp=f"v=0 answer to {request.peer_id}")

    def _refuse(self, request: Request, code: control.RefusalCode) -> control.Refused:
        return control.Refused(request_id=request.request_id, code=code, message="refused by the test's media process")
