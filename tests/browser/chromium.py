"""Headless Chromium with real footage for its camera and real speech for its microphone."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
]


@asynccontextmanager
async def chromium(
    camera: Path | None = None,
    microphone: Path | None = None,
    *,
    devices_allowed: bool = True,
    sound_without_gesture: bool = False,
) -> AsyncIterator[Browser]:
    """A browser whose devices play the given files (its own test pattern and beeps without them).

    `devices_allowed` answers the question for camera and microphone with yes; otherwise it is denied, as headless
    Chromium does. `sound_without_gesture` lets pages make sound that nobody has clicked on.
    """
    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path is not None, "chromium is not installed (make test installs it)"
    flags = [*FLAGS, "--use-fake-device-for-media-stream"]
    if devices_allowed:
        flags.append("--use-fake-ui-for-media-stream")
    if sound_without_gesture:
        flags.append("--autoplay-policy=no-user-gesture-required")
    if camera is not None:
        flags.append(f"--use-file-for-fake-video-capture={camera}")
    if microphone is not None:
        flags.append(f"--use-file-for-fake-audio-capture={microphone}")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            await browser.close()
