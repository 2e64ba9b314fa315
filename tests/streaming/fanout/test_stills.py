"""Still pictures: nothing but keyframes, each whole and decodable, with numbers that have no gap."""

from __future__ import annotations

from streaming.fanout.downtracks import NONE
from streaming.fanout.selection import HOPELESS_S
from streaming.uptrack.encoding import KEYFRAMES, WINDOW
from streaming.uptrack.keyframes import STILL_INTERVAL_S
from tests.streaming.fanout.eye import Watching
from tests.streaming.fanout.stage import Camera, Stage, stamp_of, watched


def stills(encodings: int = 2) -> Watching:
    """A viewer who gets still pictures of the first encoding; frames come in three packets."""
    watching = Watching(encodings=encodings)
    watching.stage.fanout.aim(watching.row, 0, KEYFRAMES)
    watching.show(keyframe=True, count=3)
    return watching


def frames(watching: Watching) -> list[int]:
    """Of each packet that came, its frame."""
    return [stamp_of(content)[1] for content, _ in watching.eye.sent.values()]


def test_only_keyframes_come_and_all_of_their_packets() -> None:
    watching = stills()
    before = len(watching.eye.sent)
    for _ in range(3):
        for _ in range(7):
            watching.show(count=2)
        watching.show(keyframe=True, count=4)
    came = frames(watching)[before:]
    assert len(came) == 12
    assert len(set(came)) == 3
    assert watching.stage.fanout.stills() == {0}
    assert watching.stage.fanout.keyframes_wanted() == set()


def test_motion_ceases_at_once_and_comes_back_with_a_keyframe_that_is_asked_for() -> None:
    watching = Watching()
    for _ in range(5):
        watching.show()
    watching.stage.fanout.aim(watching.row, 0, KEYFRAMES)
    before = len(watching.eye.sent)
    for _ in range(5):
        watching.show()
    assert len(watching.eye.sent) == before
    watching.stage.fanout.aim(watching.row, 0, 2)
    assert watching.stage.fanout.keyframes_wanted() == {0}
    for _ in range(5):
        watching.show(sync=True)
    assert len(watching.eye.sent) == before
    watching.show(keyframe=True)
    for _ in range(4):
        watching.show()
    assert len(watching.eye.sent) == before + 5
    assert watching.stage.fanout.keyframes_wanted() == set()


def test_from_another_encoding_and_to_another() -> None:
    watching = Watching()
    for encoding, temporal in ((1, 2), (0, KEYFRAMES), (1, 0), (1, KEYFRAMES), (0, 1)):
        watching.stage.fanout.aim(watching.row, encoding, temporal)
        for frame in range(12):
            watching.show(keyframe=frame == 4, count=2)
        tracks = watching.stage.fanout.downtracks
        assert (tracks.encoding[watching.row], tracks.temporal[watching.row]) == (encoding, temporal)


def test_a_lost_packet_of_a_still_picture_is_sent_again() -> None:
    watching = stills()
    for _ in range(10):
        watching.show(count=2)
    sent = list(watching.eye.sent)[-3:]
    watching.nack(2, count=3)
    assert watching.eye.repaired == 3
    assert list(watching.eye.again) == sent


def test_a_still_picture_may_take_its_time_but_not_for_ever() -> None:
    watching = stills()
    watching.show(keyframe=True, count=4)
    watching.starve()
    watching.show(keyframe=True, count=4)
    assert watching.waiting() == 4
    watching.wait(HOPELESS_S + 0.1)
    assert watching.waiting() == 4
    watching.wait(STILL_INTERVAL_S)
    assert watching.waiting() == 0
    assert watching.stage.fanout.downtracks.encoding[watching.row] == NONE
    assert watching.stage.fanout.keyframes_wanted() == {0}


def test_a_newcomer_begins_with_the_keyframe_in_the_cache_alone() -> None:
    stage, _ = watched()
    stage.show(keyframe=True, count=3)
    keyframe = stage.camera.frame - 1
    for _ in range(4):
        stage.show()
    row = stage.join()
    stage.fanout.aim(row, 0, KEYFRAMES)
    stage.show()
    stage.fanout.drain(stage.now, stage.sink)
    stage.show()
    assert [stamp_of(packet.payload)[:3] for packet in stage.screen(row).packets] == [
        (0, keyframe, n) for n in range(3)
    ]


def received(order: tuple[int, ...]) -> list[tuple[int, bytes]]:
    """Numbers, from the first on, and payloads that a viewer of still pictures gets of a keyframe whose packets come
    from the publisher in this order, and of the next keyframe."""
    stage, row = watched(temporal=KEYFRAMES)
    before = stage.screen(row).packets[-1].header.sequence
    sent, camera = len(stage.screen(row).packets), stage.camera
    made = [camera.packet(0, index, len(order), keyframe=True) for index in range(len(order))]
    for index in order:
        camera.give(0, made[index], stage.now)
        stage.forward()
    camera.frame += 1
    camera.give(0, camera.packet(0, 0, 1, keyframe=True), stage.now)
    stage.forward()
    return [(packet.header.sequence - before, packet.payload) for packet in stage.screen(row).packets[sent:]]


def test_a_packet_that_comes_late_from_the_publisher_gets_the_number_that_was_kept_for_it() -> None:
    came = received((0, 1, 3, 2))
    assert [number for number, _ in came] == [1, 2, 4, 3, 5]
    assert [stamp_of(payload)[2] for _, payload in came] == [0, 1, 3, 2, 0]


def test_a_keyframe_whose_beginning_comes_late_is_left_out_without_a_gap() -> None:
    came = received((1, 2, 0))
    assert [(number, bool(payload)) for number, payload in came] == [(1, False), (2, True)]


def test_a_number_that_is_still_to_come_is_not_answered_with_an_old_packet() -> None:
    """The place of the next still picture's first packet holds, from a round of the window before, a cell in which a
    packet of motion lies now."""
    stage = Stage(Camera(1))
    row = stage.join()
    stage.fanout.aim(row, 0, KEYFRAMES)
    for _ in range(WINDOW + 10):
        stage.show(keyframe=True)
    for _ in range(stage.camera.track.cache.cells):
        stage.show()
    highest = stage.screen(row).packets[-1].header.sequence
    assert stage.fanout.retransmit(row, [(highest + 1) & 0xFFFF], stage.now, stage.sink) == 0
