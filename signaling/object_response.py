"""An object of the store as an HTTP answer: ranges, validators, and how long it may be kept (RFC 9110, RFC 9111)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import NamedTuple

import structlog
from aiohttp import web

from archive.errors import StoreError
from archive.store import ObjectInfo, ObjectStore
from signaling.http import HttpError

_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
# Objects never change. `private`: for the person's own browser; `Vary`: and not for the next person in front of it.
_KEPT = {"Cache-Control": "private, max-age=31536000, immutable", "Vary": "Authorization, Cookie"}

_log = structlog.get_logger(__name__)


class ByteRange(NamedTuple):
    start: int
    length: int


async def object_response(
    request: web.Request, store: ObjectStore, found: ObjectInfo, content_type: str
) -> web.StreamResponse:
    """Raises `HttpError` (416) and `StoreError`, both before anything is sent."""
    headers = {"ETag": f'"{found.sha256}"', "Accept-Ranges": "bytes", **_KEPT}
    if not_modified(request, headers["ETag"]):
        return web.Response(status=304, headers=headers)
    part = _part(request, found.size, headers["ETag"])
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.start + part.length - 1}/{found.size}"
    status, (start, length) = (200, (0, found.size)) if part is None else (206, part)
    async with aclosing(store.read(found.key, start, length)) as chunks:
        first = await anext(chunks, b"")
        if len(first) == length:
            return web.Response(status=status, body=first, headers=headers, content_type=content_type)
        response = web.StreamResponse(status=status, headers=headers)
        response.content_type, response.content_length = content_type, length
        await response.prepare(request)
        await _send(request, response, first, chunks, length)
    return response


async def _send(
    request: web.Request, response: web.StreamResponse, first: bytes, rest: AsyncIterator[bytes], length: int
) -> None:
    """What cannot be sent whole breaks the connection off, so that nobody takes a part for the whole."""
    sent = 0
    try:
        chunk = first
        while chunk:
            # The next is read while this one goes out.
            following = asyncio.ensure_future(_next(rest))
            try:
                await response.write(chunk)
            except BaseException:
                following.cancel()
                raise
            sent += len(chunk)
            chunk = await following
    except StoreError as error:
        _log.warning("an object could not be sent to its end", reason=str(error))
    if sent == length:
        await response.write_eof()
    elif request.transport is not None:
        request.transport.abort()


async def _next(chunks: AsyncIterator[bytes]) -> bytes:
    return await anext(chunks, b"")


def not_modified(request: web.Request, etag: str) -> bool:
    """The asker has this very content already (RFC 9110 section 13.1.2)."""
    wanted = request.headers.get("If-None-Match", "")
    return any(each.strip().removeprefix("W/") in {etag, "*"} for each in wanted.split(","))


def _part(request: web.Request, size: int, etag: str) -> ByteRange | None:
    """The one range that is asked for; None for the whole. What is no such range is ignored (section 14.2).

    Raises `HttpError` for a range beyond the end.
    """
    match = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if match is None or match.group() == "bytes=-" or request.headers.get("If-Range", etag) != etag:
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        start = size - length
    else:
        start = int(first)
        end = min(int(last), size - 1) if last else size - 1
        if last and int(last) < start:
            return None
        length = end - start + 1
    if length <= 0 or start >= size:
        raise HttpError(416, "bad_range", "the range lies beyond the end", {"Content-Range": f"bytes */{size}"})
    return ByteRange(start, length)
