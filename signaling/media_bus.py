"""All media processes as one: each lesson is pinned to one of them, and moves when its process is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from signaling.errors import MediaRefused, MediaUnavailable
from signaling.media_link import ANSWER_TIMEOUT_S, MediaLink
from signaling.tally import Tally
from streaming.control import (
    Answer,
    CloseRoom,
    Event,
    OpenRoom,
    PeerSummary,
    RefusalCode,
    Refused,
    Request,
    Snapshot,
)

_START_WAIT_S = 2.0


class MediaListener(Protocol):
    """Called from the event loop; must not block."""

    def media_event(self, event: Event) -> None: ...

    def media_found(self, lesson_id: str, peers: Sequence[PeerSummary]) -> None:
        """A process holds this lesson's room already: the web process was restarted."""

    def media_lost(self, lesson_id: str) -> None:
        """The process of this lesson is gone; the lesson is pinned nowhere now."""


class MediaBus:
    """`paths`: one socket per media process. Bounded everywhere: see `media_link`."""

    def __init__(self, paths: Sequence[Path], tally: Tally, timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._tally = tally
        self._links = [
            MediaLink(
                path,
                tally,
                on_up=self._link_up,
                on_down=self._link_down,
                on_event=self._link_event,
                timeout_s=timeout_s,
            )
            for path in paths
        ]
        self._pins: dict[str, MediaLink] = {}
        self._listener: MediaListener | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._any_up = asyncio.Event()
        self._all_up = asyncio.Event()

    async def start(self, listener: MediaListener) -> None:
        """Begin to connect; waits a moment so that rooms of before a restart are known when the first page comes."""
        self._listener = listener
        self._tasks = [asyncio.create_task(link.run()) for link in self._links]
        try:
            async with asyncio.timeout(_START_WAIT_S):
                await self._all_up.wait()
        except TimeoutError:
            self._tally.count("media_not_there_at_start")

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    @property
    def available(self) -> bool:
        """Whether a lesson could be served now."""
        return self._any_up.is_set()

    async def wait_available(self) -> None:
        await self._any_up.wait()

    async def open_room(self, lesson_id: str, max_subscribers: int) -> None:
        """Pin the lesson to a process (the least loaded, sticky) and open its room there; idempotent.

        Raises `MediaUnavailable`.
        """
        while True:
            link = self._pin(lesson_id)
            request = OpenRoom(request_id=0, lesson_id=lesson_id, max_subscribers=max_subscribers)
            try:
                await link.ask(request)
            except MediaRefused as refused:
                self._unpin(lesson_id, link)
                if refused.code is not RefusalCode.DRAINING:
                    raise MediaUnavailable(refused.message) from refused
                link.draining = True
            except MediaUnavailable:
                self._unpin(lesson_id, link)
                raise
            else:
                return

    def close_room(self, lesson_id: str) -> None:
        link = self._pins.get(lesson_id)
        if link is not None:
            self.post(CloseRoom(request_id=0, lesson_id=lesson_id))
            self._unpin(lesson_id, link)

    async def ask(self, request: Request) -> Answer:
        """Ask the lesson's process. Raises `MediaUnavailable` or `MediaRefused`."""
        return await self._of(request).ask(request)

    def post(self, request: Request) -> asyncio.Future[Answer] | None:
        """Tell the lesson's process, in order with all other requests; a refusal is counted, a loss is not an error
        (the lesson starts afresh after it). The answer need not be waited for; None: nobody was told."""
        try:
            future = self._of(request).post(request)
        except MediaUnavailable:
            return None
        future.add_done_callback(lambda done: self._note(request, done))
        return future

    def _note(self, request: Request, done: asyncio.Future[Answer]) -> None:
        if done.cancelled() or done.exception() is not None:
            return
        answer = done.result()
        if isinstance(answer, Refused) and answer.code is not RefusalCode.NO_PEER:
            self._tally.count(f"media_refused_{request.type}", code=answer.code)

    def _of(self, request: Request) -> MediaLink:
        link = self._pins.get(getattr(request, "lesson_id", ""))
        if link is None:
            raise MediaUnavailable("no media process serves this lesson now")
        return link

    def _pin(self, lesson_id: str) -> MediaLink:
        link = self._pins.get(lesson_id)
        if link is None:
            ready = [link for link in self._links if link.up and not link.draining]
            if not ready:
                raise MediaUnavailable("no media process is ready")
            load = {id(link): 0 for link in ready}
            for pinned in self._pins.values():
                if id(pinned) in load:
                    load[id(pinned)] += 1
            link = min(ready, key=lambda link: load[id(link)])
            self._pins[lesson_id] = link
        return link

    def _unpin(self, lesson_id: str, link: MediaLink) -> None:
        if self._pins.get(lesson_id) is link:
            del self._pins[lesson_id]

    def _link_up(self, link: MediaLink, snapshot: Snapshot) -> None:
        for lesson_id in snapshot.lesson_ids:
            if self._pins.setdefault(lesson_id, link) is not link:
                link.post(CloseRoom(request_id=0, lesson_id=lesson_id))  # it has moved on meanwhile
            elif self._listener is not None:
                self._listener.media_found(lesson_id, [p for p in snapshot.peers if p.lesson_id == lesson_id])
        self._note_links()

    def _link_down(self, link: MediaLink) -> None:
        self._tally.count("media_process_lost", path=link.path.name)
        lost = [lesson_id for lesson_id, pinned in self._pins.items() if pinned is link]
        for lesson_id in lost:
            del self._pins[lesson_id]
        self._note_links()
        if self._listener is not None:
            for lesson_id in lost:
                self._listener.media_lost(lesson_id)

    def _link_event(self, link: MediaLink, event: Event) -> None:
        if self._pins.get(event.lesson_id) is link and self._listener is not None:
            self._listener.media_event(event)

    def _note_links(self) -> None:
        for flag, up in ((self._any_up, any), (self._all_up, all)):
            if up(link.up for link in self._links):
                flag.set()
            else:
                flag.clear()
