"""Firefox watches what Chromium publishes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from selenium.webdriver import Firefox

from tests.browser.conftest import Enter
from tests.browser.firefox import firefox
from tests.browser.raw_client import SCRIPT
from tests.browser.waiting import until
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="module")
def fox(network: None) -> Iterator[Firefox]:
    with firefox() as driver:
        yield driver


async def test_a_firefox_viewer(server: Server, enter: Enter, fox: Firefox) -> None:
    lesson = server.create_lesson()
    teacher = await enter(lesson.tokens["teacher"], "Анна Петровна")
    await teacher.do("set_live", state="live")
    await teacher.publish()

    await asyncio.to_thread(watch, fox, server.origin, lesson.tokens["viewer"])

    async def seen_and_heard() -> bool:
        inbound = await asyncio.to_thread(received, fox)
        picture, sound = inbound.get("teacher_video", {}), inbound.get("teacher_audio", {})
        return bool(picture.get("framesDecoded", 0) > 30 and sound.get("totalAudioEnergy", 0) > 0.005)

    await until("picture and sound in Firefox", seen_and_heard, within_s=30)


def watch(fox: Firefox, origin: str, token: str) -> None:
    """Join as a viewer without pages, as `RawClient` does."""
    fox.get(f"{origin}/healthz")
    fox.execute_script(SCRIPT.read_text(encoding="utf-8"))
    problem = fox.execute_async_script(
        """
        const [token, done] = arguments;
        window.client = new RawClient();
        client.join(token, "Зритель")
          .then(() => client.subscribe({ views: { teacher_audio: 0, teacher_video: 0 } }))
          .then(() => done(null), (error) => done(String(error)));
        """,
        token,
    )
    assert problem is None


def received(fox: Firefox) -> dict[str, Any]:
    found: dict[str, Any] = fox.execute_async_script(
        "const done = arguments[0]; client.statistics().then((all) => done(all.subscribe.inbound));"
    )
    return found
