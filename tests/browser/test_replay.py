"""A recorded lesson on the player's page: every picture in step with the teacher's sound, in both browsers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect
from selenium.webdriver import Firefox

from archive.recordings_log import SqlRecordingLog
from infra.database import open_database, sessions_of
from infra.object_store import open_store
from infra.settings import Settings
from tests.archive import material
from tests.browser.chromium import chromium
from tests.browser.firefox import firefox
from tests.browser.lesson_page import LessonPage
from tests.browser.test_accessibility import findings
from tests.serving import Lesson, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

LENGTH_S = 18.0
RECORDING = "a0b1c2d3"
_STATE = """() => {
  const seen = (slot) => document.querySelector(`video[data-testid=${slot}]`);
  const video = (slot) => ({
    frames: seen(slot).getVideoPlaybackQuality().totalVideoFrames,
    at: seen(slot).currentTime,
    height: seen(slot).videoHeight,
    shown: document.querySelector(`[data-testid=picture-${slot}]`).className,
  });
  const player = window.__replay;
  return {
    at: player.sound.currentTime, paused: player.sound.paused, ended: player.sound.ended, duration: player.duration.value,
    words: document.querySelector("[data-testid=replay-words]").textContent,
    main: document.querySelector("[data-testid=replay-stage]").dataset.main,
    teacher: video("teacher_video"), screen: video("screen_video"),
  };
}"""


@dataclass
class Recorded:
    lesson: Lesson
    link: str
    """Opens the recording for who was invited."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def recorded(server: Server) -> Recorded:
    """The screen in the last third; for two seconds after the first third the teacher has no camera."""
    lesson = server.create_lesson("Физика, 10 класс. Волны")
    settings = Settings(data_dir=server.folder / "data")
    engine, store = open_database(settings), open_store(settings)
    log = SqlRecordingLog(sessions_of(engine))
    await log.begin(RECORDING, lesson.lesson_id, material.STARTED_AT)
    await material.keep(store, log, RECORDING, material.lesson(LENGTH_S))
    await log.finish(RECORDING, material.STARTED_AT + LENGTH_S, LENGTH_S)
    await store.close()
    await engine.dispose()
    return Recorded(lesson, f"{server.origin}/recordings/{RECORDING}#{lesson.tokens['class']}")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser_at_home(network: None) -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def tab(browser_at_home: Browser) -> AsyncIterator[LessonPage]:
    context = await browser_at_home.new_context(locale="ru-RU", viewport={"width": 1366, "height": 900})
    page = LessonPage(await context.new_page())
    yield page
    assert page.problems == []
    await context.close()


@pytest.fixture(scope="module")
def fox(network: None) -> Iterator[Firefox]:
    with firefox() as driver:
        yield driver


async def state(page: Page) -> dict[str, object]:
    found: dict[str, object] = await page.evaluate(_STATE)
    return found


async def test_debug(recorded: Recorded, tab: LessonPage) -> None:
    logs = []
    tab.page.on("console", lambda m: logs.append(m.text))
    await tab.open(recorded.link)
    await expect(tab.part("replay")).to_be_visible()
    await tab.press("replay-begin")
    for _ in range(25):
        print(await state(tab.page))
        await asyncio.sleep(1)
    print(logs)
    await tab.page.screenshot(path="/tmp/prep/w/h/build/replay.png")
    print(await findings(tab))
