"""A media process's metrics in Prometheus' text format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from streaming.room import Room


class _Snapshot(Collector):
    def __init__(self, rooms: Mapping[str, Room], totals: Counter[str]) -> None:
        self._rooms = rooms
        self._totals = totals

    def collect(self) -> Iterator[Metric]:
        rooms = list(self._rooms.values())
        yield GaugeMetricFamily("webclass_rooms", "Lessons with a room in this process.", len(rooms))
        publishers = sum(len(room.publishers) for room in rooms)
        yield GaugeMetricFamily("webclass_publishers", "Publishing connections.", publishers)
        subscribers = sum(len(room.subscribers) for room in rooms)
        yield GaugeMetricFamily("webclass_subscribers", "Receiving connections.", subscribers)
        forwarded = CounterMetricFamily(
            "webclass_forwarded_bytes", "Media sent to present viewers, by lesson.", labels=["lesson"]
        )
        estimate = GaugeMetricFamily(
            "webclass_estimate_bps", "Viewers' estimates, by lesson.", labels=["lesson", "quantile"]
        )
        for room in rooms:
            forwarded.add_metric([room.lesson_id], float(room.viewers.bytes.sum()))
            rows = [subscriber.row for subscriber in room.subscribers.values()]
            if rows:
                for quantile in (0.1, 0.5, 0.9):
                    value = float(np.quantile(room.estimator.estimate_bps[rows], quantile))
                    estimate.add_metric([room.lesson_id, str(quantile)], value)
        yield forwarded
        yield estimate
        fanouts = [fanout for room in rooms for fanout in room.fanouts.values()]
        acts = CounterMetricFamily("webclass_fanout", "What present lessons' fan-outs have done.", labels=["act"])
        for act in ("switches", "retransmitted", "fillers"):
            acts.add_metric([act], float(sum(getattr(fanout, act) for fanout in fanouts)))
        yield acts
        dropped = CounterMetricFamily(
            "webclass_dropped", "Input and packets dropped or refused, by kind.", labels=["kind"]
        )
        for kind, count in sorted(self._totals.items()):
            dropped.add_metric([kind], float(count))
        yield dropped


def metrics_text(rooms: Mapping[str, Room], totals: Counter[str]) -> str:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(rooms, totals))
    return generate_latest(registry).decode()
