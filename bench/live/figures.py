"""Figures of a recording: pure functions of what was seen. None: it did not happen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import multimode

import numpy as np

from bench.link.model import UDP_IP_HEADER_BYTES
from bench.live.recording import Frame, Received, Recording

SETTLED_S = 5.0
"""The picture before a change is the one of its last seconds."""
SILENT_SHARE = 0.9
HEADERS_BYTES = UDP_IP_HEADER_BYTES + 24 + 16
"""Of each packet: IP and UDP, RTP with our extensions, SRTP's tag."""


def reached_s(recording: Recording, low_bps: float, high_bps: float, since: float) -> float | None:
    """From `since` to the first report with an estimate in this range. Reports come every 2 s: up to 2 s too long."""
    found = (seen.at for seen in recording.estimates if seen.at >= since and low_bps <= seen.estimate_bps <= high_bps)
    first = next(found, None)
    return None if first is None else round(first - since, 2)


def estimate_median_kbps(recording: Recording, since: float, until: float) -> float | None:
    found = [seen.estimate_bps for seen in recording.estimates if since <= seen.at < until]
    return round(float(np.median(found)) / 1000, 1) if found else None


def queue_p95_ms(recording: Recording) -> float | None:
    """Of all packets that came through, whatever they were."""
    waits = [queued_s for _, queued_s in recording.queued]
    return round(float(np.percentile(waits, 95)) * 1000, 1) if waits else None


def queue_over_s(recording: Recording, limit_s: float, since: float) -> float:
    """How long the queue was longer than `limit_s`, all times together."""
    looks = [look for look in recording.link if look.at >= since]
    return round(sum(later.at - look.at for look, later in pairwise(looks) if look.queue_s > limit_s), 2)


def concealed(recording: Recording, since: float, until: float) -> float | None:
    """Share of the sound that was made up."""
    made_up, played = _sound(_within(recording.received, since, until))
    return round(made_up / played, 4) if played else None


def concealed_worst_second(recording: Recording, since: float, until: float) -> float | None:
    """The same of the worst second, from one look to the first at least a second later."""
    looks = _within(recording.received, since, until)
    worst = None
    last = 0
    for first, look in enumerate(looks):
        while last < len(looks) and looks[last].at - look.at < 1.0:
            last += 1
        if last < len(looks):
            made_up, played = _sound(looks[first : last + 1])
            worst = max(worst or 0.0, made_up / played if played else 1.0)
    return None if worst is None else round(worst, 4)


def longest_silence_s(recording: Recording, since: float, until: float) -> float:
    """The longest time, in whole steps from look to look, in which nearly nothing but made-up sound was played."""
    longest = lasting = 0.0
    for earlier, later in pairwise(_within(recording.received, since, until)):
        made_up, played = _sound((earlier, later))
        lasting = lasting + later.at - earlier.at if made_up >= SILENT_SHARE * played else 0.0
        longest = max(longest, lasting)
    return round(longest, 2)


def longest_freeze_s(recording: Recording, since: float, until: float) -> float:
    """By getStats' own rule for freezes: what was frozen between two looks, two short ones as one.

    A freeze counts when it ends; one that lasts to the end is the time since the last picture.
    """
    pictures = [look.picture for look in _within(recording.received, since, until) if look.picture]
    grown = [max(0.0, later.frozen_s - earlier.frozen_s) for earlier, later in pairwise(pictures)]
    shown = [frame.at for frame in recording.frames if since <= frame.at < until]
    to_the_end = until - shown[-1] if shown else until - since
    return round(max([*grown, to_the_end]), 2)


def freezes(recording: Recording, since: float, until: float) -> int:
    pictures = [look.picture for look in _within(recording.received, since, until) if look.picture]
    return sum(max(0, later.freezes - earlier.freezes) for earlier, later in pairwise(pictures))


def usual_height(frames: Sequence[Frame], until: float) -> int | None:
    """Of the pictures in the seconds before `until`."""
    heights = [frame.height for frame in frames if until - SETTLED_S <= frame.at < until]
    return max(multimode(heights)) if heights else None


def height_back_s(recording: Recording, changed: float, since: float) -> float | None:
    """From `since` until pictures are as high again as before `changed`; 0 when they never became lower."""
    former = usual_height(recording.frames, changed)
    between = [frame.height for frame in recording.frames if changed <= frame.at < since]
    if former is None:
        return None
    if between and min(between) >= former and usual_height(recording.frames, since) is not None:
        return 0.0
    return first_frame_s(recording, since, former)


def first_frame_s(recording: Recording, since: float, height: int = 0) -> float | None:
    """From `since` to the first picture at least so high."""
    first = next((frame.at for frame in recording.frames if frame.at >= since and frame.height >= height), None)
    return None if first is None else round(first - since, 2)


def switch_downs(recording: Recording) -> int:
    return sum(later.height < earlier.height for earlier, later in pairwise(recording.frames))


def useful_bps(recording: Recording, since: float, until: float) -> float:
    """Sound and picture that arrived, with their headers, without what was sent twice or to fill up."""
    looks = _within(recording.received, since, until)
    if len(looks) < 2:
        return 0.0
    payload = _grown(looks, lambda look: look.sound.useful_bytes if look.sound else 0)
    payload += _grown(looks, lambda look: look.picture.useful_bytes if look.picture else 0)
    packets = _grown(looks, lambda look: look.sound.useful_packets if look.sound else 0)
    packets += _grown(looks, lambda look: look.picture.useful_packets if look.picture else 0)
    return (payload + packets * HEADERS_BYTES) * 8 / (looks[-1].at - looks[0].at)


def sent_bps_worst_second(recording: Recording, since: float, until: float) -> float:
    """The most that the server put into the link within a second."""
    looks = [look for look in recording.link if since <= look.at < until]
    most = 0.0
    start = 0
    for look in looks:
        while look.at - looks[start].at > 1.0:
            start += 1
        most = max(most, (look.pushed_bytes - looks[start].pushed_bytes) * 8.0)
    return round(most)


def _within(looks: Sequence[Received], since: float, until: float) -> list[Received]:
    return [look for look in looks if since <= look.at < until]


def _sound(looks: Sequence[Received]) -> tuple[int, int]:
    """Samples made up and samples played from the first look to the last."""
    made_up = _grown(looks, lambda look: look.sound.concealed if look.sound else 0)
    return made_up, _grown(looks, lambda look: look.sound.samples if look.sound else 0)


def _grown(looks: Sequence[Received], counter: Callable[[Received], int]) -> int:
    """How much a counter grew; one that went back belongs to a new connection and begins from nothing."""
    values = [counter(look) for look in looks]
    return sum(later - earlier if later >= earlier else later for earlier, later in pairwise(values))
