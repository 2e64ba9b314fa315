"""`/metrics`: numbers of this process, of every media process and of the recorder, each sample with its `process`."""

from __future__ import annotations

import asyncio
import hmac
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import CollectorRegistry, Counter, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from infra.addresses import is_loopback
from infra.settings import Settings, Tls
from streaming.control import MESSAGE_MAX_BYTES, GetMetrics, MetricsText, decode_reply, encode

ANSWER_TIMEOUT_S = 2.0
_request_ids = itertools.count(1)


class WebMetrics:
    """What the web process counts. `problems` gives the counts of what went wrong, by kind."""

    def __init__(self, problems: Callable[[], Mapping[str, int]]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(_Problems(problems))
        self._requests = Counter(
            "webclass_http_requests", "HTTP requests answered", ["method", "route", "status"], registry=self.registry
        )

    def middleware(self) -> Middleware:
        """Counts requests by route (the pattern, never the path, which may hold ids)."""

        @web.middleware
        async def count(request: web.Request, handler: Handler) -> web.StreamResponse:
            status = 500
            try:
                response = await handler(request)
                status = response.status
            except web.HTTPException as error:
                status = error.status
                raise
            finally:
                resource = request.match_info.route.resource
                route = resource.canonical if resource is not None else "none"
                method = request.method if request.method in _METHODS else "other"
                self._requests.labels(method, route, str(status)).inc()
            return response

        return count


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class _Problems(Collector):
    def __init__(self, problems: Callable[[], Mapping[str, int]]) -> None:
        self._problems = problems

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily("webclass_problems", "What went wrong, by kind", labels=["kind"])
        for kind, count in sorted(self._problems().items()):
            family.add_metric([kind], count)
        yield family


def add_metrics(app: web.Application, settings: Settings, metrics: WebMetrics) -> None:
    """`/metrics` for this same computer, or for whoever shows WEBCLASS_METRICS_TOKEN as a bearer token."""

    async def show(request: web.Request) -> web.Response:
        if not _may_read(request, settings):
            raise web.HTTPForbidden(text="metrics are for this computer, or need WEBCLASS_METRICS_TOKEN")
        others = {f"media-{index}": settings.bus_path(index) for index in range(settings.media_count)}
        others["recorder"] = settings.recorder_path
        texts = await asyncio.gather(*(ask_metrics(path) for path in others.values()))
        by_process: dict[str, str | None] = {"web": generate_latest(metrics.registry).decode()}
        by_process.update(zip(others, texts, strict=True))
        return web.Response(
            body=merge(by_process), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    app.router.add_get("/metrics", show)


def _may_read(request: web.Request, settings: Settings) -> bool:
    if settings.metrics_token is not None:
        shown = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if hmac.compare_digest(shown.encode(errors="replace"), settings.metrics_token.get_secret_value().encode()):
            return True
    # Behind a proxy on this machine everybody seems to be on this machine.
    return settings.tls is not Tls.PROXY and is_loopback(request.remote or "")


async def ask_metrics(bus: Path) -> str | None:
    """Another process's metrics; None when it does not answer within 2 s."""
    request_id = next(_request_ids)
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            reader, writer = await asyncio.open_unix_connection(bus, limit=MESSAGE_MAX_BYTES)
            try:
                writer.write(encode(GetMetrics(request_id=request_id)))
                while line := await reader.readline():
                    reply = decode_reply(line)
                    if isinstance(reply, MetricsText) and reply.request_id == request_id:
                        return reply.text
            finally:
                writer.close()
    except (OSError, ValueError, TimeoutError):
        return None
    return None


class _Merged(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def merge(texts: Mapping[str, str | None]) -> bytes:
    """One exposition from several: a family is named once, its samples tell their process. `webclass_up` is 0 for a
    process without an answer."""
    families: dict[str, Metric] = {}
    up = GaugeMetricFamily("webclass_up", "Whether the process answers", labels=["process"])
    for process, text in texts.items():
        up.add_metric([process], 0 if text is None else 1)
        for family in text_string_to_metric_families(text or ""):
            merged = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                labels = {**sample.labels, "process": process}
                merged.add_sample(sample.name, labels, sample.value, sample.timestamp, sample.exemplar)
    registry = CollectorRegistry()
    registry.register(_Merged([up, *families.values()]))
    return generate_latest(registry)
