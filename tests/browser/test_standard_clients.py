"""Clients that know nothing of webclass: WHIP (RFC 9725) and WHEP with aiortc's own RTCPeerConnection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from urllib.parse import urljoin

import aiohttp
import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaPlayer
from av import AudioFrame, VideoFrame

from streaming.control import Slot
from tests import footage
from tests.browser.conftest import Enter
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_whip_publisher_and_whep_viewer(server: Server) -> None:
    lesson = server.create_lesson()
    async with (
        whip(f"{server.origin}/whip/{lesson.lesson_id}", lesson.tokens["teacher"]),
        whep(f"{server.origin}/whep/{lesson.lesson_id}", lesson.tokens["viewer"]) as viewer,
    ):
        tracks = {receiver.track.kind: receiver.track for receiver in viewer.getReceivers()}
        async with asyncio.timeout(20):
            await asyncio.gather(see(tracks["video"]), hear(tracks["audio"]))


async def test_whip_publisher_in_a_browser(server: Server, enter: Enter) -> None:
    lesson = server.create_lesson()
    async with whip(f"{server.origin}/whip/{lesson.lesson_id}", lesson.tokens["teacher"]):
        viewer = await enter(lesson.tokens["viewer"], "Зритель")
        await viewer.subscribe(teacher_audio=0, teacher_video=0)
        await viewer.wait_seen(Slot.TEACHER_VIDEO, frames=30, height=144, within_s=15)
        await viewer.wait_heard(Slot.TEACHER_AUDIO)


async def test_doors_need_the_right_token(server: Server) -> None:
    lesson, other = server.create_lesson(), server.create_lesson()
    door = f"{server.origin}/whip/{lesson.lesson_id}"
    for token, status in (("", 401), ("nonsense", 401), (lesson.tokens["viewer"], 403), (other.tokens["teacher"], 403)):
        with pytest.raises(aiohttp.ClientResponseError) as refused:
            async with whip(door, token):
                pass
        assert refused.value.status == status


class Clip(MediaStreamTrack):
    """The clip again and again, 15 frames a second."""

    kind = "video"

    def __init__(self) -> None:
        super().__init__()
        with av.open(str(footage.clip())) as container:
            self._frames = list(container.decode(video=0))
        self._sent = 0
        self._start: float | None = None

    async def recv(self) -> VideoFrame:
        now = asyncio.get_running_loop().time()
        self._start = self._start or now
        await asyncio.sleep(max(0.0, self._start + self._sent / 15 - now))
        frame = self._frames[self._sent % len(self._frames)]
        frame.pts, frame.time_base = self._sent, Fraction(1, 15)
        self._sent += 1
        return frame


@asynccontextmanager
async def whip(door: str, token: str) -> AsyncIterator[RTCPeerConnection]:
    """Publish the clip's picture and the speech."""
    speech = MediaPlayer(str(footage.microphone())).audio
    assert speech is not None
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver(speech, direction="sendonly")
    connection.addTransceiver(Clip(), direction="sendonly")
    async with _through(door, token, connection):
        yield connection


@asynccontextmanager
async def whep(door: str, token: str) -> AsyncIterator[RTCPeerConnection]:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in ("audio", "video"):
        connection.addTransceiver(kind, direction="recvonly")
    async with _through(door, token, connection):
        yield connection


@asynccontextmanager
async def _through(door: str, token: str, connection: RTCPeerConnection) -> AsyncIterator[None]:
    """The exchange of both protocols: POST an offer, DELETE the resource at the end."""
    authorization = {"Authorization": f"Bearer {token}"}
    try:
        await connection.setLocalDescription(await connection.createOffer())
        async with aiohttp.ClientSession(headers=authorization, raise_for_status=True) as http:
            offer, kind = connection.localDescription.sdp, {"Content-Type": "application/sdp"}
            async with http.post(door, data=offer, headers=kind) as response:
                assert response.status == 201
                assert response.headers["ETag"]
                resource = urljoin(door, response.headers["Location"])
                answer = RTCSessionDescription(await response.text(), "answer")
            await connection.setRemoteDescription(answer)
            try:
                yield
            finally:
                await http.delete(resource)
    finally:
        await connection.close()


async def see(track: MediaStreamTrack, wanted: int = 30) -> None:
    """Decode `wanted` frames; their time goes forward and they are not all the same."""
    times: list[int] = []
    brightness = set()
    while len(times) < wanted:
        frame = await track.recv()
        assert isinstance(frame, VideoFrame)
        times.append(frame.pts or 0)
        brightness.add(int(frame.to_ndarray(format="gray").sum()))
    assert times == sorted(set(times))
    assert len(brightness) > 1


async def hear(track: MediaStreamTrack) -> None:
    """Until something louder than noise is heard."""
    loudness = 0.0
    while loudness < 500:
        frame = await track.recv()
        assert isinstance(frame, AudioFrame)
        loudness = float(np.abs(frame.to_ndarray().astype(np.int32)).mean())
