"""Pictures of every page, to be looked at: `python -m tests.browser.screenshots`.

Writes build/screenshots/<page>-<language>-<scheme>-<width>.png. The lesson is a real one: footage of a talking person,
through the real server.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, expect

from tests import footage
from tests.browser.chromium import chromium
from tests.browser.lesson_page import LessonPage
from tests.serving import ROOT, Server, serving

FOLDER = ROOT / "build" / "screenshots"
WIDTHS = {360: 740, 1366: 768, 1920: 1080}
LOCALES = {"ru": "ru-RU", "en": "en-GB"}
SCHEMES = ("light", "dark")
_SETTLES_MS = 400


class Photographer:
    """Opens tabs in one language and colour scheme and takes each page at every width."""

    def __init__(self, browser: Browser, language: str, scheme: str) -> None:
        self._browser = browser
        self._language = language
        self._scheme = scheme

    async def tab(self) -> LessonPage:
        page = await self._browser.new_page(
            locale=LOCALES[self._language],
            color_scheme="dark" if self._scheme == "dark" else "light",
            permissions=["camera", "microphone"],
        )
        return LessonPage(page)

    async def take(self, name: str, tab: LessonPage, *widths: int) -> None:
        for width in widths or WIDTHS:
            await tab.page.set_viewport_size({"width": width, "height": WIDTHS[width]})
            await tab.page.mouse.move(width / 2, 8)  # controls that have faded come back
            await tab.page.wait_for_timeout(_SETTLES_MS)
            path = FOLDER / f"{name}-{self._language}-{self._scheme}-{width}.png"
            await tab.page.screenshot(path=path, full_page=True)


async def office(server: Server, photographer: Photographer) -> None:
    """The administrator's pages."""
    tab = await photographer.tab()
    await tab.open(server.origin)
    await expect(tab.part("sign-in")).to_be_visible()
    await photographer.take("sign-in", tab)
    words = server.run("admin", "link").decode().split()
    await tab.open(next(word for word in words if word.startswith(f"{server.origin}/sign-in#")))
    await expect(tab.part("set-password")).to_be_visible()
    await photographer.take("set-password", tab)
    await tab.open(server.origin)
    await expect(tab.part("lessons")).to_be_visible()
    await photographer.take("lessons", tab)
    await tab.part("lesson-links").first.click()
    await expect(tab.part("link-viewer").first).to_be_visible()
    await photographer.take("links", tab)
    await tab.page.close()


async def door(server: Server, photographer: Photographer) -> None:
    """Before the lesson."""
    lesson = server.create_lesson("Физика, 10 класс. Волны")
    for name in ("teacher", "class", "viewer"):
        tab = await photographer.tab()
        await tab.open(lesson.links[name])
        await expect(tab.part("entry")).to_be_visible()
        await photographer.take(f"entry-{name}", tab)
        await tab.page.close()
    wrong = await photographer.tab()
    await wrong.open(f"{server.origin}/join#nonsense")
    await expect(wrong.part("refused-bad_token")).to_be_visible()
    await photographer.take("wrong-link", wrong)
    await wrong.page.close()


async def lesson(server: Server, photographer: Photographer) -> None:
    """From waiting to the end."""
    links = server.create_lesson("Физика, 10 класс. Волны").links
    teacher, klass, viewer = await photographer.tab(), await photographer.tab(), await photographer.tab()
    await teacher.enter(links["teacher"], "Анна Петровна")
    await photographer.take("console-waiting", teacher)
    await klass.enter(links["class"], "Хандыга СОШ, 10 А")
    await photographer.take("class-waiting", klass)
    await teacher.press("start-lesson")
    await klass.wait_seen("teacher_video", within_s=30)
    await viewer.enter(links["viewer"], "")
    await viewer.wait_seen("teacher_video", within_s=30)
    await klass.press("hand")
    for name, tab in {"console-hand": teacher, "class": klass, "viewer": viewer}.items():
        await photographer.take(name, tab)
    await viewer.press("open-reception")
    await expect(viewer.part("link-chart")).to_be_visible()
    await photographer.take("viewer-reception", viewer)
    await viewer.press("close-reception")
    await teacher.part("give-floor").first.click()
    await expect(klass.part("preview")).to_be_visible()
    await photographer.take("floor-offer", klass, 1366)  # the offer lapses meanwhile
    await klass.press("floor-accept")
    await teacher.wait_seen("floor_video", within_s=30)
    for name, tab in {"console-floor": teacher, "class-floor": klass, "viewer-floor": viewer}.items():
        await photographer.take(name, tab)
    await teacher.press("end-lesson")
    await teacher.press("end-lesson-confirm")
    await expect(klass.part("refused-ended")).to_be_visible()
    await photographer.take("ended", klass)
    for tab in (teacher, klass, viewer):
        await tab.page.close()


async def link_test(server: Server, photographer: Photographer) -> None:
    """Before a lesson: the link test, and the administrator's list."""
    links = server.create_lesson("Физика, 10 класс. Волны").links
    tab = await photographer.tab()
    await tab.open(links["class"].replace("/join#", "/link-test#"))
    await expect(tab.part("link-test-begin")).to_be_visible()
    await tab.part("place").fill("Хандыга СОШ")
    await photographer.take("link-test", tab)
    await tab.press("start-test")
    await expect(tab.part("link-test-chart")).to_be_visible(timeout=30_000)
    await photographer.take("link-test-running", tab)
    await expect(tab.part("link-test")).to_have_attribute("data-step", "done", timeout=60_000)
    await photographer.take("link-test-done", tab)
    words = server.run("admin", "link").decode().split()
    await tab.open(next(word for word in words if word.startswith(f"{server.origin}/sign-in#")))
    await expect(tab.part("set-password")).to_be_visible()
    await tab.open(f"{server.origin}/link-tests")
    await expect(tab.part("place-tests").first).to_be_visible()
    await photographer.take("link-tests", tab)
    await tab.page.close()


async def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    devices = footage.camera(960, 540), footage.microphone()
    with tempfile.TemporaryDirectory() as folder:
        async with serving(Path(folder)) as server, chromium(*devices) as browser:
            for language, scheme in itertools.product(LOCALES, SCHEMES):
                photographer = Photographer(browser, language, scheme)
                for scene in (door, lesson, office, link_test):
                    await scene(server, photographer)
    sys.stdout.write(f"{len(list(FOLDER.glob('*.png')))} pictures in {FOLDER.relative_to(ROOT)}\n")


if __name__ == "__main__":
    asyncio.run(main())
