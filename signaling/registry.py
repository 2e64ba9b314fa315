"""All lessons that run in this process: found or brought up from their records, watched, and put away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from itertools import chain
from typing import Protocol

import structlog

from school.errors import NotFound, SchoolError
from school.tables import LessonRecording
from signaling.classroom import HOLD_S, Classroom
from signaling.door import Entry
from signaling.errors import Refusal
from signaling.figures import LessonFigures
from signaling.limits import Moment
from signaling.live import LiveLesson, new_participant_id
from signaling.messages import ErrorCode, LessonInfo, LessonState, Role
from signaling.recording import RecordingChoice
from signaling.seats import Seat
from signaling.services import Services
from streaming.control import Event, PeerSummary

_log = structlog.get_logger()

_TICK_S = 0.25
_CHECK_S = 0.5
_IDLE_S = 120.0
_KEEP_LINKS_S = 60.0
_RECORDS_MAX = 1000
_RECORD_TRIES = 8
_TESTS_UP_TO_SHARE = 0.5
"""Of a full lesson, receiving in all: beyond it nobody tests links."""
_STANDARD_CLIENT_NAMES = {Role.TEACHER: "Учитель", Role.VIEWER: "Зритель"}


class RoomListener(Protocol):
    """Whoever runs a media room that is no lesson's."""

    def media_event(self, event: Event) -> None: ...

    def media_lost(self) -> None: ...


class Registry:
    """Listens to the media bus and keeps the running lessons in step with the database: a lesson that was ended and an
    invitation that was revoked, by whomever, take effect within `_CHECK_S`."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._lessons: dict[str, LiveLesson] = {}
        self._loading: dict[str, asyncio.Lock] = {}
        self._attended: dict[str, RoomListener] = {}
        self._records: asyncio.Queue[Callable[[], Awaitable[object]]] = asyncio.Queue(_RECORDS_MAX)
        self._tasks: set[asyncio.Task[None]] = set()
        self._check_now = asyncio.Event()

    async def start(self) -> None:
        await self._recall_links()
        self._keep(self._write_records())
        self._keep(self._keep_links())
        self._keep(self._tick())
        self._keep(self._watch())
        await self._services.media.start(self)

    async def close(self) -> None:
        """Everything still to be written is written, for as long as that makes sense."""
        self._record_links()
        try:
            async with asyncio.timeout(5):
                await self._records.join()
        except TimeoutError:
            self._services.tally.count("records_lost_at_stop")
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for lesson in self._lessons.values():
            await lesson.close()
        await self._services.media.close()

    def _keep(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ------------------------------------------------------------ finding lessons

    def find(self, lesson_id: str) -> LiveLesson | None:
        """The lesson if it runs here already."""
        return self._lessons.get(lesson_id)

    async def get(self, lesson_id: str) -> LiveLesson:
        """The lesson, brought up if need be. Raises `Refusal` (ENDED; BAD_TOKEN when there is none)."""
        lock = self._loading.setdefault(lesson_id, asyncio.Lock())
        try:
            async with lock:
                found = self._lessons.get(lesson_id)
                if found is None:
                    found = self._lessons[lesson_id] = await self._load(lesson_id)
                return found
        finally:
            if not lock.locked():
                self._loading.pop(lesson_id, None)

    async def _load(self, lesson_id: str) -> LiveLesson:
        services = self._services
        try:
            record = await services.lessons.get(lesson_id)
        except NotFound as error:
            raise Refusal(ErrorCode.BAD_TOKEN, "there is no such lesson") from error
        if record.state == LessonState.ENDED:
            raise Refusal(ErrorCode.ENDED, "the lesson has ended")
        at = services.moment()
        minutes = await services.feed.minutes(lesson_id, at.wall)
        # A span that is still open grows with the time that is asked for.
        later = await services.feed.minutes(lesson_id, at.wall + 60)
        info = LessonInfo(
            lesson_id=lesson_id,
            title=record.title,
            kind="partial" if record.kind == "partial" else "full",
            state=LessonState(record.state),
            locked=False,
            live_since=record.live_since,
        )
        room = Classroom(
            info,
            at,
            max_participants=services.max_participants,
            reinstate_until=at.now + HOLD_S,
            minutes=minutes,
            recording=RecordingChoice(LessonRecording(record.recording).value, record.recording_number),
            feeding=[name for name in later if later[name] > minutes.get(name, 0.0)],
        )
        return LiveLesson(services, room, self.record)

    def figures(self) -> dict[str, LessonFigures]:
        """Of each lesson that runs here, by its id."""
        return {lesson_id: lesson.room.figures for lesson_id, lesson in self._lessons.items()}

    def end(self, lesson_id: str) -> None:
        """End a lesson from outside the classroom; the record is the caller's to write."""
        lesson = self._lessons.get(lesson_id)
        if lesson is not None:
            lesson.room.set_state(LessonState.ENDED, self._services.moment())
            lesson.carry_out()

    # ------------------------------------------------------------ link tests

    def attend(self, room_id: str, listener: RoomListener) -> None:
        """Hand on what the media process tells of a room that is no lesson's, until `leave`."""
        self._attended[room_id] = listener

    def leave(self, room_id: str) -> None:
        self._attended.pop(room_id, None)

    def lesson_behind(self, link: str) -> bool:
        """Whether somebody behind this link is in a lesson that is live."""
        return any(seat.link_key == link and seat.subscriber is not None for seat in self._live_seats())

    def has_room_for_tests(self) -> bool:
        """Whether live lessons leave something of the server."""
        receiving = sum(seat.subscriber is not None for seat in self._live_seats())
        return receiving < _TESTS_UP_TO_SHARE * self._services.max_participants

    def _live_seats(self) -> Iterator[Seat]:
        live = (each for each in self._lessons.values() if each.room.lesson.state is LessonState.LIVE)
        return chain.from_iterable(lesson.room.seats.values() for lesson in live)

    # ------------------------------------------------------------ the media bus

    def media_event(self, event: Event) -> None:
        listener = self._lessons.get(event.lesson_id) or self._attended.get(event.lesson_id)
        if listener is not None:
            listener.media_event(event)

    def media_found(self, lesson_id: str, peers: Sequence[PeerSummary]) -> None:
        self._keep(self._found(lesson_id, peers))

    async def _found(self, lesson_id: str, peers: Sequence[PeerSummary]) -> None:
        try:
            lesson = await self.get(lesson_id)
        except Refusal:
            self._services.media.close_room(lesson_id)
            return
        lesson.media_found(peers)
        for participant_id, invitation_id in lesson.orphans_of_standard_clients():
            await self._reseat(lesson, participant_id, invitation_id)

    async def _reseat(self, lesson: LiveLesson, participant_id: str, invitation_id: str) -> None:
        try:
            invitation = await self._services.invitations.get(invitation_id)
        except SchoolError:
            return
        publishes = lesson.has_orphan(participant_id, "publish")
        role = Role.TEACHER if publishes and invitation.role == Role.TEACHER else Role.VIEWER
        if invitation.lesson_id == lesson.lesson_id and (role is Role.TEACHER or not publishes):
            lesson.reseat_standard_client(
                standard_entry(role, invitation_id, float(invitation.expires_at), participant_id)
            )

    def media_lost(self, lesson_id: str) -> None:
        listener = self._lessons.get(lesson_id) or self._attended.get(lesson_id)
        if listener is not None:
            listener.media_lost()

    # ------------------------------------------------------------ watching

    def check_soon(self) -> None:
        """Look at invitations and lessons at once: something was just revoked or ended."""
        self._check_now.set()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            for lesson in list(self._lessons.values()):
                try:
                    lesson.tick()
                except Exception:
                    # Our own mistake in one lesson must not stop the others.
                    self._services.tally.count("tick_failed")
                    _log.exception("a lesson could not be brought up to time", lesson_id=lesson.lesson_id)
            await self._put_away(self._services.clock())

    async def _watch(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CHECK_S):
                    await self._check_now.wait()
            self._check_now.clear()
            for lesson in list(self._lessons.values()):
                try:
                    await self._check(lesson, self._services.moment())
                except Exception as error:
                    # A database that is away for a while must not end the watch.
                    self._services.tally.count("check_failed", error=type(error).__name__)

    async def _check(self, lesson: LiveLesson, at: Moment) -> None:
        seats = lesson.room.seats.values()
        over = await self._services.invitations.ended({seat.invitation_id for seat in seats}, at.wall)
        record = await self._services.lessons.get(lesson.lesson_id)
        expired = [s for s in seats if s.invitation_id in over and s.expires_at <= at.wall]
        revoked = [s for s in seats if s.invitation_id in over and s.expires_at > at.wall]
        lesson.room.end_seats(expired, ErrorCode.EXPIRED, "the invitation has expired", at)
        lesson.room.end_seats(revoked, ErrorCode.REVOKED, "the invitation was revoked", at)
        if record.state == LessonState.ENDED:
            lesson.room.set_state(LessonState.ENDED, at)
        elif (record.title, record.kind) != (lesson.room.lesson.title, lesson.room.lesson.kind):
            lesson.room.change_lesson(title=record.title, kind=record.kind)
        lesson.carry_out()

    async def _put_away(self, now: float) -> None:
        for lesson in list(self._lessons.values()):
            if lesson.idle_since is not None and now - lesson.idle_since > _IDLE_S:
                del self._lessons[lesson.lesson_id]
                self._services.media.close_room(lesson.lesson_id)
                await lesson.close()

    # ------------------------------------------------------------ records

    def record(self, write: Callable[[], Awaitable[object]]) -> None:
        """Have something written to the database, in order, without waiting for it."""
        try:
            self._records.put_nowait(write)
        except asyncio.QueueFull:
            self._services.tally.count("record_dropped")

    async def _recall_links(self) -> None:
        try:
            self._services.link_memory.remember(await self._services.capacities.all(self._today()))
        except Exception as error:
            # Lessons go on without it; viewers begin as on links that nobody knows.
            self._services.tally.count("links_not_recalled", error=type(error).__name__)

    async def _keep_links(self) -> None:
        while True:
            await asyncio.sleep(_KEEP_LINKS_S)
            self._record_links()

    def _record_links(self) -> None:
        proven, today = self._services.link_memory.take_changed(), self._today()
        if proven:
            self.record(lambda: self._services.capacities.keep(proven, today))

    def _today(self) -> date:
        return datetime.fromtimestamp(self._services.wall(), UTC).date()

    async def _write_records(self) -> None:
        while True:
            write = await self._records.get()
            for attempt in range(_RECORD_TRIES):
                try:
                    await write()
                    break
                except SchoolError as error:
                    self._services.tally.count("record_refused", error=str(error))
                    break
                except Exception as error:  # - a locked or restarted database comes back
                    self._services.tally.count("record_retried", error=type(error).__name__)
                    await asyncio.sleep(min(10.0, 0.1 * 2**attempt))
            else:
                self._services.tally.count("record_dropped")
            self._records.task_done()


def standard_entry(role: Role, invitation_id: str, expires_at: float, participant_id: str = "") -> Entry:
    """A WHIP or WHEP client at the door: it has no way to say its name."""
    new_id = participant_id or new_participant_id(invitation_id)
    return Entry(role, invitation_id, expires_at, _STANDARD_CLIENT_NAMES.get(role, ""), new_id)
