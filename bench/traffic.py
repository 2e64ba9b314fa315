"""The lesson that benchmarks send: one VP9 L1T3 encoding and Opus, as SRTP packets of known sizes.

30 frames a second of 4, 4, 3 packets (110 a second) of 1,100 bytes, and 50 sound packets a second of 120 bytes, counted
as they leave the server: 24 bytes of header, then the payload, without the SRTP tag. The last 8 bytes of each payload
say when the packet was sent.
"""

from __future__ import annotations

import heapq
import socket
import struct
import time
from collections.abc import Callable, Iterator
from typing import Final

from pylibsrtp import Policy, Session

from streaming.fanout.profiles import HEADER as OUTGOING_HEADER
from streaming.net.dtls import SEND_WINDOW
from streaming.wire import rtcp, rtp

VIDEO_BYTES: Final = 1100
AUDIO_BYTES: Final = 120
FRAME_RATE: Final = 30
FRAME_PACKETS: Final = (4, 4, 3)
AUDIO_RATE: Final = 50
PACKETS_PER_SECOND: Final = 160
TEMPORAL_PATTERN: Final = (0, 2, 1, 2)
KEYFRAME_EVERY: Final = 16
VIDEO_SSRC, AUDIO_SSRC = 0x1001, 0x1002
VIDEO_TYPE, AUDIO_TYPE = 98, 111
FEEDBACK_PER_SECOND: Final = 16
PACKETS_PER_REPORT: Final = PACKETS_PER_SECOND // FEEDBACK_PER_SECOND
TRANSPORT_ID: Final = 3
STAMP: Final = struct.Struct("!Q")
"""Nanoseconds since 1970, of the clock that the kernel stamps received datagrams with."""


def key(seed: int) -> bytes:
    """A key and salt for AEAD_AES_128_GCM."""
    return bytes((seed >> (8 * (place % 4)) ^ place * 37) & 0xFF for place in range(28))


def session(seed: int, inbound: bool) -> Session:
    policy = Policy(
        key=key(seed),
        ssrc_type=Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    )
    policy.allow_repeat_tx = True
    policy.window_size = 1024 if inbound else SEND_WINDOW
    return Session(policy)


def vp9_payload(picture: int, temporal: int, first: bool, last: bool, keyframe: bool, size: int) -> bytes:
    """Flexible mode with a 15-bit picture id (RFC 9628); the frame header says keyframe or not."""
    flags = 0x80 | (0 if keyframe else 0x40) | 0x20 | 0x10 | (first << 3) | (last << 2)
    body = bytes((flags, 0x80 | (picture >> 8 & 0x7F), picture & 0xFF, temporal << 5))
    if not keyframe:
        body += bytes((1 << 1,))
    if first:
        body += bytes.fromhex("8249834200" if keyframe else "86000000")
    return body.ljust(size, b"\x5a")


class Lesson:
    """Makes the packets of one publisher, one after the other, in the clear."""

    def __init__(self) -> None:
        self._video_sequence = 100
        self._audio_sequence = 100
        self._number = 0
        self.frames = 0
        self._sounds = 0

    def _packet(
        self, payload_type: int, sequence: int, timestamp: int, ssrc: int, payload: bytes, marker: bool
    ) -> bytes:
        self._number = (self._number + 1) & 0xFFFF
        extension = struct.pack("!BHB", TRANSPORT_ID << 4 | 1, self._number, 0)
        header = rtp.pack_header(
            payload_type,
            sequence & 0xFFFF,
            timestamp & 0xFFFFFFFF,
            ssrc,
            marker=marker,
            extension_profile=0xBEDE,
            extension=extension,
        )
        return header + payload

    def frame(self) -> list[bytes]:
        index = self.frames
        self.frames += 1
        count = FRAME_PACKETS[index % len(FRAME_PACKETS)]
        keyframe = index % KEYFRAME_EVERY == 0
        temporal = 0 if keyframe else TEMPORAL_PATTERN[index % KEYFRAME_EVERY % 4]
        packets = []
        for place in range(count):
            first, last = place == 0, place == count - 1
            size = VIDEO_BYTES - OUTGOING_HEADER.size
            payload = vp9_payload(index & 0x7FFF, temporal, first, last, keyframe, size)
            packets.append(self._packet(VIDEO_TYPE, self._video_sequence, index * 3000, VIDEO_SSRC, payload, last))
            self._video_sequence += 1
        return packets

    def sound(self) -> bytes:
        payload = b"\x78" * (AUDIO_BYTES - OUTGOING_HEADER.size)
        packet = self._packet(AUDIO_TYPE, self._audio_sequence, self._sounds * 960, AUDIO_SSRC, payload, False)
        self._audio_sequence += 1
        self._sounds += 1
        return packet


def feed(sock: socket.socket, target: tuple[str, int], srtp: Session, seconds: float, spread: bool) -> None:
    """Send the lesson in real time; `spread`: packets evenly instead of whole frames at once."""
    play(lambda packet: sock.sendto(srtp.protect(packet), target), seconds, spread)


def play(send: Callable[[bytes], object], seconds: float, spread: bool) -> None:
    """Hand each packet to `send` at its time, stamped."""
    start = time.monotonic()
    for at, packets in schedule(seconds, spread):
        delay = start + at - time.monotonic()
        if delay > 0:
            time.sleep(delay)
        for packet in packets:
            send(packet[: -STAMP.size] + STAMP.pack(time.time_ns()))


def schedule(seconds: float, spread: bool) -> Iterator[tuple[float, list[bytes]]]:
    """(second, packets) of the whole lesson in order of time."""
    lesson = Lesson()
    sounds = (((sound + 0.5) / AUDIO_RATE, [lesson.sound()]) for sound in range(int(seconds * AUDIO_RATE)))
    return heapq.merge(_pictures(lesson, seconds, spread), sounds, key=lambda event: event[0])


def _pictures(lesson: Lesson, seconds: float, spread: bool) -> Iterator[tuple[float, list[bytes]]]:
    for frame in range(int(seconds * FRAME_RATE)):
        packets = lesson.frame()
        at = frame / FRAME_RATE
        if spread:
            yield from ((at + place / FRAME_RATE / len(packets), [packet]) for place, packet in enumerate(packets))
        else:
            yield at, packets


def feedback_packets(seed: int, seconds: float) -> list[bytes]:
    """What one viewer reports, protected: every packet received, in groups of about ten."""
    srtp = session(seed, inbound=False)
    packets = []
    for index in range(int(seconds * FEEDBACK_PER_SECOND)):
        base = 1 + index * PACKETS_PER_REPORT
        arrivals = [((base + place) & 0xFFFF, (base + place) * 25) for place in range(PACKETS_PER_REPORT)]
        (made,) = rtcp.transport_feedback(1, VIDEO_SSRC, base & 0xFFFF, index & 0xFF, arrivals)
        protected: bytes = srtp.protect_rtcp(made)
        packets.append(protected)
    return packets
