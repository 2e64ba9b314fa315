"""A link that carries the sound and no motion: the picture changes every few seconds, and both ends are told so."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from bench.link.model import LinkConditions
from bench.live.stage import stage
from bench.live.viewer import ViewerPage
from tests.browser.test_reception_panel import WITHIN_MS, WITHIN_S, attending
from tests.browser.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

NARROW = LinkConditions(rate_bps=70e3, delay_s=0.05, buffer_s=1.0)
WIDE = LinkConditions(rate_bps=2e6, delay_s=0.05)
STILLS = 4
BETWEEN_S = 12.0
"""A still picture comes every 5 s; one may be given up on the way."""


async def test_the_picture_changes_now_and_then_and_the_sound_goes_on(browser: Browser, tmp_path: Path) -> None:
    async with stage(tmp_path, browser, seed=1) as on:
        on.relay.down.set(NARROW)
        async with attending(on, browser) as klass:
            viewer, panel = ViewerPage(klass), klass.part("reception")
            await expect(panel).to_have_attribute("data-reception", "still", timeout=WITHIN_MS)
            row = on.teacher.part("participant")
            await expect(row.get_by_test_id("link")).to_have_attribute("data-link", "still", timeout=WITHIN_MS)
            await viewer.frames()
            before = await viewer.look()

            shown: list[float] = []

            async def several() -> bool:
                shown.extend(frame.at for frame in await viewer.frames())
                return len(shown) > STILLS

            await until("some still pictures", several, 3 * WITHIN_S)
            gaps = [later - earlier for earlier, later in itertools.pairwise(shown)]
            assert max(gaps) < BETWEEN_S
            assert sum(gaps) / len(gaps) > 0.5, "motion would have one in 0.13 s at most"
            after = await viewer.look()
            assert before is not None
            assert after is not None
            assert before.sound is not None
            assert after.sound is not None
            assert after.sound.samples - before.sound.samples > 48_000 * 5
            concealed = after.sound.concealed - before.sound.concealed
            assert concealed < 0.1 * (after.sound.samples - before.sound.samples)
            await expect(panel).to_have_attribute("data-reception", "still")

            on.relay.down.set(WIDE)
            await expect(panel).not_to_have_attribute("data-reception", "still", timeout=WITHIN_MS)
            await expect(row.get_by_test_id("link")).not_to_have_attribute("data-link", "still", timeout=WITHIN_MS)
            assert on.troubles() == []
