"""`/api/link-test`: the WebSocket of a link test (docs/protocol.md), and what past tests have found."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Final

from aiohttp import WSMessage, WSMsgType, web
from pydantic import BaseModel, ValidationError

from school.errors import BadText, InvitationError, NotFound
from school.link_tests import PlaceTests
from school.tables import InvitationRole
from school.text import LABEL_MAX_CHARS, clean_line
from signaling import api_models as a
from signaling.http import Call, HttpError, invitation_code
from signaling.limits import TokenBucket
from signaling.link_test import LAST_S, notes
from signaling.link_test_messages import (
    LINK_TEST_VERSION,
    BeginLinkTest,
    LinkTestFromClient,
    LinkTestRefused,
    LinkTestTrouble,
    LinkTestWaiting,
    link_test_from_client,
)
from signaling.link_test_places import LinkTestPlaces, LinkTestRefusal, Visitor
from signaling.link_test_run import LinkTestRun
from signaling.messages import MESSAGE_MAX_BYTES
from signaling.registry import Registry
from signaling.services import Services
from signaling.socket_connection import CloseCode, SocketConnection

BEGIN_TIMEOUT_S: Final = 10.0
LIFETIME_S: Final = sum(LAST_S.values()) + 6.0
"""Of a test, whatever happens."""
TICK_S: Final = 0.2
HEARTBEAT_S: Final = 10.0
SOCKETS_MAX: Final = 64
MESSAGES_PER_S, MESSAGES_BURST = 5.0, 20.0
INBOX_MAX: Final = 16
LINK_SHOWN_CHARS: Final = 8


class LinkTestSessions:
    """All link tests of this process, and those who wait."""

    def __init__(self, services: Services, registry: Registry) -> None:
        self._services = services
        self._registry = registry
        self._places = LinkTestPlaces(registry)
        self._open: set[SocketConnection] = set()

    async def serve(self, call: Call) -> web.WebSocketResponse:
        """Raises `HttpError` when the request cannot become a WebSocket."""
        if not web.WebSocketResponse().can_prepare(call.request):
            raise HttpError(426, "bad_message", "this address speaks WebSocket", {"Upgrade": "websocket"})
        if len(self._open) >= SOCKETS_MAX:
            self._services.tally.count("link_test_flood")
            raise HttpError(503, "too_fast", "too many test their links at this moment", {"Retry-After": "30"})
        socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S, max_msg_size=MESSAGE_MAX_BYTES, compress=False, timeout=2)
        await socket.prepare(call.request)
        connection = SocketConnection(socket, call.request.transport, self._services.tally)
        self._open.add(connection)
        try:
            await self._test(call, socket, connection)
        except LinkTestRefusal as refused:
            self._services.tally.count(f"link_test_refused_{refused.code}")
            connection.send(LinkTestRefused(code=refused.code, message=str(refused)).model_dump_json())
            connection.end(CloseCode.REFUSED, refused.code)
        finally:
            await connection.finished()
            self._open.discard(connection)
        return socket

    async def close(self) -> None:
        """The server stops."""
        connections = list(self._open)
        for connection in connections:
            connection.end(CloseCode.GOING_AWAY, "the server is being restarted")
        await asyncio.gather(*(connection.finished() for connection in connections))

    async def _test(self, call: Call, socket: web.WebSocketResponse, connection: SocketConnection) -> None:
        """Until the test is over or the page gone. Raises `LinkTestRefusal`."""
        begin = await _first_message(socket)
        place, invited = await self._identify(begin)
        link = self._services.link_keys.of(call.request.remote)
        visitor = Visitor(link, link or call.request.remote or "", invited)
        inbox: asyncio.Queue[LinkTestFromClient] = asyncio.Queue(INBOX_MAX)
        reading = asyncio.create_task(self._read(socket, inbox))
        working = asyncio.create_task(self._work(visitor, place, inbox, connection))
        try:
            done, _ = await asyncio.wait({reading, working}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            reading.cancel()
            working.cancel()
            await asyncio.gather(reading, working, return_exceptions=True)

    async def _read(self, socket: web.WebSocketResponse, inbox: asyncio.Queue[LinkTestFromClient]) -> None:
        """Raises `LinkTestRefusal`."""
        bucket = TokenBucket(MESSAGES_PER_S, MESSAGES_BURST, self._services.clock())
        async for frame in socket:
            message = _parse(frame)
            if inbox.full() or not bucket.take(self._services.clock()):
                raise LinkTestRefusal(LinkTestTrouble.BAD_MESSAGE, "too many messages")
            inbox.put_nowait(message)

    async def _work(
        self, visitor: Visitor, place: str, inbox: asyncio.Queue[LinkTestFromClient], connection: SocketConnection
    ) -> None:
        """Raises `LinkTestRefusal`."""

        def send(message: BaseModel) -> None:
            connection.send(message.model_dump_json())

        def tell_waiting(same_link: bool) -> None:
            send(LinkTestWaiting(same_link=same_link))

        async with self._places.place(visitor, self._services.clock(), tell_waiting):
            run = LinkTestRun(self._services, visitor.link, place, send, self._registry.record)
            self._registry.attend(run.room_id, run)
            try:
                async with asyncio.timeout(LIFETIME_S):
                    await run.open()
                    while not run.done:
                        await _step(run, inbox)
            except TimeoutError as error:
                raise LinkTestRefusal(LinkTestTrouble.MEDIA_UNAVAILABLE, "the test took too long") from error
            finally:
                run.close()
                self._registry.leave(run.room_id)

    async def _identify(self, begin: BeginLinkTest) -> tuple[str, bool]:
        """The place's name, and whether a valid invitation was shown. Raises `LinkTestRefusal`."""
        try:
            place = clean_line(begin.place, "place", LABEL_MAX_CHARS, min_chars=0)
        except BadText as error:
            raise LinkTestRefusal(LinkTestTrouble.BAD_MESSAGE, str(error)) from error
        if begin.token is None:
            return place, False
        invitations = self._services.invitations
        try:
            claims = await invitations.verify(begin.token, self._services.wall())
            invitation = await invitations.get(claims.invitation_id)
        except (InvitationError, NotFound) as error:
            code = invitation_code(error) if isinstance(error, InvitationError) else LinkTestTrouble.BAD_TOKEN
            raise LinkTestRefusal(LinkTestTrouble(code), str(error)) from error
        # Other labels may be names of people, who have no business in a list of links.
        known = invitation.label if invitation.role == InvitationRole.CLASS else ""
        return known or place, True


async def _step(run: LinkTestRun, inbox: asyncio.Queue[LinkTestFromClient]) -> None:
    """Take one message, or wait a moment for one. Raises `LinkTestRefusal`."""
    try:
        async with asyncio.timeout(TICK_S):
            message = await inbox.get()
    except TimeoutError:
        run.tick()
        return
    await run.take(message)
    run.tick()


async def _first_message(socket: web.WebSocketResponse) -> BeginLinkTest:
    """Raises `LinkTestRefusal`."""
    try:
        async with asyncio.timeout(BEGIN_TIMEOUT_S):
            message = _parse(await socket.receive())
    except TimeoutError as error:
        raise LinkTestRefusal(LinkTestTrouble.BAD_MESSAGE, "the first message did not come") from error
    if not isinstance(message, BeginLinkTest):
        raise LinkTestRefusal(LinkTestTrouble.BAD_MESSAGE, "the first message must be a begin")
    if message.version != LINK_TEST_VERSION:
        raise LinkTestRefusal(LinkTestTrouble.WRONG_VERSION, f"this server speaks version {LINK_TEST_VERSION}")
    return message


def _parse(frame: WSMessage) -> LinkTestFromClient:
    if frame.type is not WSMsgType.TEXT:
        raise LinkTestRefusal(LinkTestTrouble.BAD_MESSAGE, "text messages only")
    try:
        return link_test_from_client.validate_json(frame.data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise LinkTestRefusal(LinkTestTrouble.BAD_MESSAGE, f"{where}: {first['msg']}"[:200]) from error


LINK_TESTS = web.AppKey("link_tests", LinkTestSessions)


async def link_test(call: Call) -> web.WebSocketResponse:
    return await call.request.app[LINK_TESTS].serve(call)


async def list_link_tests(call: Call) -> a.LinkTestsOut:
    found = await call.services.link_tests.by_place(call.now)
    return a.LinkTestsOut(places=[_place(place) for place in found])


def _place(found: PlaceTests) -> a.PlaceLinkTests:
    return a.PlaceLinkTests(
        place=found.place,
        link=found.link[:LINK_SHOWN_CHARS],
        tests=[
            a.LinkTestOut(
                receiving=test.receiving,
                sending=test.sending,
                notes=notes(test.figures),
                tested_at=test.at,
                **asdict(test.figures),
            )
            for test in found.tests
        ],
    )
