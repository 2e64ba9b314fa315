"""What a page says of its link, and what the teacher sees of it, when the link becomes too narrow for a picture."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from bench.link.model import LinkConditions
from bench.live.stage import Stage, stage
from bench.live.viewer import PROJECTOR, through_link
from tests.browser.lesson_page import LessonPage
from tests.browser.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

LITTLE = LinkConditions(rate_bps=350e3, delay_s=0.05, buffer_s=1.0)
SOUND_ONLY = LinkConditions(rate_bps=34e3, delay_s=0.05, buffer_s=1.0)
WITHIN_S = 40.0
WITHIN_MS = WITHIN_S * 1000


@asynccontextmanager
async def attending(on: Stage, browser: Browser) -> AsyncIterator[LessonPage]:
    """A class behind the shaped link, with the panel open."""
    context = await browser.new_context(locale="ru-RU", viewport=PROJECTOR)
    try:
        page = LessonPage(await context.new_page())
        await page.page.add_init_script(script=through_link(on.relay.address))
        await page.enter(on.lesson.links["class"], "Хандыга СОШ, 10 А")
        await page.press("open-reception")
        yield page
    finally:
        await context.close()


async def test_a_link_that_carries_little_and_then_sound_only(browser: Browser, tmp_path: Path) -> None:
    async with stage(tmp_path, browser, seed=1) as on:
        on.relay.down.set(LITTLE)
        async with attending(on, browser) as klass:
            panel, row = klass.part("reception"), on.teacher.part("participant")
            await expect(panel).to_have_attribute("data-reception", "smaller", timeout=WITHIN_MS)
            await until("the teacher is told what the class sees", lambda: same_height(klass, on.teacher), WITHIN_S)
            said = await klass.part("link-chart").get_attribute("aria-label")
            assert said is not None
            assert said.startswith("За последние две минуты канал нёс от")

            on.relay.down.set(SOUND_ONLY)
            await expect(panel).to_have_attribute("data-reception", "sound_only", timeout=WITHIN_MS)
            await expect(klass.part("shown-picture")).to_contain_text("без картинки")
            await expect(row.get_by_test_id("link")).to_have_attribute("data-link", "sound_only", timeout=WITHIN_MS)
            await expect(on.teacher.part("suffering")).to_be_visible()
            assert on.troubles() == []


async def same_height(klass: LessonPage, teacher: LessonPage) -> bool:
    """What the class's own video element shows is what the teacher reads."""
    height = await klass.page.evaluate("() => document.querySelector('video[data-testid=teacher_video]').videoHeight")
    said = await teacher.part("sees").all_inner_texts()
    return height > 0 and any(f" {height}p" in text for text in said)
