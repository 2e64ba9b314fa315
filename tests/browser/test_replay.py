"""A recorded lesson on the player's page: every picture in step with the teacher's sound, in both browsers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect
from selenium.webdriver import Firefox
from selenium.webdriver.support.ui import WebDriverWait

from archive.recordings_log import SqlRecordingLog
from infra.database import open_database, sessions_of
from infra.object_store import open_store
from infra.settings import Settings
from tests.archive import material
from tests.browser.chromium import chromium
from tests.browser.firefox import firefox
from tests.browser.lesson_page import LessonPage
from tests.browser.test_accessibility import findings
from tests.browser.waiting import until
from tests.serving import Lesson, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

LENGTH_S = 18.0
RECORDING = "a0b1c2d3"
_STATE = """() => {
  const canvas = document.createElement("canvas");
  canvas.width = 160; canvas.height = 90;
  const numberIn = (video) => {
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0, 160, 90);
    const row = context.getImageData(0, 22, 160, 1).data;
    let number = 0;
    for (let bit = 0; bit < 16; bit += 1) if (row[(bit * 10 + 5) * 4] > 127) number += 2 ** bit;
    return number;
  };
  const picture = (slot) => {
    const video = document.querySelector(`video[data-testid=${slot}]`);
    return {
      frames: video.getVideoPlaybackQuality().totalVideoFrames,
      at: video.currentTime,
      number: numberIn(video),
      height: video.videoHeight,
      place: document.querySelector(`[data-testid=picture-${slot}]`).className.split(" ")[1],
    };
  };
  const { sound } = window.__replay;
  return {
    at: sound.currentTime, paused: sound.paused, ended: sound.ended,
    words: document.querySelector("[data-testid=replay-words]").textContent,
    teacher: picture("teacher_video"), screen: picture("screen_video"),
  };
}"""
State = dict[str, Any]
Look = Callable[[], Awaitable[State]]


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


async def reached(look: Look, what: str, holds: Callable[[State], bool], within_s: float = 40) -> State:
    """The state in which this holds; else the error tells the last one that was seen."""
    last: State = {}

    async def there() -> bool:
        last.update(await look())
        return holds(last)

    try:
        await until(what, there, within_s)
    except AssertionError as error:
        raise AssertionError(f"{error}; {last}") from error
    return last


async def in_step(look: Look, slot: str, begin_s: float) -> None:
    """New frames are shown, and each says by its own number that it is of the moment that is heard."""
    before = (await look())[slot]["frames"]

    def holds(found: State) -> bool:
        # The numbers are of the frames' beginnings, 15 a second.
        late = found["at"] - begin_s - found[slot]["number"] / material.FPS
        return bool(found[slot]["frames"] > before + 8 and abs(late - 0.5 / material.FPS) < 0.1)

    await reached(look, f"{slot} in step with the sound", holds)


def look_at(tab: LessonPage) -> Look:
    return lambda: tab.page.evaluate(_STATE)


async def test_from_beginning_to_end(recorded: Recorded, tab: LessonPage) -> None:
    look = look_at(tab)
    await tab.open(recorded.link)
    await tab.press("replay-begin")
    await in_step(look, "teacher", 0.0)

    await tab.part("replay-seek").fill("6")
    found = await reached(look, "the hole", lambda found: 6.2 < found["at"] < 8 and found["teacher"]["place"] == "away")
    assert "Картинки здесь не было" in found["words"]
    await reached(look, "sound goes on through it", lambda found: found["at"] > 8.3)
    await in_step(look, "teacher", 8.0)

    await tab.part("replay-seek").fill("12")
    await in_step(look, "screen", 12.0)
    found = await look()
    assert (found["screen"]["place"], found["teacher"]["place"]) == ("main", "corner")
    await tab.part("replay-speed").select_option("2")
    await reached(look, "the end", lambda found: bool(found["ended"]))


async def test_quality_keys_and_the_remembered_place(recorded: Recorded, tab: LessonPage) -> None:
    look = look_at(tab)
    await tab.open(recorded.link)
    await tab.part("replay-quality").select_option("90")
    await tab.part("replay-begin").press("Enter")
    await reached(look, "the lowest quality", lambda found: found["teacher"]["height"] == 90)
    await tab.part("replay-quality").select_option("360")
    await reached(look, "the highest quality", lambda found: found["teacher"]["height"] == 360)
    await tab.part("replay-quality").select_option("sound")
    await reached(look, "sound only", lambda found: found["teacher"]["place"] == "away" and not found["paused"])
    await tab.part("replay-quality").select_option("auto")
    await tab.part("replay-quality").blur()
    await tab.page.keyboard.press("Home")
    await tab.page.keyboard.press("ArrowRight")
    await reached(look, "ten seconds further", lambda found: 10 <= found["at"] < 14)
    await tab.page.keyboard.press("k")
    await reached(look, "a pause", lambda found: bool(found["paused"]))
    left = (await look())["at"]
    await tab.page.reload()
    await expect(tab.part("replay")).to_be_visible()
    await reached(look, "the remembered place", lambda found: left - 1 <= found["at"] <= 14)
    assert await findings(tab) == []


async def test_on_a_phone(recorded: Recorded, tab: LessonPage) -> None:
    await tab.page.set_viewport_size({"width": 360, "height": 740})
    await tab.open(recorded.link)
    await expect(tab.part("replay-begin")).to_be_in_viewport()
    await expect(tab.part("replay-toggle")).to_be_in_viewport()
    assert await tab.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert await findings(tab) == []


async def test_the_list_and_who_may_not(recorded: Recorded, server: Server, tab: LessonPage) -> None:
    await tab.open(f"{server.origin}/recordings/{RECORDING}")
    await expect(tab.part("no-recording-not_found")).to_be_visible()
    await tab.open(f"{server.origin}/recordings#{recorded.lesson.tokens['viewer']}")
    await expect(tab.part("recording")).to_have_count(1)
    await tab.part("recordings-search").fill("волны физик")
    await expect(tab.part("recording")).to_have_count(1)
    assert await findings(tab) == []
    await tab.part("recordings-search").fill("химия")
    await expect(tab.part("recording")).to_have_count(0)
    await tab.part("recordings-search").fill("")
    await tab.part("recording").get_by_role("link").click()
    await expect(tab.part("replay")).to_be_visible()


async def test_in_firefox(recorded: Recorded, fox: Firefox) -> None:
    async def look() -> State:
        found: State = await asyncio.to_thread(fox.execute_script, f"return ({_STATE})();")
        return found

    def press(testid: str) -> None:
        WebDriverWait(fox, 30).until(lambda driver: driver.find_elements("css selector", f"[data-testid={testid}]"))
        fox.find_element("css selector", f"[data-testid={testid}]").click()

    await asyncio.to_thread(fox.get, recorded.link)
    await asyncio.to_thread(press, "replay-begin")
    await in_step(look, "teacher", 0.0)
    await asyncio.to_thread(fox.execute_script, "window.__replay.seek(12)")
    await in_step(look, "screen", 12.0)
    await reached(look, "the end", lambda found: bool(found["ended"]))
