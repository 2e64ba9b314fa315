"""What WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) have in common: an SDP offer is posted, the answer names a
resource; the resource is patched (trickle ICE, ICE restart: RFC 9725 section 4.3) and deleted.

A resource's name is the participant's id and a signature over it and the invitation, so nobody else's token opens it.
The server is ICE-lite: it needs no candidates of the client, so trickled ones are accepted and dropped.
"""

from __future__ import annotations

from aiohttp import web

from signaling import media_rules
from signaling.errors import MediaRefused
from signaling.http import Call, HttpError, read_body
from signaling.live import LiveLesson
from signaling.seats import PeerKind, Seat, peer_id
from signaling.signatures import mac, same
from streaming.control import IceRestarted, RestartIce
from streaming.wire.errors import WireError
from streaming.wire.sdp import Attributes, IceFragment, parse_ice_fragment, write_ice_fragment

SDP_TYPE = "application/sdp"
FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"


async def read_offer(call: Call) -> str:
    """The offer as text. Raises `HttpError` (406, 408, 413, 415, 422)."""
    if call.request.content_type != SDP_TYPE:
        raise HttpError(415, "bad_message", f"the offer must be {SDP_TYPE}")
    accept = call.request.headers.get("Accept", "*/*")
    if not any(part.split(";")[0].strip() in {SDP_TYPE, "application/*", "*/*"} for part in accept.split(",")):
        raise HttpError(406, "bad_message", f"the answer is {SDP_TYPE}")
    return await _read_text(call, "bad_sdp")


async def _read_text(call: Call, code: str) -> str:
    try:
        return (await read_body(call.request)).decode()
    except UnicodeDecodeError as error:
        raise HttpError(422, code, "the body is not UTF-8") from error


def created(call: Call, kind: PeerKind, seat: Seat, *, offer: str, answer: str) -> web.Response:
    """201 with the answer, the resource's Location and its ETag."""
    name = _resource_name(call, kind, seat.participant_id)
    seat.ice_tags[kind] = _etag(call, name, *_credentials(offer))
    headers = {"Location": f"{_folder(kind)}/{call.path('lesson_id')}/{name}", "ETag": seat.ice_tags[kind]}
    return web.Response(status=201, body=answer.encode(), content_type=SDP_TYPE, headers=headers)


async def patch(call: Call, kind: PeerKind) -> web.Response:
    """204 for trickled candidates, 200 with the server's new credentials for an ICE restart."""
    live, seat = _find(call, kind)
    if call.request.content_type != FRAGMENT_TYPE:
        raise HttpError(415, "bad_message", f"the fragment must be {FRAGMENT_TYPE}")
    shown = call.request.headers.get("If-Match")
    if shown is None:
        raise HttpError(428, "bad_message", "If-Match is needed: the session's ETag, or * to restart ICE")
    current = seat.ice_tags.get(kind)
    if shown != "*" and current is not None and not same(shown, current):
        raise HttpError(412, "bad_message", "the ETag is of an ICE session that is over")
    try:
        fragment = parse_ice_fragment(await _read_text(call, "bad_sdp"))
    except WireError as error:
        raise HttpError(422, "bad_sdp", f"not an ICE fragment ({error.kind})") from error
    tag = _etag(call, call.path("resource_id"), fragment.ufrag, fragment.password)
    if tag == (current or shown):
        return web.Response(status=204)
    return await _restart(call, live, seat, kind=kind, fragment=fragment, tag=tag)


async def _restart(
    call: Call, live: LiveLesson, seat: Seat, *, kind: PeerKind, fragment: IceFragment, tag: str
) -> web.Response:
    request = RestartIce(
        request_id=0,
        lesson_id=live.lesson_id,
        peer_id=peer_id(seat.participant_id, kind),
        ufrag=fragment.ufrag,
        password=fragment.password,
    )
    try:
        answer = await call.services.media.ask(request)
    except MediaRefused as error:
        raise HttpError(404, "not_found", "the session is over") from error
    if not isinstance(answer, IceRestarted):
        raise HttpError(503, "media_unavailable", "the media process answered something else", {"Retry-After": "2"})
    seat.ice_tags[kind] = tag
    ours = IceFragment(answer.ufrag, answer.password, tuple(answer.candidates), fragment.mid, end_of_candidates=True)
    return web.Response(body=write_ice_fragment(ours).encode(), content_type=FRAGMENT_TYPE, headers={"ETag": tag})


async def delete(call: Call, kind: PeerKind) -> web.Response:
    live, seat = _find(call, kind)
    media_rules.leave_by_standard_client(live.room, seat.participant_id, kind, call.services.moment())
    live.carry_out()
    return web.Response(status=200)


def options(*, resource: bool) -> web.Response:
    """For pages of other origins (CORS preflight) and for clients that ask what is accepted."""
    headers = {
        "Access-Control-Allow-Methods": "PATCH, DELETE, OPTIONS" if resource else "POST, OPTIONS",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
        "Access-Control-Max-Age": "86400",
    }
    return web.Response(status=204, headers=headers | ({} if resource else {"Accept-Post": SDP_TYPE}))


def _find(call: Call, kind: PeerKind) -> tuple[LiveLesson, Seat]:
    """Raises `HttpError` 404 where there is no such session, or not of this invitation."""
    name = call.path("resource_id")
    participant_id = name.rpartition(".")[0]
    live = call.registry.find(call.path("lesson_id"))
    seat = live.room.seats.get(participant_id) if live is not None else None
    if live is None or seat is None or not same(name, _resource_name(call, kind, participant_id)):
        raise HttpError(404, "not_found", "there is no such session")
    if (kind == "publish" and seat.publisher != "whip") or (kind == "subscribe" and seat.subscriber != "whep"):
        raise HttpError(404, "not_found", "the session is over")
    return live, seat


def _folder(kind: PeerKind) -> str:
    return "/whip" if kind == "publish" else "/whep"


def _resource_name(call: Call, kind: PeerKind, participant_id: str) -> str:
    invitation_id = call.invited().invitation_id
    signature = mac(call.services.secret, "resource", kind, call.path("lesson_id"), participant_id, invitation_id)
    return f"{participant_id}.{signature}"


def _credentials(sdp: str) -> tuple[str, str]:
    lines = (line.strip()[2:].partition(":") for line in sdp.splitlines() if line.startswith("a=ice-"))
    attributes = Attributes(tuple((name, value) for name, _, value in lines))
    return attributes.first("ice-ufrag") or "", attributes.first("ice-pwd") or ""


def _etag(call: Call, resource: str, ufrag: str, password: str) -> str:
    """Names the ICE session: one pair of the client's credentials."""
    return f'"{mac(call.services.secret, "etag", resource, ufrag, password)}"'
