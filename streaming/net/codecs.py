"""Which offered codecs we take, in which order, and the lines they get in the answer.

Preference: VP9 profile 0, H264 with packetization-mode 1 (constrained baseline first), VP8, AV1 profile 0; Opus, then
RED around it. A publisher sends the first codec of the answer that it can; a subscriber keeps all of them, because
who feeds its slot may bring another codec without renegotiation.

Simulcast is the exception: with several rids VP9 and AV1 send only the lowest encoding unless the page has set a
`scalabilityMode`, and Firefox cannot. A page that has done so puts the codec first in its offer; otherwise H264 and VP8
lead the answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

from streaming.net.offer import Codec, OfferedSection

PREFERENCE: Final = ("vp9", "h264", "vp8", "av1")
SIMULCAST_PREFERENCE: Final = ("h264", "vp8", "vp9", "av1")
SPELLING: Final = {"vp9": "VP9", "h264": "H264", "vp8": "VP8", "av1": "AV1"}
REMEMBERED: Final = 256
"""Choices and lines of the offers seen last; a class's browsers are mostly alike."""
VIDEO_CLOCK: Final = 90000
AUDIO_CLOCK: Final = 48000

OPUS_FMTP: Final = "minptime=10;useinbandfec=1"
"""Speech: loss concealment in band; mono and without DTX, which is what a recording wants too (RFC 7587)."""

SAVING_FMTP: Final = "minptime=10;useinbandfec=1;maxaveragebitrate=14000;usedtx=1"
SAVING_LINES: Final = ("a=ptime:60", "a=maxptime:60")
"""Speech at its cheapest: three frames a packet save headers, and a pause is not sent (RFC 7587 section 6.1)."""

TRANSPORT_CC: Final = "transport-cc"
REMB: Final = "goog-remb"
LOSS_FEEDBACK: Final = ("nack", "nack pli", "ccm fir")

H264_PROFILES: Final = (
    # (profile_idc, mask of profile-iop, value under it, name): RFC 6184 section 8.1, table 5
    (0x42, 0x40, 0x40, "constrained-baseline"),
    (0x4D, 0x80, 0x80, "constrained-baseline"),
    (0x58, 0xC0, 0xC0, "constrained-baseline"),
    (0x42, 0x40, 0x00, "baseline"),
    (0x58, 0xC0, 0x80, "baseline"),
    (0x4D, 0x80, 0x00, "main"),
    (0x64, 0x0C, 0x0C, "constrained-high"),
    (0x64, 0x0C, 0x00, "high"),
)


def profile(codec: Codec) -> str:
    """H264: a name of `H264_PROFILES` or ""; VP9 and AV1: the profile's number; other codecs: ""."""
    if codec.name == "vp9":
        return codec.parameters.get("profile-id", "0")
    if codec.name == "av1":
        return codec.parameters.get("profile", "0")
    if codec.name == "h264":
        return _h264_profile(codec.parameters.get("profile-level-id", "42000a"))
    return ""


def _h264_profile(profile_level_id: str) -> str:
    try:
        idc, iop, _ = bytes.fromhex(profile_level_id)
    except ValueError:
        return ""
    return next((name for i, mask, value, name in H264_PROFILES if i == idc and iop & mask == value), "")


def _select_video(codecs: tuple[Codec, ...], simulcast: bool) -> list[Codec]:
    """The offered codecs we take, best first. H264 in packetization mode 0 only where no mode 1 is offered."""
    offered = [c for c in codecs if c.name in PREFERENCE and c.clock_rate == VIDEO_CLOCK]
    modes = {c.parameters.get("packetization-mode", "0") for c in offered if c.name == "h264"}
    mode = "1" if "1" in modes else "0"
    taken = [
        c
        for c in offered
        if (c.name == "h264" and c.parameters.get("packetization-mode", "0") == mode)
        or (c.name in {"vp9", "av1"} and profile(c) == "0")
        or c.name == "vp8"
    ]
    plain_simulcast = simulcast and bool(taken) and taken[0].name not in {"vp9", "av1"}
    order = SIMULCAST_PREFERENCE if plain_simulcast else PREFERENCE
    return sorted(taken, key=lambda c: (order.index(c.name), profile(c) != "constrained-baseline"))


def _select_audio(codecs: tuple[Codec, ...]) -> list[Codec]:
    """Opus, and RED where it wraps that Opus."""
    opus = [c for c in codecs if c.name == "opus" and c.clock_rate == AUDIO_CLOCK and c.channels == 2][:1]
    wrapped = {str(c.payload_type) for c in opus}
    red = [
        c
        for c in codecs
        if c.name == "red" and c.clock_rate == AUDIO_CLOCK and c.fmtp and set(c.fmtp.split("/")) == wrapped
    ][:1]
    return [replace(c, fmtp=OPUS_FMTP) for c in opus] + red


def select(section: OfferedSection) -> tuple[Codec, ...]:
    """The offered codecs we take, best first; the same offer gets the same ones."""
    return _select(section.kind, section.codecs, len(section.rids) > 1)


def saving_sound(section: OfferedSection) -> tuple[Codec, ...]:
    """Opus as a saving microphone sends it, without RED, which would double it again."""
    return _saving_sound(section.codecs)


@lru_cache(maxsize=REMEMBERED)
def _saving_sound(codecs: tuple[Codec, ...]) -> tuple[Codec, ...]:
    return tuple(replace(codec, fmtp=SAVING_FMTP) for codec in _select_audio(codecs) if codec.name == "opus")


@lru_cache(maxsize=REMEMBERED)
def _select(kind: str, codecs: tuple[Codec, ...], simulcast: bool) -> tuple[Codec, ...]:
    return tuple(_select_video(codecs, simulcast) if kind == "video" else _select_audio(codecs))


@lru_cache(maxsize=REMEMBERED)
def codec_lines(
    codec: Codec, rtx: int | None, allowed_feedback: tuple[str, ...], extra_fmtp: str = ""
) -> tuple[str, ...]:
    """`a=` lines of one codec and of its retransmissions."""
    return tuple(_codec_lines(codec, rtx, allowed_feedback, extra_fmtp))


def _codec_lines(codec: Codec, rtx: int | None, allowed_feedback: tuple[str, ...], extra_fmtp: str) -> Iterator[str]:
    channels = f"/{codec.channels}" if codec.channels > 1 else ""
    yield f"a=rtpmap:{codec.payload_type} {SPELLING.get(codec.name, codec.name)}/{codec.clock_rate}{channels}"
    for value in codec.feedback:
        if value in allowed_feedback:
            yield f"a=rtcp-fb:{codec.payload_type} {value}"
    fmtp = ";".join(text for text in (codec.fmtp, extra_fmtp) if text)
    if fmtp:
        yield f"a=fmtp:{codec.payload_type} {fmtp}"
    if rtx is not None:
        yield f"a=rtpmap:{rtx} rtx/{codec.clock_rate}"
        yield f"a=fmtp:{rtx} apt={codec.payload_type}"
