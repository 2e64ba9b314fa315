"""The recorder's metrics in Prometheus' text format, and the local socket where the web process asks for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import ValidationError

from recorder.process import Recorder
from recorder.tally import Alarm
from streaming.control import MESSAGE_MAX_BYTES, GetMetrics, MetricsText, decode_request, encode


class _Snapshot(Collector):
    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def collect(self) -> Iterator[Metric]:
        working, tally = list(self._recorder.working.values()), self._recorder.tally
        yield GaugeMetricFamily("webclass_recordings", "Recordings that are not complete yet.", len(working))
        behind = sum(max(0, each.committed - each.position) for each in working)
        yield GaugeMetricFamily("webclass_spool_records", "Records in the spool that are not assembled yet.", behind)
        connected = sum(client.connected for client in self._recorder.clients)
        yield GaugeMetricFamily("webclass_taps", "Media processes that the recorder is connected to.", connected)
        alarms = GaugeMetricFamily("webclass_recorder_alarm", "1 while something is wrong.", labels=["alarm"])
        for alarm in Alarm:
            alarms.add_metric([alarm.value], float(alarm in tally.alarms))
        yield alarms
        counted = CounterMetricFamily("webclass_recorder", "What the recorder did and met, by kind.", labels=["kind"])
        for kind, count in sorted(tally.counts.items()):
            counted.add_metric([kind], float(count))
        yield counted


def metrics_text(recorder: Recorder) -> str:
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Snapshot(recorder))
    return generate_latest(registry).decode()


async def serve_metrics(recorder: Recorder, path: Path) -> asyncio.Server:
    """Answers `GetMetrics` as a media process does. Raises OSError."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                request = decode_request(line)
                if not isinstance(request, GetMetrics):
                    break
                writer.write(encode(MetricsText(request_id=request.request_id, text=metrics_text(recorder))))
                await writer.drain()
        except (ConnectionError, ValidationError, ValueError):
            pass  # whoever asks nonsense gets no answer
        finally:
            writer.close()

    await asyncio.to_thread(path.unlink, missing_ok=True)
    server = await asyncio.start_unix_server(answer, path, limit=MESSAGE_MAX_BYTES)
    await asyncio.to_thread(path.chmod, 0o600)
    return server
