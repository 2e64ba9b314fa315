"""Subscriber: one client's receiving connection, a row of its room, and what its RTCP asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from streaming.control import Slot
from streaming.fanout.fanout import FanOut
from streaming.fanout.profiles import WireProfile
from streaming.net.negotiation import SubscribedSection
from streaming.wire import rtcp

KEYFRAME_INTERVAL_S: Final = 0.5
"""A viewer's further keyframe requests within this time are counted and ignored."""


@dataclass(slots=True)
class DownTrack:
    """One slot of this viewer."""

    section: SubscribedSection
    fanout: FanOut
    profile: WireProfile
    keyframe_asked_s: float = float("-inf")


def wire_profile(section: SubscribedSection) -> WireProfile:
    """Equal for equal browsers, and then the same object."""
    codecs = tuple(
        (
            codec.name,
            codec.profile,
            codec.payload_type,
            -1 if codec.rtx_payload_type is None else codec.rtx_payload_type,
        )
        for codec in section.codecs
    )
    ids = section.extensions
    return _shared(WireProfile(codecs, ids.transport_cc, ids.abs_send_time))


@lru_cache(maxsize=256)
def _shared(profile: WireProfile) -> WireProfile:
    return profile


class Subscriber:
    """Sans-IO. `not_from` names the publisher whose picture and sound this viewer must not get back."""

    def __init__(
        self,
        peer_id: str,
        row: int,
        sections: Sequence[SubscribedSection],
        fanouts: dict[Slot, FanOut],
        not_from: str | None,
    ) -> None:
        self.peer_id = peer_id
        self.row = row
        self.not_from = not_from
        self.errors: Counter[str] = Counter()
        self.downtracks = {
            section.slot: DownTrack(section, fanouts[section.slot], wire_profile(section)) for section in sections
        }
        self._by_ssrc = {track.fanout.ssrc: track for track in self.downtracks.values()}

    def downtrack(self, ssrc: int) -> DownTrack | None:
        """The DownTrack that sends under `ssrc`; somebody else's numbers are counted and ignored."""
        track = self._by_ssrc.get(ssrc)
        if track is None:
            self.errors["foreign_ssrc"] += 1
        return track

    def keyframe_request(self, ssrc: int, now: float) -> DownTrack | None:
        """A picture loss indication or full intra request: the DownTrack to ask for, None where it came too soon
        again."""
        track = self.downtrack(ssrc)
        if track is None:
            return None
        if now - track.keyframe_asked_s < KEYFRAME_INTERVAL_S:
            self.errors["keyframe_too_often"] += 1
            return None
        track.keyframe_asked_s = now
        return track


def own_blocks(packet: rtcp.RtcpPacket) -> tuple[rtcp.ReportBlock, ...]:
    """Report blocks of a sender or receiver report."""
    return packet.blocks if isinstance(packet, rtcp.ReceiverReport | rtcp.SenderReport) else ()
