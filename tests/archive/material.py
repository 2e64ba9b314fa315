"""Recorded lessons for the tests: numbered pictures and a tone, encoded once, as the pieces that a recorder makes."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any, Final

import av
import numpy as np

from archive.media import Init, RenditionKey, Segment
from archive.recordings import Checkpoint, RecordingLog, Stored
from archive.store import ObjectStore

SEGMENT_S: Final = 2.0
FPS: Final = 15
STARTED_AT: Final = 1_700_000_000.0
SIZES: Final = ((160, 90), (320, 180), (640, 360))
_VIDEO_CLOCK: Final = 90_000
_SOUND_CLOCK: Final = 48_000
_OPUS_SAMPLES: Final = 960
_MOVFLAGS: Final = "+empty_moov+default_base_moof+frag_custom+frag_discont+skip_trailer+cmaf"


@dataclass(frozen=True)
class Packet:
    """`time`, `duration` in the track's clock, from the track's own beginning."""

    data: bytes
    time: int
    duration: int
    key: bool


def picture(number: int, width: int, height: int, shade: int = 0) -> np.ndarray:
    """16 bars, black or white, spell the frame's number; the lower half is a moving gradient."""
    frame = np.empty((height, width, 3), np.uint8)
    frame[:] = (np.add.outer(np.arange(height), np.arange(width)) * 2 + number * 5 + shade)[..., None] % 200
    for bit in range(16):
        left, right = bit * width // 16, (bit + 1) * width // 16
        frame[: height // 2, left:right] = 255 if number >> bit & 1 else 0
    return frame


def number_of(frame: np.ndarray) -> int:
    """The number that `picture` wrote, of a decoded RGB frame of any size."""
    height, width = frame.shape[:2]
    row = frame[height // 4].mean(axis=-1)
    return sum(1 << bit for bit in range(16) if row[(2 * bit + 1) * width // 32] > 127)


@cache
def video(encoding: int, seconds: float, shade: int = 0) -> tuple[Packet, ...]:
    width, height = SIZES[encoding]
    codec = av.CodecContext.create("libvpx-vp9", "w")
    assert isinstance(codec, av.VideoCodecContext)
    codec.width, codec.height, codec.pix_fmt = width, height, "yuv420p"
    codec.time_base, codec.framerate = Fraction(1, FPS), Fraction(FPS)
    codec.bit_rate, codec.gop_size = 60_000 * 3**encoding, int(FPS * SEGMENT_S)
    codec.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "keyint_min": str(codec.gop_size)}
    found: list[av.Packet[Any]] = []
    for number in range(int(seconds * FPS)):
        frame = av.VideoFrame.from_ndarray(picture(number, width, height, shade), format="rgb24")
        frame.pts = number
        found += codec.encode(frame)
    found += codec.encode(None)
    tick = _VIDEO_CLOCK // FPS
    return tuple(Packet(bytes(each), number * tick, tick, each.is_keyframe) for number, each in enumerate(found))


@cache
def sound(seconds: float) -> tuple[Packet, ...]:
    """A quiet tone."""
    codec = av.CodecContext.create("libopus", "w")
    assert isinstance(codec, av.AudioCodecContext)
    codec.sample_rate, codec.layout, codec.format, codec.bit_rate = _SOUND_CLOCK, "mono", "s16", 24_000
    found: list[av.Packet[Any]] = []
    count = int(seconds * _SOUND_CLOCK) // _OPUS_SAMPLES
    for number in range(count):
        time = (np.arange(_OPUS_SAMPLES) + number * _OPUS_SAMPLES) / _SOUND_CLOCK
        samples = (np.sin(2 * math.pi * 440 * time) * 6000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = _SOUND_CLOCK, number * _OPUS_SAMPLES
        found += codec.encode(frame)
    return tuple(
        Packet(bytes(each), number * _OPUS_SAMPLES, _OPUS_SAMPLES, True) for number, each in enumerate(found[:count])
    )


def fragments(packets: tuple[Packet, ...], encoding: int | None, start_s: float) -> tuple[bytes, list[bytes]]:
    """Initialisation segment and media segments of `SEGMENT_S` each; `encoding` None is sound."""
    clock = _SOUND_CLOCK if encoding is None else _VIDEO_CLOCK
    init, found = b"", []
    groups: dict[int, list[Packet]] = {}
    for each in packets:
        groups.setdefault(int(each.time / clock / SEGMENT_S + 1e-6), []).append(each)
    for number, group in enumerate(groups.values()):
        head, body = _muxed(group, encoding, round(start_s * clock), number)
        init = init or head
        found.append(body)
    return init, found


def _muxed(group: list[Packet], encoding: int | None, offset: int, number: int) -> tuple[bytes, bytes]:
    target = io.BytesIO()
    options = {
        "movflags": _MOVFLAGS,
        "fragment_index": str(number + 1),
        "use_editlist": "0",
        "avoid_negative_ts": "disabled",
    }
    container = av.open(target, "w", format="mp4", options=options)
    stream: av.VideoStream | av.AudioStream
    if encoding is None:
        clock = Fraction(1, _SOUND_CLOCK)
        stream = container.add_stream("libopus", rate=_SOUND_CLOCK, layout="mono", time_base=clock)
    else:
        clock = Fraction(1, _VIDEO_CLOCK)
        width, height = SIZES[encoding]
        stream = container.add_stream("libvpx-vp9", rate=FPS, width=width, height=height, time_base=clock)
        stream.pix_fmt = "yuv420p"
    for each in group:
        packet = av.Packet(each.data)
        packet.stream, packet.time_base = stream, clock
        packet.pts = packet.dts = each.time + offset
        packet.duration, packet.is_keyframe = each.duration, each.key
        container.mux_one(packet)
    container.close()
    boxes = list(_boxes(target.getvalue()))
    return (
        b"".join(box for kind, box in boxes if kind in {b"ftyp", b"moov"}),
        b"".join(box for kind, box in boxes if kind not in {b"ftyp", b"moov"}),
    )


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """ISO/IEC 14496-12: each box begins with its size and its kind."""
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at : at + size]
        at += size


def pieces(
    slot: str, encoding: int, start_s: float, seconds: float, *, run: int = 0, index: int = 0
) -> list[Init | Segment]:
    """One run of a rendition, from `start_s` of recorded time on."""
    is_sound = slot.endswith("_audio")
    packets = sound(seconds) if is_sound else video(encoding, seconds, 60 if slot == "screen_video" else 0)
    head, bodies = fragments(packets, None if is_sound else encoding, start_s)
    key = RenditionKey(slot, encoding)
    width, height = (0, 0) if is_sound else SIZES[encoding]
    codecs = "opus" if is_sound else "vp09.00.10.08"
    made: list[Init | Segment] = [Init(key, run, codecs, width, height, head)]
    for number, body in enumerate(bodies):
        begin = start_s + number * SEGMENT_S
        length = min(SEGMENT_S, start_s + seconds - begin)
        made.append(Segment(key, run, index + number, begin, length, STARTED_AT + begin, len(body), body))
    return made


async def keep(store: ObjectStore, log: RecordingLog, recording_id: str, made: list[Init | Segment]) -> None:
    """As the recorder does: the objects first, then the rows."""
    stored = []
    for piece in made:
        folder = f"recordings/{recording_id}/{piece.key.slot}/{piece.key.encoding}"
        name = f"init-{piece.run}.mp4" if isinstance(piece, Init) else f"{piece.run}-{piece.index}.m4s"
        info = await store.put(f"{folder}/{name}", piece.data)
        stored.append(Stored(replace(piece, data=b""), info))
    await log.add(Checkpoint(recording_id, b"{}"), stored, [])


def lesson(seconds: float = 12.0) -> list[Init | Segment]:
    """The teacher all the time, but for two seconds without a camera; the screen for a third of it."""
    third = seconds / 3
    made = pieces("teacher_audio", 0, 0.0, seconds)
    for encoding in range(len(SIZES)):
        made += pieces("teacher_video", encoding, 0.0, third)
        rest = pieces("teacher_video", encoding, third + SEGMENT_S, seconds - third - SEGMENT_S, run=1)
        first = int(third / SEGMENT_S)
        made += [replace(each, index=each.index + first) if isinstance(each, Segment) else each for each in rest]
    return made + pieces("screen_video", 1, 2 * third, third)
