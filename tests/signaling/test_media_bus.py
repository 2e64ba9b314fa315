"""The bus towards media processes that are slow, silent, talkative, broken or gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from signaling import media_link
from signaling.errors import MediaRefused, MediaUnavailable
from signaling.media_bus import MediaBus
from signaling.tally import Tally
from streaming import control
from streaming.control import Answer, ClosePeer, CloseRoom, Event, GetSnapshot, OpenRoom, PeerSummary, Request
from tests.signaling.fake_media import FakeMedia
from tests.signaling.waiting import until

LESSON = "L"


class Listener:
    def __init__(self) -> None:
        self.events: list[Event] = []
        self.found: list[str] = []
        self.lost: list[str] = []
        self._changed = asyncio.Condition()

    def media_event(self, event: Event) -> None:
        self.events.append(event)

    def media_found(self, lesson_id: str, peers: Sequence[PeerSummary]) -> None:
        self.found.append(lesson_id)

    def media_lost(self, lesson_id: str) -> None:
        self.lost.append(lesson_id)


@asynccontextmanager
async def bus_to(*media: FakeMedia, timeout_s: float = 5.0) -> AsyncIterator[tuple[MediaBus, Listener, Tally]]:
    tally, listener = Tally(), Listener()
    bus = MediaBus([m.path for m in media], tally, timeout_s)
    await bus.start(listener)
    yield bus, listener, tally
    await bus.close()


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[FakeMedia]:
    fake = FakeMedia(tmp_path / "media-1.sock")
    await fake.start()
    yield fake
    await fake.kill()


def close_peer(lesson_id: str = LESSON) -> ClosePeer:
    return ClosePeer(request_id=0, lesson_id=lesson_id, peer_id="p.publish")


async def test_lessons_go_to_the_least_loaded_process_and_stay_there(media: FakeMedia, other: FakeMedia) -> None:
    async with bus_to(media, other) as (bus, _, _):
        for number in range(6):
            await bus.open_room(f"L{number}", 10)
            await bus.open_room(f"L{number}", 10)
        assert (len(media.rooms), len(other.rooms)) == (3, 3)
        for number in range(6):
            await bus.ask(close_peer(f"L{number}"))
        for process in (media, other):
            assert {c.lesson_id for c in process.of(ClosePeer)} == set(process.rooms)


async def test_a_draining_process_gets_no_new_lesson(media: FakeMedia, other: FakeMedia) -> None:
    media.answer = lambda request: (
        control.Refused(request_id=request.request_id, code=control.RefusalCode.DRAINING, message="draining")
        if isinstance(request, OpenRoom)
        else media.usual(request)
    )
    async with bus_to(media, other) as (bus, _, _):
        await bus.open_room("A", 10)
        await bus.open_room("B", 10)
        assert set(other.rooms) == {"A", "B"}
        await other.kill()
        await until(lambda: bus.available)
        with pytest.raises(MediaUnavailable):
            await bus.open_room("C", 10)


async def test_without_a_process_everything_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling.media_bus._START_WAIT_S", 0.05)
    async with bus_to(FakeMedia(tmp_path / "nobody.sock")) as (bus, _, tally):
        assert not bus.available
        with pytest.raises(MediaUnavailable):
            await bus.open_room(LESSON, 10)
        with pytest.raises(MediaUnavailable):
            await bus.ask(close_peer())
        assert bus.post(close_peer()) is None
        assert tally.counts["media_not_there_at_start"] == 1


async def test_a_process_that_comes_late_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling.media_bus._START_WAIT_S", 0.05)
    late = FakeMedia(tmp_path / "late.sock")
    async with bus_to(late) as (bus, _, _):
        await late.start()
        await asyncio.wait_for(bus.wait_available(), 5)
        await bus.open_room(LESSON, 10)
    await late.kill()


async def test_no_answer_in_time_is_an_error_and_a_late_one_is_dropped(media: FakeMedia) -> None:
    async with bus_to(media, timeout_s=0.1) as (bus, _, tally):
        await bus.open_room(LESSON, 10)
        media.answer = lambda request: None
        with pytest.raises(MediaUnavailable):
            await bus.ask(close_peer())
        media.answer = None
        media.write(control.encode(control.Done(request_id=media.requests[-1].request_id)))
        await bus.ask(close_peer())
        assert tally.counts["media_late_answer"] == 1
        assert bus.available


async def test_a_process_that_answers_nothing_counts_as_lost(media: FakeMedia) -> None:
    async with bus_to(media, timeout_s=0.05) as (bus, listener, _):
        await bus.open_room(LESSON, 10)
        media.answer = lambda request: None
        for _ in range(3):
            with pytest.raises(MediaUnavailable):
                await bus.ask(close_peer())
        await until(lambda: listener.lost == [LESSON])
        media.answer = None
        await asyncio.wait_for(bus.wait_available(), 5)


async def test_garbage_is_counted_and_harms_nobody(media: FakeMedia) -> None:
    async with bus_to(media) as (bus, listener, tally):
        await bus.open_room(LESSON, 10)
        for line in (
            b"\n",
            b"{}\n",
            b"\xff\xfe\n",
            b'{"type":"done"}\n',
            b'{"type":"x","request_id":1}\n',
            b"[" * 9000 + b"\n",
        ):
            media.write(line)
        event = control.PeerChanged(lesson_id=LESSON, peer_id="p.publish", state=control.PeerState.CONNECTED)
        media.emit(event)
        await until(lambda: listener.events == [event])
        assert tally.counts["media_bad_line"] == 6


async def test_a_line_without_end_breaks_the_connection_which_comes_back(media: FakeMedia) -> None:
    async with bus_to(media) as (bus, listener, tally):
        await bus.open_room(LESSON, 10)
        media.write(b"x" * (2 * control.MESSAGE_MAX_BYTES))
        await until(lambda: listener.lost == [LESSON])
        assert tally.counts["media_connection_broken"] == 1
        await asyncio.wait_for(bus.wait_available(), 5)


async def test_events_of_a_lesson_that_is_not_pinned_there_are_dropped(media: FakeMedia, other: FakeMedia) -> None:
    async with bus_to(media, other) as (bus, listener, _):
        await bus.open_room("A", 10)
        await bus.open_room("B", 10)
        for process in (media, other):
            for lesson in ("A", "B", "C"):
                process.emit(
                    control.PeerChanged(lesson_id=lesson, peer_id=process.path.name, state=control.PeerState.CLOSED)
                )
        await until(lambda: len(listener.events) >= 2)
        await bus.ask(close_peer("A"))
        await bus.ask(close_peer("B"))
        owners = {lesson: p.path.name for p in (media, other) for lesson in p.rooms}
        assert {(e.lesson_id, e.peer_id) for e in listener.events if isinstance(e, control.PeerChanged)} == set(
            owners.items()
        )


async def test_requests_under_way_fail_when_the_process_dies(media: FakeMedia, other: FakeMedia) -> None:
    async with bus_to(media, other) as (bus, listener, _):
        await bus.open_room(LESSON, 10)
        process, spare = (media, other) if media.rooms else (other, media)
        process.answer = lambda request: None
        asking = asyncio.create_task(bus.ask(close_peer()))
        await process.wait_for(ClosePeer)
        await process.kill()
        with pytest.raises(MediaUnavailable):
            await asking
        await until(lambda: listener.lost == [LESSON])
        await bus.open_room(LESSON, 10)
        assert set(spare.rooms) == {LESSON}


async def test_a_room_that_moved_on_is_closed_where_it_was(media: FakeMedia, other: FakeMedia) -> None:
    async with bus_to(media, other) as (bus, listener, _):
        await bus.open_room(LESSON, 10)
        old, new = (media, other) if media.rooms else (other, media)
        await old.cut()  # the process lives on, only the connection is gone
        await until(lambda: listener.lost == [LESSON])
        await bus.open_room(LESSON, 10)
        assert LESSON in new.rooms
        await old.wait_for(CloseRoom)


async def test_rooms_from_before_a_restart_are_found_and_pinned(media: FakeMedia, other: FakeMedia) -> None:
    other.rooms[LESSON] = {}
    async with bus_to(media, other) as (bus, listener, _):
        assert listener.found == [LESSON]
        await bus.ask(close_peer())
        assert other.of(ClosePeer)
        assert not media.of(ClosePeer)


async def test_a_refusal_is_told_to_who_asked_and_counted_for_who_did_not(media: FakeMedia) -> None:
    def refuse(request: Request) -> Answer:
        if isinstance(request, GetSnapshot | OpenRoom):
            return media.usual(request)
        return control.Refused(request_id=request.request_id, code=control.RefusalCode.BAD_MESSAGE, message="no")

    media.answer = refuse
    async with bus_to(media) as (bus, _, tally):
        await bus.open_room(LESSON, 10)
        with pytest.raises(MediaRefused) as refused:
            await bus.ask(close_peer())
        assert refused.value.code is control.RefusalCode.BAD_MESSAGE
        bus.post(close_peer())
        await until(lambda: tally.counts["media_refused_close_peer"] == 1)


async def test_the_number_of_requests_under_way_is_bounded(media: FakeMedia, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_link, "PENDING_MAX", 5)
    async with bus_to(media) as (bus, _, tally):
        await bus.open_room(LESSON, 10)
        media.answer = lambda request: None
        posted = [bus.post(close_peer()) for _ in range(8)]
        assert [future is not None for future in posted] == [True] * 5 + [False] * 3
        assert tally.counts["media_overloaded"] == 3


async def test_a_process_without_a_snapshot_is_not_used(media: FakeMedia, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("signaling.media_bus._START_WAIT_S", 0.05)
    media.answer = lambda request: control.Done(request_id=request.request_id)
    async with bus_to(media) as (bus, _, tally):
        assert not bus.available
        assert tally.counts["media_bad_answer"] >= 1
