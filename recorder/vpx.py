"""VP8 and VP9 from RTP to MP4: a frame is its packets' data joined (VP Codec ISO Media File Format Binding)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from recorder import fmp4
from recorder.configuration import Configuration
from streaming.wire import vp8, vp9

VP9_LEVELS: Final = (
    (36_864, 10),
    (73_728, 11),
    (122_880, 20),
    (245_760, 21),
    (552_960, 30),
    (983_040, 31),
    (2_228_224, 40),
    (8_912_896, 50),
)
"""(largest picture in samples, level) of VP9 at 30 frames a second and less."""
LEVEL_MAX: Final = 60
_BIT_DEPTH: Final = 8


def sample(payloads: Sequence[bytes]) -> bytes:
    """Of a frame's data without descriptors."""
    return b"".join(payloads)


def vp9_configuration(payloads: Sequence[bytes]) -> Configuration | None:
    """Of a keyframe's data; None where they are no keyframe of profile 0."""
    size = vp9.frame_size(payloads[0], 0, len(payloads[0]))
    if size is None:
        return None
    width, height = size
    samples = width * height
    level = next((level for most, level in VP9_LEVELS if samples <= most), LEVEL_MAX)
    return _configuration("vp09", width, height, level)


def vp8_configuration(payloads: Sequence[bytes]) -> Configuration | None:
    """Of a keyframe's data. No browser plays VP8 in MP4: the string is for those who convert it."""
    found = vp8.parse(b"\x10" + payloads[0][:10], 0, min(11, 1 + len(payloads[0])), True)
    return _configuration("vp08", found.width, found.height, 10) if found.width and found.height else None


def _configuration(kind: str, width: int, height: int, level: int) -> Configuration:
    # profile; level; bit depth, 4:2:0 with chroma beside luma, limited range; BT.709 is not told: unspecified (2)
    record = bytes((0, level, _BIT_DEPTH << 4 | 1 << 1, 2, 2, 2, 0, 0))
    entry = fmp4.video_entry(kind.encode(), width, height, fmp4.full_box(b"vpcC", 1, 0, record))
    return Configuration(f"{kind}.00.{level:02}.{_BIT_DEPTH:02}", width, height, entry.hex())
