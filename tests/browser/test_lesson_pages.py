"""A lesson through the real pages, from the link in hand to the picture on the wall."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ViewportSize, expect

from tests import footage
from tests.browser.chromium import chromium
from tests.browser.lesson_page import LessonPage
from tests.browser.waiting import until
from tests.serving import Lesson, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

PHONE: ViewportSize = {"width": 360, "height": 740}
NOTEBOOK: ViewportSize = {"width": 1366, "height": 768}

Open = Callable[..., Awaitable[LessonPage]]
"""A tab of a person of their own, on a notebook unless `viewport` says otherwise."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def school(network: None) -> AsyncIterator[Browser]:
    """Sound needs a person's click here, as in every browser at home."""
    async with chromium(footage.camera(640, 360), footage.microphone()) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def tab(school: Browser) -> AsyncIterator[Open]:
    async with AsyncExitStack() as contexts:
        opened: list[LessonPage] = []

        async def new(viewport: ViewportSize = NOTEBOOK) -> LessonPage:
            context = await school.new_context(viewport=viewport, locale="ru-RU")
            contexts.push_async_callback(context.close)
            opened.append(LessonPage(await context.new_page()))
            return opened[-1]

        yield new
        assert [problem for page in opened for problem in page.problems] == []


async def begin(tab: Open, lesson: Lesson) -> LessonPage:
    teacher = await tab()
    await teacher.enter(lesson.links["teacher"], "Анна Петровна")
    await teacher.press("start-lesson")
    await expect(teacher.part("lesson-state")).to_have_attribute("data-state", "live")
    return teacher


async def attend(tab: Open, lesson: Lesson, name: str = "Хандыга СОШ, 10 А") -> LessonPage:
    klass = await tab()
    await klass.enter(lesson.links["class"], name)
    return klass


async def test_a_lesson_with_a_question(server: Server, tab: Open) -> None:
    """Waiting, live, a hand, the floor given and taken back, the end: seen by teacher, class and a viewer's phone."""
    lesson = server.create_lesson("Физика, 10 класс. Волны")
    klass = await attend(tab, lesson)
    await expect(klass.part("stage")).to_have_attribute("data-stage", "waiting")
    teacher = await begin(tab, lesson)
    phone = await tab(PHONE)
    await phone.enter(lesson.links["viewer"], "")
    await asyncio.gather(*(page.wait_seen("teacher_video", within_s=20) for page in (klass, phone)))
    await asyncio.gather(*(page.wait_heard() for page in (klass, phone)))

    await klass.press("hand")
    row = teacher.part("participant").filter(has_text="Хандыга СОШ")
    await row.get_by_test_id("give-floor").click()
    await klass.press("floor-accept")
    await teacher.wait_seen("floor_video")
    await teacher.wait_heard()
    await phone.wait_seen("floor_video")
    await teacher.press("take-floor")
    await expect(klass.part("own-floor")).to_be_hidden()

    await teacher.press("end-lesson")
    await teacher.press("end-lesson-confirm")
    for page in (teacher, klass, phone):
        await expect(page.part("refused-ended")).to_be_visible()


async def test_the_teacher_reloads_the_tab(server: Server, tab: Open) -> None:
    lesson = server.create_lesson()
    teacher, klass = await begin(tab, lesson), await attend(tab, lesson)
    await klass.wait_seen("teacher_video", within_s=20)
    reloading = time.monotonic()
    await teacher.page.reload(wait_until="commit")
    await until("the teacher gone or back", lambda: publishes(teacher), within_s=5)
    await klass.wait_seen("teacher_video", frames=2)
    assert time.monotonic() - reloading <= 3.0
    await klass.wait_heard()


async def test_a_killed_media_process(server: Server, tab: Open) -> None:
    lesson = server.create_lesson()
    teacher, klass = await begin(tab, lesson), await attend(tab, lesson)
    await klass.wait_seen("teacher_video", within_s=20)
    killed = time.monotonic()
    for pid in server.media_pids():
        os.kill(pid, signal.SIGKILL)
    await until("the loss noticed", lambda: unconnected(klass), within_s=10)
    await klass.wait_seen("teacher_video", frames=2)
    assert time.monotonic() - killed <= 10.0
    await klass.wait_heard()
    assert (await teacher.state())["publishing"] == "connected"


async def test_a_partial_lesson(server: Server, tab: Open) -> None:
    """The class's own teacher switches the feed off and on; the distance teacher sees whether it is on."""
    lesson = server.create_lesson(kind="partial")
    teacher, klass = await begin(tab, lesson), await attend(tab, lesson)
    row = teacher.part("participant").filter(has_text="Хандыга СОШ")
    await expect(klass.part("feed")).to_have_attribute("aria-pressed", "false")
    await klass.press("feed")
    await expect(klass.part("feed")).to_have_attribute("aria-pressed", "true")
    await klass.wait_seen("teacher_video", within_s=20)
    await expect(row).to_contain_text("включ")
    await klass.press("feed")
    await expect(klass.part("feed")).to_have_attribute("aria-pressed", "false")
    await expect(row).to_contain_text("выключ")


async def test_links_that_open_nothing(server: Server, tab: Open) -> None:
    lesson = server.create_lesson()
    expired = server.create_lesson(valid_hours=1e-6)
    server.run("lesson", "revoke", lesson.lesson_id)
    page = await tab()
    for link, code in (
        (f"{server.origin}/join#nonsense", "bad_token"),
        (expired.links["class"], "expired"),
        (lesson.links["class"], "revoked"),
    ):
        # The fragment alone does not load a page anew.
        await page.open("about:blank")
        await page.open(link)
        statement = page.part(f"refused-{code}")
        await expect(statement).to_be_visible()
        assert len(await statement.inner_text()) > 30


async def test_a_denied_camera(server: Server, network: None) -> None:
    lesson = server.create_lesson()
    async with chromium(devices_allowed=False) as browser:
        page = LessonPage(await browser.new_page(locale="ru-RU"))
        await page.open(lesson.links["teacher"])
        for device in ("camera", "microphone"):
            trouble = page.part(f"{device}-trouble")
            await expect(trouble).to_have_attribute("data-trouble", "denied")
            assert len(await trouble.inner_text()) > 30


async def publishes(page: LessonPage) -> bool:
    return (await page.state()).get("publishing") == "connected"


async def unconnected(page: LessonPage) -> bool:
    return (await page.state()).get("subscribing") != "connected"
