"""The synthetic teacher: publishes through the WHIP door (RFC 9725) like any standard encoder."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import urljoin

import aiohttp
from aiortc import RTCPeerConnection

from infra.demo.errors import DemoError
from infra.demo.picture import TEACHERS_BOARD
from infra.demo.publisher import publishing
from infra.demo.sound import Samples


async def teach(http: aiohttp.ClientSession, url: str, lesson_id: str, token: str, voice: Samples) -> None:
    """Publish until the connection ends or the task is cancelled; the WHIP resource is deleted at the end."""
    headers = {"Authorization": f"Bearer {token}"}
    resource = ""

    async def negotiate(connection: RTCPeerConnection) -> str:
        nonlocal resource
        offer = connection.localDescription.sdp
        kind = {"Content-Type": "application/sdp"}
        async with http.post(f"{url}/whip/{lesson_id}", data=offer, headers=headers | kind) as response:
            text = await response.text()
            if response.status != HTTPStatus.CREATED:
                raise DemoError(f"the teacher was refused: {response.status} {text}")
            resource = urljoin(f"{url}/", response.headers["Location"])
            return text

    try:
        async with publishing(TEACHERS_BOARD, voice, negotiate) as ended:
            await ended.wait()
    finally:
        if resource:
            async with http.delete(resource, headers=headers):
                pass
