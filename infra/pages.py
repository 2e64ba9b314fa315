"""The browser application's files: built by Vite into web/dist, with hashed names for all but the entry page."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

ENTRIES = ("/", "/sign-in", "/join", "/link-test", "/link-tests", "/recordings", "/recordings/{recording_id}")
"""Paths that the application routes itself; the server answers each with the entry page."""
FOREVER = "public, max-age=31536000, immutable"
ASK_AGAIN = "no-cache"


def find_page_file(folder: Path, name: str) -> Path | None:
    """The file of that name below the folder: no "..", no link out of it, no directory, no dot file."""
    path = folder / name
    hidden = any(part.startswith(".") for part in Path(name).parts)
    if hidden or not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
        return None
    return path


def add_pages(app: web.Application, folder: Path) -> None:
    """Serve the application from `folder`; `name.gz` beside a file is sent to browsers that take it."""

    async def entry(request: web.Request) -> web.StreamResponse:
        page = folder / "index.html"
        if not page.is_file():
            return web.Response(
                status=503, text="The pages are not built yet: run `make run`, or `npm run build` in web/."
            )
        return web.FileResponse(page, headers={"Cache-Control": ASK_AGAIN})

    async def file(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        path = find_page_file(folder, name)
        if path is None:
            raise web.HTTPNotFound
        lasting = name.startswith("assets/")
        return web.FileResponse(path, headers={"Cache-Control": FOREVER if lasting else ASK_AGAIN})

    for path in ENTRIES:
        app.router.add_get(path, entry)
    app.router.add_get("/{name:(assets/)?[^/]+}", file)
