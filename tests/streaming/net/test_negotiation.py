"""Offers of real clients and the answers they get; the browsers' own verdict is in test_answers_in_chromium."""

import random
from contextlib import suppress
from pathlib import Path

import pytest
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.control import Slot, Source
from streaming.net.addresses import candidate_lines
from streaming.net.dtls import Fingerprint
from streaming.net.negotiation import (
    LocalTransport,
    NegotiationError,
    PublishedSection,
    SlotSsrcs,
    SubscribedSection,
    answer_publish,
    answer_subscribe,
    parse_offer,
)
from streaming.subscriber import wire_profile
from streaming.wire import sdp
from tests.effort import little_effort

DATA = Path(__file__).parents[2] / "data" / "sdp"
TRANSPORT = LocalTransport(
    ufrag="oursours",
    password="p" * 24,
    fingerprint=Fingerprint("sha-256", ":".join(["AB"] * 32)),
    candidates=candidate_lines(["192.0.2.1", "2001:db8::1"], 50000, 50000),
    session_id=7,
)
SSRCS = {slot: SlotSsrcs(1000 + n, None if slot.is_audio else 2000 + n) for n, slot in enumerate(Slot)}


def captured(name: str) -> str:
    return (DATA / f"{name}.sdp").read_bytes().decode()


def publish(
    text: str, sources: dict[str, Source] | None = None, start_kbps: int = 0
) -> tuple[sdp.SessionDescription, list[PublishedSection]]:
    answer, sections = answer_publish(parse_offer(text), TRANSPORT, sources or {}, start_kbps)
    return sdp.parse_session(answer), sections


def subscribe(
    text: str, slots: dict[str, Slot] | None = None
) -> tuple[sdp.SessionDescription, list[SubscribedSection]]:
    answer, sections = answer_subscribe(parse_offer(text), TRANSPORT, slots or {}, SSRCS)
    return sdp.parse_session(answer), sections


def codec_names(media: sdp.MediaDescription) -> list[str]:
    maps = {str(m.payload_type): m for value in media.attributes.all("rtpmap") if (m := sdp.read_rtpmap(value))}
    return [maps[word].name for word in media.formats]


def refused(text: str) -> str:
    with pytest.raises(NegotiationError) as caught:
        parse_offer(text)
    assert caught.value.message.endswith(".")
    return caught.value.kind


# ---------------------------------------------------------------- reading offers


def test_chromiums_simulcast_offer() -> None:
    offer = parse_offer(captured("chromium_publish_simulcast_vp9"))
    assert (offer.ufrag, offer.setup, offer.trickle, offer.allow_mixed) == ("mIsE", "actpass", True, True)
    assert [f.algorithm for f in offer.fingerprints] == ["sha-256"]
    audio, camera, screen = offer.sections
    assert (audio.kind, audio.mid, audio.direction, audio.red) == ("audio", "0", "sendonly", 63)
    assert camera.rids == ("q", "h", "f")
    assert camera.rtx[98] == 99
    assert camera.extensions["urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"].id == 10
    vp9 = camera.codecs[0]
    assert (vp9.payload_type, vp9.name, vp9.clock_rate, dict(vp9.parameters)) == (98, "vp9", 90000, {"profile-id": "0"})
    assert set(vp9.feedback) == {"goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"}
    assert screen.fid == {1166886514: 1841359643}


def test_a_class_of_like_browsers_shares_its_codecs() -> None:
    """They are most of an offer: read once, and kept once for all connections."""
    text = captured("chromium_subscribe")
    first, second = (parse_offer(text.replace("a=ice-ufrag:", f"a=ice-ufrag:{name}")) for name in ("first", "second"))
    assert first.ufrag != second.ufrag
    assert [s.codecs is t.codecs for s, t in zip(first.sections, second.sections, strict=True)] == [True] * 6
    _, taken = subscribe(text)
    _, taken_again = subscribe(text.replace("a=ice-pwd:", "a=ice-pwd:again"))
    assert [s.codecs is t.codecs for s, t in zip(taken, taken_again, strict=True)] == [True] * len(taken)
    assert len(taken) > 1


def test_firefoxs_offer_has_its_fingerprint_at_session_level_and_bundle_only_sections() -> None:
    offer = parse_offer(captured("firefox_publish_simulcast"))
    assert offer.fingerprints[0].value.startswith("10:B5:FB")
    assert [section.bundled for section in offer.sections] == [True, True]
    assert [section.rejected for section in offer.sections] == [False, False]
    assert len(offer.sections[1].fid) == 3


def test_obs_has_its_transport_at_session_level() -> None:
    offer = parse_offer(captured("obs_publish"))
    assert (offer.ufrag, offer.setup, offer.trickle) == ("aEUh", "actpass", True)


def test_all_fingerprints_are_kept() -> None:
    offer = parse_offer(captured("aiortc_publish"))
    assert [f.algorithm for f in offer.fingerprints] == ["sha-256", "sha-384", "sha-512"]


def test_an_extension_id_means_one_thing_in_the_bundle() -> None:
    text = captured("chromium_publish_plain").replace(
        "a=extmap:14 urn:ietf:params:rtp-hdrext:toffset", "a=extmap:1 urn:x:clash\r\na=extmap:15 urn:x:reserved"
    )
    video = parse_offer(text).sections[1]
    assert "urn:x:clash" not in video.extensions
    assert "urn:x:reserved" not in video.extensions


OBS = captured("obs_publish")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "sdp_no_version"),
        ("v=0\r\n" + "a=x\r\n" * 1200, "sdp_too_many_lines"),
        ("x" * 70_000, "sdp_too_large"),
        ("v=0\r\ns=-\r\n", "no_media"),
        (OBS.replace("m=audio 9", "m=audio 0").replace("m=video 9", "m=video 0"), "no_media"),
        (OBS.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "no_media"),
        (OBS.replace("a=ice-ufrag:aEUh\r\n", ""), "no_ice"),
        (OBS.replace("a=ice-pwd:GyBVN7CzUUV4JGMq4pSMHt", "a=ice-pwd:short"), "no_ice"),
        (OBS.replace("a=fingerprint:sha-256", "a=fingerprint:sha-1"), "no_fingerprint"),
        (OBS.replace("2B:90", "2B90"), "no_fingerprint"),
        (OBS.replace("a=setup:actpass", "a=setup:passive"), "wrong_setup"),
        (OBS.replace("a=setup:actpass", "a=setup:holdconn"), "wrong_setup"),
        (OBS.replace("a=rtcp-mux\r\n", ""), "no_rtcp_mux"),
        (OBS.replace("a=mid:1", "a=mid:0"), "duplicate_mid"),
        (OBS.replace("a=mid:1", "a=mid:" + "x" * 33).replace("BUNDLE 0 1", "BUNDLE 0 " + "x" * 33), "sdp_bad_media"),
    ],
)
def test_offers_that_cannot_be_answered(text: str, kind: str) -> None:
    assert refused(text) == kind


# ---------------------------------------------------------------- publishers


def test_answer_to_chromiums_simulcast() -> None:
    answer, (audio, camera, screen) = publish(captured("chromium_publish_simulcast_vp9"), start_kbps=800)
    assert answer.attributes.has("ice-lite")
    assert answer.attributes.has("extmap-allow-mixed")
    assert answer.attributes.first("group") == "BUNDLE 0 1 2"
    first, video, _ = answer.media
    assert len(list(first.attributes.all("candidate"))) == 4
    assert first.attributes.has("end-of-candidates")
    assert not video.attributes.has("candidate")
    for media in answer.media:
        assert media.attributes.first("setup") == "passive"
        assert all(map(media.attributes.has, ("rtcp-mux", "rtcp-rsize", "recvonly")))
    assert codec_names(first) == ["opus", "red"]
    assert first.attributes.first("fmtp") == "111 minptime=10;useinbandfec=1"
    assert list(dict.fromkeys(codec_names(video))) == ["vp9", "rtx", "h264", "vp8", "av1"]
    assert list(video.attributes.all("rid")) == ["q recv", "h recv", "f recv"]
    assert video.attributes.first("simulcast") == "recv q;h;f"
    assert "98 profile-id=0;x-google-start-bitrate=800" in video.attributes.all("fmtp")
    assert "98 goog-remb" not in video.attributes.all("rtcp-fb")
    assert any("abs-send-time" in value for value in video.attributes.all("extmap"))
    assert not any("abs-send-time" in value for value in first.attributes.all("extmap"))

    assert (audio.source, camera.source, screen.source) == (Source.MICROPHONE, Source.CAMERA, Source.SCREEN)
    assert camera.codecs[98].name == "vp9"
    assert camera.codecs[99].rtx_of == 98
    assert 100 not in camera.codecs  # VP9 profile 2
    assert camera.rids == ("q", "h", "f")
    assert (camera.extensions.mid, camera.extensions.rid, camera.extensions.repaired_rid) == (4, 10, 11)
    assert (camera.transport_cc, camera.remb, camera.nack) == (True, False, True)
    assert audio.extensions.audio_level == 1
    assert screen.ssrcs == {1166886514: 1841359643}


def test_h264_keeps_its_parameters_and_constrained_baseline_leads() -> None:
    answer, (_, camera) = publish(captured("chromium_publish_plain"))
    video = answer.media[1]
    profiles = [codec.profile for codec in camera.codecs.values() if codec.name == "h264"]
    assert profiles == ["constrained-baseline", "baseline", "main"]
    lines = list(video.attributes.all("fmtp"))
    assert "108 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f" in lines
    assert not any("packetization-mode=0" in line for line in lines)


def test_firefoxs_simulcast_is_answered_with_vp8_first_and_mirrored_directions() -> None:
    answer, (_, camera) = publish(captured("firefox_publish_simulcast"))
    video = answer.media[1]
    assert codec_names(video)[:2] == ["vp8", "rtx"]  # it cannot set a scalabilityMode, which VP9 simulcast needs
    assert "9/recvonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id" in video.attributes.all("extmap")
    assert video.attributes.first("simulcast") == "recv q;h;f"
    assert (camera.extensions.rid, camera.transport_cc) == (9, True)


def test_a_client_without_transport_wide_feedback_gets_remb() -> None:
    answer, (audio, camera) = publish(captured("aiortc_publish"))
    assert any("abs-send-time" in value for value in answer.media[1].attributes.all("extmap"))
    assert (camera.transport_cc, camera.remb, camera.extensions.abs_send_time) == (False, True, 3)
    assert camera.ssrcs == {2029465787: 2377384288}
    assert audio.extensions.transport_cc == 0


def test_gstreamer_and_obs() -> None:
    answer, sections = publish(captured("gstreamer_publish"))
    assert [media.kind for media in answer.media] == ["video", "audio"]
    assert [section.source for section in sections] == [Source.CAMERA, Source.MICROPHONE]
    assert sections[0].transport_cc
    answer, sections = publish(captured("obs_publish"))
    assert not answer.attributes.has("extmap-allow-mixed")
    assert sections[1].ssrcs == {3518342614: None}
    assert (sections[1].transport_cc, sections[1].remb) == (False, True)


def test_h264_of_packetization_mode_0_where_there_is_no_other() -> None:
    text = captured("obs_publish").replace("packetization-mode=1;", "")
    assert publish(text)[1][1].codecs[96].name == "h264"


def test_sources_are_assigned_by_mid() -> None:
    _, sections = publish(captured("chromium_publish_simulcast_vp9"), {"2": Source.CAMERA, "0": Source.SCREEN_SOUND})
    assert [(section.mid, section.source) for section in sections] == [("0", Source.SCREEN_SOUND), ("2", Source.CAMERA)]


@pytest.mark.parametrize(
    "sources", [{"9": Source.CAMERA}, {"0": Source.CAMERA}, {"1": Source.CAMERA, "2": Source.CAMERA}]
)
def test_a_mapping_that_does_not_fit_the_offer(sources: dict[str, Source]) -> None:
    with pytest.raises(NegotiationError) as caught:
        publish(captured("chromium_publish_simulcast_vp9"), sources)
    assert caught.value.kind == "bad_mapping"


def test_sections_that_send_nothing_stay_inactive() -> None:
    text = captured("chromium_publish_plain").replace("a=sendonly", "a=inactive", 1)
    answer, sections = publish(text)
    assert [section.source for section in sections] == [Source.CAMERA]
    assert answer.media[0].port == 9
    assert answer.media[0].attributes.has("inactive")


def test_more_encodings_than_three_are_left_out() -> None:
    text = captured("chromium_publish_simulcast_vp9").replace(
        "a=simulcast:send q;h;f", "a=rid:x send\r\na=simulcast:send q;h;f;x"
    )
    answer, sections = publish(text)
    assert sections[1].rids == ("q", "h", "f")
    assert answer.media[1].attributes.first("simulcast") == "recv q;h;f"


def test_only_the_first_bundle_group_is_accepted() -> None:
    text = captured("obs_publish").replace("a=group:BUNDLE 0 1", "a=group:BUNDLE 0\r\na=group:BUNDLE 1")
    answer, sections = publish(text)
    assert [media.port for media in answer.media] == [9, 0]
    assert answer.attributes.first("group") == "BUNDLE 0"
    assert len(sections) == 1


def test_without_a_bundle_only_the_first_section_is_accepted() -> None:
    text = captured("obs_publish").replace("a=group:BUNDLE 0 1\r\n", "")
    answer, _ = publish(text)
    assert [media.port for media in answer.media] == [9, 0]
    assert not answer.attributes.has("group")


def test_no_common_codec() -> None:
    text = captured("obs_publish").replace("opus/48000/2", "speex/16000").replace("H264", "H265")
    with pytest.raises(NegotiationError) as caught:
        publish(text)
    assert caught.value.kind == "no_common_codec"


# ---------------------------------------------------------------- subscribers


def test_answer_to_chromiums_subscriber() -> None:
    answer, sections = subscribe(captured("chromium_subscribe"))
    assert [section.slot for section in sections] == [
        Slot.TEACHER_AUDIO,
        Slot.FLOOR_AUDIO,
        Slot.SCREEN_AUDIO,
        Slot.STAGE_VIDEO,
        Slot.TEACHER_VIDEO,
        Slot.FLOOR_VIDEO,
    ]
    stage = answer.media[3]
    assert all(media.attributes.has("sendonly") for media in answer.media)
    assert list(dict.fromkeys(codec_names(stage))) == ["vp9", "rtx", "h264", "vp8", "av1"]
    assert stage.attributes.first("msid") == "teacher stage_video"
    assert answer.media[0].attributes.first("msid") == "teacher teacher_audio"
    ssrcs = SSRCS[Slot.STAGE_VIDEO]
    assert sdp.read_ssrc_groups(stage.attributes) == (sdp.SsrcGroup("FID", (ssrcs.ssrc, ssrcs.rtx_ssrc or 0)),)
    assert f"{ssrcs.ssrc} cname:teacher" in stage.attributes.all("ssrc")
    assert {value.partition(" ")[2] for value in stage.attributes.all("rtcp-fb")} == {
        "transport-cc",
        "nack",
        "nack pli",
        "ccm fir",
        "goog-remb",
    }

    section = sections[3]
    assert (section.extensions.mid, section.extensions.transport_cc, section.extensions.abs_send_time) == (4, 3, 2)
    assert (section.transport_cc, section.remb) == (True, True)
    wire = wire_profile(section)
    assert wire.codec("vp9", "0") == (98, 99)
    profiles = {codec.payload_type: codec.profile for codec in section.codecs}
    main, unknown = (wire.codec("h264", profile)[0] for profile in ("main", "high"))
    assert (profiles[main], profiles[unknown]) == ("main", "constrained-baseline")
    assert not wire.takes("h265")


def test_slots_are_assigned_by_mid_and_the_rest_stays_inactive() -> None:
    answer, sections = subscribe(captured("chromium_subscribe"), {"4": Slot.SCREEN_VIDEO, "1": Slot.SCREEN_AUDIO})
    assert [(section.mid, section.slot, section.cname) for section in sections] == [
        ("1", Slot.SCREEN_AUDIO, "screen"),
        ("4", Slot.SCREEN_VIDEO, "screen"),
    ]
    assert [media.attributes.has("inactive") for media in answer.media] == [True, False, True, True, False, True]
    with pytest.raises(NegotiationError):
        subscribe(captured("chromium_subscribe"), {"4": Slot.SCREEN_AUDIO})


def test_firefoxs_subscriber() -> None:
    answer, sections = subscribe(captured("firefox_subscribe"))
    assert len(sections) == len(answer.media) == 6
    assert [codec.name for codec in sections[3].codecs] == ["vp9", "vp8", "av1"]
    assert sections[0].transport_cc


def test_data_channels_are_rejected() -> None:
    answer, sections = subscribe(captured("chromium_data_channel"))
    assert [media.port for media in answer.media] == [9, 9, 0]
    assert answer.media[2].formats == ("webrtc-datachannel",)
    assert answer.attributes.first("group") == "BUNDLE 0 1"
    assert len(sections) == 2


def test_extension_ids_that_need_two_byte_headers_are_left_out() -> None:
    text = captured("chromium_subscribe").replace("a=extmap:3 ", "a=extmap:20 ")
    _, sections = subscribe(text)
    assert all(section.extensions.transport_cc == 0 and not section.transport_cc for section in sections)


def test_a_receiver_without_rtx_gets_no_ssrc_for_it() -> None:
    lines = captured("chromium_data_channel").split("\r\n")
    _, sections = subscribe("\r\n".join(line for line in lines if "rtx/" not in line))
    assert sections[1].ssrcs.rtx_ssrc is None


# ---------------------------------------------------------------- aiortc's verdict, and anything else


async def test_aiortc_accepts_both_answers() -> None:
    publisher, viewer = RTCPeerConnection(), RTCPeerConnection()
    try:
        publisher.addTransceiver(AudioStreamTrack(), direction="sendonly")
        publisher.addTransceiver(VideoStreamTrack(), direction="sendonly")
        await publisher.setLocalDescription(await publisher.createOffer())
        answer, _ = answer_publish(parse_offer(publisher.localDescription.sdp), TRANSPORT, {})
        await publisher.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        assert [t.currentDirection for t in publisher.getTransceivers()] == ["sendonly", "sendonly"]

        for kind in ("audio", "video"):
            viewer.addTransceiver(kind, direction="recvonly")
        await viewer.setLocalDescription(await viewer.createOffer())
        answer, _ = answer_subscribe(parse_offer(viewer.localDescription.sdp), TRANSPORT, {}, SSRCS)
        await viewer.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        assert [t.currentDirection for t in viewer.getTransceivers()] == ["recvonly", "recvonly"]
    finally:
        await publisher.close()
        await viewer.close()


OFFERS = [captured(path.stem) for path in sorted(DATA.glob("*.sdp"))]


@settings(max_examples=250, deadline=None, derandomize=True)
@given(st.sampled_from(OFFERS), st.randoms(use_true_random=False), st.text(max_size=20))
def test_changed_offers_are_answered_or_refused(offer: str, dice: random.Random, noise: str) -> None:
    lines = offer.split("\r\n")
    for _ in range(dice.randrange(1, 8)):
        at = dice.randrange(len(lines))
        line = lines[at]
        cut = dice.randrange(len(line) + 1)
        lines[at : at + 1] = dice.choice(
            [[], [line, line], [line[:cut] + noise + line[cut:]], [line[:cut]], [dice.choice(lines)], [line, noise]]
        )
    text = "\r\n".join(lines)
    with suppress(NegotiationError):
        publish(text)
    with suppress(NegotiationError):
        subscribe(text)


@pytest.mark.parametrize(
    "line", ["a=rid:{n} send", "a=ssrc:{n} cname:x", "a=extmap:{n} urn:{n}", "a=rtcp-fb:* {n}", "a=fmtp:96 {n}={n}"]
)
def test_no_offer_takes_long(line: str) -> None:
    filler = "".join(line.format(n=n) + "\r\n" for n in range(900))
    types = " ".join(map(str, range(96, 128)))
    maps = "".join(f"a=rtpmap:{n} VP8/90000\r\n" for n in range(96, 128))
    text = captured("obs_publish").replace("SAVPF 96", f"SAVPF {types}") + maps + filler
    with little_effort():
        publish(text)
