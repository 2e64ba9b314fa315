"""Whatever stands in a spool: nothing is raised, and what is held stays bounded."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest

from recorder.assembler import Assembler
from recorder.track import SOUND_CODECS
from streaming.control import Slot, Source
from streaming.tap_records import (
    ClockRecord,
    EndedRecord,
    LostRecord,
    PacketRecord,
    Record,
    RecordingState,
    StateRecord,
    TrackRecord,
)
from tests.recorder import lesson

CODECS = ("vp8", "vp9", "h264", "av1", "opus", "red", "", "pcmu")


def _time(source: random.Random, t: float) -> float:
    return source.choice((t, t, t, t, t, t - 0.5, t + 3, t - 1e6, t + 1e7, float("nan"), float("inf"), -1.0))


def _packet(source: random.Random, t: float) -> Record:
    payload = source.randbytes(source.choice((0, 1, 2, 3, 5, 12, 200)))
    number = source.choice((source.randrange(2**32), source.randrange(300), 2**32 - 1))
    on_time = round(t * 90_000) & 0xFFFF_FFFF if math.isfinite(t) else 0
    rtp_time = source.choice((source.randrange(2**32), on_time))
    return PacketRecord(source.randrange(6), source.randrange(4), source.randrange(8), number, rtp_time, t, payload)


def _track(source: random.Random, t: float) -> Record:
    slot = source.choice(list(Slot))
    codec = source.choice([each for each in CODECS if (each in SOUND_CODECS) == slot.is_audio] + ["vp9", "opus"])
    return TrackRecord(
        track=source.randrange(6),
        slot=slot,
        peer_id=source.choice("abc"),
        source=Source.CAMERA,
        codec=codec,
        profile="",
        rids=source.choice(((), ("",), ("q", "h", "f"), ("low", ""), tuple("abcdefghijkl"))),
        t=t,
    )


def _state(source: random.Random, t: float) -> Record:
    return StateRecord(
        recording_id="r",
        lesson_id="l",
        epoch=source.choice(("e1", "e1", "e1", "e2")),
        state=source.choice((RecordingState.RUNNING, RecordingState.RUNNING, RecordingState.PAUSED)),
        t=t,
        wall=source.choice((lesson.WALL + t, 0.0, -1.0, 1e300, float("nan"))),
    )


KINDS: list[Callable[[random.Random, float], Record]] = [
    *[_packet] * 30,
    _track,
    _track,
    _state,
    lambda source, t: ClockRecord(source.randrange(6), source.randrange(2**64), source.randrange(2**32), t),
    lambda source, t: EndedRecord(source.randrange(6), t),
    lambda source, t: LostRecord(source.randrange(2**32), t),
]


def check(assembler: Assembler) -> None:
    state = assembler.state()
    assert len(state) < 2_000_000
    assert Assembler(6.0, state).state() == state


@pytest.mark.parametrize("seed", range(20))
def test_noise(seed: int) -> None:
    source = random.Random(seed)
    assembler = Assembler(2.0)
    t = 0.0
    for position in range(1500):
        t += source.choice((0.0, 0.001, 0.02, 0.5))
        record = source.choice(KINDS)(source, _time(source, t))
        for piece in assembler.take(record, position):
            assert getattr(piece, "start_s", 0.0) >= 0
    check(assembler)
    assembler.finish()


@pytest.mark.parametrize("seed", range(10))
def test_damaged_lessons(seed: int) -> None:
    """Real records with bytes, numbers and times changed, left out, twice or elsewhere."""
    source = random.Random(seed)
    codec = source.choice(("vp9", "vp8", "h264", "av1"))
    records = lesson.plain(8, ((160, 90), (320, 180)), codec=codec)
    for _ in range(len(records) // 10):
        place = source.randrange(1, len(records))
        record = records[place]
        match source.randrange(5):
            case 0:
                del records[place]
            case 1:
                records.insert(source.randrange(1, len(records)), record)
            case 2 if isinstance(record, PacketRecord):
                payload = bytearray(record.payload)
                payload[source.randrange(min(20, len(payload)))] ^= 1 << source.randrange(8)
                records[place] = record._replace(payload=bytes(payload))
            case 3 if isinstance(record, PacketRecord):
                records[place] = record._replace(rtp_time=source.randrange(2**32))
            case _ if not isinstance(record, StateRecord | TrackRecord):
                records[place] = record._replace(t=_time(source, record.t))
    assembler = Assembler(2.0)
    for position, record in enumerate(records):
        assembler.take(record, position)
    check(assembler)
    assembler.finish()


def test_a_track_without_keyframes_holds_little() -> None:
    records = lesson.plain(100, ((160, 90),), key_every_s=1000.0)
    assembler = Assembler(6.0)
    oldest = 0
    for position, record in enumerate(records):
        assembler.take(record, position)
        if position % 100 == 0:
            oldest = max(oldest, position - assembler.replay_from)
    assert oldest < 35 * (lesson.FPS + 50)
    assembler.finish()


def test_nothing_that_stays_away_is_waited_for() -> None:
    """The state names no records but those that are still to be written."""
    records = lesson.plain(40)
    assembler = Assembler(6.0)
    for position, record in enumerate(records):
        assembler.take(record, position)
        if record.t > 12 and position % 50 == 0:
            assert records[min(assembler.replay_from, len(records) - 1)].t > record.t - 10
