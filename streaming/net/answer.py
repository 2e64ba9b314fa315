"""The text of an SDP answer: session part, transport lines and sections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

from streaming.net import codecs
from streaming.net.dtls import Fingerprint
from streaming.net.offer import Codec, NegotiationError, Offer, OfferedSection

ANSWERED_DIRECTION: Final = {"sendonly": "/recvonly", "recvonly": "/sendonly"}


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """Our end of one connection. `candidates` are `candidate:…` values without `a=`."""

    ufrag: str
    password: str
    fingerprint: Fingerprint
    candidates: tuple[str, ...]
    session_id: int
    session_version: int = 0


@dataclass(frozen=True, slots=True)
class Extensions:
    """Negotiated header extension ids, 0 where one is not in use."""

    mid: int = 0
    rid: int = 0
    repaired_rid: int = 0
    transport_cc: int = 0
    audio_level: int = 0
    abs_send_time: int = 0

    def ids(self) -> set[int]:
        return {getattr(self, field.name) for field in fields(self)} - {0}


class AnswerWriter:
    """Collects the answer's sections in the offer's order."""

    def __init__(self, offer: Offer, transport: LocalTransport) -> None:
        self._offer = offer
        self._transport = transport
        self._accepted: list[str] = []
        self._any_accepted = False
        self._lines: list[str] = []

    def accepts(self, section: OfferedSection, chosen: Sequence[Codec]) -> bool:
        return section.bundled and bool(chosen)

    def add_idle(self, section: OfferedSection, chosen: Sequence[Codec]) -> None:
        """A section that carries nothing: inactive where it could be accepted, else rejected."""
        if self.accepts(section, chosen):
            self.add(section, "inactive", chosen, Extensions(), feedback=())
            return
        self._lines += [f"m={section.kind} 0 {section.protocol} {' '.join(section.formats)}", "c=IN IP4 0.0.0.0"]
        if section.mid:
            self._lines.append(f"a=mid:{section.mid}")
        self._lines.append("a=inactive")

    def add(
        self,
        section: OfferedSection,
        direction: str,
        chosen: Sequence[Codec],
        extensions: Extensions,
        *,
        feedback: tuple[str, ...],
        extra_fmtp: str = "",
        lines: Sequence[str] = (),
    ) -> None:
        """An accepted section; `lines` are `a=` lines that belong to this direction only."""
        types = []
        codec_lines: list[str] = []
        for codec in chosen:
            rtx = section.rtx.get(codec.payload_type)
            types += [codec.payload_type] if rtx is None else [codec.payload_type, rtx]
            codec_lines += codecs.codec_lines(codec, rtx, feedback, extra_fmtp)
        self._lines += [
            f"m={section.kind} 9 {section.protocol} {' '.join(map(str, types))}",
            "c=IN IP4 0.0.0.0",
            *self._transport_lines(),
        ]
        if section.mid:
            self._lines.append(f"a=mid:{section.mid}")
            self._accepted.append(section.mid)
        self._any_accepted = True
        ids = extensions.ids()
        self._lines += [
            f"a=extmap:{entry.id}{ANSWERED_DIRECTION.get(entry.direction, '')} {entry.uri}"
            for entry in section.extensions.values()
            if entry.id in ids
        ]
        self._lines += [f"a={direction}", "a=rtcp-mux"]
        if section.rtcp_rsize:
            self._lines.append("a=rtcp-rsize")
        self._lines += [*codec_lines, *lines]

    def _transport_lines(self) -> list[str]:
        transport = self._transport
        lines = [
            f"a=ice-ufrag:{transport.ufrag}",
            f"a=ice-pwd:{transport.password}",
            f"a=fingerprint:{transport.fingerprint.algorithm} {transport.fingerprint.value}",
            "a=setup:passive",
        ]
        if self._any_accepted:  # the bundle has one transport: its candidates stand in the first section only
            return lines
        return [*lines, *(f"a={candidate}" for candidate in transport.candidates), "a=end-of-candidates"]

    def text(self) -> str:
        """Raises NegotiationError (no_common_codec) where no section was accepted."""
        if not self._any_accepted:
            raise NegotiationError("no_common_codec")
        transport = self._transport
        session = [
            "v=0",
            f"o=- {transport.session_id} {transport.session_version} IN IP4 0.0.0.0",
            "s=-",
            "t=0 0",
            "a=ice-lite",
        ]
        if self._offer.bundled:
            session.append(f"a=group:BUNDLE {' '.join(self._accepted)}")
        if self._offer.allow_mixed:
            session.append("a=extmap-allow-mixed")
        session.append("a=msid-semantic: WMS *")
        return "\r\n".join([*session, *self._lines]) + "\r\n"
