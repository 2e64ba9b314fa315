"""What is sent again, and what fills a probe: nothing twice within a round trip, nothing for free."""

from __future__ import annotations

from streaming.fanout.retransmission import ROUND_TRIP_LEAST_S
from streaming.fanout.viewers import HISTORY
from streaming.uptrack.cache import OVERHEAD_BYTES
from tests.streaming.fanout.stage import BARE, RTX_SSRC, Stage, watched


def answered(stage: Stage, row: int, *sequences: int) -> int:
    return stage.fanout.retransmit(row, list(sequences), stage.now, stage.sink)


def test_the_same_number_is_not_sent_again_while_its_answer_is_on_its_way() -> None:
    stage, row = watched()
    stage.show()
    assert answered(stage, row, 0, 1) == 2
    assert answered(stage, row, 0, 1) == 0
    assert stage.fanout.counts == {"nack_repeated": 2}
    stage.now += ROUND_TRIP_LEAST_S + 0.001
    assert answered(stage, row, 0, 1) == 2


def test_the_round_trip_is_the_viewers_own() -> None:
    stage, row = watched()
    stage.viewers.round_trip_s[row] = 0.4
    assert answered(stage, row, 0) == 1
    stage.now += 0.3
    assert answered(stage, row, 0) == 0
    stage.now += 0.11
    assert answered(stage, row, 0) == 1


def test_one_viewers_asking_is_not_anothers() -> None:
    stage, row = watched()
    other = stage.join()
    stage.fanout.aim(other, 0, 2)
    stage.show(keyframe=True)
    assert answered(stage, row, 0) == 1
    assert answered(stage, other, 0) == 1


def test_repairs_cost_their_own_credit_and_the_viewers() -> None:
    stage, row = watched()
    for _ in range(20):
        stage.show(size=1000)
    stage.viewers.repair_credit[row], stage.viewers.credit[row] = 2500, 10_000
    sent = answered(stage, row, *range(1, 20))
    assert sent == 3
    assert stage.viewers.repair_credit[row] < 0
    assert stage.viewers.credit[row] < 10_000 - 3 * 1000
    assert stage.fanout.counts["nack_missed"] == 19 - sent


# ---------------------------------------------------------------- probes


def test_a_probe_repeats_what_was_sent_lately() -> None:
    stage, row = watched()
    for _ in range(20):
        stage.show(size=500)
    screen = stage.screen(row)
    sent = {packet.header.sequence: packet for packet in screen.packets}
    before = len(screen.packets)
    stage.fanout.account()
    booked = int(stage.viewers.bytes[row])
    total = sum(stage.fanout.pad(row, 1200, stage.now, stage.sink) for _ in range(10))
    repeated = screen.packets[before:]
    assert len({packet.payload[:2] for packet in repeated}) > 5  # not the same one always
    for packet in repeated:
        original = sent[int.from_bytes(packet.payload[:2], "big")]
        assert (packet.header.ssrc, packet.payload[2:]) == (RTX_SSRC, original.payload)
    assert int(stage.viewers.bytes[row]) - booked == total
    number = repeated[-1].number
    assert number is not None
    send = int(stage.viewers.history[row, number & (HISTORY - 1)])
    assert stage.viewers.send_size[send] == len(repeated[-1].payload) + OVERHEAD_BYTES


def test_where_nothing_fits_padding_fills_the_probe() -> None:
    stage, row = watched()
    stage.show(size=1000)
    screen = stage.screen(row)
    before = len(screen.packets)
    for wanted in (1, 100, 200, 255, 100):
        assert 0 < stage.fanout.pad(row, wanted, stage.now, stage.sink) <= max(wanted, OVERHEAD_BYTES + 1)
    padded = [packet for packet in screen.packets[before:] if not packet.payload]
    assert padded
    assert all(packet.header.ssrc == RTX_SSRC and packet.header.padding for packet in padded)
    rtx = [packet.header.sequence for packet in screen.packets[before:]]
    assert rtx == list(range(rtx[0], rtx[0] + len(rtx)))


def test_a_viewer_who_has_no_picture_yet_can_be_probed() -> None:
    stage = Stage()
    row = stage.join()
    stage.show()
    assert stage.fanout.pad(row, 500, stage.now, stage.sink) > 0


def test_who_negotiated_no_retransmission_is_not_padded() -> None:
    stage = Stage()
    row = stage.join(BARE)
    stage.fanout.aim(row, 0, 2)
    stage.show(keyframe=True)
    before = len(stage.screen(row).packets)
    assert stage.fanout.pad(row, 500, stage.now, stage.sink) == 0
    assert len(stage.screen(row).packets) == before


def test_without_a_source_there_is_nothing_to_send() -> None:
    stage, row = watched()
    stage.fanout.set_source(None)
    assert stage.fanout.pad(row, 500, stage.now, stage.sink) == 0
    assert answered(stage, row, 0) == 0
