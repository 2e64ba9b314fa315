"""Session descriptions as lines (RFC 8866), and the ICE fragments of WHIP and WHEP (RFC 8840).

`parse_session` splits a description into its session part and its m-sections and checks every cap before it looks at
any line's meaning; the readers below it turn single attribute values into records. Contract: any input raises
`WireError` or gives a bounded result, in time linear in its length. What cannot be read inside one attribute (a
broken `rtpmap`, say) is left out, because browsers add attributes faster than servers learn them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import InitVar, dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Final

from streaming.wire.errors import WireError

SDP_MAX_BYTES: Final = 64 * 1024
LINES_MAX: Final = 1000
SECTIONS_MAX: Final = 12
CANDIDATES_MAX: Final = 64
"""Candidates kept in a whole description; the rest is passed over without being read."""
FRAGMENT_MAX_BYTES: Final = 16 * 1024
REMEMBERED_EXTMAPS: Final = 64
"""Browsers of one kind all write the same ones; each is read once and kept once."""

ICE_CHARS: Final = re.compile(r"[A-Za-z0-9+/=_-]+")
"""ice-char (RFC 8839 section 5.4), and "=_-", which some senders use."""
TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`{|}~0-9A-Za-z]{1,64}")
RID: Final = re.compile(r"[A-Za-z0-9_-]{1,16}")


@dataclass(slots=True)
class Attributes:
    """The `a=` lines of one part, given as (name, value) in their order; a property attribute's value is empty."""

    lines: InitVar[Iterable[tuple[str, str]]] = ()
    _values: dict[str, list[str]] = field(init=False, default_factory=dict)

    def __post_init__(self, lines: Iterable[tuple[str, str]]) -> None:
        for name, value in lines:
            self._values.setdefault(name, []).append(value)

    @classmethod
    def read(cls, lines: Sequence[str], candidates: list[int]) -> Attributes:
        """Those among the lines of a description. `candidates` has one number, how many more of them are to be kept.

        A browser's offer has 600 lines, so this loop is most of what reading it costs.
        """
        attributes = cls()
        values = attributes._values
        for line in lines:
            if not line.startswith("a="):
                continue
            name, _, value = line.partition(":")
            if name == "a=candidate":
                if candidates[0] <= 0:
                    continue
                candidates[0] -= 1
            name = name[2:]
            if name in values:
                values[name].append(value.strip())
            else:
                values[name] = [value.strip()]
        return attributes

    def first(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    def all(self, name: str) -> Sequence[str]:
        return self._values.get(name, ())

    def has(self, name: str) -> bool:
        return name in self._values


@dataclass(frozen=True, slots=True)
class MediaDescription:
    """One m-section. `kind` is audio, video, application …; `formats` are the m-line's as written."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class SessionDescription:
    attributes: Attributes
    media: tuple[MediaDescription, ...]


def parse_session(text: str) -> SessionDescription:
    """Raises WireError (sdp_too_large, sdp_too_many_lines, sdp_too_many_sections, sdp_no_version, sdp_bad_media)."""
    lines = _split(text, SDP_MAX_BYTES)
    if not lines or lines[0] != "v=0":
        raise WireError("sdp_no_version")
    starts = [row for row, line in enumerate(lines) if line.startswith("m=")]
    if len(starts) > SECTIONS_MAX:
        raise WireError("sdp_too_many_sections")
    parts = [lines[start:end] for start, end in pairwise([0, *starts, len(lines)])]
    budget = [CANDIDATES_MAX]
    session = Attributes.read(parts[0], budget)
    return SessionDescription(session, tuple(_media(part, budget) for part in parts[1:]))


def _split(text: str, max_bytes: int) -> list[str]:
    # A character is at least one byte: the cheap check first, so that nothing long is ever encoded.
    if len(text) > max_bytes or len(text.encode("utf-8", "replace")) > max_bytes:
        raise WireError("sdp_too_large")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) > LINES_MAX + 1:
        raise WireError("sdp_too_many_lines")
    return [line for line in lines if line]


def _media(lines: Sequence[str], budget: list[int]) -> MediaDescription:
    words = lines[0][2:].split()
    if len(words) < 4 or not all(TOKEN.fullmatch(word) for word in (words[0], *words[3:])):
        raise WireError("sdp_bad_media")
    port = _number(words[1].partition("/")[0], 65535)
    if port is None or not all(TOKEN.fullmatch(word) for word in words[2].split("/")):
        raise WireError("sdp_bad_media")
    return MediaDescription(words[0], port, words[2], tuple(words[3:]), Attributes.read(lines[1:], budget))


def _number(text: str, maximum: int) -> int | None:
    """An unsigned decimal of ASCII digits, or None."""
    if not 0 < len(text) <= 10 or not (text.isascii() and text.isdigit()):
        return None
    value = int(text)
    return value if value <= maximum else None


# ---------------------------------------------------------------- values of single attributes


@dataclass(frozen=True, slots=True)
class RtpMap:
    """`a=rtpmap`: `name` in lower case."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int


@dataclass(frozen=True, slots=True)
class ExtMap:
    """`a=extmap` (RFC 8285): `direction` is sendrecv where none is written."""

    id: int
    uri: str
    direction: str


@dataclass(frozen=True, slots=True)
class SsrcGroup:
    semantics: str
    ssrcs: tuple[int, ...]


DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")


def read_rtpmap(value: str) -> RtpMap | None:
    """`96 VP8/90000`, `111 opus/48000/2`."""
    payload, _, encoding = value.partition(" ")
    name, _, rest = encoding.strip().partition("/")
    rate, _, channels = rest.partition("/")
    payload_type, clock_rate = _number(payload, 127), _number(rate, 1_000_000)
    if payload_type is None or not clock_rate or not TOKEN.fullmatch(name):
        return None
    return RtpMap(payload_type, name.lower(), clock_rate, _number(channels, 255) or 1)


def read_payload_value(value: str) -> tuple[int | None, str] | None:
    """`96 …` of fmtp and rtcp-fb: the payload type, None for `*`, and the rest."""
    payload, _, rest = value.partition(" ")
    number = _number(payload, 127)
    if number is None and payload != "*":
        return None
    return number, rest.strip()


def read_parameters(text: str) -> dict[str, str]:
    """`apt=96;x=y` of an fmtp line; keys in lower case, a word without `=` gets the value ""."""
    parameters = {}
    for part in text.split(";"):
        key, _, value = part.strip().partition("=")
        if key:
            parameters[key.strip().lower()] = value.strip()
    return parameters


@lru_cache(maxsize=REMEMBERED_EXTMAPS)
def read_extmap(value: str) -> ExtMap | None:
    """Ids outside 1..14 and 16..255 are illegal (15 is reserved by RFC 8285 section 4.2) and give None."""
    words = value.split()
    if len(words) < 2:
        return None
    number, _, direction = words[0].partition("/")
    identifier = _number(number, 255)
    if not identifier or identifier == 15 or (direction or "sendrecv") not in DIRECTIONS:
        return None
    return ExtMap(identifier, words[1], direction or "sendrecv")


def read_send_rids(attributes: Attributes) -> tuple[str, ...]:
    """Restriction ids the sender sends (RFC 8851), in the order of `a=simulcast` (RFC 8853) where there is one.

    Of alternatives the first counts; `~` (initially paused) is taken off.
    """
    declared: dict[str, None] = {}
    for value in attributes.all("rid"):
        words = value.split()
        if len(words) >= 2 and words[1] == "send" and RID.fullmatch(words[0]):
            declared[words[0]] = None
    words = (attributes.first("simulcast") or "").split()
    if "send" not in words[:-1]:
        return tuple(declared)
    streams = words[words.index("send") + 1].split(";")
    ordered = [stream.partition(",")[0].lstrip("~") for stream in streams]
    return tuple(rid for rid in dict.fromkeys(ordered) if rid in declared)


def read_ssrcs(attributes: Attributes) -> tuple[int, ...]:
    """Distinct SSRCs of the `a=ssrc` lines (RFC 5576), in their order."""
    numbers = (_number(value.partition(" ")[0], 0xFFFFFFFF) for value in attributes.all("ssrc"))
    return tuple(dict.fromkeys(number for number in numbers if number is not None))


def read_ssrc_groups(attributes: Attributes) -> tuple[SsrcGroup, ...]:
    groups = []
    for value in attributes.all("ssrc-group"):
        semantics, *words = value.split() or [""]
        numbers = [_number(word, 0xFFFFFFFF) for word in words]
        if semantics and numbers and None not in numbers:
            groups.append(SsrcGroup(semantics, tuple(number for number in numbers if number is not None)))
    return tuple(groups)


# ---------------------------------------------------------------- ICE fragments


@dataclass(frozen=True, slots=True)
class IceFragment:
    """Body of `application/trickle-ice-sdpfrag`. `candidates` are `candidate:…` values without `a=`."""

    ufrag: str
    password: str
    candidates: tuple[str, ...] = ()
    mid: str = ""
    end_of_candidates: bool = False


def parse_ice_fragment(text: str) -> IceFragment:
    """The credentials, at session level or in the first m-section, and the candidates of all sections.

    Raises WireError (sdp_too_large, sdp_too_many_lines, ice_no_credentials, ice_bad_credentials).
    """
    attributes = Attributes.read(_split(text, FRAGMENT_MAX_BYTES), [CANDIDATES_MAX])
    ufrag, password = attributes.first("ice-ufrag"), attributes.first("ice-pwd")
    if ufrag is None or password is None:
        raise WireError("ice_no_credentials")
    if not valid_credentials(ufrag, password):
        raise WireError("ice_bad_credentials")
    mid = attributes.first("mid") or ""
    return IceFragment(
        ufrag,
        password,
        tuple(f"candidate:{value}" for value in attributes.all("candidate")),
        mid if TOKEN.fullmatch(mid) else "",
        attributes.has("end-of-candidates"),
    )


def write_ice_fragment(fragment: IceFragment) -> str:
    """RFC 8840 section 9; the m-line is a pseudo line that only carries the `mid`."""
    lines = [f"a=ice-ufrag:{fragment.ufrag}", f"a=ice-pwd:{fragment.password}"]
    if fragment.mid:
        lines += ["m=audio 9 RTP/AVP 0", f"a=mid:{fragment.mid}"]
    lines += [f"a={candidate}" for candidate in fragment.candidates]
    if fragment.end_of_candidates:
        lines.append("a=end-of-candidates")
    return "\r\n".join(lines) + "\r\n"


def valid_credentials(ufrag: str, password: str) -> bool:
    """Lengths and characters of RFC 8839 section 5.4."""
    return (
        4 <= len(ufrag) <= 256
        and 22 <= len(password) <= 256
        and ICE_CHARS.fullmatch(ufrag) is not None
        and ICE_CHARS.fullmatch(password) is not None
    )
