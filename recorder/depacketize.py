"""Packets of one encoding -> frames that a decoder can decode. Sans-IO.

A frame with a missing packet is not kept, nor is what depends on it. What depends on it is known exactly where VP9
tells references, by temporal layers where picture ids and TL0PICIDX are told, and otherwise is everything up to the
next keyframe.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from recorder import opus
from recorder.frames import Frame, Packet, Part
from streaming.wire import codecs
from streaming.wire.descriptor import VideoDescriptor
from streaming.wire.errors import WireError

PARSERS: Final = {name.lower(): parse for name, parse in codecs.CODECS.items()}
REFERENCES_REMEMBERED: Final = 128
FRAME_PARTS_MAX: Final = 1024


@dataclass(slots=True)
class Draft:
    """The frame whose packets are coming."""

    rtp_time: int
    t: float
    keyframe: bool
    parts: list[Part]
    temporal: int = 0
    picture_id: int = -1
    picture_mask: int = 0
    tl0picidx: int = -1
    references: tuple[int, ...] = ()


@dataclass(slots=True)
class PictureBuilder:
    """Frames of one video encoding, in decoding order."""

    codec: str
    draft: Draft | None = None
    skipping: int = -1
    """Timestamp of a frame that has been given up."""
    needs_keyframe: bool = True
    hole: bool = False
    """Packets are missing before the draft."""
    lost: bool = False
    """Something was not kept since the last frame."""
    begun: bool = False
    broken_layer: int = 0
    """1: temporal layers above the base cannot be decoded before its next frame."""
    picture_id: int = -1
    tl0picidx: int = -1
    kept: list[int] = field(default_factory=list)
    """Picture ids since the keyframe."""

    def take(self, packet: Packet, missing: bool) -> list[tuple[int, Frame]]:
        """(timestamp, frame) of what this packet completes; the frame's ticks are not set yet."""
        done: list[tuple[int, Frame]] = []
        if missing:
            self._give_up()
        part = packet.part
        if not part.payload:
            return done
        fresh = self.draft is None or packet.rtp_time != self.draft.rtp_time
        try:
            found = PARSERS[self.codec](part.payload, 0, len(part.payload), fresh and packet.rtp_time != self.skipping)
        except WireError:
            self._give_up()
            self.skipping = packet.rtp_time
            return done
        part.offset = max(found.payload_offset, 0)
        if fresh:
            self._finish(done)  # its sender sets no markers
            if packet.rtp_time == self.skipping or not found.begin_of_frame:
                self.hole = True
                self.lost |= self.begun
                self.skipping = packet.rtp_time
                return done
            self.draft = _draft(packet, found)
        elif self.draft is not None:
            self.draft.parts.append(part)
            self.draft.keyframe |= found.keyframe
            if len(self.draft.parts) > FRAME_PARTS_MAX:
                self._give_up()
        if packet.marker:
            self._finish(done)
        return done

    def await_keyframe(self) -> None:
        """Nothing that follows can be used before one."""
        self.needs_keyframe = True
        self.draft = None

    def _give_up(self) -> None:
        """Packets are missing here: what was being put together stays incomplete."""
        self.hole = True
        if self.draft is not None:
            self.skipping = self.draft.rtp_time
            self.lost |= self.begun
            self.draft = None

    def _finish(self, done: list[tuple[int, Frame]]) -> None:
        draft, self.draft = self.draft, None
        if draft is None:
            return
        if not self._decodable(draft):
            self.lost |= self.begun
            return
        self.hole = False
        self.picture_id = draft.picture_id
        self.kept.append(draft.picture_id)
        if len(self.kept) > REFERENCES_REMEMBERED:
            del self.kept[0]
        if draft.tl0picidx >= 0 and (draft.temporal == 0 or draft.keyframe):
            self.tl0picidx = draft.tl0picidx
        self.begun = True
        frame = Frame(0, draft.t, draft.parts, draft.keyframe, self.lost)
        self.lost = False
        done.append((draft.rtp_time, frame))

    def _decodable(self, draft: Draft) -> bool:
        if draft.keyframe:
            self.lost |= self.hole and self.begun
            self.kept.clear()
            self.needs_keyframe = False
            self.broken_layer = 0
            return True
        if self.needs_keyframe:
            return False
        missing = self.hole
        if draft.picture_id >= 0 and self.picture_id >= 0:  # these tell padding, which takes numbers too, from loss
            missing = draft.picture_id != (self.picture_id + 1) & draft.picture_mask
        self.lost |= missing
        if draft.references:
            return all((draft.picture_id - back) & draft.picture_mask in self.kept for back in draft.references)
        if missing:
            self._judge_loss(draft)
        if draft.temporal < self.broken_layer:
            self.broken_layer = 0
        return not (self.needs_keyframe or self.broken_layer)

    def _judge_loss(self, draft: Draft) -> None:
        """Is only a higher layer lost with the frames that are missing before this one?"""
        expected = self.tl0picidx if draft.temporal else (self.tl0picidx + 1) & 0xFF
        if draft.tl0picidx < 0 or self.tl0picidx < 0 or draft.tl0picidx != expected:
            self.needs_keyframe = True
        else:
            self.broken_layer = 1


def _draft(packet: Packet, found: VideoDescriptor) -> Draft:
    return Draft(
        packet.rtp_time,
        packet.t,
        found.keyframe,
        [packet.part],
        found.temporal_id,
        found.picture_id,
        (1 << found.picture_id_bits) - 1,
        found.tl0picidx,
        found.references,
    )


@dataclass(slots=True)
class SoundBuilder:
    """Opus packets of one microphone, plain or in RED, whose repetitions stand in for what was lost."""

    codec: str
    needs_keyframe: bool = False
    lost: bool = False
    begun: bool = False
    newest: int = -1
    """Timestamp of the newest packet."""

    def take(self, packet: Packet, missing: bool) -> list[tuple[int, Frame]]:
        """(timestamp, frame) of each new Opus packet."""
        self.lost |= missing and self.begun
        part = packet.part
        if not part.payload:
            return []
        done: list[tuple[int, Frame]] = []
        if self.codec == "red":
            try:
                part.offset = opus.primary_offset(part.payload)
            except WireError:
                self.lost |= self.begun
                return []
            if missing:
                self._repair(packet, done)
        self._add(packet, part, packet.rtp_time, done)
        return done

    def await_keyframe(self) -> None:
        """Sound can begin anywhere."""
        self.lost = False

    def _repair(self, packet: Packet, done: list[tuple[int, Frame]]) -> None:
        payload = packet.part.payload
        for back, start, end in opus.redundant(payload):
            time = (packet.rtp_time - back) & 0xFFFF_FFFF
            if self.begun and 0 < (time - self.newest) & 0xFFFF_FFFF < 0x8000_0000:
                self._add(packet, Part(packet.part.position, start, end, payload), time, done)

    def _add(self, packet: Packet, part: Part, rtp_time: int, done: list[tuple[int, Frame]]) -> None:
        ticks = opus.duration(part.data)
        if not ticks:
            self.lost |= self.begun
            return
        self.newest, self.begun = rtp_time, True
        done.append((rtp_time, Frame(0, packet.t, [part], True, self.lost, ticks)))
        self.lost = False
