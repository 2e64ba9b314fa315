"""What a forwarding unit must know of one video packet, whatever its codec."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from streaming.wire.buffer import WritableBuffer

_pack_u16 = Struct("!H").pack_into


class VideoDescriptor(NamedTuple):
    """Made once per packet by the codec's `parse`.

    - `begin_of_frame`: the packet is a frame's first. VP8 and VP9 say so themselves; for H264 and AV1 it rests on
      `new_timestamp` and on the payload not being a continuation.
    - `keyframe`: a decoder can start here. Only ever true together with `begin_of_frame`; the keyframe's later packets
      have it false.
    - `temporal_id`, `spatial_id`: 0 where the codec tells none (H264 and AV1 never do here).
    - `switching_up`: from this frame on all higher temporal layers can be decoded too (VP8 Y, VP9 U).
    - `picture_id`, `tl0picidx`: -1 when absent, and so are their offsets, which count from the packet's first byte;
      `picture_id_bits` is 0, 7 or 15.
    - `width`, `height`: of the coded frame, 0 unless this packet tells.
    - `discardable`: no other frame is predicted from this one (VP8 N, H264 nal_ref_idc 0).
    - `payload_offset`: where the codec's own data begin, counted like the offsets above; -1 for H264 and AV1.
    - `references`: how many pictures back those lie that this one is predicted from (VP9 flexible mode, P_DIFF); empty
      when the packet does not tell.
    """

    begin_of_frame: bool
    keyframe: bool
    temporal_id: int = 0
    spatial_id: int = 0
    switching_up: bool = False
    picture_id: int = -1
    picture_id_offset: int = -1
    picture_id_bits: int = 0
    tl0picidx: int = -1
    tl0picidx_offset: int = -1
    width: int = 0
    height: int = 0
    discardable: bool = False
    payload_offset: int = -1
    references: tuple[int, ...] = ()


def rewrite_picture_id(buffer: WritableBuffer, descriptor: VideoDescriptor, picture_id: int, tl0picidx: int) -> None:
    """Write both numbers, cut to their field's width, where `descriptor` found them in the packet at the start of
    `buffer`; fields that the packet does not have stay absent."""
    if descriptor.picture_id_bits == 15:
        _pack_u16(buffer, descriptor.picture_id_offset, 0x8000 | picture_id & 0x7FFF)
    elif descriptor.picture_id_bits == 7:
        buffer[descriptor.picture_id_offset] = picture_id & 0x7F
    if descriptor.tl0picidx_offset >= 0:
        buffer[descriptor.tl0picidx_offset] = tl0picidx & 0xFF
