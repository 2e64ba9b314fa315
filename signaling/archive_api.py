"""Recordings over HTTP: found, described, and replayed by HLS. Who may is settled before: see `http.Access.READER`."""

from __future__ import annotations

import hashlib
import re

from aiohttp import web

from archive.catalog import Track
from archive.deletion import Keeping
from archive.errors import NotFound
from archive.playlists import media_playlist, multivariant_playlist, packed_playlist, slot_playlist
from archive.search import OFFSET_MAX, PAGE_MAX, Facet, Query, Sight
from archive.tables import Access, Recording, RecordingState
from school.tables import LessonState
from signaling import archive_models as a
from signaling.http import Call, HttpError
from signaling.object_response import not_modified, object_response
from streaming.control import Slot

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
SEGMENT_TYPE = "video/iso.segment"
INIT_TYPE = "video/mp4"
WORDS_MAX_CHARS = 200
VALUES_MAX = 20
_SLOT = re.compile(r"[a-z][a-z_]{0,31}")


async def list_recordings(call: Call) -> a.Recordings:
    """An administrator sees all, the bearer of an invitation the lesson's own and the open ones, others the open ones.

    Query: `words` in any of their forms, `offset`, `limit`, and any `archive.search.Facet` by its name, several times
    for any of several values.
    """
    query = call.request.query
    narrowed = [(facet, tuple(query.getall(facet)[:VALUES_MAX])) for facet in Facet if facet in query]
    asked = Query(
        text=query.get("words", "")[:WORDS_MAX_CHARS],
        narrowed=tuple(narrowed),
        offset=_whole(query.get("offset", "0"), OFFSET_MAX),
        limit=_whole(query.get("limit", "50"), PAGE_MAX),
    )
    own = (call.bearer.lesson_id,) if call.bearer is not None else ()
    recordings, found = await call.services.catalog.find(asked, Sight(call.administrator is not None, own))
    return a.Recordings(
        recordings=[await _out(call, each) for each in recordings],
        total=found.total,
        more=asked.offset + len(recordings) < found.total or found.more,
    )


async def get_recording(call: Call) -> a.RecordingDetail:
    recording = call.readable()
    tracks = await call.services.catalog.tracks(recording)
    about = await _out(call, recording)
    return a.RecordingDetail(
        **about.model_dump(),
        playlist=f"{_folder(recording)}/index.m3u8",
        tracks=[_track(recording, track) for track in tracks],
    )


async def change_recording(call: Call) -> a.RecordingOut:
    body = call.read(a.ChangeRecording)
    access = Access(body.access) if body.access is not None else None
    changed = await call.services.catalog.change(call.path("recording_id"), title=body.title, access=access)
    return await _out(call, changed)


async def delete_recording(call: Call) -> None:
    await call.services.deletion.delete(call.path("recording_id"), call.services.wall())


async def get_keeping(call: Call) -> a.Keeping:
    found = await call.services.deletion.keeping(call.path("recording_id"))
    return a.Keeping(legal_hold=found.legal_hold, retention_until=found.retention_until)


async def change_keeping(call: Call) -> None:
    body = call.read(a.Keeping)
    await call.services.deletion.keep(call.path("recording_id"), Keeping(body.legal_hold, body.retention_until))


async def recording_playlist(call: Call) -> web.Response:
    recording = call.readable()
    tracks = {track.slot: track.renditions for track in await call.services.catalog.tracks(recording)}
    sound = tracks.get(Slot.TEACHER_AUDIO)
    if sound is None:
        raise NotFound("nothing is recorded yet")
    text = multivariant_playlist(tracks.get(Slot.TEACHER_VIDEO, ()), sound[0], recording.language)
    return _playlist(call, text)


async def track_playlist(call: Call) -> web.Response:
    track = await call.services.catalog.track(call.readable(), _slot(call))
    return _playlist(call, slot_playlist(track.renditions))


async def packed_rendition_playlist(call: Call) -> web.Response:
    recording, slot, encoding = call.readable(), _slot(call), _number(call, "encoding")
    init_runs, segments = await call.services.catalog.rendition(recording.id, slot, encoding)
    track = await call.services.catalog.track(recording, slot)
    grows = recording.state != RecordingState.READY
    return _playlist(call, packed_playlist(encoding, init_runs, segments, track.spans, grows=grows))


async def rendition_playlist(call: Call) -> web.Response:
    recording, encoding = call.readable(), _number(call, "encoding")
    init_runs, segments = await call.services.catalog.rendition(recording.id, _slot(call), encoding)
    ended_s = recording.duration_s if recording.state == RecordingState.READY else None
    return _playlist(call, media_playlist(encoding, init_runs, segments, ended_s))


async def recording_segment(call: Call) -> web.StreamResponse:
    encoding, index = _number(call, "encoding"), _number(call, "index")
    found = await call.services.catalog.segment_object(call.readable().id, _slot(call), encoding, index)
    return await object_response(call.request, call.services.store, found, SEGMENT_TYPE)


async def recording_init(call: Call) -> web.StreamResponse:
    encoding, run = _number(call, "encoding"), _number(call, "run")
    found = await call.services.catalog.init_object(call.readable().id, _slot(call), encoding, run)
    return await object_response(call.request, call.services.store, found, INIT_TYPE)


def _playlist(call: Call, text: str) -> web.Response:
    """May be kept, but is asked for again each time; a playlist that has not changed costs no more than that."""
    body = text.encode()
    headers = {
        "ETag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Cookie",
    }
    if not_modified(call.request, headers["ETag"]):
        return web.Response(status=304, headers=headers)
    response = web.Response(body=body, content_type=PLAYLIST_TYPE, headers=headers)
    response.enable_compression()
    return response


async def _out(call: Call, recording: Recording) -> a.RecordingOut:
    state: a.RecordingState = "ready"
    if recording.state != RecordingState.READY and recording.lesson_id is not None:
        lesson = await call.services.lessons.get(recording.lesson_id)
        state = "finishing" if lesson.state == LessonState.ENDED else "recording"
    return a.RecordingOut(
        recording_id=recording.id,
        lesson_id=recording.lesson_id,
        title=recording.title,
        author=recording.author,
        language=recording.language,
        state=state,
        access=Access(recording.access).value,
        started_at=recording.started_at,
        duration_s=recording.duration_s,
    )


def _track(recording: Recording, track: Track) -> a.TrackOut:
    folder = f"{_folder(recording)}/{track.slot}"
    return a.TrackOut(
        slot=track.slot,
        playlist=f"{folder}/packed.m3u8",
        renditions=[
            a.RenditionOut(
                encoding=each.encoding,
                height=each.height,
                bitrate_bps=each.average_bps,
                playlist=f"{folder}/{each.encoding}.m3u8",
            )
            for each in track.renditions
        ],
        spans=list(track.spans),
    )


def _folder(recording: Recording) -> str:
    return f"/api/recordings/{recording.id}"


def _slot(call: Call) -> str:
    slot = call.path("slot")
    if _SLOT.fullmatch(slot) is None:
        raise NotFound("this recording has no such track")
    return slot


def _number(call: Call, name: str) -> int:
    text = call.path(name)
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise NotFound("no such part of a recording")
    return int(text)


def _whole(text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise HttpError(400, "bad_message", "offset and limit are whole numbers")
    return min(int(text), most)
