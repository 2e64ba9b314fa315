"""What a player sees of made pieces: an independent demuxer and decoder (FFmpeg) reads every frame and beep."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import av
import numpy as np
import numpy.typing as npt

from archive.media import Gap, Init, Made, RenditionKey, Segment
from recorder.assembler import Assembler
from streaming.tap_records import Record
from tests.recorder import barcode


class Seen(NamedTuple):
    at: float
    number: int


def assemble(records: Iterable[Record], cadence_s: float = 6.0) -> list[Made]:
    assembler = Assembler(cadence_s)
    made = [piece for position, record in enumerate(records) for piece in assembler.take(record, position)]
    return made + assembler.finish()


def segments(made: Iterable[Made], slot: str, encoding: int = 0) -> list[Segment]:
    return [each for each in made if isinstance(each, Segment) and each.key == RenditionKey(slot, encoding)]


def inits(made: Iterable[Made], slot: str, encoding: int = 0) -> list[Init]:
    return [each for each in made if isinstance(each, Init) and each.key == RenditionKey(slot, encoding)]


def gaps(made: Iterable[Made], slot: str) -> list[Gap]:
    return [each for each in made if isinstance(each, Gap) and each.slot == slot]


def _files(made: Iterable[Made], slot: str, encoding: int) -> list[bytes]:
    """One file a run: its initialisation segment and its segments."""
    made = list(made)
    files: dict[int, list[bytes]] = defaultdict(list)
    for init in inits(made, slot, encoding):
        assert init.run not in files
        files[init.run].append(init.data)
    for segment in segments(made, slot, encoding):
        assert files[segment.run], "an Init comes first"
        files[segment.run].append(segment.data)
    return [b"".join(parts) for parts in files.values()]


def pictures(made: Iterable[Made], slot: str = "teacher_video", encoding: int = 0) -> list[Seen]:
    """Every picture that decodes: when it is shown, in seconds, and the number it shows."""
    seen = []
    for file in _files(made, slot, encoding):
        with av.open(io.BytesIO(file), "r") as container:
            stream = container.streams.video[0]
            stream.thread_count = 1
            for frame in container.decode(stream):
                assert frame.time is not None
                seen.append(Seen(frame.time, barcode.number(frame)))
    return seen


def samples(made: Iterable[Made], slot: str = "teacher_audio") -> npt.NDArray[np.int16]:
    """Mono samples from recorded time 0 on; where there is no sound, zeros."""
    pieces: list[tuple[int, npt.NDArray[np.int16]]] = []
    for file in _files(made, slot, 0):
        with av.open(io.BytesIO(file), "r") as container:
            for frame in container.decode(audio=0):
                assert frame.time is not None
                mono = np.clip(frame.to_ndarray()[0] * 32767, -32768, 32767)
                pieces.append((round(frame.time * barcode.RATE), mono.astype(np.int16)))
    found = np.zeros(max((at + len(mono) for at, mono in pieces), default=0), np.int16)
    for at, mono in pieces:
        found[at : at + len(mono)] = mono
    return found


def beeps(made: Iterable[Made], slot: str = "teacher_audio") -> list[Seen]:
    return [Seen(*each) for each in barcode.beeps(samples(made, slot))]


def check_order(made: Iterable[Made], longest_s: float) -> None:
    """Segments never go back, are numbered without a break, and none is longer than it may be."""
    made = list(made)
    for key in {each.key for each in made if isinstance(each, Segment)}:
        row = segments(made, key.slot, key.encoding)
        assert [each.index for each in row] == list(range(len(row)))
        for before, after in pairwise(row):
            assert after.start_s >= before.start_s + before.duration_s - 1e-6
            assert after.run >= before.run
            assert after.wall >= before.wall
            if after.run == before.run:
                assert abs(after.start_s - before.start_s - before.duration_s) < 1e-6
        assert max(each.duration_s for each in row) <= longest_s
