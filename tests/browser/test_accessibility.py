"""axe finds nothing serious on any page, light or dark."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests import footage
from tests.browser.chromium import chromium
from tests.browser.lesson_page import LessonPage
from tests.serving import ROOT, Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
_FINDINGS = """async () => (await axe.run()).violations
  .filter((violation) => ["serious", "critical"].includes(violation.impact))
  .map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.target.join(" ")).join(", ")}`)"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser_with_devices(network: None) -> AsyncIterator[Browser]:
    async with chromium(footage.camera(640, 360), footage.microphone()) as running:
        yield running


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_serious(server: Server, browser_with_devices: Browser, scheme: str) -> None:
    lesson = server.create_lesson("Физика, 10 класс. Волны")

    async def page() -> LessonPage:
        return LessonPage(await browser_with_devices.new_page(locale="ru-RU", color_scheme=scheme))  # type: ignore[arg-type]

    start, wrong, entry = await page(), await page(), await page()
    await start.open(server.origin)
    await expect(start.page.get_by_role("button").first).to_be_visible()
    await wrong.open(f"{server.origin}/join#nonsense")
    await expect(wrong.part("refused-bad_token")).to_be_visible()
    await entry.open(lesson.links["class"])
    await expect(entry.part("preview")).to_be_visible()
    trust = await page()
    await trust.open(f"{server.origin}/trust")
    teacher, klass, viewer = await page(), await page(), await page()
    await teacher.enter(lesson.links["teacher"], "Анна Петровна")
    await teacher.press("start-lesson")
    await klass.enter(lesson.links["class"], "Хандыга СОШ")
    await viewer.enter(lesson.links["viewer"], "")
    await klass.wait_seen("teacher_video", within_s=20)
    await klass.press("open-reception")
    await expect(klass.part("link-chart")).to_be_visible()
    pages = {
        "start": start,
        "wrong link": wrong,
        "entry": entry,
        "trust": trust,
        "console": teacher,
        "class": klass,
        "viewer": viewer,
    }
    found = {name: await findings(each) for name, each in pages.items()}
    for each in pages.values():
        await each.page.context.close()
    assert found == {name: [] for name in pages}


async def findings(page: LessonPage) -> list[str]:
    await page.page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[str] = await page.page.evaluate(_FINDINGS)
    return found
