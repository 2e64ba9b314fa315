"""A link test as a coordinator runs it, on links that are shaped or blocked, and what the administrator then sees."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import pytest
from playwright.async_api import Browser, BrowserContext, ViewportSize, expect

from bench.link.model import LinkConditions
from bench.link.relay import Direction, LinkRelay
from bench.live.viewer import through_link
from streaming.net.addresses import local_addresses
from tests.browser.lesson_page import LessonPage
from tests.browser.network import udp_blocked
from tests.browser.test_accessibility import findings
from tests.serving import Server

pytestmark = pytest.mark.asyncio(loop_scope="session")

PHONE: Final[ViewportSize] = {"width": 360, "height": 740}
NOTEBOOK: Final[ViewportSize] = {"width": 1366, "height": 768}
WHOLE_TEST_MS: Final = 60_000
NO_WAY_THROUGH: Final = """
const { setRemoteDescription } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
  return setRemoteDescription.call(this, { type, sdp: sdp.replaceAll(/a=candidate:.*\\r\\n/g, "") });
};
"""
"""A firewall that stops the server's UDP and TCP alike, to the page: it never learns of an address."""


@asynccontextmanager
async def shaped(server: Server, link: LinkConditions) -> AsyncIterator[LinkRelay]:
    """The same link in both directions, in front of the server's media port."""
    relay = LinkRelay(
        (local_addresses()[0], 0), ("127.0.0.1", server.media_port), Direction(link, 1), Direction(link, 2)
    )
    try:
        yield relay
    finally:
        relay.close()


@asynccontextmanager
async def school(
    browser: Browser, locale: str = "ru-RU", viewport: ViewportSize = NOTEBOOK, script: str = ""
) -> AsyncIterator[LessonPage]:
    """A tab of a person of their own; `script` goes before the page's."""
    context: BrowserContext = await browser.new_context(locale=locale, viewport=viewport)
    try:
        page = LessonPage(await context.new_page())
        if script:
            await page.page.add_init_script(script=script)
        yield page
        assert page.problems == []
    finally:
        await context.close()


async def run_test(page: LessonPage, place: str) -> None:
    """From the page before the test to its result."""
    await page.part("place").fill(place)
    await page.press("start-test")
    await expect(page.part("link-test")).to_have_attribute("data-step", "done", timeout=WHOLE_TEST_MS)


async def kept(server: Server) -> dict[str, dict[str, Any]]:
    """The latest test of each place, as an administrator gets it; the worst first."""
    words = server.run("admin", "link").decode().split()
    token = next(word for word in words if "/sign-in#" in word).partition("#")[2]
    headers = {"Origin": server.origin}
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(server.origin, cookie_jar=jar, headers=headers) as http:
        async with http.post("/api/sign-in", json={"link_token": token}) as signed_in:
            assert signed_in.ok
        async with http.get("/api/link-tests") as response:
            places = (await response.json())["places"]
    return {place["place"]: place["tests"][0] for place in places}


async def test_where_udp_is_blocked_everything_goes_by_tcp(server: Server, browser: Browser) -> None:
    """From the page before the lesson, and back to it."""
    lesson = server.create_lesson()
    async with school(browser) as page:
        await page.open(lesson.links["class"])
        await page.press("open-link-test")
        await expect(page.part("link-test-begin")).to_be_visible()
        assert await findings(page) == []
        with udp_blocked(server.media_port):
            await page.part("place").fill("Тикси №1")
            await page.press("start-test")
            await expect(page.part("test-now")).to_have_text("Проверяем, сколько можно отправить…")
            assert await findings(page) == []
            await expect(page.part("link-test")).to_have_attribute("data-step", "done", timeout=WHOLE_TEST_MS)
        await expect(page.part("verdict")).to_have_attribute("data-receiving", "good")
        await expect(page.part("note-tcp")).to_be_visible()
        await expect(page.part("test-transport")).to_have_text("TCP")
        assert await findings(page) == []
        await page.press("back-to-lesson")
        await expect(page.part("entry")).to_be_visible()


async def test_a_thin_link_and_the_list_of_places(server: Server, browser: Browser) -> None:
    """In English on a phone; the administrator then sees who needs help."""
    lesson = server.create_lesson()
    async with shaped(server, LinkConditions(rate_bps=300e3, delay_s=0.04)) as link:
        async with school(browser, "en-GB", PHONE, through_link(link.address)) as page:
            await page.open(lesson.links["viewer"].replace("/join#", "/link-test#"))
            await run_test(page, "Khandyga")
            await expect(page.part("verdict")).to_contain_text("Sound and a small picture")
            await expect(page.part("test-figures")).to_contain_text("kbit/s")
            assert await findings(page) == []
        assert link.flows == 2
    found = (await kept(server))["Khandyga"]
    assert 220e3 < found["down_bps"] < 340e3
    assert 220e3 < found["up_bps"] < 340e3
    assert (found["receiving"], found["sending"]) == ("small_picture", "small_picture")
    assert 70 < found["rtt_ms"] < 250

    async with school(browser) as office:
        words = server.run("admin", "link").decode().split()
        await office.open(next(word for word in words if word.startswith(f"{server.origin}/sign-in#")))
        await expect(office.part("set-password")).to_be_visible()
        await office.open(server.origin)
        await office.press("open-link-tests")
        await expect(office.part("place-tests").filter(has_text="Khandyga")).to_contain_text("маленькая картинка")
        assert await findings(office) == []


async def test_a_lossy_link(server: Server, browser: Browser) -> None:
    lesson = server.create_lesson()
    lossy = LinkConditions(rate_bps=1e6, delay_s=0.04, loss=0.05)
    async with shaped(server, lossy) as link, school(browser, script=through_link(link.address)) as page:
        await page.open(lesson.links["viewer"].replace("/join#", "/link-test#"))
        await run_test(page, "Саскылах")
        await expect(page.part("note-lossy")).to_be_visible()
    found = (await kept(server))["Саскылах"]
    assert 600e3 < found["down_bps"] < 1.1e6
    assert 600e3 < found["up_bps"] < 1.1e6
    assert 0.02 < found["loss_down"] < 0.1
    assert 0.02 < found["loss_up"] < 0.1


async def test_nothing_gets_through(server: Server, browser: Browser) -> None:
    lesson = server.create_lesson()
    async with school(browser, script=NO_WAY_THROUGH) as page:
        await page.open(lesson.links["viewer"].replace("/join#", "/link-test#"))
        await run_test(page, "Оленёк")
        await expect(page.part("verdict")).to_have_attribute("data-receiving", "no_media")
        await expect(page.part("verdict")).to_contain_text("Картинка и звук не проходят")
        assert await findings(page) == []
    places = await kept(server)
    assert next(iter(places)) == "Оленёк"  # who needs help comes first


async def test_a_test_can_be_stopped_and_begun_again(server: Server, browser: Browser) -> None:
    """Without an invitation, by the keyboard alone."""
    async with school(browser) as page:
        await page.open(f"{server.origin}/link-test")
        await page.part("place").press("Enter")
        await expect(page.part("test-now")).to_have_text("Проверяем, сколько можно отправить…")
        await page.part("test-stop").press("Enter")
        await expect(page.part("link-test-begin")).to_be_visible()
        await page.part("start-test").press("Enter")
        await expect(page.part("test-now")).to_have_text("Проверяем, сколько можно отправить…")
