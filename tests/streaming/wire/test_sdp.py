"""Session descriptions: caps, single attributes, ICE fragments, and whatever bytes may come."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.wire import sdp
from streaming.wire.errors import WireError
from tests.effort import little_effort

CAPTURED = sorted((Path(__file__).parents[2] / "data" / "sdp").glob("*.sdp"))


def attributes(*lines: str) -> sdp.Attributes:
    return sdp.parse_session("\r\n".join(("v=0", *lines))).attributes


def kind_of_error(text: str) -> str:
    with pytest.raises(WireError) as caught:
        sdp.parse_session(text)
    return caught.value.kind


@pytest.mark.parametrize("path", CAPTURED, ids=lambda path: path.stem)
def test_captured_descriptions_split_into_their_sections(path: Path) -> None:
    text = path.read_bytes().decode()
    session = sdp.parse_session(text)
    assert len(session.media) == text.count("\nm=")
    assert all(media.attributes.has("ice-ufrag") or session.attributes.has("ice-ufrag") for media in session.media)


def test_line_ends_of_any_kind() -> None:
    text = "v=0\ns=-\nm=audio 9 UDP/TLS/RTP/SAVPF 111\na=mid:0\n"
    assert sdp.parse_session(text) == sdp.parse_session(text.replace("\n", "\r\n"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "sdp_no_version"),
        ("hello", "sdp_no_version"),
        ("v=0\n" + "a=x\n" * 1000, "sdp_too_many_lines"),
        ("v=0\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 111\n" * 13, "sdp_too_many_sections"),
        ("v=0\n" + "a=" + "x" * 65536, "sdp_too_large"),
        ("v=0\n" + "a=" + "я" * 40000, "sdp_too_large"),
        ("v=0\nm=audio\n", "sdp_bad_media"),
        ("v=0\nm=audio nine UDP/TLS/RTP/SAVPF 111\n", "sdp_bad_media"),
        ("v=0\nm=audio 99999 UDP/TLS/RTP/SAVPF 111\n", "sdp_bad_media"),
        ("v=0\nm=au(dio 9 UDP/TLS/RTP/SAVPF 111\n", "sdp_bad_media"),
    ],
)
def test_refused_with_its_kind(text: str, kind: str) -> None:
    assert kind_of_error(text) == kind


def test_four_megabytes_and_thousands_of_candidates_cost_nothing() -> None:
    candidate = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\n"
    for text in ("v=0\n" + "x" * (4 << 20), "v=0\n" + candidate * 20_000, "v=0\n" + candidate * 990):
        with little_effort():
            try:
                kept = len(list(sdp.parse_session(text).attributes.all("candidate")))
            except WireError:
                kept = 0
        assert kept <= sdp.CANDIDATES_MAX


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("96 VP8/90000", sdp.RtpMap(96, "vp8", 90000, 1)),
        ("98 OPUS/48000/2", sdp.RtpMap(98, "opus", 48000, 2)),
        ("128 VP8/90000", None),
        ("٩٦ VP8/90000", None),
        ("96 VP8", None),
        ("96 VP8/0", None),
        ("96", None),
    ],
)
def test_rtpmap(value: str, expected: sdp.RtpMap | None) -> None:
    assert sdp.read_rtpmap(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("3 urn:x", sdp.ExtMap(3, "urn:x", "sendrecv")),
        ("9/sendonly urn:x", sdp.ExtMap(9, "urn:x", "sendonly")),
        ("255 urn:x some attributes", sdp.ExtMap(255, "urn:x", "sendrecv")),
        ("0 urn:x", None),
        ("15 urn:x", None),
        ("256 urn:x", None),
        ("3/sideways urn:x", None),
        ("3", None),
    ],
)
def test_extmap(value: str, expected: sdp.ExtMap | None) -> None:
    assert sdp.read_extmap(value) == expected


def test_parameters() -> None:
    assert sdp.read_parameters("Minptime=10; useinbandfec=1;;") == {"minptime": "10", "useinbandfec": "1"}
    assert sdp.read_parameters("111/111") == {"111/111": ""}
    assert sdp.read_payload_value("* nack pli") == (None, "nack pli")
    assert sdp.read_payload_value("x nack") is None


@pytest.mark.parametrize(
    ("lines", "rids"),
    [
        (["a=rid:q send", "a=rid:h send", "a=rid:f send", "a=simulcast:send f;h;q"], ("f", "h", "q")),
        (["a=rid:q send pt=96", "a=rid:h recv"], ("q",)),
        (["a=rid:a send", "a=rid:b send", "a=rid:c send", "a=simulcast:recv x send ~a,b;c;unknown"], ("a", "c")),
        (["a=rid:way-too-long-for-a-rid send", "a=rid:é send", "a=rid:x"], ()),
        (["a=simulcast:send q;h"], ()),
        (["a=rid:q send", "a=simulcast:send"], ("q",)),
    ],
)
def test_rids_in_simulcast_order(lines: list[str], rids: tuple[str, ...]) -> None:
    assert sdp.read_send_rids(attributes(*lines)) == rids


def test_ssrcs_and_groups() -> None:
    part = attributes(
        "a=ssrc-group:FID 1 2",
        "a=ssrc-group:SIM 1 x",
        "a=ssrc-group:",
        "a=ssrc:1 cname:a",
        "a=ssrc:1 msid:a b",
        "a=ssrc:2 cname:a",
        "a=ssrc:4294967296 cname:a",
    )
    assert sdp.read_ssrcs(part) == (1, 2)
    assert sdp.read_ssrc_groups(part) == (sdp.SsrcGroup("FID", (1, 2)),)


FRAGMENT = sdp.IceFragment(
    "EsAw", "P2uYro0UCOQ4zxjKXaWCBui1", ("candidate:1 1 udp 2130706431 198.51.100.1 39132 typ host",), "0", True
)


def test_ice_fragment_round_trip() -> None:
    text = sdp.write_ice_fragment(FRAGMENT)
    assert text.endswith("a=end-of-candidates\r\n")
    assert sdp.parse_ice_fragment(text) == FRAGMENT


def test_ice_fragment_as_rfc_9725_shows_it() -> None:
    text = (
        "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:ysXw\r\n"
        "a=ice-pwd:vw5LmwG4y/e6dPP/zAP9Gp5k\r\n"
        "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1\r\n"
    )
    fragment = sdp.parse_ice_fragment(text)
    assert (fragment.ufrag, fragment.password) == ("ysXw", "vw5LmwG4y/e6dPP/zAP9Gp5k")
    assert len(fragment.candidates) == 1
    assert not fragment.end_of_candidates


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "ice_no_credentials"),
        ("a=ice-ufrag:abcd\n", "ice_no_credentials"),
        ("a=ice-ufrag:abc\na=ice-pwd:" + "x" * 22, "ice_bad_credentials"),
        ("a=ice-ufrag:abcd\na=ice-pwd:" + "x" * 21, "ice_bad_credentials"),
        ("a=ice-ufrag:ab:d\na=ice-pwd:" + "x" * 22, "ice_bad_credentials"),
        ("a=x\n" * 5000, "sdp_too_large"),
    ],
)
def test_ice_fragment_refused(text: str, kind: str) -> None:
    with pytest.raises(WireError) as caught:
        sdp.parse_ice_fragment(text)
    assert caught.value.kind == kind


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.text(max_size=400)
    | st.lists(st.sampled_from(["v=0", "m=", "a=mid:", "a=rid:", "m=video 9 U/T 9"])).map("\n".join)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (sdp.parse_session, sdp.parse_ice_fragment):
        with suppress(WireError):
            parse(text)
