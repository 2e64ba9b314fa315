"""`/whip/{lesson_id}`: a standard encoder (OBS, GStreamer, a browser) publishes into a lesson; RFC 9725.

The teacher's token publishes as the lesson's teacher, and a waiting lesson goes live when media connects. A class's or
co-teacher's token publishes for the seat of the same invitation while that has the floor.
"""

from __future__ import annotations

from aiohttp import web

from signaling import media_rules, standard_clients
from signaling.http import Call
from signaling.messages import Role
from signaling.registry import standard_entry
from streaming.control import Publish, Source


async def publish(call: Call) -> web.Response:
    offer = await standard_clients.read_offer(call)
    bearer = call.invited()
    live = await call.registry.get(bearer.lesson_id)
    await live.open_media()
    entry = standard_entry(Role(bearer.role), bearer.invitation_id, bearer.expires_at)
    seat = media_rules.enter_by_whip(live.room, entry, _sources(offer), call.services.moment())
    request = Publish(request_id=0, lesson_id=live.lesson_id, peer_id=seat.publish_peer, sdp=offer)
    answer = await live.negotiate(seat, "publish", request)
    return standard_clients.created(call, "publish", seat, offer=offer, answer=answer)


def _sources(offer: str) -> set[Source]:
    """What the media process will make of the offer's sections (`Publish.sources` empty)."""
    sources = {Source.MICROPHONE, Source.CAMERA}
    return sources | {Source.SCREEN} if offer.count("\nm=video") > 1 else sources


async def publish_options(_: Call) -> web.Response:
    return standard_clients.options(resource=False)


async def patch_publisher(call: Call) -> web.Response:
    return await standard_clients.patch(call, "publish")


async def end_publisher(call: Call) -> web.Response:
    return await standard_clients.delete(call, "publish")


async def publisher_options(_: Call) -> web.Response:
    return standard_clients.options(resource=True)
