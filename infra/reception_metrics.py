"""How lessons reach their viewers, for `/metrics`: distributions over a lesson's viewers, sums by lesson and link.

`link` is the beginning of a link's key: it tells lines of schools apart and names none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from statistics import median

import numpy as np
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from signaling.figures import LessonFigures, Playback
from streaming.control import LinkReport

QUANTILES = (0.1, 0.5, 0.9)
_SPREAD: tuple[tuple[str, str, Callable[[LinkReport], float]], ...] = (
    ("webclass_viewer_loss_ratio", "Packet loss of viewers now, by lesson", lambda report: report.loss),
    (
        "webclass_viewer_queue_seconds",
        "Queue in front of viewers now, by lesson",
        lambda report: report.queue_ms / 1000,
    ),
    ("webclass_viewer_round_trip_seconds", "Round trip of viewers now, by lesson", lambda report: report.rtt_ms / 1000),
)
_SUMS: tuple[tuple[str, str, Callable[[Playback], float]], ...] = (
    ("webclass_freezes", "Freezes of pictures that pages measured", lambda sums: sums.freezes),
    ("webclass_frozen_seconds", "Seconds that pictures stood frozen", lambda sums: sums.frozen_s),
    ("webclass_sound_samples", "Samples of sound that pages played", lambda sums: sums.samples),
    ("webclass_concealed_samples", "Of them those that were made up", lambda sums: sums.concealed_samples),
    ("webclass_decoded_frames", "Pictures that pages decoded", lambda sums: sums.frames),
)


class ReceptionMetrics(Collector):
    """`lessons` gives the figures of all lessons by id, `clock` the monotonic time their reports came by."""

    def __init__(self, lessons: Callable[[], Mapping[str, LessonFigures]], clock: Callable[[], float]) -> None:
        self._lessons = lessons
        self._clock = clock

    def collect(self) -> Iterable[Metric]:
        lessons, now = self._lessons(), self._clock()
        present = {lesson_id: figures.present(now) for lesson_id, figures in lessons.items()}
        yield from _distributions(present)
        yield from _links(present)
        for name, words, value in _SUMS:
            family = CounterMetricFamily(name, words, labels=["lesson", "link"])
            for lesson_id, figures in lessons.items():
                for link, sums in figures.playback.items():
                    family.add_metric([lesson_id, link], value(sums))
            yield family
        ratio = GaugeMetricFamily("webclass_concealed_ratio", "Share of sound made up, by lesson", labels=["lesson"])
        for lesson_id, figures in lessons.items():
            samples = sum(sums.samples for sums in figures.playback.values())
            concealed = sum(sums.concealed_samples for sums in figures.playback.values())
            if samples:
                ratio.add_metric([lesson_id], concealed / samples)
        yield ratio


def _distributions(present: Mapping[str, list[tuple[LinkReport, str]]]) -> Iterable[Metric]:
    for name, words, value in _SPREAD:
        family = GaugeMetricFamily(name, words, labels=["lesson", "quantile"])
        for lesson_id, reports in present.items():
            values = [value(report) for report, _ in reports]
            for quantile in QUANTILES if values else ():
                family.add_metric([lesson_id, str(quantile)], float(np.quantile(values, quantile)))
        yield family


def _links(present: Mapping[str, list[tuple[LinkReport, str]]]) -> Iterable[Metric]:
    viewers = GaugeMetricFamily("webclass_link_viewers", "Viewers behind each link now", labels=["link"])
    estimate = GaugeMetricFamily("webclass_link_estimate_bps", "Sum of its viewers' estimates", labels=["link"])
    loss = GaugeMetricFamily("webclass_link_loss_ratio", "Median loss of its viewers", labels=["link"])
    by_link: dict[str, list[LinkReport]] = {}
    for reports in present.values():
        for report, link in reports:
            by_link.setdefault(link, []).append(report)
    for link, found in by_link.items():
        losses = [report.loss for report in found]
        viewers.add_metric([link], len(found))
        estimate.add_metric([link], sum(report.estimate_bps for report in found))
        loss.add_metric([link], median(losses))
    yield from (viewers, estimate, loss)
