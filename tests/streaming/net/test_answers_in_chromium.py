"""Real Chromium takes our answers: what it says of them afterwards is checked, no media flows."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from playwright.async_api import Page

from streaming.control import Source
from streaming.net.negotiation import answer_publish, answer_subscribe, parse_offer
from tests.browser.chromium import chromium
from tests.streaming.net.test_negotiation import SSRCS, TRANSPORT

OFFER_PUBLISH = """async () => {
  const pc = globalThis.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  pc.addTransceiver('audio', {direction: 'sendonly'});
  const sendEncodings = ['q', 'h', 'f'].map(
    (rid, i) => ({rid, scaleResolutionDownBy: 4 >> i, scalabilityMode: 'L1T3'}));
  const video = pc.addTransceiver('video', {direction: 'sendonly', sendEncodings});
  const codecs = RTCRtpReceiver.getCapabilities('video').codecs;
  const first = codec => codec.mimeType === 'video/VP9' || codec.mimeType === 'video/rtx';
  video.setCodecPreferences([...codecs.filter(first), ...codecs.filter(codec => !first(codec))]);
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}"""

OFFER_MICROPHONE_TWICE = """async () => {
  const pc = globalThis.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  pc.addTransceiver('audio', {direction: 'sendonly'});
  pc.addTransceiver('audio', {direction: 'sendonly', sendEncodings: [{maxBitrate: 14000, active: false}]});
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}"""

OFFER_SUBSCRIBE = """async () => {
  const pc = globalThis.pc = new RTCPeerConnection({bundlePolicy: 'max-bundle'});
  globalThis.streams = {};
  pc.ontrack = ({transceiver, streams}) => globalThis.streams[transceiver.mid] = streams.map(s => s.id);
  for (const kind of ['audio', 'audio', 'audio', 'video', 'video', 'video'])
    pc.addTransceiver(kind, {direction: 'recvonly'});
  pc.createDataChannel('refused');
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}"""

TAKE = """async sdp => {
  await pc.setRemoteDescription({type: 'answer', sdp});
  return pc.getTransceivers().map(t => ({
    mid: t.mid,
    direction: t.currentDirection,
    codecs: t.sender.getParameters().codecs.map(c => c.mimeType),
    rids: t.sender.getParameters().encodings.map(e => e.rid),
    extensions: t.sender.getParameters().headerExtensions.map(e => e.uri),
  }));
}"""

OFFER_AGAIN = """async () => {
  await pc.setLocalDescription(await pc.createOffer({iceRestart: true}));
  return pc.localDescription.sdp;
}"""


@pytest_asyncio.fixture
async def page() -> AsyncIterator[Page]:
    async with chromium() as browser:
        yield await browser.new_page()


async def test_three_encodings_of_vp9_and_opus(page: Page) -> None:
    text = await page.evaluate(OFFER_PUBLISH)
    answer, sections = answer_publish(parse_offer(text), TRANSPORT, {}, start_kbps=800)
    assert [section.rids for section in sections] == [(), ("q", "h", "f")]
    audio, video = await page.evaluate(TAKE, answer)
    assert (audio["direction"], video["direction"]) == ("sendonly", "sendonly")
    assert audio["codecs"][0] == "audio/opus"
    assert video["codecs"][0] == "video/VP9"
    assert video["rids"] == ["q", "h", "f"]
    uris = {"urn:ietf:params:rtp-hdrext:sdes:mid", "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"}
    assert uris <= set(video["extensions"])

    former = parse_offer(text)
    restarted = parse_offer(await page.evaluate(OFFER_AGAIN))
    assert restarted.ufrag != former.ufrag
    answer, _ = answer_publish(restarted, TRANSPORT, {})
    audio, video = await page.evaluate(TAKE, answer)
    assert (audio["direction"], video["direction"]) == ("sendonly", "sendonly")


async def test_the_microphone_twice(page: Page) -> None:
    """In one bundle the same payload type is answered in two ways, which Chromium has to take."""
    text = await page.evaluate(OFFER_MICROPHONE_TWICE)
    sources = {"0": Source.MICROPHONE, "1": Source.MICROPHONE_LOW}
    answer, sections = answer_publish(parse_offer(text), TRANSPORT, sources)
    assert [section.source for section in sections] == list(sources.values())
    full, saving = await page.evaluate(TAKE, answer)
    assert (full["direction"], saving["direction"]) == ("sendonly", "sendonly")
    assert saving["codecs"] == ["audio/opus"]
    assert "a=ptime:60" not in answer.split("m=audio")[1]
    assert "a=ptime:60\r\na=maxptime:60" in answer.split("m=audio")[2]
    assert "maxaveragebitrate=14000;usedtx=1" in answer.split("m=audio")[2]


async def test_three_sounds_and_three_pictures_and_no_data_channel(page: Page) -> None:
    answer, sections = answer_subscribe(parse_offer(await page.evaluate(OFFER_SUBSCRIBE)), TRANSPORT, {}, SSRCS)
    assert len(sections) == 6
    transceivers: list[dict[str, Any]] = await page.evaluate(TAKE, answer)
    assert [t["direction"] for t in transceivers] == ["recvonly"] * 6
    streams = await page.evaluate("streams")
    assert [streams[section.mid] for section in sections] == [
        ["teacher"],
        ["floor"],
        ["screen"],
        ["teacher"],
        ["teacher"],
        ["floor"],
    ]
