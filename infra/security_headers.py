"""What every answer tells the browser, and which requests get no further than here."""

from __future__ import annotations

import re

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from infra.addresses import is_loopback
from infra.settings import Settings, Tls

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=(self), fullscreen=(self), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
OPEN_OVER_HTTP = frozenset({"/trust", "/trust/page.css", "/trust/ca.crt", "/healthz", "/readyz"})
_HOST = re.compile(r"(\[[0-9a-fA-F:]{2,45}\]|[A-Za-z0-9.-]{1,253})(:[0-9]{1,5})?")


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Signal `on_response_prepare`: what a handler has set itself stays."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    if "Server" in response.headers:
        response.headers["Server"] = "webclass"


def https_for_others(settings: Settings) -> Middleware:
    """Plain http serves this same computer (where browsers give a camera without https) and a few open pages;
    everybody else is sent to https. Behind a proxy that ends TLS it serves all."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = _HOST.fullmatch(request.host)
        if host is None:
            return web.json_response({"code": "bad_message", "message": "bad Host"}, status=400)
        if settings.tls is Tls.PROXY:
            return await handler(_as_seen_by_proxy(request, settings))
        if request.secure or request.path in OPEN_OVER_HTTP:
            return await handler(request)
        name = host[1].strip("[]")
        if (name == "localhost" or is_loopback(name)) and is_loopback(request.remote or ""):
            return await handler(request)
        if settings.tls is Tls.LOCAL and request.path == "/":
            # https would only show a warning to a computer that does not trust us yet: first say what to do.
            return web.Response(status=307, headers={"Location": "/trust"})
        target = settings.public_url or f"https://{host[1]}:{settings.https_port}"
        return web.Response(status=308, headers={"Location": target + request.raw_path})

    return middleware


def _as_seen_by_proxy(request: web.Request, settings: Settings) -> web.Request:
    """The scheme that people use (cookies depend on it), and the client's address: the last that the proxy added."""
    scheme = "https" if settings.public_url.startswith("https:") else "http"
    client = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return request.clone(scheme=scheme, remote=client or request.remote or "")
