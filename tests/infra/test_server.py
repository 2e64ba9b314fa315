"""The whole server as it really runs: processes, ports, certificates, headers, and its end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client.parser import text_string_to_metric_families

from infra.pages import ENTRIES
from infra.security_headers import HEADERS
from signaling.routes import ROUTES
from tests.serving import Server, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

Http = aiohttp.ClientSession
PROCESSES = {"web", "media-0", "recorder"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def http(server: Server) -> AsyncIterator[Http]:
    async with aiohttp.ClientSession(server.origin, auto_decompress=False) as session:
        yield session


def children(server: Server) -> dict[str, int]:
    """Process ids of the supervised processes that live now, by name."""
    pids = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    found = {}
    for pid in pids:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        if "--parent" in words:
            found[f"media-{words[words.index('--index') + 1]}" if "media" in words else words[3]] = int(pid)
    return found


async def until(condition: Callable[[], bool], within_s: float = 20.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 - other processes give no asyncio event
            await asyncio.sleep(0.05)


async def until_ready(http: Http, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while True:
            try:
                async with http.get("/readyz") as response:
                    if response.ok:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


async def test_it_says_that_it_lives_and_is_ready(http: Http) -> None:
    async with http.get("/healthz") as response:
        assert await response.json() == {"alive": True}
    async with http.get("/readyz") as response:
        assert await response.json() == {"ready": True, "database": True, "media": True}


@pytest.mark.parametrize("path", [*ENTRIES, "/healthz", "/api/me", "/api/nothing", "/nothing", "/trust", "/metrics"])
async def test_every_answer_has_the_security_headers(http: Http, path: str) -> None:
    async with http.get(path) as response:
        assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
        assert ("no-store" in response.headers.get("Cache-Control", "")) == path.startswith("/api/")
        assert "aiohttp" not in response.headers.get("Server", "").lower()


async def test_the_content_policy_allows_nothing_inline_and_nothing_foreign() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


async def test_pages_are_served_packed_and_their_assets_for_ever(http: Http) -> None:
    async with http.get("/join", headers={"Accept-Encoding": ""}) as response:
        assert (response.status, response.headers["Cache-Control"]) == (200, "no-cache")
        page = await response.text()
    scripts = re.findall(r'(?:src|href)="(/assets/[^"]+)"', page)
    assert scripts
    for script in scripts:
        async with http.get(script, headers={"Accept-Encoding": "gzip"}) as response:
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            assert response.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    "path", ["/assets/../../pyproject.toml", "/..%2f..%2fpyproject.toml", "/assets/..%2f.built", "/.built", "/assets"]
)
async def test_no_path_leads_out_of_the_pages(server: Server, path: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.http_port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    assert (await reader.read()).split()[1] == b"404"
    writer.close()


async def test_others_are_sent_to_https(http: Http, server: Server) -> None:
    https_port = server.environment["WEBCLASS_HTTPS_PORT"]
    for host in ("192.168.1.10", "192.168.1.10:8080", "school-server.local", "[fd00::2]:8080"):
        async with http.get("/join?a=b", headers={"Host": host}, allow_redirects=False) as response:
            name = host.removesuffix(":8080")
            assert (response.status, response.headers["Location"]) == (308, f"https://{name}:{https_port}/join?a=b")
    for path, status in {"/metrics": 308, "/": 307, "/trust": 200, "/readyz": 200}.items():
        async with http.get(path, headers={"Host": "192.168.1.10"}, allow_redirects=False) as response:
            assert response.status == status
    for host in ("a b", "evil.example/x", "a@b", "[::1"):
        async with http.get("/", headers={"Host": host}, allow_redirects=False) as response:
            assert response.status == 400


async def test_whoever_trusts_the_authority_gets_https(http: Http, server: Server) -> None:
    async with http.get("/trust/ca.crt") as response:
        assert "attachment" in response.headers["Content-Disposition"]
        authority = await response.text()
    context = ssl.create_default_context(cadata=authority)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        for name in ("localhost", "127.0.0.1"):
            url = f"https://{name}:{server.environment['WEBCLASS_HTTPS_PORT']}"
            async with session.get(f"{url}/readyz") as response:
                assert response.status == 200


async def test_the_trust_page_speaks_both_languages_and_has_no_script(http: Http, server: Server) -> None:
    async with http.get("/trust") as response:
        page = await response.text()
    for words in ("Отпечаток SHA-256", "SHA-256 fingerprint", "/trust/ca.crt", "Firefox", "Android", "iPhone"):
        assert words in page
    assert "<script" not in page
    assert "style=" not in page
    assert "[[" not in page
    (shown,) = set(re.findall(r"(?:[0-9A-F]{2}:){31}[0-9A-F]{2}", page))
    assert shown in server.log()


async def test_metrics_tell_every_process(http: Http) -> None:
    up: dict[str, float] = {}
    async with asyncio.timeout(30):
        while up != {"web": 1, "media-0": 1, "recorder": 1}:  # the server is ready without the recorder
            async with http.get("/metrics") as response:
                families = {each.name: each for each in text_string_to_metric_families(await response.text())}
            up = {sample.labels["process"]: sample.value for sample in families["webclass_up"].samples}
    assert {sample.labels["process"] for sample in families["webclass_recorder_alarm"].samples} == {"recorder"}
    assert {sample.labels["process"] for sample in families["webclass_rooms"].samples} == {"media-0"}
    assert any(sample.labels["route"] == "/readyz" for sample in families["webclass_http_requests"].samples)


async def test_openapi_is_valid_and_has_every_route(http: Http) -> None:
    async with http.get("/api/openapi.json") as response:
        document = await response.json()
    OpenAPIV31SpecValidator(document).validate()
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(route.method, route.path) for route in ROUTES}
    for route in ROUTES:
        operation = document["paths"][route.path][route.method.lower()]
        assert ("requestBody" in operation) == (route.request_model is not None)
        assert str(route.status) in operation["responses"]


async def test_a_lesson_made_beside_the_server_is_open_at_once_and_closed_by_revoking(
    http: Http, server: Server
) -> None:
    lesson = await asyncio.to_thread(server.create_lesson, "Волны")
    headers = {"Authorization": f"Bearer {lesson.tokens['class']}"}
    async with http.get("/api/join-info", headers=headers) as response:
        assert (response.status, (await response.json())["title"]) == (200, "Волны")
    await asyncio.to_thread(server.run, "lesson", "revoke", lesson.lesson_id)
    async with http.get("/api/join-info", headers=headers) as response:
        assert (response.status, (await response.json())["code"]) == (401, "revoked")
    assert lesson.tokens["class"] not in server.log()


async def test_the_first_sign_in_link_works_once(http: Http, server: Server) -> None:
    await until(lambda: "/sign-in#" in server.log())
    (token,) = re.findall(r"/sign-in#([\w-]+)", server.log())
    for status in (200, 401):
        async with http.post("/api/sign-in", json={"link_token": token}) as response:
            assert response.status == status
            if status == 200:
                cookie = response.headers["Set-Cookie"]
                assert "HttpOnly" in cookie
                assert "SameSite=Strict" in cookie


@pytest.mark.parametrize("name", sorted(PROCESSES))
async def test_a_process_killed_with_9_comes_back(http: Http, server: Server, name: str) -> None:
    await until(lambda: set(children(server)) == PROCESSES)
    before = children(server)
    os.kill(before[name], signal.SIGKILL)
    await until(lambda: children(server).get(name, before[name]) != before[name])
    await until_ready(http)
    others = PROCESSES - {name}
    assert {each: children(server)[each] for each in others} == {each: before[each] for each in others}


async def test_a_second_server_is_refused_in_words(server: Server) -> None:
    process = await asyncio.create_subprocess_exec(
        *server.process.args,  # type: ignore[misc]
        cwd=server.folder,
        env=server.environment,
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await process.communicate()
    assert process.returncode == 1
    assert b"WEBCLASS_HTTP_PORT" in stderr
    assert b"Traceback" not in stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_no_process_is_left_however_it_ends(tmp_path: Path, how: signal.Signals) -> None:
    async with serving(tmp_path, media_processes=2) as server:
        pids = children(server)
        assert set(pids) == {*PROCESSES, "media-1"}
        server.process.send_signal(how)
        await asyncio.to_thread(server.process.wait, 15)
        await until(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() and is_ours(pid) for pid in pids.values()))
        graceful = how is not signal.SIGKILL
        assert (server.process.returncode == 0) == graceful
        if graceful:
            events = [json.loads(line)["event"] for line in server.log().splitlines() if line.startswith("{")]
            assert "stopping" in events
            assert "did not stop in time; killing it" not in events


def is_ours(pid: int) -> bool:
    """False for a zombie, whose command line is empty, and for another program that got the number."""
    try:
        return b"infra.cli" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
