"""What is looked at in a run: figures by scenario, and the proofs that its conditions took effect."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np

from bench.abr.cases import Case, Figures, proved
from bench.abr.cross_traffic import TcpFlow
from bench.abr.encoder import CAMERA, LAYER_SHARES, SCREEN, SimulcastEncoder, bursts
from bench.abr.lesson import START
from bench.abr.run import JOIN_S, Change, Run
from bench.link.model import LinkConditions
from streaming.control import Slot, Source


def link(rate_bps: float, delay_s: float = 0.05, buffer_s: float = 1.0, loss: float = 0.0) -> LinkConditions:
    return LinkConditions(rate_bps=rate_bps, delay_s=delay_s, buffer_s=buffer_s, loss=loss)


def was_bottleneck(run: Run) -> None:
    counters = run.path.model.counters
    proved(counters.max_queue_bytes > 1000, "the link was never the bottleneck")
    proved(counters.delivered > 500, "hardly anything came through")


def dropped_tail(run: Run) -> None:
    was_bottleneck(run)
    proved(run.path.model.counters.dropped_tail > 0, "the buffer never overflowed")


def _audio(run: Run) -> Figures:
    return {
        "concealed": run.viewer.sound.concealed_share,
        "longest_freeze_s": run.longest_freeze_s(),
    }


# ---------------------------------------------------------------- 1, 2, 3: capacity, found and followed


def check_1(run: Run) -> Figures:
    return {
        "reached_s": run.first(0, 30, 425e3, 500e3),
        "estimate_median_kbps": float(np.median(run.estimates(8, 30))) / 1e3,
        "queue_p95_ms": 1e3 * run.queue_p95_s(),
    } | _audio(run)


def check_2(run: Run) -> Figures:
    return {
        "reached_s": run.first(30, 60, 680e3, np.inf),
        "estimate_median_kbps": float(np.median(run.estimates(36, 60))) / 1e3,
        "queue_p95_ms": 1e3 * run.queue_p95_s(30),
    } | _audio(run)


def check_3(run: Run) -> Figures:
    return {
        "reached_s": run.first(25, 55, 70e3, 100e3),
        "estimate_median_kbps": float(np.median(run.estimates(30, 55))) / 1e3,
        "queue_p95_ms": 1e3 * run.queue_p95_s(30),
    } | _audio(run)


# ---------------------------------------------------------------- 4: variable capacity

STEPS_4: Final = ((0.0, 40.0, 1e6), (40.0, 60.0, 2.5e6), (60.0, 80.0, 0.6e6), (80.0, 100.0, 1e6))
SOUND_WIRE_BPS: Final = 60_000
WIRE: Final = 1.075
"""IP packets over payload, for pictures."""


def best_point_bps(capacity_bps: float) -> float:
    """Payload rate of the dearest layer of the camera that fits beside the sound."""
    points = [
        sum(LAYER_SHARES[: temporal + 1]) * rendition.natural_bps for rendition in CAMERA for temporal in range(3)
    ]
    return max(point for point in points if point * WIRE + SOUND_WIRE_BPS <= capacity_bps)


def _settles(run: Run, start: float, end: float, rate_bps: float) -> float:
    """Seconds until a whole second's pictures, begun after `start`, come at 85 % of the best point."""
    wanted_bytes = 0.85 * best_point_bps(rate_bps) / 8
    trace = run.trace
    first, last = trace.span(start, end).indices(len(trace.time))[:2]
    window = 20
    for index in range(first + window, last):
        if trace.shown_bytes[index] - trace.shown_bytes[index - window] >= wanted_bytes:
            return trace.time[index] - start
    return float("inf")


def check_4(run: Run) -> Figures:
    settled = [_settles(run, *step) for step in STEPS_4]
    return {
        "settled_s": max(settled),
        "settled_rise_s": settled[1],
        "settled_fall_s": settled[2],
        "queue_p95_ms": 1e3 * run.queue_p95_s(),
    } | _audio(run)


# ---------------------------------------------------------------- 5, 6, 10: falls, outages, coming back


def _queue_over(run: Run, limit_s: float, start: float, end: float) -> float:
    """Seconds for which the queue was longer than that."""
    trace = run.trace
    queue = np.array(trace.queue_s[trace.span(start, end)])
    return float((queue > limit_s).mean() * (end - start))


def check_5(run: Run) -> Figures:
    former = run.layer(19.9, 3.0)
    return {
        "former_height": former[0],
        "layer_back_s": run.reaches(50, 70, former),
        "queue_over_100ms_s": _queue_over(run, 0.1, 20, 70),
    } | _audio(run)


def proof_5(run: Run) -> None:
    was_bottleneck(run)
    proved(max(run.trace.queue_s[run.trace.span(20, 50)]) > 0.05, "the fall to 250 kbit/s made no queue")


def check_6(run: Run) -> Figures:
    return {
        "longest_silence_s": run.viewer.sound.longest_concealed_s,
        "concealed_worst_s": max(
            run.viewer.sound.concealed_between(START + JOIN_S + at, START + JOIN_S + at + 1) for at in range(2, 70)
        ),
        "video_back_s": run.next_frame(50),
        "layer_back_s": run.reaches(50, 70, (720, 0)),
    } | _audio(run)


def check_10(run: Run) -> Figures:
    return {
        "estimate_after_2s_kbps": run.estimates(21.9, 22.1)[-1] / 1e3,
        "sent_bps_after_2s": run.sent_bps(22, 29),
        "first_frame_s": run.next_frame(30),
        "height_before": run.layer(19.9)[0],
        "height_10s_after": run.layer(40)[0],
    }


def proof_10(run: Run) -> None:
    proved(run.path.model.counters.dropped_loss > 0, "nothing was lost in the outage")
    proved(run.received_bps(20.5, 29.5) == 0, "something came through the outage")


# ---------------------------------------------------------------- 7: random loss


def check_7(run: Run) -> Figures:
    start, end = 8.0, 40.0
    trace = run.trace
    span = trace.span(start, end)
    shown = (trace.shown_bytes[span][-1] - trace.shown_bytes[span][0]) * WIRE * 8 / (end - start)
    heard = SOUND_WIRE_BPS * (1 - run.viewer.sound.concealed_share)
    heights = trace.height[trace.span(15, end)]
    return {
        "utilisation": (shown + heard) / 800e3,
        "switch_downs": float(sum(later < earlier for earlier, later in itertools.pairwise(heights))),
        "queue_p95_ms": 1e3 * run.queue_p95_s(),
    } | _audio(run)


def random_loss(share: float) -> Case:
    def proof(run: Run) -> None:
        counters = run.path.model.counters
        lost = counters.dropped_loss / max(1, counters.dropped_loss + counters.delivered)
        proved(abs(lost - share) < 0.02, f"{lost:.3f} was lost instead of {share}")

    return Case((Change(0, link(800e3, loss=share)),), 40, check_7, proof)


# ---------------------------------------------------------------- 8, 9: TCP beside

BURSTS_8: Final = (10.0, 32.0, 54.0, 76.0)


def _tcp(run: Run, return_s: float) -> TcpFlow:
    return TcpFlow(run.lesson.clock, run.path, return_s)


def prepare_8(run: Run) -> None:
    flow = _tcp(run, 0.1)
    for start in BURSTS_8:
        run.at(start, flow.start)
        run.at(start + 2, flow.stop)


def check_8(run: Run) -> Figures:
    return {"received_kbps": run.received_bps(0, 98) / 1e3, "queue_p95_ms": 1e3 * run.queue_p95_s()} | _audio(run)


def proof_8(run: Run) -> None:
    dropped_tail(run)
    for start in BURSTS_8:
        proved(max(run.trace.queue_s[run.trace.span(start, start + 2)]) > 0.1, "a burst of TCP filled no queue")


def prepare_9(run: Run) -> None:
    run.at(10, _tcp(run, 0.05).start)


def check_9(run: Run) -> Figures:
    return {"received_kbps": run.received_bps(20, 70) / 1e3, "queue_p95_ms": 1e3 * run.queue_p95_s()} | _audio(run)


# ---------------------------------------------------------------- 11, 12: what is sent changes


def prepare_11(run: Run) -> None:
    run.at(60, lambda: run.lesson.teacher.show(Source.CAMERA))


def check_11(run: Run) -> Figures:
    span = run.trace.span(0, 60)
    received = np.array(run.trace.received_bytes[span])
    proven_bps = float((received[6:] - received[:-6]).max()) * 8 / 0.3
    return {
        "estimate_over_proven": run.estimates(59, 60)[-1] / proven_bps,
        "layer_360_s": run.reaches(60, 80, (360, 0)),
        "queue_p95_ms": 1e3 * run.queue_p95_s(),
    } | _audio(run)


def proof_11(run: Run) -> None:
    proved(run.layer(59.9)[0] == 0, "there was a picture before the camera came on")
    proved(run.viewer.sound.packets > 1000, "the sound did not flow")


def camera_and_screen(seed: int) -> dict[Source, SimulcastEncoder]:
    activity = bursts(seed + 5, START + JOIN_S, START + 200)
    return {
        Source.CAMERA: SimulcastEncoder(CAMERA, seed),
        Source.SCREEN: SimulcastEncoder(SCREEN, seed + 3, activity),
    }


def check_12(run: Run) -> Figures:
    """A suspension: the shared screen stands still for more than two seconds."""
    gaps = [length for _, length in run.viewer.pictures[Slot.SCREEN_VIDEO].freezes if length > 2]
    return {
        "suspensions": float(len(gaps)),
        "longest_freeze_s": run.longest_freeze_s(),
        "full_resolution_share": float(np.mean(np.array(run.trace.height[run.trace.span(10, 120)]) == 1080)),
        "queue_p95_ms": 1e3 * run.queue_p95_s(),
        "concealed": run.viewer.sound.concealed_share,
    }


def proof_12(run: Run) -> None:
    """By what was shown of the screen in each second."""
    shown = np.diff(np.array(run.trace.shown_bytes)[::20])
    proved(float(np.percentile(shown, 90)) > 5 * float(np.percentile(shown, 20)) > 0, "the screen made no bursts")


# ---------------------------------------------------------------- 13, 14: many viewers

JOINS_13: Final = 8
SCHOOL_14: Final = 30
SILENT_SHARE: Final = 0.2
"""Who misses more of the last half minute's sound than this counts as silent."""


def prepare_13(run: Run) -> None:
    for number in range(1, JOINS_13):
        run.at(5.0 * number + number / JOINS_13, lambda: run.join_apart(link(300e3)))


def check_13(run: Run) -> Figures:
    viewers = list(run.lesson.viewers.values())
    waits = [viewer.picture.shown[0].at - viewer.joined_s if viewer.picture.shown else np.inf for viewer in viewers]
    return {"first_frame_p95_s": waits, "longest_freeze_s": run.longest_freeze_s()}


def prepare_14(run: Run) -> None:
    for number in range(1, SCHOOL_14):
        run.at(0.2 * number, run.join_beside)


def check_14(run: Run) -> Figures:
    viewers = list(run.lesson.viewers.values())
    start, end = START + JOIN_S + 30, START + JOIN_S + 60
    received = np.array([viewer.received_between(start, end) for viewer in viewers], float)
    concealed = [viewer.sound.concealed_between(start, end) for viewer in viewers]
    return {
        "jain": float(received.sum() ** 2 / (len(received) * (received**2).sum())) if received.any() else 0.0,
        "silent_viewers": float(sum(share > SILENT_SHARE for share in concealed)),
        "concealed": max(concealed),
        "least_bps": float(received.min()) * 8 / (end - start),
        "queue_p95_ms": 1e3 * run.queue_p95_s(30),
    }


def proof_14(run: Run) -> None:
    was_bottleneck(run)
    proved(len(run.lesson.viewers) == SCHOOL_14, "not everybody came")
