"""The scenarios on one link: conditions / media / run / check, with the targets.

Where a target leaves something open: 50 ms each way and a buffer of one second; "within" counts from the change;
"concealed" is the share of all sound of the run; a freeze is W3C's; "useful" is what was shown and heard, without
repairs and probes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from bench.abr import checks
from bench.abr.cases import Case, Media, Scenario, Wanted
from bench.abr.checks import link
from bench.abr.run import Change
from bench.link.model import LinkConditions
from streaming.control import Slot, Source

SIMULATED: Final = (
    Scenario(
        1,
        "500 kbit/s, 100 ms each way",
        "estimate 425-500 kbit/s within 8 s, queue p95 <= 60 ms",
        {"": Case((Change(0, link(500e3, 0.1)),), 30, checks.check_1, checks.was_bottleneck)},
        (Wanted("reached_s", most=8), Wanted("estimate_median_kbps", 425, 500), Wanted("queue_p95_ms", most=60)),
    ),
    Scenario(
        2,
        "500 -> 800 kbit/s",
        "estimate >= 680 kbit/s within 6 s",
        {
            "": Case(
                (Change(0, link(500e3, 0.1)), Change(30, link(800e3, 0.1))), 60, checks.check_2, checks.was_bottleneck
            )
        },
        (Wanted("reached_s", most=6),),
    ),
    Scenario(
        3,
        "800 -> 100 kbit/s, 200 ms each way",
        "estimate 70-100 kbit/s within 5 s, audio concealed < 2 %",
        {
            "": Case(
                (Change(0, link(800e3, 0.2)), Change(25, link(100e3, 0.2))), 55, checks.check_3, checks.dropped_tail
            )
        },
        (
            Wanted("reached_s", most=5),
            Wanted("estimate_median_kbps", 70, 100),
            Wanted("concealed", most=0.02),
        ),
    ),
    Scenario(
        4,
        "1 / 2.5 / 0.6 / 1 Mbit/s for 40 / 20 / 20 / 20 s",
        "85 % of the best layer that fits <= 5 s after each step, queue p95 <= 60 ms",
        {
            "": Case(
                tuple(Change(at, link(rate)) for at, _, rate in checks.STEPS_4),
                100,
                checks.check_4,
                checks.was_bottleneck,
            )
        },
        (Wanted("settled_s", most=5), Wanted("queue_p95_ms", most=60)),
    ),
    Scenario(
        5,
        "1 Mbit/s -> 250 kbit/s for 30 s -> 1 Mbit/s, 2 s buffer",
        "former layer back <= 9 s, queue > 100 ms for <= 3.5 s, no freeze > 1 s",
        {
            "": Case(
                (
                    Change(0, link(1e6, buffer_s=2)),
                    Change(20, link(250e3, buffer_s=2)),
                    Change(50, link(1e6, buffer_s=2)),
                ),
                70,
                checks.check_5,
                checks.proof_5,
            )
        },
        (
            Wanted("former_height", least=720),
            Wanted("layer_back_s", most=9),
            Wanted("queue_over_100ms_s", most=3.5),
            Wanted("longest_freeze_s", most=1),
        ),
    ),
    Scenario(
        6,
        "1 Mbit/s -> 100 kbit/s -> 1 Mbit/s",
        "audio never stops (no silence > 1 s), video back <= 2 s, 720p (520 kbit/s) <= 12 s",
        {
            "": Case(
                (Change(0, link(1e6)), Change(20, link(100e3)), Change(50, link(1e6))),
                70,
                checks.check_6,
                checks.dropped_tail,
            )
        },
        (
            Wanted("longest_silence_s", most=1),
            Wanted("video_back_s", most=2),
            Wanted("layer_back_s", most=12),
        ),
    ),
    Scenario(
        7,
        "800 kbit/s with 5 % and 10 % random loss",
        "useful >= 55 % and >= 45 %, no switch down for loss alone",
        {"5": checks.random_loss(0.05), "10": checks.random_loss(0.10)},
        (
            Wanted("utilisation_5", least=0.55),
            Wanted("utilisation_10", least=0.45),
            Wanted("switch_downs_5", most=0),
            Wanted("switch_downs_10", most=0),
        ),
    ),
    Scenario(
        8,
        "1 Mbit/s, 25-packet queue, four bursts of TCP of 2 s",
        "received >= 750 kbit/s on average, no freeze > 0.5 s",
        {
            "": Case(
                (Change(0, LinkConditions(rate_bps=1e6, delay_s=0.1, buffer_s=np.inf, buffer_packets=25)),),
                98,
                checks.check_8,
                checks.proof_8,
                prepare=checks.prepare_8,
            )
        },
        (Wanted("received_kbps", least=750), Wanted("longest_freeze_s", most=0.5)),
    ),
    Scenario(
        9,
        "a long TCP flow beside, 1 Mbit/s",
        "300-700 kbit/s, audio concealed < 3 %",
        {"": Case((Change(0, link(1e6)),), 70, checks.check_9, checks.dropped_tail, prepare=checks.prepare_9)},
        (Wanted("received_kbps", 300, 700), Wanted("concealed", most=0.03)),
    ),
    Scenario(
        10,
        "10 s outage",
        "estimate < 40 kbit/s within 2 s, first frame <= 2 s after return",
        {
            "": Case(
                (Change(0, link(1e6)), Change(20, link(1e6, loss=1)), Change(30, link(1e6))),
                45,
                checks.check_10,
                checks.proof_10,
            )
        },
        (Wanted("estimate_after_2s_kbps", most=40), Wanted("first_frame_s", most=2)),
    ),
    Scenario(
        11,
        "60 s of sound only, then the camera",
        "estimate <= 2 x proven, 360p (320 kbit/s) <= 3 s",
        {"": Case((Change(0, link(1e6)),), 80, checks.check_11, checks.proof_11, Media(()), checks.prepare_11)},
        (Wanted("estimate_over_proven", most=2), Wanted("layer_360_s", most=3)),
    ),
    Scenario(
        12,
        "bursty screen share of 1.35 Mbit/s beside the camera, 1.5 Mbit/s",
        "no suspension",
        {
            "": Case(
                (Change(0, link(1.5e6)),),
                120,
                checks.check_12,
                checks.proof_12,
                Media((Source.CAMERA, Source.SCREEN), Slot.SCREEN_VIDEO, checks.camera_and_screen),
            )
        },
        (Wanted("suspensions", most=0),),
    ),
    Scenario(
        13,
        "join on 300 kbit/s",
        "first frame <= 1.2 s p95, counted from the connection's being ready",
        {"": Case((Change(0, link(300e3)),), 45, checks.check_13, checks.was_bottleneck, prepare=checks.prepare_13)},
        (Wanted("first_frame_p95_s", most=1.2),),
    ),
    Scenario(
        14,
        "30 viewers behind one 1 Mbit/s link",
        "fair (Jain >= 0.9), nobody silent; through a school relay <= 0.9 Mbit/s on the uplink, everyone >= 320 kbit/s",
        {"": Case((Change(0, link(1e6)),), 60, checks.check_14, checks.proof_14, prepare=checks.prepare_14)},
        (Wanted("jain", least=0.9), Wanted("silent_viewers", most=0)),
        lacking="there is no school relay yet: its half of the target is not measured",
    ),
)
