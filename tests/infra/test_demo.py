"""`webclass demo` as a newcomer starts it."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
from asyncio.subprocess import PIPE, STDOUT, Process
from pathlib import Path

import aiohttp
import numpy as np
import pytest

from infra.demo.picture import CLASSROOM, TEACHERS_BOARD, Painter, write
from infra.demo.sound import RATE, teachers_voice, tones
from signaling.messages import (
    PROTOCOL_VERSION,
    FromServer,
    Join,
    LessonChanged,
    LessonInfo,
    ParticipantChanged,
    ParticipantInfo,
    Role,
    SlotChanged,
    Welcome,
    from_server,
)
from streaming.control import Slot
from tests.serving import WEBCLASS, server_environment


async def test_a_lesson_in_progress(tmp_path: Path) -> None:
    environment = server_environment(tmp_path)
    demo = await start_demo(environment, tmp_path)
    try:
        async with asyncio.timeout(60):
            token = await printed_token(demo)
            origin = f"http://localhost:{environment['WEBCLASS_HTTP_PORT']}"
            await watch_until_everybody_is_there(origin, token)
        demo.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(demo.wait(), 20) == 0
    finally:
        if demo.returncode is None:
            demo.kill()
            await demo.communicate()
    with socket.socket() as free_again:
        free_again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free_again.bind(("", int(environment["WEBCLASS_HTTP_PORT"])))


async def test_a_taken_port(tmp_path: Path) -> None:
    environment = server_environment(tmp_path)

    async def mumble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 some other server\r\n")
        writer.close()

    port = int(environment["WEBCLASS_HTTP_PORT"])
    async with await asyncio.start_server(mumble, "127.0.0.1", port):
        demo = await start_demo(environment, tmp_path)
        output, _ = await asyncio.wait_for(demo.communicate(), 30)
    assert demo.returncode == 1
    assert f"Port {port} is taken" in output.decode()


def test_the_board_moves_and_shows_the_time() -> None:
    painter = Painter(TEACHERS_BOARD)
    first, later, other_time = (
        painter.frame(0.0, "10:15:00"),
        painter.frame(1.0, "10:15:00"),
        painter.frame(0.0, "10:15:01"),
    )
    assert (first.width, first.height, first.format.name) == (640, 360, "yuv420p")
    planes = [frame.to_ndarray() for frame in (first, later, other_time)]
    assert (planes[0] != planes[1]).any()
    assert (planes[0] != planes[2]).any()
    assert Painter(CLASSROOM).frame(0.0, "23:59:59").width == 640


def test_letters_without_a_glyph_are_an_error() -> None:
    with pytest.raises(KeyError):
        write(np.zeros((540, 640), np.uint8), "Щ", top=0, left=0, dot=1)


async def test_the_sound_is_audible_and_not_clipped() -> None:
    for samples in (tones(), await teachers_voice()):
        assert samples.dtype == np.int16
        assert samples.size > 2 * RATE
        loudness = np.abs(samples.astype(np.int32))
        assert 500 < loudness.max() < 32767


async def start_demo(environment: dict[str, str], folder: Path) -> Process:
    return await asyncio.create_subprocess_exec(
        *WEBCLASS, "demo", cwd=folder, env=environment, stdout=PIPE, stderr=STDOUT
    )


async def printed_token(demo: Process) -> str:
    """The token in the second teacher's link, once all links are printed."""
    assert demo.stdout is not None
    tokens: list[str] = []
    async for line in demo.stdout:
        tokens += re.findall(r"/join#(\S+)", line.decode())
        if b"Ctrl-C ends the demonstration" in line:
            return tokens[-1]
    raise AssertionError("the demonstration ended without its links")


async def watch_until_everybody_is_there(origin: str, token: str) -> None:
    """The lesson is live, the teacher's picture and sound flow, three classes are in, one with its hand up."""
    lesson: LessonInfo | None = None
    people: dict[str, ParticipantInfo] = {}
    flowing: set[Slot] = set()
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{origin}/api/classroom") as socket_:
        join = Join(version=PROTOCOL_VERSION, token=token, name="Наблюдатель")
        await socket_.send_str(join.model_dump_json())
        async for frame in socket_:
            message: FromServer = from_server.validate_json(frame.data)
            match message:
                case Welcome():
                    lesson = message.lesson
                    people = {each.participant_id: each for each in message.participants}
                    flowing = {state.slot for state in message.slots if state.flowing}
                case LessonChanged():
                    lesson = message.lesson
                case ParticipantChanged(participant=participant):
                    people[participant.participant_id] = participant
                case SlotChanged(state=state):
                    (flowing.add if state.flowing else flowing.discard)(state.slot)
            classes = [each for each in people.values() if each.role is Role.CLASS and each.present]
            if (
                lesson is not None
                and lesson.state == "live"
                and len(classes) == 3
                and [each.hand for each in classes].count(True) == 1
                and flowing >= {Slot.TEACHER_AUDIO, Slot.TEACHER_VIDEO}
            ):
                return
