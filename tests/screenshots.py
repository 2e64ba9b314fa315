"""`python -m tests.screenshots`: a picture of every page into build/screenshots, in each language, width and scheme.

The pages are those of a real lesson in progress, with real footage for the camera.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page
from rich.progress import track

from tests import footage
from tests.browser.chromium import chromium
from tests.browser.lesson_page import LessonPage
from tests.serving import ROOT, Server, serving

FOLDER = ROOT / "build" / "screenshots"
LOCALES = {"ru": "ru-RU", "en": "en-GB"}
WIDTHS = {360: 740, 1366: 768, 1920: 1080}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


async def take_all(folder: Path) -> None:
    """Replaces the pictures of the same names in a folder that is there."""
    with tempfile.TemporaryDirectory() as data:
        async with serving(Path(data)) as server, chromium(footage.camera(960, 540), footage.microphone()) as browser:
            for language, locale in LOCALES.items():
                pages = await open_pages(server, browser, locale)
                for name, page in track(pages.items(), description=language):
                    await take(page, folder, f"{name}-{language}")
                for page in pages.values():
                    await page.context.close()


async def open_pages(server: Server, browser: Browser, locale: str) -> dict[str, Page]:
    """Every page by name, each in a browser of its own, in the middle of a lesson."""

    async def tab() -> LessonPage:
        return LessonPage(await browser.new_page(locale=locale))

    lesson = server.create_lesson("Физика, 10 класс. Волны")
    start, password, lessons, trust = await tab(), await tab(), await tab(), await tab()
    wrong, entry, teacher, klass, viewer = await tab(), await tab(), await tab(), await tab(), await tab()
    await start.open(server.origin)
    await trust.open(f"{server.origin}/trust")
    await password.open(server.run("admin", "link").decode().split()[0])
    await lessons.open(server.run("admin", "link").decode().split()[0])
    await lessons.page.wait_for_load_state("networkidle")
    await lessons.open(server.origin)
    await wrong.open(f"{server.origin}/join#nonsense")
    await entry.open(lesson.links["class"])
    await teacher.enter(lesson.links["teacher"], "Анна Петровна")
    await teacher.press("start-lesson")
    await klass.enter(lesson.links["class"], "Хандыга СОШ, 10 А")
    await viewer.enter(lesson.links["viewer"], "")
    await klass.wait_seen("teacher_video", within_s=30)
    await viewer.wait_seen("teacher_video", within_s=30)
    named = {"start": start, "password": password, "lessons": lessons, "trust": trust, "wrong-link": wrong}
    named |= {"entry": entry, "teacher": teacher, "class": klass, "viewer": viewer}
    return {name: each.page for name, each in named.items()}


async def take(page: Page, folder: Path, name: str) -> None:
    await page.bring_to_front()
    await page.wait_for_load_state("networkidle")
    for width, height in WIDTHS.items():
        await page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            await page.screenshot(path=folder / f"{name}-{width}-{scheme}.png", animations="disabled")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    asyncio.run(take_all(FOLDER))
    sys.stdout.write(f"{FOLDER}\n")
