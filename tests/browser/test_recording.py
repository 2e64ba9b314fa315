"""Recording as people in the lesson see it, and that what they saw recorded is in the archive afterwards."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests import footage
from tests.browser.chromium import chromium
from tests.browser.lesson_page import LessonPage
from tests.browser.waiting import until
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLASS = "Хандыга СОШ, 10 А"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser(network: None) -> AsyncIterator[Browser]:
    async with chromium(footage.camera(640, 360), footage.microphone()) as running:
        yield running


async def enter(stack: AsyncExitStack, browser: Browser, link: str, name: str) -> LessonPage:
    context = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="ru-RU")
    stack.push_async_callback(context.close)
    page = LessonPage(await context.new_page())
    await page.enter(link, name)
    return page


async def shows(page: LessonPage, state: str) -> None:
    await expect(page.part("recording")).to_have_attribute("data-state", state)


def stored(server: Server, lesson_id: str) -> dict[str, tuple[str, float, set[str]]]:
    """Recordings of a lesson by name: state, length, and the slots of which there is media."""
    with closing(sqlite3.connect(server.folder / "data" / "webclass.db")) as database:
        found = database.execute("SELECT id, state, duration_s FROM recording WHERE lesson_id = ?", [lesson_id])
        return {name: (state, duration_s, slots_of(database, name)) for name, state, duration_s in found.fetchall()}


def slots_of(database: sqlite3.Connection, recording_id: str) -> set[str]:
    found = database.execute("SELECT DISTINCT slot FROM media_segment WHERE recording_id = ?", [recording_id])
    return {slot for (slot,) in found.fetchall()}


async def test_everybody_sees_the_recording_and_a_class_is_in_it_only_after_it_has_agreed(
    server: Server, browser: Browser
) -> None:
    lesson = server.create_lesson()
    async with AsyncExitStack() as stack:
        teacher = await enter(stack, browser, lesson.links["teacher"], "Анна Петровна")
        klass = await enter(stack, browser, lesson.links["class"], CLASS)
        viewer = await enter(stack, browser, lesson.links["viewer"], "")
        await asyncio.gather(*(shows(page, "ready") for page in (teacher, klass, viewer)))
        await teacher.press("start-lesson")
        await asyncio.gather(*(shows(page, "running") for page in (teacher, klass, viewer)))
        await klass.wait_seen("teacher_video", within_s=60)

        await teacher.press("record")
        await asyncio.gather(*(shows(page, "paused") for page in (teacher, klass, viewer)))
        await teacher.press("record")
        await asyncio.gather(*(shows(page, "running") for page in (teacher, klass, viewer)))

        row = teacher.part("participant").filter(has_text=CLASS)
        await expect(row).to_contain_text("не записывается")
        await row.get_by_test_id("give-floor").click()
        await expect(klass.part("consent")).to_have_attribute("data-agreed", "false")
        await klass.press("floor-accept")
        await teacher.wait_seen("floor_video", frames=2, within_s=60)
        assert "floor_video" not in await finished(server, teacher, lesson.lesson_id, 0)

        await teacher.press("record")
        await klass.press("open-consent")
        await klass.press("consent-agree")
        await expect(row).not_to_contain_text("не записывается")
        await teacher.wait_seen("floor_video", frames=2, within_s=60)
        assert await finished(server, teacher, lesson.lesson_id, 1) >= {"teacher_audio", "teacher_video", "floor_video"}
        for page in (teacher, klass, viewer):
            assert page.problems == []


async def finished(server: Server, teacher: LessonPage, lesson_id: str, number: int) -> set[str]:
    """Stop the recording; the slots that are in it once it is complete."""
    name = f"{lesson_id}-{number}"
    await teacher.press("record-stop")
    await expect(teacher.part("recording")).to_be_hidden()

    async def ready() -> bool:
        return stored(server, lesson_id).get(name, ("", 0.0, set()))[0] == "ready"

    await until("the recording is complete", ready, within_s=60)
    _, duration_s, slots = stored(server, lesson_id)[name]
    assert duration_s > 0
    assert "teacher_video" in slots
    return slots
