"""Behind a proxy that ends TLS, and who may read the metrics."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pydantic import SecretStr
from pytest_aiohttp.plugin import AiohttpClient

from infra.addresses import is_loopback, network_url
from infra.metrics import WebMetrics, add_metrics, merge
from infra.security_headers import https_for_others
from infra.settings import Settings, Tls

PROXY = {"tls": Tls.PROXY, "public_url": "https://lesson.example"}

Client = TestClient[web.Request, web.Application]


async def client_of(settings: Settings, aiohttp_client: AiohttpClient) -> Client:
    async def show(request: web.Request) -> web.Response:
        return web.json_response({"secure": request.secure, "remote": request.remote})

    app = web.Application(middlewares=[https_for_others(settings)])
    app.router.add_get("/show", show)
    add_metrics(app, settings, WebMetrics(lambda: {"bad_json": 3}))
    return await aiohttp_client(app)


async def test_behind_a_proxy_all_is_served_as_the_client_sees_it(aiohttp_client: AiohttpClient) -> None:
    client = await client_of(Settings.model_validate(PROXY), aiohttp_client)
    headers = {"Host": "lesson.example", "X-Forwarded-For": "10.1.1.1, 198.51.100.9"}
    async with client.get("/show", headers=headers) as response:
        assert await response.json() == {"secure": True, "remote": "198.51.100.9"}


async def test_without_a_proxy_nobody_can_pretend_to_be_one(aiohttp_client: AiohttpClient) -> None:
    client = await client_of(Settings(), aiohttp_client)
    headers = {"Host": "localhost", "X-Forwarded-For": "198.51.100.9", "X-Forwarded-Proto": "https"}
    async with client.get("/show", headers=headers) as response:
        assert await response.json() == {"secure": False, "remote": "127.0.0.1"}


@pytest.mark.parametrize(
    ("changes", "headers", "status"),
    [
        ({}, {}, 200),
        (PROXY, {}, 403),
        (PROXY, {"X-Forwarded-For": "127.0.0.1"}, 403),
        ({**PROXY, "metrics_token": SecretStr("long secret")}, {"Authorization": "Bearer long secret"}, 200),
        ({**PROXY, "metrics_token": SecretStr("long secret")}, {"Authorization": "Bearer другой"}, 403),
        ({**PROXY, "metrics_token": SecretStr("long secret")}, {}, 403),
    ],
)
async def test_metrics_are_for_this_computer_or_the_token(
    aiohttp_client: AiohttpClient, tmp_path: Path, changes: dict[str, object], headers: dict[str, str], status: int
) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "media_processes": 1, **changes})
    client = await client_of(settings, aiohttp_client)
    async with client.get("/metrics", headers={"Host": "localhost", **headers}) as response:
        assert response.status == status
        if status == 200:
            text = await response.text()
            assert 'webclass_up{process="media-0"} 0.0' in text
            assert 'webclass_problems_total{kind="bad_json",process="web"} 3.0' in text


def test_families_of_several_processes_are_named_once() -> None:
    text = "# HELP rooms Rooms\n# TYPE rooms gauge\nrooms 2.0\n"
    merged = merge({"media-0": text, "media-1": text, "media-2": None}).decode()
    assert merged.count("# TYPE rooms gauge") == 1
    assert 'rooms{process="media-1"} 2.0' in merged
    assert 'webclass_up{process="media-2"} 0.0' in merged


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.1", True), ("192.168.1.1", False), ("", False), ("x", False)],
)
def test_what_is_this_computer(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback


def test_the_address_in_the_network_is_the_configured_one_first() -> None:
    assert network_url(Settings(public_url="https://lesson.example")) == "https://lesson.example"
    assert network_url(Settings(host_names=("school.lan",), https_port=444)) == "https://school.lan:444"
