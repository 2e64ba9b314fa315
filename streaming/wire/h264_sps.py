"""The frame size in an H.264 sequence parameter set (ITU-T H.264 section 7.3.2.1.1)."""

from __future__ import annotations

from streaming.wire.bits import BitReader
from streaming.wire.buffer import Buffer

_MAX_SPS_BYTES = 256
_PROFILES_WITH_CHROMA_FORMAT = frozenset((44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244))
_MAX_SIDE = 16384


def frame_size(data: Buffer, start: int, end: int) -> tuple[int, int] | None:
    """Width and height after cropping from an SPS behind its NAL header byte; None where it cannot be read."""
    # emulation prevention bytes, section 7.4.1.1
    sps = bytes(data[start : min(end, start + _MAX_SPS_BYTES)]).replace(b"\x00\x00\x03", b"\x00\x00")
    bits = BitReader(sps, 0, len(sps))
    chroma_format = _skip_to_reference_frames(bits)
    bits.read_golomb()  # max_num_ref_frames
    bits.read(1)  # gaps_in_frame_num_value_allowed_flag
    width = 16 * (bits.read_golomb() + 1)
    map_height = 16 * (bits.read_golomb() + 1)
    frame_mbs_only = bits.read(1)
    if not frame_mbs_only:
        bits.read(1)  # mb_adaptive_frame_field_flag
    height = map_height * (2 - frame_mbs_only)
    bits.read(1)  # direct_8x8_inference_flag
    if bits.read(1):
        left, right, top, bottom = (bits.read_golomb() for _ in range(4))
        unit_x = 2 if chroma_format in (1, 2) else 1
        unit_y = (2 if chroma_format == 1 else 1) * (2 - frame_mbs_only)
        width -= unit_x * (left + right)
        height -= unit_y * (top + bottom)
    if bits.overrun or not (0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE):
        return None
    return width, height


def _skip_to_reference_frames(bits: BitReader) -> int:
    """Read up to max_num_ref_frames; the chroma format (1 is 4:2:0) is what cropping is counted in."""
    profile = bits.read(8)
    bits.read(16)  # constraint flags, level
    bits.read_golomb()  # seq_parameter_set_id
    chroma_format = 1
    if profile in _PROFILES_WITH_CHROMA_FORMAT:
        chroma_format = bits.read_golomb()
        if chroma_format == 3:
            bits.read(1)  # separate_colour_plane_flag
        bits.read_golomb()  # bit_depth_luma_minus8
        bits.read_golomb()  # bit_depth_chroma_minus8
        bits.read(1)  # qpprime_y_zero_transform_bypass_flag
        if bits.read(1):
            for index in range(12 if chroma_format == 3 else 8):
                if bits.read(1):
                    _skip_scaling_list(bits, 16 if index < 6 else 64)
    bits.read_golomb()  # log2_max_frame_num_minus4
    order_type = bits.read_golomb()
    if order_type == 0:
        bits.read_golomb()  # log2_max_pic_order_cnt_lsb_minus4
    elif order_type == 1:
        bits.read(1)  # delta_pic_order_always_zero_flag
        bits.read_signed_golomb()
        bits.read_signed_golomb()
        for _ in range(min(bits.read_golomb(), 255)):
            bits.read_signed_golomb()
    return chroma_format


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.read_signed_golomb()) & 0xFF
        last = following or last
