"""`/whep/{lesson_id}`: a standard player watches a lesson; draft-ietf-wish-whep. Whatever invitation it shows,
it counts as a viewer; what it receives flows at once, since such a player has no way to say what it shows."""

from __future__ import annotations

from aiohttp import web

from signaling import media_rules, standard_clients
from signaling.http import Call
from signaling.messages import Role
from signaling.registry import standard_entry
from streaming.control import Subscribe


async def watch(call: Call) -> web.Response:
    offer = await standard_clients.read_offer(call)
    bearer = call.invited()
    live = await call.registry.get(bearer.lesson_id)
    await live.open_media()
    entry = standard_entry(Role.VIEWER, bearer.invitation_id, bearer.expires_at)
    seat = media_rules.enter_by_whep(live.room, entry, call.services.moment())
    link = seat.link_key = call.services.link_keys.of(call.request.remote)
    request = Subscribe(
        request_id=0,
        lesson_id=live.lesson_id,
        peer_id=seat.subscribe_peer,
        sdp=offer,
        resumed=True,
        link=link,
        start_bps=call.services.link_memory.start_bps(link, seat.subscribe_peer, call.services.clock()),
    )
    answer = await live.negotiate(seat, "subscribe", request)
    return standard_clients.created(call, "subscribe", seat, offer=offer, answer=answer)


async def watch_options(_: Call) -> web.Response:
    return standard_clients.options(resource=False)


async def patch_watcher(call: Call) -> web.Response:
    return await standard_clients.patch(call, "subscribe")


async def end_watcher(call: Call) -> web.Response:
    return await standard_clients.delete(call, "subscribe")


async def watcher_options(_: Call) -> web.Response:
    return standard_clients.options(resource=True)
