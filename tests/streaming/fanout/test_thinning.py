"""Whatever is left out of a slow viewer's queue: its numbers have no gap, its pictures all they refer to."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.fanout.downtracks import NONE, QUEUE
from streaming.fanout.queue import LATE_S
from streaming.fanout.selection import HOPELESS_S
from streaming.uptrack.encoding import KEYFRAMES
from tests.streaming.fanout.eye import Watching
from tests.streaming.fanout.stage import stamp_of

Act = Callable[[Watching], None]


def show(keyframe: bool, sync: bool, count: int) -> Act:
    return lambda watching: watching.show(keyframe=keyframe, sync=sync, count=count)


def frames(count: int, packets: int) -> Act:
    def several(watching: Watching) -> None:
        for _ in range(count):
            watching.show(count=packets)

    return several


def grant(credit: float) -> Act:
    return lambda watching: watching.grant(credit)


def wait(seconds: float) -> Act:
    return lambda watching: watching.wait(seconds)


def aim(encoding: int, temporal: int) -> Act:
    return lambda watching: watching.stage.fanout.aim(watching.row, encoding, temporal)


def nack(back: int) -> Act:
    return lambda watching: watching.nack(back)


ACTS: st.SearchStrategy[Act] = st.one_of(
    st.builds(show, st.sampled_from([False, False, False, True]), st.booleans(), st.integers(1, 4)),
    st.builds(frames, st.integers(2, 8), st.integers(1, 3)),
    st.builds(grant, st.sampled_from([1.0, 300.0, 1000.0, 1e6])),
    st.builds(wait, st.sampled_from([0.01, LATE_S + 0.01, LATE_S + 0.01, HOPELESS_S + 0.01])),
    st.builds(aim, st.sampled_from([0, 0, 0, 1]), st.integers(KEYFRAMES, 2)),
    st.builds(nack, st.integers(3, 40)),
    st.just(Watching.starve),
    st.just(Watching.pad),
)


@given(st.sampled_from([0, 127, 32767, 65534]), st.lists(ACTS, max_size=60))
@settings(derandomize=True, deadline=None, max_examples=150)
def test_no_gap_and_all_references_whatever_happens(start: int, acts: list[Act]) -> None:
    watching = Watching(start)
    for act in acts:
        act(watching)
    watching.grant(1e9)


@pytest.mark.parametrize("seed", range(8))
def test_a_long_lesson_on_a_slow_link(seed: int) -> None:
    chance = random.Random(seed)
    watching = Watching(chance.choice([0, 32767, 65534]))
    stage = watching.stage
    for _ in range(400):
        watching.show(keyframe=chance.random() < 0.05, sync=chance.random() < 0.3, count=chance.randint(1, 4))
        roll = chance.random()
        if roll < 0.5:
            watching.grant(chance.choice([-1.0, 200.0, 400.0]))
        elif roll < 0.6:
            watching.wait(chance.choice([0.05, LATE_S + 0.01]))
        elif roll < 0.7:
            aim(chance.choice([0, 0, 0, 1]), chance.randrange(KEYFRAMES, 3))(watching)
        elif roll < 0.8:
            watching.nack(chance.randrange(3, 60))
        elif roll < 0.9:
            watching.pad()
        elif roll < 0.92:
            watching.grant(1e9)
    watching.grant(1e9)
    assert stage.fanout.counts["thinned"] > 0
    assert watching.eye.repaired > 0
    assert len(watching.eye.complete) > 50


# ---------------------------------------------------------------- case by case


def shown(watching: Watching) -> list[int]:
    """Temporal layers of the packets that came, in their order."""
    return [stamp_of(content)[3] for content, _ in watching.eye.sent.values()]


def late(count: int = 9) -> Watching:
    """A viewer with `count` frames of one packet waiting, whose oldest is late now."""
    watching = Watching()
    watching.starve()
    for _ in range(count):
        watching.show()
    watching.stage.now += LATE_S
    return watching


def test_one_layer_at_a_time_is_taken_out() -> None:
    watching = late()
    temporal = watching.stage.fanout.downtracks.temporal
    left = []
    for _ in range(2):
        watching.wait(0.0)
        left.append((int(temporal[watching.row]), watching.stage.fanout.counts["thinned"]))
    assert left == [(1, 4), (0, 6)]


def test_what_is_late_twice_keeps_the_base_only() -> None:
    watching = late()
    watching.wait(0.0)
    watching.wait(0.0)
    watching.grant(1e6)
    assert shown(watching)[2:] == [0] * len(shown(watching)[2:])
    assert watching.stage.fanout.counts["thinned"] >= 5


def test_a_layer_taken_out_comes_back_at_a_sync_frame_only() -> None:
    watching = late()
    watching.wait(0.0)
    watching.grant(1e9)
    aim(0, 2)(watching)
    before = len(watching.eye.sent)
    for _ in range(8):
        watching.show()
    assert 2 not in shown(watching)[before:]
    for _ in range(12):
        watching.show(sync=True)
    assert 2 in shown(watching)[before:]


def test_the_hopeless_is_given_up_and_a_keyframe_asked_for() -> None:
    watching = Watching()
    aim(0, 0)(watching)
    watching.show(keyframe=True)
    watching.starve()
    for _ in range(8):
        watching.show()
    waited = watching.waiting()
    assert waited >= 2
    watching.wait(HOPELESS_S + 0.1)
    fanout, row = watching.stage.fanout, watching.row
    assert watching.waiting() == 0
    assert fanout.downtracks.encoding[row] == NONE
    assert fanout.keyframes_wanted() == {0}
    watching.grant(1e6)
    watching.show(keyframe=True)
    assert fanout.downtracks.encoding[row] == 0


def test_a_switch_with_packets_waiting_leaves_them_and_no_gap() -> None:
    watching = late(5)
    aim(1, 2)(watching)
    watching.show(keyframe=True, count=2)
    watching.grant(1e6)
    assert [stamp_of(content)[0] for content, _ in watching.eye.sent.values()] == [0, 1, 1]


def test_a_number_of_now_is_not_answered_from_before_a_change() -> None:
    """The former mapping had the same numbers for packets that were then taken out of the queue."""
    watching = late()
    watching.wait(0.0)
    watching.grant(1e6)
    sent = dict(watching.eye.sent)
    watching.nack(len(sent) - 1, count=len(sent) + 8)
    assert watching.eye.again
    assert all(
        watching.eye.again[number] == content for number, content in sent.items() if number in watching.eye.again
    )
    assert set(watching.eye.again) <= set(sent)


def test_what_still_waits_fills_no_probe() -> None:
    watching = late(5)
    for _ in range(20):
        watching.pad()
    assert watching.waiting() == 5
    assert watching.eye.again == {}


def test_no_filler_overtakes_what_waits() -> None:
    """Given up, what waits leaves its numbers to what comes next: a filler must not have had one of them."""
    watching = Watching(encodings=1)
    stage, camera = watching.stage, watching.stage.camera
    aim(0, 0)(watching)
    watching.show(keyframe=True)
    watching.starve()
    watching.show()
    withheld = camera.packet(0, 0, 1, keyframe=False, temporal=2)
    camera.frame += 1
    camera.give(0, camera.packet(0, 0, 1, keyframe=False), stage.now)
    stage.forward()
    assert watching.waiting() >= 1
    before = len(stage.screen(watching.row).packets)
    camera.give(0, withheld, stage.now)
    assert [arrival.late for arrival in stage.forward()] == [True]
    assert len(stage.screen(watching.row).packets) == before


def test_a_full_queue_drops_its_oldest_and_counts_it() -> None:
    watching = Watching()
    watching.starve()
    stage = watching.stage
    for _ in range(QUEUE // 2 + 5):
        stage.camera.send_frame(stage.now, count=2)
        stage.forward()
    assert watching.waiting() == QUEUE
    assert stage.fanout.counts["queue_dropped"] == 10
