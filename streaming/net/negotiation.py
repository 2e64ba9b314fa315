"""Offer and answer (RFC 9429, as the answerer): what a publisher sends to us and a subscriber receives from us.

We are always ICE-lite, the DTLS server, one bundle with rtcp-mux. Every answer carries all of our candidates; those
of the client are never needed. Sections outside the first bundle group, data channels and sections without a codec of
ours are rejected (port 0). Sections that carry nothing in our direction, or to which nothing is assigned, stay
`inactive`, so that a later offer may use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, TypeVar

from streaming.control import Slot, Source
from streaming.net import codecs
from streaming.net.answer import AnswerWriter, Extensions, LocalTransport
from streaming.net.offer import Codec, NegotiationError, Offer, OfferedSection, parse_offer
from streaming.wire import extensions as uris

ENCODINGS_MAX: Final = 3
"""Encodings of one camera that we take; an offer's further rids are left out of the answer."""

DEFAULT_SOURCES: Final = {"audio": (Source.MICROPHONE,), "video": (Source.CAMERA, Source.SCREEN)}
DEFAULT_SLOTS: Final = {
    "audio": (Slot.TEACHER_AUDIO, Slot.FLOOR_AUDIO, Slot.SCREEN_AUDIO),
    "video": (Slot.STAGE_VIDEO, Slot.TEACHER_VIDEO, Slot.FLOOR_VIDEO),
}
AUDIO_SOURCES: Final = frozenset({Source.MICROPHONE, Source.MICROPHONE_LOW, Source.SCREEN_SOUND})
AUDIO_SLOTS: Final = frozenset(slot for slot in Slot if slot.is_audio)

STREAMS: Final = {
    Slot.TEACHER_AUDIO: "teacher",
    Slot.TEACHER_VIDEO: "teacher",
    Slot.STAGE_VIDEO: "teacher",
    Slot.SCREEN_VIDEO: "screen",
    Slot.SCREEN_AUDIO: "screen",
    Slot.FLOOR_AUDIO: "floor",
    Slot.FLOOR_VIDEO: "floor",
}
"""Media stream (and RTCP CNAME) of each slot: the tracks of one stream are played in lip sync."""

PUBLISH_URIS: Final = {
    "audio": {uris.MID_URI: "mid", uris.TRANSPORT_WIDE_URI: "transport_cc", uris.AUDIO_LEVEL_URI: "audio_level"},
    "video": {
        uris.MID_URI: "mid",
        uris.RID_URI: "rid",
        uris.REPAIRED_RID_URI: "repaired_rid",
        uris.TRANSPORT_WIDE_URI: "transport_cc",
        uris.ABS_SEND_TIME_URI: "abs_send_time",
    },
}
SUBSCRIBE_URIS: Final = {
    uris.MID_URI: "mid",
    uris.TRANSPORT_WIDE_URI: "transport_cc",
    uris.ABS_SEND_TIME_URI: "abs_send_time",
}
ONE_BYTE_ID_MAX: Final = 14
"""Towards subscribers only one-byte headers are written (RFC 8285 section 4.2)."""


@dataclass(frozen=True, slots=True)
class PublishedCodec:
    """A payload type we accept. `rtx_of` is the payload type it retransmits, None for media; `profile` as in
    `streaming.net.codecs.profile`."""

    name: str
    clock_rate: int
    profile: str = ""
    rtx_of: int | None = None


@dataclass(frozen=True, slots=True)
class PublishedSection:
    """What one m-section will bring us.

    `ssrcs` maps the announced media SSRCs to those of their retransmissions (None: not announced); with `rids` the
    header extensions tell which SSRC is which encoding. `transport_cc` and `remb`: the bandwidth feedback that the
    sender heeds.
    """

    mid: str
    kind: str
    source: Source
    codecs: Mapping[int, PublishedCodec]
    extensions: Extensions
    rids: tuple[str, ...]
    ssrcs: Mapping[int, int | None]
    transport_cc: bool
    remb: bool
    nack: bool


@dataclass(frozen=True, slots=True)
class SubscribedCodec:
    name: str
    profile: str
    payload_type: int
    rtx_payload_type: int | None
    clock_rate: int


@dataclass(frozen=True, slots=True)
class SlotSsrcs:
    ssrc: int
    rtx_ssrc: int | None


@dataclass(frozen=True, slots=True)
class SubscribedSection:
    """What one m-section takes from us. `codecs` in our order of preference; extension ids are at most 14."""

    mid: str
    slot: Slot
    ssrcs: SlotSsrcs
    cname: str
    codecs: tuple[SubscribedCodec, ...]
    extensions: Extensions
    transport_cc: bool
    remb: bool


Carried = TypeVar("Carried", Source, Slot)


def answer_publish(
    offer: Offer, transport: LocalTransport, sources: Mapping[str, Source], start_kbps: int = 0
) -> tuple[str, list[PublishedSection]]:
    """The answer to a publisher. `sources` by mid; empty: in the order of `DEFAULT_SOURCES`.

    `start_kbps` is what Chromium begins to send at (0: its own default). Raises NegotiationError.
    """
    wanted = _assign(offer, sources or _in_order(offer, DEFAULT_SOURCES), AUDIO_SOURCES)
    answer = AnswerWriter(offer, transport)
    published = []
    for section in offer.sections:
        source = wanted.get(section.mid)
        saving = source is Source.MICROPHONE_LOW
        chosen = codecs.saving_sound(section) if saving else codecs.select(section)
        if not answer.accepts(section, chosen) or source is None or not section.sends:
            answer.add_idle(section, chosen)
            continue
        extensions = _publish_extensions(section, chosen)
        entry = _published(section, source, chosen, extensions)
        lines = [f"a=rid:{rid} recv" for rid in entry.rids]
        if saving:
            lines += codecs.SAVING_LINES
        if len(entry.rids) > 1:
            lines.append(f"a=simulcast:recv {';'.join(entry.rids)}")
        answer.add(
            section,
            "recvonly",
            chosen,
            extensions,
            feedback=(codecs.TRANSPORT_CC if entry.transport_cc else codecs.REMB, *codecs.LOSS_FEEDBACK),
            extra_fmtp=f"x-google-start-bitrate={start_kbps}" if start_kbps and section.kind == "video" else "",
            lines=lines,
        )
        published.append(entry)
    return answer.text(), published


def answer_subscribe(
    offer: Offer, transport: LocalTransport, slots: Mapping[str, Slot], ssrcs: Mapping[Slot, SlotSsrcs]
) -> tuple[str, list[SubscribedSection]]:
    """The answer to a subscriber. `slots` by mid; empty: in the order of `DEFAULT_SLOTS`; `ssrcs` has each of them.

    Raises NegotiationError.
    """
    wanted = _assign(offer, slots or _in_order(offer, DEFAULT_SLOTS), AUDIO_SLOTS)
    answer = AnswerWriter(offer, transport)
    subscribed = []
    for section in offer.sections:
        chosen = codecs.select(section)
        slot = wanted.get(section.mid)
        if not answer.accepts(section, chosen) or slot is None or not section.receives:
            answer.add_idle(section, chosen)
            continue
        extensions = _pick(section, SUBSCRIBE_URIS, refused="sendonly", id_max=ONE_BYTE_ID_MAX)
        entry = _subscribed(section, slot, ssrcs[slot], chosen, extensions)
        answer.add(
            section,
            "sendonly",
            chosen,
            extensions,
            feedback=(codecs.TRANSPORT_CC, codecs.REMB, *codecs.LOSS_FEEDBACK),
            lines=_stream_lines(entry),
        )
        subscribed.append(entry)
    return answer.text(), subscribed


def _in_order(offer: Offer, order: Mapping[str, tuple[Carried, ...]]) -> dict[str, Carried]:
    assigned: dict[str, Carried] = {}
    for kind, carried in order.items():
        mids = [section.mid for section in offer.sections if section.bundled and section.kind == kind]
        assigned.update(zip(mids, carried, strict=False))
    return assigned


def _assign(offer: Offer, named: Mapping[str, Carried], audio: frozenset[Carried]) -> Mapping[str, Carried]:
    kinds = {section.mid: section.kind for section in offer.sections}
    fits = all(kinds.get(mid) == ("audio" if carried in audio else "video") for mid, carried in named.items())
    if not fits or len(set(named.values())) != len(named):
        raise NegotiationError("bad_mapping")
    return named


def _pick(section: OfferedSection, wanted: Mapping[str, str], refused: str, id_max: int = 255) -> Extensions:
    """The offered ids of the wanted extensions, but those of which the client uses only the `refused` direction."""
    offered = (section.extensions.get(uri) for uri in wanted)
    return Extensions(
        **{
            wanted[entry.uri]: entry.id
            for entry in offered
            if entry is not None and entry.direction not in {refused, "inactive"} and entry.id <= id_max
        }
    )


def _heeds(chosen: tuple[Codec, ...], value: str) -> bool:
    return any(value in codec.feedback for codec in chosen)


def _publish_extensions(section: OfferedSection, chosen: tuple[Codec, ...]) -> Extensions:
    """Transport-wide numbering only together with its feedback. Send times tell us of the uplink's queue."""
    found = _pick(section, PUBLISH_URIS[section.kind], refused="recvonly")
    return found if _heeds(chosen, codecs.TRANSPORT_CC) else replace(found, transport_cc=0)


def _published(
    section: OfferedSection, source: Source, chosen: tuple[Codec, ...], extensions: Extensions
) -> PublishedSection:
    accepted: dict[int, PublishedCodec] = {}
    for codec in chosen:
        accepted[codec.payload_type] = PublishedCodec(codec.name, codec.clock_rate, codecs.profile(codec))
        rtx = section.rtx.get(codec.payload_type)
        if rtx is not None:
            accepted[rtx] = PublishedCodec("rtx", codec.clock_rate, rtx_of=codec.payload_type)
    secondary = set(section.fid.values())
    return PublishedSection(
        mid=section.mid,
        kind=section.kind,
        source=source,
        codecs=accepted,
        extensions=extensions,
        rids=section.rids[:ENCODINGS_MAX],
        ssrcs={ssrc: section.fid.get(ssrc) for ssrc in section.ssrcs if ssrc not in secondary},
        transport_cc=extensions.transport_cc > 0,
        remb=not extensions.transport_cc and _heeds(chosen, codecs.REMB),
        nack=_heeds(chosen, "nack"),
    )


def _subscribed(
    section: OfferedSection, slot: Slot, ssrcs: SlotSsrcs, chosen: tuple[Codec, ...], extensions: Extensions
) -> SubscribedSection:
    taken = _subscribed_codecs(chosen, tuple(section.rtx.get(c.payload_type) for c in chosen))
    if all(codec.rtx_payload_type is None for codec in taken):
        ssrcs = SlotSsrcs(ssrcs.ssrc, None)
    return SubscribedSection(
        mid=section.mid,
        slot=slot,
        ssrcs=ssrcs,
        cname=STREAMS[slot],
        codecs=taken,
        extensions=extensions,
        transport_cc=extensions.transport_cc > 0 and _heeds(chosen, codecs.TRANSPORT_CC),
        remb=_heeds(chosen, codecs.REMB),
    )


@lru_cache(maxsize=codecs.REMEMBERED)
def _subscribed_codecs(chosen: tuple[Codec, ...], rtx: tuple[int | None, ...]) -> tuple[SubscribedCodec, ...]:
    """Viewers with the same browser share theirs."""
    return tuple(
        SubscribedCodec(c.name, codecs.profile(c), c.payload_type, rtx_type, c.clock_rate)
        for c, rtx_type in zip(chosen, rtx, strict=True)
    )


def _stream_lines(entry: SubscribedSection) -> list[str]:
    """The stream that ties a person's picture to their sound, and its SSRCs (RFC 8830, RFC 5576)."""
    lines = [f"a=msid:{STREAMS[entry.slot]} {entry.slot.value}"]
    ssrc, rtx = entry.ssrcs.ssrc, entry.ssrcs.rtx_ssrc
    if rtx is not None:
        lines.append(f"a=ssrc-group:FID {ssrc} {rtx}")
    return lines + [f"a=ssrc:{number} cname:{entry.cname}" for number in (ssrc, rtx) if number is not None]


__all__ = [
    "Extensions",
    "LocalTransport",
    "NegotiationError",
    "Offer",
    "PublishedCodec",
    "PublishedSection",
    "SlotSsrcs",
    "SubscribedCodec",
    "SubscribedSection",
    "answer_publish",
    "answer_subscribe",
    "parse_offer",
]
