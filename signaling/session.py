"""`/api/classroom`: the WebSocket by which a page takes part in a lesson (docs/protocol.md)."""

from __future__ import annotations

import asyncio
import json

from aiohttp import WSMsgType, web
from pydantic import ValidationError

from school.errors import BadText, InvitationError
from school.text import clean_line
from signaling import messages as m
from signaling.door import Entry
from signaling.errors import Refusal
from signaling.http import Call, HttpError, invitation_code
from signaling.limits import TokenBucket
from signaling.live import LiveLesson, claim_of, new_participant_id
from signaling.messages import ErrorCode, Role
from signaling.registry import Registry
from signaling.services import Services
from signaling.signatures import read_resume
from signaling.socket_connection import CloseCode, SocketConnection

JOIN_TIMEOUT_S = 10.0
HEARTBEAT_S = 20.0
MESSAGES_PER_S, MESSAGES_BURST = 50.0, 100.0
BAD_IN_A_ROW_MAX = 20
TOO_FAST_IN_A_ROW_MAX = 200
WAITING_TO_JOIN_MAX = 2048
"""Pages connect when their link is opened, before anybody has pressed the button."""
_DEFAULT_NAMES = {Role.TEACHER: "Учитель", Role.CO_TEACHER: "Учитель", Role.CLASS: "Класс", Role.VIEWER: "Зритель"}


class Sessions:
    """All WebSockets of this process."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self._services = services
        self._registry = registry
        self._open: set[SocketConnection] = set()
        self._waiting_to_join = 0
        self._stopping = False

    async def serve(self, call: Call) -> web.WebSocketResponse:
        """Raises `HttpError` when the request cannot become a WebSocket."""
        if not web.WebSocketResponse().can_prepare(call.request):
            raise HttpError(426, "bad_message", "this address speaks WebSocket", {"Upgrade": "websocket"})
        if self._waiting_to_join >= WAITING_TO_JOIN_MAX:
            self._services.tally.count("join_flood")
            raise HttpError(503, "too_fast", "too many are joining at this moment", {"Retry-After": "2"})
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S, max_msg_size=m.MESSAGE_MAX_BYTES, compress=False, timeout=2
        )
        await socket.prepare(call.request)
        connection = SocketConnection(socket, call.request.transport, self._services.tally)
        self._open.add(connection)
        try:
            session = await self._join(socket, connection, call.request.remote)
            if session is not None:
                try:
                    await session.run(socket)
                finally:
                    if not self._stopping:
                        session.left()
        finally:
            await connection.finished()
            self._open.discard(connection)
        return socket

    async def close(self) -> None:
        """The server stops. Pages come back by themselves, so their seats are not counted as lost."""
        self._stopping = True
        connections = list(self._open)
        for connection in connections:
            connection.end(CloseCode.GOING_AWAY, "the server is being restarted")
        await asyncio.gather(*(connection.finished() for connection in connections))

    async def _join(
        self, socket: web.WebSocketResponse, connection: SocketConnection, remote: str | None
    ) -> _Session | None:
        """The first message; None when it was refused."""
        self._waiting_to_join += 1
        try:
            async with asyncio.timeout(JOIN_TIMEOUT_S):
                frame = await socket.receive()
        except TimeoutError:
            connection.end(CloseCode.JOIN_TIMEOUT, "no join message")
            return None
        finally:
            self._waiting_to_join -= 1
        if frame.type is not WSMsgType.TEXT:
            connection.end(CloseCode.POLICY, "the first message must be a join")
            return None
        try:
            return await self._admit(_read_join(frame.data), connection, remote)
        except Refusal as refusal:
            self._services.tally.count(f"join_refused_{refusal.code}")
            connection.refuse(refusal.code, refusal.message)
            return None

    async def _admit(self, join: m.Join, connection: SocketConnection, remote: str | None) -> _Session:
        if join.version != m.PROTOCOL_VERSION:
            raise Refusal(ErrorCode.WRONG_VERSION, f"this server speaks version {m.PROTOCOL_VERSION}: reload the page")
        try:
            invitation = await self._services.invitations.verify(join.token, self._services.wall())
        except InvitationError as error:
            raise Refusal(invitation_code(error), str(error)) from error
        live = await self._registry.get(invitation.lesson_id)
        resume = read_resume(self._services.secret, join.resume) if join.resume else None
        if resume is not None and (resume.lesson_id, resume.invitation_id) != (
            invitation.lesson_id,
            invitation.invitation_id,
        ):
            resume = None
        role = Role(invitation.role)
        entry = Entry(
            role=role,
            invitation_id=invitation.invitation_id,
            expires_at=invitation.expires_at,
            name=_clean_name(join.name) or _DEFAULT_NAMES[role],
            new_id=new_participant_id(),
            claim=claim_of(resume),
        )
        seat, _ = live.enter(entry, resume, connection)
        link = self._services.link_keys.of(remote, invitation.place)
        return _Session(self._services, live, seat.participant_id, connection, link)


SESSIONS = web.AppKey("sessions", Sessions)


async def classroom(call: Call) -> web.WebSocketResponse:
    return await call.request.app[SESSIONS].serve(call)


def _read_join(text: str) -> m.Join:
    try:
        message = m.from_client.validate_json(text)
    except ValidationError as error:
        raise Refusal(ErrorCode.BAD_MESSAGE, "the first message must be a join") from error
    if not isinstance(message, m.Join):
        raise Refusal(ErrorCode.BAD_MESSAGE, "the first message must be a join")
    return message


def _clean_name(name: str) -> str:
    try:
        return clean_line(name, "name", m.NAME_MAX_CHARS, min_chars=0)
    except BadText as error:
        raise Refusal(ErrorCode.BAD_MESSAGE, str(error)) from error


class _Session:
    """A page that has joined: its messages, until the connection ends."""

    def __init__(
        self, services: Services, live: LiveLesson, participant_id: str, connection: SocketConnection, link: str
    ) -> None:
        self._services = services
        self._link = link
        self._live = live
        self._participant_id = participant_id
        self._connection = connection
        self._bucket = TokenBucket(MESSAGES_PER_S, MESSAGES_BURST, services.clock())
        self._bad_in_a_row = 0
        self._too_fast_in_a_row = 0

    def left(self) -> None:
        self._live.left(self._participant_id, self._connection)

    async def run(self, socket: web.WebSocketResponse) -> None:
        async for frame in socket:
            if not self._bucket.take(self._services.clock()):
                self._too_fast()
            elif frame.type is WSMsgType.TEXT:
                await self._take(frame.data)
            else:
                self._bad("", "text messages only")

    def _too_fast(self) -> None:
        self._too_fast_in_a_row += 1
        self._services.tally.count("socket_too_fast")
        if self._too_fast_in_a_row == 1:
            self._reply(None, Refusal(ErrorCode.TOO_FAST, "too many messages: some were dropped"))
        elif self._too_fast_in_a_row >= TOO_FAST_IN_A_ROW_MAX:
            self._connection.end(CloseCode.POLICY, "too many messages")

    def _bad(self, text: str, reason: str) -> None:
        self._bad_in_a_row += 1
        self._services.tally.count("socket_bad_message")
        self._reply(readable_id(text), Refusal(ErrorCode.BAD_MESSAGE, reason))
        if self._bad_in_a_row >= BAD_IN_A_ROW_MAX:
            self._connection.end(CloseCode.POLICY, "too many malformed messages")

    async def _take(self, text: str) -> None:
        self._too_fast_in_a_row = 0
        try:
            message = m.from_client.validate_json(text)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            self._bad(text, f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"[:200])
            return
        self._bad_in_a_row = 0
        try:
            await self._perform(message)
        except Refusal as refusal:
            self._services.tally.count(f"refused_{message.type}")
            self._reply(message.id, refusal)

    async def _perform(self, message: m.FromClient) -> None:
        """Raises `Refusal`."""
        match message:
            case m.OfferPublish():
                answer = await self._live.offer_publish(self._participant_id, message)
                self._connection.send(answer.model_dump_json())
            case m.OfferSubscribe():
                answer = await self._live.offer_subscribe(self._participant_id, message, self._link)
                self._connection.send(answer.model_dump_json())
            case m.Ping():
                self._connection.send(m.Pong(sent=message.sent, now=self._services.wall()).model_dump_json())
            case _:
                effects = self._live.perform(self._participant_id, message)
                if message.id is not None:
                    self._reply(message.id, None)
                self._live.carry_out(effects)
                if isinstance(message, m.Leave):
                    self._connection.end(CloseCode.DONE, "left")

    def _reply(self, message_id: int | None, refusal: Refusal | None) -> None:
        reply = m.Reply(
            id=message_id,
            ok=refusal is None,
            code=refusal.code if refusal is not None else None,
            message=refusal.message if refusal is not None else "",
        )
        self._connection.send(reply.model_dump_json())


def readable_id(text: str) -> int | None:
    """The `id` of a message that is otherwise malformed."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    message_id = found.get("id") if isinstance(found, dict) else None
    return message_id if isinstance(message_id, int) and not isinstance(message_id, bool) and message_id >= 0 else None
