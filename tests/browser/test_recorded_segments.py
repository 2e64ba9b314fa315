"""Segments as the recorder writes them, played by browsers through Media Source Extensions."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from typing import Any

import pytest

from archive.media import Init, Made, RenditionKey, Segment
from tests.browser.chromium import chromium
from tests.browser.firefox import firefox
from tests.recorder import lesson
from tests.recorder.watching import assemble

SECONDS = 14
PLAY = """
async tracks => {
  const video = document.body.appendChild(document.createElement('video'));
  video.muted = true;
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  const once = (target, name) => new Promise((done, failed) => {
    target.addEventListener(name, done, {once: true});
    video.addEventListener('error', () => failed(new Error(video.error.message)), {once: true});
  });
  await once(source, 'sourceopen');
  const buffers = tracks.map(({type}) => source.addSourceBuffer(type));
  for (const [index, {pieces}] of tracks.entries()) {
    const buffer = buffers[index];
    for (const piece of pieces) {
      const appended = once(buffer, 'updateend');
      buffer.appendBuffer(Uint8Array.from(atob(piece), character => character.charCodeAt(0)));
      await appended;
    }
  }
  source.endOfStream();
  const ranges = [...source.sourceBuffers].map(({buffered}) =>
    Array.from({length: buffered.length}, (_, index) => [buffered.start(index), buffered.end(index)]));
  const shown = [];
  const read = () => {
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight).getContext('2d');
    canvas.drawImage(video, 0, 0);
    let number = 0;
    for (let bit = 0; bit < 16; bit++) {
      const left = (bit % 8 + 0.5) * video.videoWidth / 8, top = (Math.floor(bit / 8) + 0.5) * video.videoHeight / 2;
      number |= (canvas.getImageData(left, top, 1, 1).data[1] > 128) << bit;
    }
    return number;
  };
  for (const at of [1, 7.5, 13]) {
    const seeked = once(video, 'seeked');
    video.currentTime = at;
    await seeked;
    let number = read(), former = shown.at(-1)?.[1];
    for (let tries = 0; tries < 100 && number === former; tries++) {  // the frame may be drawn a moment later
      await new Promise((done) => setTimeout(done, 50));
      number = read();
    }
    shown.push([at, number]);
  }
  return {ranges, shown, size: [video.videoWidth, video.videoHeight]};
}
"""


def tracks(made: Iterable[Made], encoding: int) -> list[dict[str, Any]]:
    made = list(made)
    found = []
    for kind, key in (("video", RenditionKey("teacher_video", encoding)), ("audio", RenditionKey("teacher_audio", 0))):
        pieces = [each for each in made if isinstance(each, Init | Segment) and each.key == key]
        assert isinstance(pieces[0], Init)
        data = [base64.b64encode(each.data).decode() for each in pieces]
        found.append({"type": f'{kind}/mp4; codecs="{pieces[0].codecs}"', "pieces": data})
    return found


def check(result: dict[str, Any]) -> None:
    assert result["size"] == [320, 180]
    for row in result["ranges"]:
        assert len(row) == 1
        assert row[0][0] == pytest.approx(0, abs=0.1)
        assert row[0][1] == pytest.approx(SECONDS, abs=1.1)
    for at, number in result["shown"]:
        assert number / lesson.FPS == pytest.approx(at, abs=0.12)


@pytest.mark.parametrize("codec", ["vp9", "h264", "av1"])
async def test_chromium_plays_them(codec: str) -> None:
    made = assemble(lesson.plain(SECONDS, ((160, 90), (320, 180)), codec=codec))
    async with chromium() as browser:
        page = await browser.new_page()
        check(await page.evaluate(PLAY, tracks(made, 1)))


def test_firefox_plays_them() -> None:
    with firefox() as driver:
        driver.get("about:blank")
        for codec in ("vp9", "h264", "av1"):
            made = assemble(lesson.plain(SECONDS, ((160, 90), (320, 180)), codec=codec))
            script = (
                "const done = arguments[arguments.length - 1];"
                f"({PLAY})({json.dumps(tracks(made, 1))}).then(done, error => done(String(error)));"
            )
            result = driver.execute_async_script(script)
            assert isinstance(result, dict), (codec, result)
            check(result)
