"""The web process against a real media process: real offers, real answers, the same socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from signaling import messages as m
from signaling.messages import Role
from signaling.services import Services
from streaming import control
from streaming.control import Slot, Source
from streaming.worker import MediaConfig, Worker
from tests.signaling.test_whip_whep import call
from tests.signaling.waiting import until
from tests.signaling.web import Client, School, join, make_lesson, web_process

SDP = Path(__file__).parents[1] / "data" / "sdp"


@pytest.fixture
async def worker(school: School) -> AsyncIterator[Worker]:
    config = MediaConfig(
        index=0, udp_host="127.0.0.1", udp_port=0, announced=("127.0.0.1",), bus_path=school.sockets[0]
    )
    worker = Worker(config)
    await worker.open()
    server = await asyncio.start_unix_server(worker.serve_control, config.bus_path, limit=control.MESSAGE_MAX_BYTES)
    yield worker
    server.close()
    await worker.close()


@pytest.fixture
async def client(worker: Worker, services: Services) -> AsyncIterator[Client]:
    async with web_process(services) as running:
        yield running


def offer(name: str) -> str:
    return (SDP / name).read_text(encoding="utf-8")


def mids(sdp: str) -> list[str]:
    return [line.removeprefix("a=mid:").strip() for line in sdp.splitlines() if line.startswith("a=mid:")]


async def test_a_browsers_offers_are_answered_and_its_slots_are_fed(
    client: Client, services: Services, worker: Worker
) -> None:
    lesson = await make_lesson(services)
    teacher = await join(client, lesson.tokens[Role.TEACHER])
    viewer = await join(client, lesson.tokens[Role.VIEWER])
    publishing, receiving = offer("chromium_publish_simulcast_vp9.sdp"), offer("chromium_subscribe.sdp")
    sources = dict(zip(mids(publishing), (Source.MICROPHONE, Source.CAMERA), strict=False))
    answer = await teacher.ask(m.OfferPublish(sdp=publishing, sources=sources))
    assert isinstance(answer, m.Answer), answer
    assert "a=ice-lite" in answer.sdp
    slots = dict(
        zip(
            mids(receiving),
            [
                Slot.TEACHER_AUDIO,
                Slot.SCREEN_AUDIO,
                Slot.FLOOR_AUDIO,
                Slot.TEACHER_VIDEO,
                Slot.SCREEN_VIDEO,
                Slot.FLOOR_VIDEO,
            ],
            strict=False,
        )
    )
    answer = await viewer.ask(m.OfferSubscribe(sdp=receiving, slots=slots))
    assert isinstance(answer, m.Answer), answer
    await viewer.do(m.SetView(slot=Slot.TEACHER_VIDEO, height=360))
    await teacher.do(m.SetLive(state="live"))
    assert (lesson.lesson_id, f"{teacher.id}.publish") in worker.clients
    assert (lesson.lesson_id, f"{viewer.id}.subscribe") in worker.clients
    again = await viewer.ask(m.OfferSubscribe(sdp=receiving, slots=slots))
    assert isinstance(again, m.Answer)
    await teacher.do(m.SetLive(state="ended"))
    await until(lambda: not worker.rooms and not worker.clients)
    assert not [kind for kind in services.tally.counts if kind.startswith("media_")]


@pytest.mark.parametrize("name", ["obs_publish.sdp", "gstreamer_publish.sdp", "aiortc_publish.sdp"])
async def test_standard_encoders_get_an_answer_and_restart_ice(client: Client, services: Services, name: str) -> None:
    lesson = await make_lesson(services)
    token = lesson.tokens[Role.TEACHER]
    sdp = {"Content-Type": "application/sdp"}
    created = await call(client, "POST", f"/whip/{lesson.lesson_id}", token, sdp, offer(name))
    assert created.status == 201, created.text
    patched = await call(
        client,
        "PATCH",
        created.location,
        token,
        {"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*"},
        "a=ice-ufrag:wxyz\r\na=ice-pwd:" + "r" * 22 + "\r\n",
    )
    assert patched.status == 200
    assert "a=candidate:" in patched.text
    assert (await call(client, "DELETE", created.location, token)).status == 200


async def test_a_player_gets_an_answer_and_nonsense_does_not(client: Client, services: Services) -> None:
    lesson = await make_lesson(services)
    token = lesson.tokens[Role.VIEWER]
    sdp = {"Content-Type": "application/sdp"}
    path = f"/whep/{lesson.lesson_id}"
    assert (await call(client, "POST", path, token, sdp, offer("aiortc_subscribe.sdp"))).status == 201
    for bad in ("v=0\r\n", "nonsense", "v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" * 50):
        refused = await call(client, "POST", path, token, sdp, bad)
        assert (refused.status, "bad_sdp" in refused.text) == (422, True)
