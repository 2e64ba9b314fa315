"""What a Track offers, and what a viewer may be sent now."""

from __future__ import annotations

import numpy as np
import pytest

from streaming.fanout.selection import TOP_TEMPORAL
from streaming.fanout.viewers import Viewers
from streaming.rate import pacer
from streaming.rate.options import picture_options, sound_options
from streaming.uptrack.uptrack import UpTrack
from tests.streaming.rate.seats import LADDER, SOUND, TEMPORALS, camera, microphone

NOW = 100.0


def flowing(track: UpTrack, now: float = NOW) -> UpTrack:
    for encoding in track.encodings:
        if not encoding.resting:
            encoding.last_packet_s = now
    return track


# ---------------------------------------------------------------- options


def test_pictures_are_offered_cheapest_first() -> None:
    options = picture_options(flowing(camera(temporals=TEMPORALS)), NOW)
    assert [(option.encoding, option.temporal) for option in options] == [(e, t) for e in range(3) for t in range(3)]
    assert [option.bitrate_bps for option in options] == sorted({option.bitrate_bps for option in options})


def test_the_order_of_the_offer_does_not_matter() -> None:
    options = picture_options(flowing(camera(LADDER[::-1])), NOW)
    assert [(option.encoding, option.height) for option in options] == [(2, 180), (1, 360), (0, 720)]


def test_the_fullest_layer_that_flows_is_everything_of_its_encoding() -> None:
    options = picture_options(flowing(camera(LADDER[:1], (0.6, 0.4, 0.0))), NOW)
    assert [option.temporal for option in options] == [0, TOP_TEMPORAL]


def test_an_encoding_dearer_than_a_larger_one_is_no_choice() -> None:
    heights = ((180, 900_000.0), (360, 500_000.0))
    assert [option.encoding for option in picture_options(flowing(camera(heights)), NOW)] == [1]


def test_what_neither_flows_nor_rests_is_not_offered_and_what_rests_is_asleep() -> None:
    track = camera()
    track.encodings[0].last_packet_s = NOW
    track.encodings[2].resting = True
    assert [(o.encoding, o.awake) for o in picture_options(track, NOW)] == [(0, True), (2, False)]


def test_a_rate_not_measured_yet_is_guessed_by_size() -> None:
    track = flowing(camera(tuple((height, 0.0) for height, _ in LADDER)))
    rates = [option.bitrate_bps for option in picture_options(track, NOW)]
    assert all(rate > 0 for rate in rates)
    assert rates == sorted(rates)


def test_sharp_offers_motion_in_the_highest_encoding_only() -> None:
    options = picture_options(flowing(camera(temporals=TEMPORALS)), NOW, sharp=True)
    assert [(o.encoding, o.temporal) for o in options] == [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2)]
    options = picture_options(flowing(camera(temporals=TEMPORALS)), NOW, 360, sharp=True)
    assert [(o.encoding, o.temporal) for o in options] == [(0, 0), (1, 0), (1, 1), (1, 2)]


def test_sound_is_offered_saving_first() -> None:
    track = microphone(*SOUND)
    track.encodings[0].resting = True
    flowing(track)
    assert [(o.encoding, o.bitrate_bps, o.awake) for o in sound_options(track, NOW)] == [
        (0, SOUND[0], False),
        (1, SOUND[1], True),
    ]


# ---------------------------------------------------------------- pacer


def paced(rows: int = 1) -> Viewers:
    viewers = Viewers()
    for _ in range(rows):
        viewers.add()
    return viewers


def rates(viewers: Viewers, rate_bps: float, *, full: bool = False, patient: bool = False) -> pacer.Pace:
    rows = viewers.rows
    return pacer.pace(np.full(rows, rate_bps), np.full(rows, full), np.full(rows, patient))


def test_little_leaves_at_once_where_a_link_is_full() -> None:
    viewers = paced()
    pacer.refill(viewers, rates(viewers, 1e6, full=True), 60.0)
    assert viewers.credit[0] == pytest.approx(125_000 * pacer.BURST_FULL_S)
    viewers = paced()
    pacer.refill(viewers, rates(viewers, 1e6), 60.0)
    assert viewers.credit[0] == pytest.approx(125_000 * pacer.BURST_S)
    viewers = paced()
    pacer.refill(viewers, rates(viewers, 30_000.0, full=True), 60.0)
    assert viewers.credit[0] == pacer.BURST_FULL_MIN_BYTES


def test_credit_is_what_was_earned_up_to_a_burst() -> None:
    viewers = paced()
    pacer.refill(viewers, rates(viewers, 8e6), 0.005)
    assert viewers.credit[0] == pytest.approx(5000)
    pacer.refill(viewers, rates(viewers, 8e6), 60.0)
    assert viewers.credit[0] == pytest.approx(1e6 * pacer.BURST_S)
    viewers = paced()
    pacer.refill(viewers, rates(viewers, 30_000.0), 60.0)
    assert viewers.credit[0] == pacer.BURST_MIN_BYTES


def test_a_debt_is_paid_off_first_and_a_gift_is_kept() -> None:
    viewers = paced(2)
    viewers.credit[:2] = [-2000, 4000]
    pacer.refill(viewers, rates(viewers, 80_000.0), 0.1)
    assert viewers.credit[:2].tolist() == [-1000, 4000]


def test_still_pictures_leave_packet_by_packet() -> None:
    viewers = paced()
    pacer.refill(viewers, rates(viewers, 80_000.0, full=True, patient=True), 60.0)
    assert viewers.credit[0] == pacer.BURST_PATIENT_BYTES


def test_repairs_have_a_share_of_their_own() -> None:
    viewers = paced()
    pacer.refill(viewers, rates(viewers, 800_000.0), 0.1)
    assert viewers.repair_credit[0] == pytest.approx(10_000 * pacer.REPAIR_SHARE)
    pacer.refill(viewers, rates(viewers, 800_000.0), 600.0)
    assert viewers.repair_credit[0] == pytest.approx(100_000 * pacer.REPAIR_SHARE * pacer.REPAIR_BURST_S)


def test_slow_are_those_without_credit_or_with_a_queue() -> None:
    viewers = paced(3)
    viewers.credit[:4] = [-1, 10, 10, 0]
    waiting = np.zeros(viewers.rows, np.bool_)
    waiting[[1, 3]] = True  # row 3 is nobody's
    pacer.decide_slow(viewers, waiting)
    assert viewers.slow[:4].tolist() == [True, True, False, False]
    assert viewers.any_slow
    viewers.credit[:] = 10
    pacer.decide_slow(viewers, None)
    assert not viewers.any_slow
