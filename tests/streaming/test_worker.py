"""The whole media process with aiortc's own connections as teacher and viewer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, MediaStreamTrack, VideoStreamTrack

from streaming import control
from streaming.net.addresses import local_addresses
from streaming.worker import Worker
from tests.streaming.net.client import LESSON, media_process, open_lesson, until

SAMPLE_RATE = 48_000


class Colour(VideoStreamTrack):
    """One grey value, with a little noise so that encoders have something to do."""

    def __init__(self, luma: int) -> None:
        super().__init__()
        noise = np.random.default_rng(1).integers(-3, 4, (180, 160))
        self._luma = (noise + luma).clip(16, 235).astype(np.uint8)
        self._luma[120:] = 128

    async def recv(self) -> av.VideoFrame:
        pts, time_base = await self.next_timestamp()
        frame = av.VideoFrame.from_ndarray(self._luma, format="yuv420p")
        frame.pts, frame.time_base = pts, time_base
        return frame


class Tone(AudioStreamTrack):
    def __init__(self, hertz: int) -> None:
        super().__init__()
        self._hertz = hertz

    async def recv(self) -> av.AudioFrame:
        paced = await super().recv()
        assert isinstance(paced, av.AudioFrame)
        assert paced.pts is not None
        at = (np.arange(paced.samples) + paced.pts) / paced.sample_rate
        samples = (8000 * np.sin(2 * np.pi * self._hertz * at)).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.pts, frame.sample_rate, frame.time_base = paced.pts, paced.sample_rate, Fraction(1, paced.sample_rate)
        return frame


class Watching:
    """What a viewer has decoded."""

    def __init__(self) -> None:
        self.lumas: list[float] = []
        self.times: list[int] = []
        self.sound: list[np.ndarray[Any, np.dtype[np.int16]]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.ensure_future(self._pump(track)))

    async def _pump(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                if isinstance(frame, av.VideoFrame):
                    self.lumas.append(float(frame.to_ndarray(format="gray").mean()))
                    self.times.append(frame.pts or 0)
                elif isinstance(frame, av.AudioFrame):
                    self.sound.append(frame.to_ndarray().reshape(-1, 2)[:, 0].astype(np.int16))
        except MediaStreamError:
            return

    def hertz(self) -> float:
        """The loudest frequency of the latest sound."""
        samples = np.concatenate(self.sound[-10:]).astype(float)
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
        return float(np.argmax(spectrum) * SAMPLE_RATE / len(samples))


def connection() -> RTCPeerConnection:
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


def prefer(peer: RTCPeerConnection, mime: str) -> None:
    codecs = RTCRtpSender.getCapabilities("video").codecs
    for transceiver in peer.getTransceivers():
        if transceiver.kind == "video":
            transceiver.setCodecPreferences([codec for codec in codecs if codec.mimeType in {mime, "video/rtx"}])


async def negotiate(peer: RTCPeerConnection, request: Callable[[str], control.Answer]) -> None:
    await peer.setLocalDescription(await peer.createOffer())
    answer = request(peer.localDescription.sdp)
    assert isinstance(answer, control.Answered), answer
    await peer.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))


@asynccontextmanager
async def teaching(worker: Worker, lesson_id: str, luma: int, hertz: int, mime: str) -> AsyncIterator[None]:
    peer = connection()
    peer.addTrack(Colour(luma))
    peer.addTrack(Tone(hertz))
    prefer(peer, mime)
    try:
        await negotiate(
            peer,
            lambda sdp: worker.handle(control.Publish(request_id=1, lesson_id=lesson_id, peer_id="teacher", sdp=sdp)),
        )
        yield
    finally:
        await peer.close()


@asynccontextmanager
async def watching(worker: Worker, lesson_id: str, peer_id: str = "viewer") -> AsyncIterator[Watching]:
    peer, watching = connection(), Watching()
    peer.on("track", watching.start)
    peer.addTransceiver("video", direction="recvonly")
    peer.addTransceiver("audio", direction="recvonly")
    try:
        await negotiate(
            peer,
            lambda sdp: worker.handle(
                control.Subscribe(request_id=1, lesson_id=lesson_id, peer_id=peer_id, sdp=sdp, resumed=True)
            ),
        )
        yield watching
    finally:
        await peer.close()


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    async with media_process(local_addresses()[0]) as process:
        yield process


@pytest.mark.parametrize("mime", ["video/VP8", "video/H264"])
async def test_a_teacher_is_seen_and_heard(worker: Worker, mime: str) -> None:
    async with teaching(worker, LESSON, 60, 440, mime), watching(worker, LESSON) as seen:
        await until(lambda: len(seen.lumas) >= 15 and len(seen.sound) >= 30, 20)
        assert abs(seen.lumas[-1] - 60) < 12
        assert abs(seen.hertz() - 440) < 15
        assert seen.times == sorted(set(seen.times))
        track = worker.rooms[LESSON].publishers["teacher"].tracks[control.Source.CAMERA]
        assert track.codec == mime.partition("/")[2].lower()
        assert track.encodings[0].height == 120


async def test_a_late_viewer_sees_at_once_and_a_reloaded_teacher_is_seen_on(worker: Worker) -> None:
    async with watching(worker, LESSON, "early") as early:
        async with teaching(worker, LESSON, 60, 440, "video/VP8"):
            await until(lambda: len(early.lumas) >= 5, 20)
            async with watching(worker, LESSON, "late") as late:
                await until(lambda: len(late.lumas) >= 5, 20)
        worker.handle(control.ClosePeer(request_id=1, lesson_id=LESSON, peer_id="teacher"))
        count = len(early.lumas)
        async with teaching(worker, LESSON, 200, 880, "video/VP8"):
            await until(lambda: len(early.lumas) >= count + 10 and early.lumas[-1] > 180, 20)
            await until(lambda: abs(early.hertz() - 880) < 15, 20)
        assert early.times == sorted(set(early.times))


async def test_two_lessons_on_one_port_never_mix(worker: Worker) -> None:
    open_lesson(worker, "other")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(teaching(worker, LESSON, 40, 440, "video/VP8"))
        await stack.enter_async_context(teaching(worker, "other", 210, 1000, "video/VP8"))
        dark = await stack.enter_async_context(watching(worker, LESSON))
        light = await stack.enter_async_context(watching(worker, "other"))
        await until(lambda: min(len(dark.lumas), len(light.lumas)) >= 20, 20)
        await until(lambda: min(len(dark.sound), len(light.sound)) >= 30, 20)
        assert max(dark.lumas) < 100 < min(light.lumas)
        assert abs(dark.hertz() - 440) < 15
        assert abs(light.hertz() - 1000) < 15
    assert not worker.counts["event_dropped"]
