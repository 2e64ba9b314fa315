"""An SDP offer as a typed record.

The lines are read by `streaming.wire.sdp`, not by aiortc's parser: that one drops what simulcast and our answers need
(rid, simulcast, the direction of extmap, session-level ICE attributes, bundle-only) and takes quadratic time over
candidates. We are ICE-lite and never send a check, so remote candidates are not kept at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from streaming.net.dtls import Fingerprint
from streaming.wire import sdp
from streaming.wire.errors import WireError

PROTOCOLS: Final = ("UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP")
DIGEST_BYTES: Final = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
FINGERPRINTS_MAX: Final = 8
MID_MAX_CHARS: Final = 32
REMEMBERED_FORMATS: Final = 32
"""The codecs' lines are most of an offer, and those of one browser's sections and of a class's browsers are the same:
they are read once, and kept once for all connections."""

SENTENCES: Final = {
    "sdp_too_large": "The description is larger than 64 KiB.",
    "sdp_too_many_lines": f"The description has more than {sdp.LINES_MAX} lines.",
    "sdp_too_many_sections": f"The description has more than {sdp.SECTIONS_MAX} media sections.",
    "sdp_no_version": "The description does not begin with v=0.",
    "sdp_bad_media": "A media line of the description cannot be read.",
    "duplicate_mid": "Two media sections have the same mid.",
    "no_media": "The offer has no audio or video section in use.",
    "no_ice": "The offer has no valid ICE user name fragment and password.",
    "no_fingerprint": "The offer has no SHA-2 certificate fingerprint.",
    "wrong_setup": "The offer must let this side be the DTLS server (setup actpass or active).",
    "no_rtcp_mux": "The offer must use rtcp-mux.",
    "no_common_codec": "The offer has no codec that this server takes.",
    "bad_mapping": "A named mid is not in the offer, is of the other kind, or is named twice.",
}


class NegotiationError(ValueError):
    """The client's offer cannot be answered. `kind` is for counting, `message` a sentence for the client."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.message = SENTENCES.get(kind, "The description cannot be read.")
        super().__init__(self.message)


@dataclass(frozen=True, slots=True, eq=False)
class Codec:
    """One payload type. `name` is in lower case, `fmtp` the line's text as written, `feedback` its rtcp-fb values.

    Hashed by identity: the same lines give the same Codec, and what is derived from one is remembered cheaply.
    """

    payload_type: int
    name: str
    clock_rate: int
    channels: int
    fmtp: str
    parameters: Mapping[str, str]
    feedback: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfferedSection:
    """One m-section.

    `rejected` is port 0 without bundle-only; `bundled` says that it may be accepted: not rejected, of an RTP protocol
    we speak and in the first bundle group. `codecs` are the media codecs (no rtx) in the offer's order, `rtx` maps a
    payload type to that of its retransmissions. `extensions` maps URIs to ids that are unique in the bundle. `fid` maps
    an SSRC to that of its retransmissions. `rids` are those sent, in simulcast order.
    """

    kind: str
    mid: str
    protocol: str
    formats: tuple[str, ...]
    direction: str
    rejected: bool
    bundled: bool
    codecs: tuple[Codec, ...] = ()
    rtx: Mapping[int, int] = field(default_factory=dict)
    extensions: Mapping[str, sdp.ExtMap] = field(default_factory=dict)
    rids: tuple[str, ...] = ()
    ssrcs: tuple[int, ...] = ()
    fid: Mapping[int, int] = field(default_factory=dict)
    rtcp_rsize: bool = False

    @property
    def sends(self) -> bool:
        return self.direction in {"sendrecv", "sendonly"}

    @property
    def receives(self) -> bool:
        return self.direction in {"sendrecv", "recvonly"}

    @property
    def red(self) -> int | None:
        """Payload type of redundant audio (RFC 2198) over Opus."""
        return next((c.payload_type for c in self.codecs if c.name == "red" and c.clock_rate == 48000), None)


@dataclass(frozen=True, slots=True)
class Offer:
    """`setup` is actpass or active; `bundled`: there is a bundle group. The transport's values are those of the first
    section in use."""

    ufrag: str
    password: str
    fingerprints: tuple[Fingerprint, ...]
    setup: str
    trickle: bool
    allow_mixed: bool
    bundled: bool
    sections: tuple[OfferedSection, ...]


def parse_offer(text: str) -> Offer:
    """Raises NegotiationError on anything that cannot be answered; never anything else."""
    try:
        session = sdp.parse_session(text)
    except WireError as error:
        raise NegotiationError(error.kind) from error
    bundle = _bundle(session)
    tagged = next((media for media in session.media if _accepts(media, bundle)), None)
    if tagged is None:
        raise NegotiationError("no_media")
    ufrag, password = _transport(session, tagged, "ice-ufrag"), _transport(session, tagged, "ice-pwd")
    if ufrag is None or password is None or not sdp.valid_credentials(ufrag, password):
        raise NegotiationError("no_ice")
    setup = _transport(session, tagged, "setup") or "actpass"
    if setup not in {"actpass", "active"}:
        raise NegotiationError("wrong_setup")
    return Offer(
        ufrag=ufrag,
        password=password,
        fingerprints=_fingerprints(session, tagged),
        setup=setup,
        trickle="trickle" in (_transport(session, tagged, "ice-options") or "").replace(",", " ").split(),
        allow_mixed=any(part.has("extmap-allow-mixed") for part in (session.attributes, tagged.attributes)),
        bundled=bundle is not None,
        sections=tuple(_sections(session, bundle)),
    )


def _bundle(session: sdp.SessionDescription) -> frozenset[str] | None:
    """Mids of the first bundle group (RFC 9143), None where nothing is bundled."""
    for value in session.attributes.all("group"):
        semantics, *mids = value.split() or [""]
        if semantics == "BUNDLE":
            return frozenset(mids)
    return None


def _rejected(media: sdp.MediaDescription) -> bool:
    return media.port == 0 and not media.attributes.has("bundle-only")


def _accepts(media: sdp.MediaDescription, bundle: frozenset[str] | None) -> bool:
    return (
        not _rejected(media)
        and media.kind in {"audio", "video"}
        and media.protocol in PROTOCOLS
        and (bundle is None or media.attributes.first("mid") in bundle)
    )


def _transport(session: sdp.SessionDescription, tagged: sdp.MediaDescription, name: str) -> str | None:
    value = tagged.attributes.first(name)
    return session.attributes.first(name) if value is None else value


def _fingerprints(session: sdp.SessionDescription, tagged: sdp.MediaDescription) -> tuple[Fingerprint, ...]:
    part = tagged.attributes if tagged.attributes.has("fingerprint") else session.attributes
    found = []
    for value in part.all("fingerprint"):
        algorithm, _, digest = value.lower().partition(" ")
        digest = digest.strip()
        size = DIGEST_BYTES.get(algorithm)
        if size and re.fullmatch(rf"[0-9a-f]{{2}}(:[0-9a-f]{{2}}){{{size - 1}}}", digest):
            found.append(Fingerprint(algorithm, digest.upper()))
    if not found:
        raise NegotiationError("no_fingerprint")
    return tuple(found[:FINGERPRINTS_MAX])


def _sections(session: sdp.SessionDescription, bundle: frozenset[str] | None) -> Iterator[OfferedSection]:
    mids: set[str] = set()
    extension_uris: dict[int, str] = {}
    first_taken = False
    for media in session.media:
        mid = media.attributes.first("mid") or ""
        if mid in mids or len(mid) > MID_MAX_CHARS or (mid and not sdp.TOKEN.fullmatch(mid)):
            raise NegotiationError("duplicate_mid" if mid in mids else "sdp_bad_media")
        if mid:
            mids.add(mid)
        bundled = _accepts(media, bundle) and not (bundle is None and first_taken)
        if not bundled:
            yield OfferedSection(
                media.kind, mid, media.protocol, media.formats, "inactive", _rejected(media), bundled=False
            )
            continue
        first_taken = True
        if not (media.attributes.has("rtcp-mux") or session.attributes.has("rtcp-mux")):
            raise NegotiationError("no_rtcp_mux")
        yield _section(media, mid, session.attributes, extension_uris)


def _section(
    media: sdp.MediaDescription, mid: str, session: sdp.Attributes, extension_uris: dict[int, str]
) -> OfferedSection:
    attributes = media.attributes
    direction = next((word for part in (attributes, session) for word in sdp.DIRECTIONS if part.has(word)), "sendrecv")
    codecs, rtx = _codecs(media.formats, *(tuple(attributes.all(name)) for name in ("rtpmap", "fmtp", "rtcp-fb")))
    groups = sdp.read_ssrc_groups(attributes)
    return OfferedSection(
        kind=media.kind,
        mid=mid,
        protocol=media.protocol,
        formats=media.formats,
        direction=direction,
        rejected=False,
        bundled=True,
        codecs=codecs,
        rtx=rtx,
        extensions=_extensions(attributes, session, extension_uris),
        rids=sdp.read_send_rids(attributes),
        ssrcs=sdp.read_ssrcs(attributes),
        fid={group.ssrcs[0]: group.ssrcs[1] for group in groups if group.semantics == "FID" and len(group.ssrcs) == 2},
        rtcp_rsize=attributes.has("rtcp-rsize"),
    )


@lru_cache(maxsize=REMEMBERED_FORMATS)
def _codecs(
    formats: tuple[str, ...], rtpmaps: tuple[str, ...], fmtps: tuple[str, ...], feedbacks: tuple[str, ...]
) -> tuple[tuple[Codec, ...], Mapping[int, int]]:
    fmtp: dict[int, str] = {}
    feedback: dict[int | None, dict[str, None]] = {}
    for value in fmtps:
        read = sdp.read_payload_value(value)
        if read is not None and read[0] is not None:
            fmtp.setdefault(read[0], read[1])
    for value in feedbacks:
        read = sdp.read_payload_value(value)
        if read is not None:
            feedback.setdefault(read[0], {})[read[1]] = None
    maps = map(sdp.read_rtpmap, rtpmaps)
    by_type = {str(entry.payload_type): entry for entry in maps if entry is not None}
    codecs, rtx = [], {}
    for word in dict.fromkeys(formats):
        entry = by_type.get(word)
        if entry is None:
            continue
        text = fmtp.get(entry.payload_type, "")
        parameters = sdp.read_parameters(text)
        if entry.name == "rtx":
            apt = parameters.get("apt", "")
            if apt in by_type and apt != word:
                rtx[int(apt)] = entry.payload_type
            continue
        values = (*feedback.get(entry.payload_type, ()), *feedback.get(None, ()))
        codecs.append(Codec(entry.payload_type, entry.name, entry.clock_rate, entry.channels, text, parameters, values))
    return tuple(codecs), rtx


def _extensions(attributes: sdp.Attributes, session: sdp.Attributes, uris: dict[int, str]) -> dict[str, sdp.ExtMap]:
    """`uris` gathers what each id means in the whole bundle: an id must not mean two things in it (RFC 9143)."""
    extensions: dict[str, sdp.ExtMap] = {}
    for part in (session, attributes):
        for value in part.all("extmap"):
            entry = sdp.read_extmap(value)
            if entry is None or entry.uri in extensions or uris.setdefault(entry.id, entry.uri) != entry.uri:
                continue
            extensions[entry.uri] = entry
    return extensions
