"""A recorder may die after any record: another Assembler goes on from the state, and nothing differs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache

from hypothesis import given, settings
from hypothesis import strategies as st

from archive.media import Made
from recorder.assembler import Assembler
from streaming.control import Slot
from streaming.tap_records import Record, RecordingState
from tests.recorder.lesson import Network, Publisher, Script
from tests.recorder.payloads import red
from tests.recorder.watching import assemble

CADENCE_S = 2.0


@lru_cache(maxsize=1)
def material() -> tuple[tuple[Record, ...], tuple[Made, ...]]:
    """A lesson with everything in it: loss, lateness, a layer that pauses, a pause, a new epoch, another class."""
    script, teacher, guest = Script(), Publisher(), Publisher("class", seed=2, ppm=200)
    lossy = Network(jitter_s=0.02, drop=lambda n: n % 97 == 60, late=lambda n: n % 31 == 7)
    script.state(0.0, RecordingState.RUNNING)
    script.camera(
        1,
        teacher,
        ((160, 90), (320, 180)),
        0.2,
        8,
        key_every_s=CADENCE_S,
        network=lossy,
        off=lambda encoding, second: encoding == 1 and 3 < second < 5,
    )
    script.microphone(2, teacher, 0.1, 8, network=lossy, silent=lambda second: 4 < second < 4.6)
    script.camera(3, guest, ((160, 90),), 3.0, 4, codec="vp8", slot=Slot.FLOOR_VIDEO, key_every_s=CADENCE_S)
    script.microphone(4, guest, 3.0, 4, slot=Slot.FLOOR_AUDIO)
    script.state(5.5, RecordingState.PAUSED)
    script.state(6.2, RecordingState.RUNNING)
    script.end(3, 7.3)
    script.end(4, 7.4)
    before = script.records()
    again = Script("epoch-2")
    again.state(100.0, RecordingState.RUNNING, wall=1_700_000_012.0)
    again.camera(1, Publisher(seed=5), ((160, 90),), 100.5, 4, codec="h264", key_every_s=CADENCE_S)
    again.microphone(2, Publisher(seed=5), 100.5, 4, wrap=red, network=lossy)
    again.camera(
        3, Publisher(seed=5), ((160, 90),), 101.0, 3, codec="av1", slot=Slot.SCREEN_VIDEO, key_every_s=CADENCE_S
    )
    again.state(105.0, RecordingState.ENDED, wall=1_700_000_017.0)
    records = (*before, *again.records())
    return records, tuple(assemble(records, CADENCE_S))


def feed(assembler: Assembler, records: Sequence[Record], start: int, end: int) -> list[Made]:
    return [piece for place in range(start, end) for piece in assembler.take(records[place], place)]


def killed_at(records: Sequence[Record], points: Sequence[int]) -> list[Made]:
    """The outputs when recorders die after `points` records, each having stored its state at once."""
    made: list[Made] = []
    state: bytes | None = None
    start = 0
    for point in [*points, len(records)]:
        assembler = Assembler(CADENCE_S, state)
        if state is not None:
            start = assembler.replay_from
        made += feed(assembler, records, start, point)
        state = assembler.state()
    return made + assembler.finish()


def test_the_material_is_worth_it() -> None:
    _, made = material()
    kinds = {type(piece).__name__ for piece in made}
    assert kinds == {"Init", "Segment", "Gap"}
    assert len({piece.key for piece in made if hasattr(piece, "key")}) == 6


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=3).map(sorted))
def test_it_goes_on_after_any_record(places: list[float]) -> None:
    records, made = material()
    points = [round(place * len(records)) for place in places]
    assert killed_at(records, points) == list(made)


def test_it_goes_on_after_very_many_records() -> None:
    records, made = material()
    points = sorted(random.Random(7).sample(range(1, len(records)), 60))
    assert killed_at(records, points) == list(made)


def test_records_before_the_oldest_needed_change_nothing() -> None:
    records, made = material()
    point = len(records) * 2 // 3
    first = Assembler(CADENCE_S)
    before = feed(first, records, 0, point)
    second = Assembler(CADENCE_S, first.state())
    assert 0 < second.replay_from <= point
    assert feed(second, records, 0, point) == []
    assert before + feed(second, records, point, len(records)) + second.finish() == list(made)


def test_the_state_is_small_and_says_where_to_begin() -> None:
    records, _ = material()
    assembler = Assembler(CADENCE_S)
    for place, record in enumerate(records):
        assembler.take(record, place)
        if place % 50 == 0:
            assert len(assembler.state()) < 64_000
            assert place - 4_000 < assembler.replay_from <= place + 1
