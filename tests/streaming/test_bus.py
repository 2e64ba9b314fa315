"""The worker's control side: requests, refusals, descriptions that are too much, and the bus's own bad input."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from streaming import control
from streaming.control import RefusalCode
from streaming.worker import Worker
from tests.streaming.net.client import LESSON, Client, media_process, until

SDP = Path(__file__).parents[1] / "data" / "sdp"
PUBLISHERS = {path.stem: path.read_text() for path in sorted(SDP.glob("*publish*.sdp"))}
SUBSCRIBERS = {path.stem: path.read_text() for path in sorted(SDP.glob("*subscribe*.sdp"))}


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    async with media_process() as process:
        yield process


def publish(peer_id: str, sdp: str, lesson_id: str = LESSON) -> control.Publish:
    return control.Publish(request_id=7, lesson_id=lesson_id, peer_id=peer_id, sdp=sdp)


def subscribe(peer_id: str, sdp: str, lesson_id: str = LESSON) -> control.Subscribe:
    return control.Subscribe(request_id=7, lesson_id=lesson_id, peer_id=peer_id, sdp=sdp)


def refusal(answer: control.Answer) -> RefusalCode:
    assert isinstance(answer, control.Refused), answer
    assert answer.request_id == 7
    assert answer.message
    return answer.code


# ---------------------------------------------------------------- requests


@pytest.mark.parametrize("name", PUBLISHERS)
async def test_every_clients_offer_to_publish_is_answered(worker: Worker, name: str) -> None:
    answer = worker.handle(publish("teacher", PUBLISHERS[name]))
    assert isinstance(answer, control.Answered)
    assert f" 127.0.0.1 {worker.port.port} typ host" in answer.sdp


@pytest.mark.parametrize("name", SUBSCRIBERS)
async def test_every_clients_offer_to_watch_is_answered(worker: Worker, name: str) -> None:
    assert isinstance(worker.handle(subscribe("viewer", SUBSCRIBERS[name])), control.Answered)


async def test_what_is_not_there_is_refused(worker: Worker) -> None:
    sdp = SUBSCRIBERS["chromium_subscribe"]
    assert refusal(worker.handle(subscribe("viewer", sdp, "elsewhere"))) is RefusalCode.NO_ROOM
    view = control.View(request_id=7, lesson_id=LESSON, peer_id="nobody", slot=control.Slot.STAGE_VIDEO)
    assert refusal(worker.handle(view)) is RefusalCode.NO_PEER
    load = control.Load(request_id=7, lesson_id=LESSON, peer_id="nobody", bps=1_000_000)
    assert refusal(worker.handle(load)) is RefusalCode.NO_PEER
    restart = control.RestartIce(request_id=7, lesson_id=LESSON, peer_id="nobody", ufrag="abcd", password="x" * 22)
    assert refusal(worker.handle(restart)) is RefusalCode.NO_PEER
    mute = control.Mute(request_id=7, lesson_id="elsewhere", peer_id="p", source=control.Source.CAMERA, muted=True)
    assert refusal(worker.handle(mute)) is RefusalCode.NO_ROOM
    for harmless in (
        control.ClosePeer(request_id=7, lesson_id=LESSON, peer_id="nobody"),
        control.CloseRoom(request_id=7, lesson_id="elsewhere"),
    ):
        assert isinstance(worker.handle(harmless), control.Done)


async def test_a_peer_id_keeps_its_direction(worker: Worker) -> None:
    client = Client(worker)
    client.negotiate("teacher", publish=True)
    assert refusal(worker.handle(subscribe("teacher", client.offer("recvonly")))) is RefusalCode.PEER_EXISTS
    client.negotiate("viewer", publish=False)
    assert refusal(worker.handle(publish("viewer", client.offer("sendonly")))) is RefusalCode.PEER_EXISTS
    assert set(worker.clients) == {(LESSON, "teacher"), (LESSON, "viewer")}
    other = control.OpenRoom(request_id=1, lesson_id="other")
    worker.handle(other)
    client.negotiate("teacher", publish=False, lesson_id="other")  # another lesson is another name space


async def test_a_full_room_refuses_and_those_inside_stay(worker: Worker) -> None:
    worker.handle(control.OpenRoom(request_id=1, lesson_id=LESSON, max_subscribers=2))
    client = Client(worker)
    for number in range(2):
        client.negotiate(f"viewer{number}", publish=False)
    offer = client.offer("recvonly")
    assert refusal(worker.handle(subscribe("late", offer))) is RefusalCode.ROOM_FULL
    client.negotiate("viewer0", publish=False)  # an ICE restart takes no further place
    assert len(worker.clients) == 2
    worker.handle(control.ClosePeer(request_id=1, lesson_id=LESSON, peer_id="viewer0"))
    client.negotiate("late", publish=False)
    assert worker.totals()["room_full"] == 1


async def test_a_closed_room_leaves_nothing(worker: Worker) -> None:
    client = Client(worker)
    client.negotiate("teacher", publish=True)
    client.negotiate("viewer", publish=False)
    worker.handle(control.CloseRoom(request_id=1, lesson_id=LESSON))
    assert not worker.clients
    assert not worker.rooms
    assert not worker.port.registry._peers


async def test_the_snapshot_names_everybody(worker: Worker) -> None:
    Client(worker).negotiate("teacher", publish=True)
    snapshot = worker.handle(control.GetSnapshot(request_id=3))
    assert isinstance(snapshot, control.Snapshot)
    assert snapshot.lesson_ids == [LESSON]
    assert [(peer.peer_id, peer.role, peer.state) for peer in snapshot.peers] == [
        ("teacher", "publisher", control.PeerState.CONNECTING)
    ]


async def test_metrics_can_be_read_and_tell_no_names(worker: Worker) -> None:
    Client(worker).negotiate("pupil-ivanov", publish=False)
    worker.handle(publish("x", "v=0"))
    answer = worker.handle(control.GetMetrics(request_id=3))
    assert isinstance(answer, control.MetricsText)
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["webclass_subscribers"].samples[0].value == 1
    assert families["webclass_rooms"].samples[0].value == 1
    assert sum(sample.value for sample in families["webclass_dropped"].samples) == 1
    assert "ivanov" not in answer.text


# ---------------------------------------------------------------- descriptions


def quick(worker: Worker, request: control.Request) -> control.Answer:
    begin = time.process_time()
    answer = worker.handle(request)
    assert time.process_time() - begin < 0.5
    return answer


async def test_twenty_thousand_candidates_are_quick(worker: Worker) -> None:
    """As many as the bus lets through cost little; more never reach the parser."""
    sdp = PUBLISHERS["aiortc_publish"]
    line = "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n"
    most = (control.SDP_MAX_CHARS - len(sdp)) // len(line)
    answer = quick(worker, publish("teacher", sdp + line * most))
    assert isinstance(answer, control.Answered | control.Refused)
    message = json.dumps({**publish("t", "").model_dump(mode="json"), "sdp": sdp + line * 20_000}).encode()
    begin = time.process_time()
    assert refusal_of(worker._answer(message)) is RefusalCode.BAD_MESSAGE
    assert time.process_time() - begin < 0.5


@pytest.mark.parametrize("text", ["v=0\r\n" * 900_000, "m=" + "9" * 4_000_000, "a=" * 2_000_000])
async def test_four_megabytes_are_refused_fast(worker: Worker, text: str) -> None:
    message = json.dumps({**publish("t", "").model_dump(mode="json"), "sdp": text}).encode()
    begin = time.process_time()
    assert refusal_of(worker._answer(message)) is RefusalCode.BAD_MESSAGE
    assert time.process_time() - begin < 0.5


def refusal_of(answer: control.Answer | None) -> RefusalCode:
    assert answer is not None
    return refusal(answer)


def mutated(text: str, chance: random.Random) -> str:
    lines = text.splitlines()
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(lines))
        kind = chance.randrange(5)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(at, lines[chance.randrange(len(lines))])
        elif kind == 2:
            cut = chance.randrange(len(lines[at]) + 1)
            lines[at] = (
                lines[at][:cut] + chance.choice(["", "\0", "9" * 40, "я", " ", ":", "=", "-1"]) + lines[at][cut + 1 :]
            )
        elif kind == 3:
            lines[at] = lines[at][: chance.randrange(len(lines[at]) + 1)]
        else:
            other = chance.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        if not lines:
            break
    return "\r\n".join(lines) + "\r\n"


async def test_spoilt_offers_are_answered_or_refused_and_never_fatal(worker: Worker) -> None:
    chance = random.Random(11)
    originals = [*PUBLISHERS.values(), *SUBSCRIBERS.values()]
    answered = 0
    for number in range(400):
        text = mutated(chance.choice(originals), chance)
        peer_id = f"peer{number}"
        answer = worker.handle(publish(peer_id, text) if number % 2 else subscribe(peer_id, text))
        if isinstance(answer, control.Refused):
            assert answer.code is RefusalCode.BAD_SDP
        else:
            assert isinstance(answer, control.Answered)
            answered += 1
            worker.handle(control.ClosePeer(request_id=1, lesson_id=LESSON, peer_id=peer_id))
    assert 0 < answered < 400
    assert not worker.clients
    assert not worker.rooms[LESSON].viewers.used.any()


@given(text=st.text(max_size=300) | st.text("vomacs=:\r\n 0123456789", max_size=300).map(lambda tail: "v=0\r\n" + tail))
@settings(
    derandomize=True, deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_any_text_is_refused(worker: Worker, text: str) -> None:
    assert refusal(worker.handle(publish("teacher", text))) is RefusalCode.BAD_SDP


# ---------------------------------------------------------------- the bus


class Bus:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, line: bytes) -> control.Answer | control.Event:
        self.writer.write(line)
        return control.decode_reply(await asyncio.wait_for(self.reader.readline(), 10))


@asynccontextmanager
async def bus_of(worker: Worker, tmp_path: Path) -> AsyncIterator[Bus]:
    path = tmp_path / "bus.sock"
    server = await asyncio.start_unix_server(worker.serve_control, path, limit=control.MESSAGE_MAX_BYTES)
    reader, writer = await asyncio.open_unix_connection(path)
    yield Bus(reader, writer)
    writer.close()
    server.close()


BAD_LINES = [
    b"\n",
    b"{}\n",
    b"null\n",
    b"[1, 2]\n",
    b"\xff\xfe\n",
    b'{"type": "publish"\n',
    b"[" * 100_000 + b"\n",
    b'{"type": "fly", "lesson_id": "x"}\n',
    b'{"request_id": "1", "type": "open_room", "lesson_id": "x"}\n'.replace(b'"1"', b'"one"'),
]


async def test_bad_lines_are_counted_and_the_bus_goes_on(worker: Worker, tmp_path: Path) -> None:
    async with bus_of(worker, tmp_path) as bus:
        for line in BAD_LINES:
            bus.writer.write(line)
        answer = await bus.ask(control.encode(control.GetSnapshot(request_id=44)))
        assert isinstance(answer, control.Snapshot)
        assert answer.request_id == 44
    assert worker.totals()["bad_message"] == len(BAD_LINES)


@pytest.mark.parametrize(
    "line",
    [
        b'{"type": "fly", "request_id": 7}',
        b'{"type": "open_room", "request_id": 7}',
        b'{"type": "open_room", "request_id": 7, "lesson_id": "x", "extra": 1}',
        b'{"type": "view", "request_id": 7, "lesson_id": "x", "peer_id": "p", "slot": "sofa"}',
        b'{"type": "open_room", "request_id": 7, "lesson_id": "x", "max_subscribers": 0}',
    ],
)
async def test_malformed_requests_are_answered_where_they_can_be(worker: Worker, tmp_path: Path, line: bytes) -> None:
    async with bus_of(worker, tmp_path) as bus:
        answer = await bus.ask(line + b"\n")
        assert isinstance(answer, control.Refused)
        assert (answer.request_id, answer.code) == (7, RefusalCode.BAD_MESSAGE)


async def test_a_line_without_end_closes_its_bus_only(worker: Worker, tmp_path: Path) -> None:
    async with bus_of(worker, tmp_path) as bus, bus_of(worker, tmp_path / ".." / tmp_path.name) as other:
        bus.writer.write(b"x" * (control.MESSAGE_MAX_BYTES * 3))
        with pytest.raises((ConnectionError, AssertionError, ValueError)):
            assert await bus.reader.read(1)
        assert isinstance(await other.ask(control.encode(control.GetSnapshot(request_id=1))), control.Snapshot)
    assert worker.totals()["bus_broken"] >= 1


async def test_a_listener_that_does_not_read_loses_events(worker: Worker, tmp_path: Path) -> None:
    async with bus_of(worker, tmp_path):
        await until(lambda: worker.listeners)
        event = control.PeerChanged(lesson_id="x" * 1000, peer_id="p", state=control.PeerState.CONNECTED)
        for _ in range(3000):
            worker.emit(event)
        assert worker.counts["event_dropped"] > 0


def test_events_for_a_listener_that_is_gone_are_nobodys_mistake(tmp_path: Path) -> None:
    async def scene() -> None:
        async with media_process() as worker, bus_of(worker, tmp_path) as bus:
            await until(lambda: worker.listeners)
            for listener in worker.listeners:
                listener.transport.abort()
            worker.emit(control.PeerChanged(lesson_id="l", peer_id="p", state=control.PeerState.CONNECTED))
            await asyncio.sleep(0)  # what the transport closes, it closes in the loop's next turn
            worker.emit(control.PeerChanged(lesson_id="l", peer_id="p", state=control.PeerState.CONNECTED))
            assert await bus.reader.read() == b""
            await until(lambda: not worker.listeners)

    uvloop.run(scene())  # the media process's own loop, whose transports refuse what comes after their end
