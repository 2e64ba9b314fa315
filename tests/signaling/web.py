"""The routes of this folder on a real web server, with a real database and a page that speaks the WebSocket."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import aiohttp
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from archive.catalog import Catalog
from archive.deletion import Deletion
from archive.directory_store import DirectoryStore
from archive.shelves import Shelves
from school.accounts import Accounts
from school.feed import FeedSpans
from school.invitations import Invitations
from school.lessons import Lessons
from school.link_capacity import LinkCapacities
from school.link_tests import LinkTests
from school.tables import InvitationRole, LessonKind
from signaling import messages as m
from signaling.app import add_routes
from signaling.link_keys import LinkKeys
from signaling.media_bus import MediaBus
from signaling.messages import Role
from signaling.services import Services
from signaling.tally import Tally

Client = TestClient[Request, Application]
SECRET = b"s" * 32
WAIT_S = 5.0
_M = TypeVar("_M")


class Clock:
    """Monotonic and civil time that can be moved forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def now(self) -> float:
        return time.monotonic() + self.ahead_s

    def wall(self) -> float:
        return time.time() + self.ahead_s


@dataclass
class School:
    """What outlives the web process: database, secret, clock, the media processes' sockets."""

    sessions: async_sessionmaker[AsyncSession]
    sockets: list[Path]
    clock: Clock = field(default_factory=Clock)

    def services(self, *, media_timeout_s: float = 5.0, max_participants: int = 1000) -> Services:
        tally = Tally()
        return Services(
            lessons=Lessons(self.sessions),
            invitations=Invitations(self.sessions, SECRET),
            accounts=Accounts(self.sessions),
            feed=FeedSpans(self.sessions),
            capacities=LinkCapacities(self.sessions),
            link_tests=LinkTests(self.sessions),
            media=MediaBus(self.sockets, tally, media_timeout_s),
            network_url="https://192.0.2.2:8443",
            secret=SECRET,
            link_keys=LinkKeys(SECRET),
            catalog=Catalog(self.sessions),
            shelves=Shelves(self.sessions),
            store=DirectoryStore(self.sockets[0].parent / "store"),
            deletion=Deletion(self.sessions),
            max_participants=max_participants,
            clock=self.clock.now,
            wall=self.clock.wall,
            tally=tally,
        )


@asynccontextmanager
async def web_process(services: Services) -> AsyncIterator[Client]:
    app = Application()
    add_routes(app, services)
    async with TestClient(TestServer(app)) as client:
        yield client


@dataclass
class LessonLinks:
    lesson_id: str
    tokens: dict[Role, str]
    invitation_ids: dict[Role, str]


async def make_lesson(services: Services, *, kind: str = "full", valid_hours: float = 1.0) -> LessonLinks:
    now = services.wall()
    lesson = await services.lessons.create("Физика. Волны", LessonKind(kind), now)
    tokens, ids = {}, {}
    for role in Role:
        invitation = await services.invitations.create(
            lesson.id, InvitationRole(role), valid_hours=valid_hours, created_by="test", now=now
        )
        tokens[role] = services.invitations.token(invitation)
        ids[role] = invitation.id
    return LessonLinks(lesson.id, tokens, ids)


class Page:
    """A page's WebSocket: everything received is kept, so waiting never misses what came before."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.received: list[m.FromServer] = []
        self.welcome: m.Welcome | None = None
        self._ids = 0

    async def send(self, message: m.ClientMessage) -> None:
        await self.socket.send_str(message.model_dump_json())

    async def ask(self, message: m.ClientMessage) -> m.Reply | m.Answer:
        """Send with a fresh id and wait for the answer to it."""
        self._ids += 1
        await self.send(message.model_copy(update={"id": self._ids}))
        number = self._ids
        return await self.wait(m.Reply, lambda r: r.id == number, or_kind=m.Answer)

    async def do(self, message: m.ClientMessage) -> None:
        answer = await self.ask(message)
        assert isinstance(answer, m.Answer) or answer.ok, answer

    async def wait(self, kind: type[_M], matches: object = None, *, or_kind: type | None = None) -> _M:
        """The first message of this kind (and condition), received already or still to come."""
        done = 0
        async with asyncio.timeout(WAIT_S):
            while True:
                for message in self.received[done:]:
                    wanted = isinstance(message, kind) or (or_kind is not None and isinstance(message, or_kind))
                    if wanted and (matches is None or matches(message)):  # type: ignore[operator]
                        return message  # type: ignore[return-value]
                done = len(self.received)
                frame = await self.socket.receive()
                assert frame.type is aiohttp.WSMsgType.TEXT, (frame, self.socket.close_code)
                self.received.append(m.from_server.validate_json(frame.data))

    async def close_code(self) -> int | None:
        """Read to the end; what came is in `received`."""
        async with asyncio.timeout(WAIT_S):
            async for frame in self.socket:
                self.received.append(m.from_server.validate_json(frame.data))
        return self.socket.close_code

    @property
    def id(self) -> str:
        assert self.welcome is not None
        return self.welcome.participant_id


async def join(client: Client, token: str, name: str = "", resume: str | None = None) -> Page:
    """A page that was let in."""
    page = await knock(client, token, name, resume)
    page.welcome = await page.wait(m.Welcome)
    return page


async def knock(client: Client, token: str, name: str = "", resume: str | None = None) -> Page:
    """A page that has sent its join, whatever comes of it."""
    page = Page(await client.ws_connect("/api/classroom"))
    await page.send(m.Join(version=m.PROTOCOL_VERSION, token=token, name=name, resume=resume))
    return page


async def refusal(page: Page) -> tuple[str, int | None]:
    code = await page.close_code()
    refused = [message for message in page.received if isinstance(message, m.Refused)]
    return (refused[-1].code if refused else ""), code
