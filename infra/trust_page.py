"""`/trust`: how to make a computer or phone trust this server's own certificate authority. No script, two languages."""

from __future__ import annotations

import html
from pathlib import Path

from aiohttp import web

from infra.certificates import fingerprint

_TEMPLATE = Path(__file__).with_name("trust_page.html")
_STYLE = Path(__file__).with_name("trust_page.css")


def add_trust_page(app: web.Application, authority: Path | None, https_url: str) -> None:
    """Without a local authority (own certificate, or a proxy) there is nothing to trust and no page."""
    if authority is None:
        return

    certificate = authority.read_bytes()
    values = {"fingerprint": fingerprint(authority), "https_url": https_url}
    text = _TEMPLATE.read_text()
    for name, value in values.items():
        text = text.replace(f"[[{name}]]", html.escape(value))

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=text, content_type="text/html", headers={"Cache-Control": "no-cache"})

    async def style(request: web.Request) -> web.Response:
        return web.Response(text=_STYLE.read_text(), content_type="text/css", headers={"Cache-Control": "no-cache"})

    async def download(request: web.Request) -> web.Response:
        return web.Response(
            body=certificate,
            content_type="application/x-x509-ca-cert",
            headers={"Content-Disposition": 'attachment; filename="webclass-ca.crt"', "Cache-Control": "no-cache"},
        )

    app.router.add_get("/trust", page)
    app.router.add_get("/trust/page.css", style)
    app.router.add_get("/trust/ca.crt", download)
