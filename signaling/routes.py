"""The table of every route: the web server, the OpenAPI document and the matrix of rights are all made from it."""

from __future__ import annotations

from signaling import api, whep, whip
from signaling import api_models as a
from signaling import archive_api as r
from signaling import archive_models as b
from signaling import shelf_api as shelf
from signaling import shelf_models as s
from signaling.http import Access, Handler, Route
from signaling.link_test_session import link_test, list_link_tests
from signaling.session import classroom

__all__ = ["ROUTES", "Access", "Route"]

_LESSON = "/api/lessons/{lesson_id}"
_ANYONE, _ADMIN, _TEACHER, _INVITED = Access.ANYONE, Access.ADMINISTRATOR, Access.LESSON_TEACHER, Access.INVITED
_READER = Access.READER

_LESSONS = (
    Route("GET", "/api/lessons", api.list_lessons, None, a.Lessons, "All lessons, the newest first", _ADMIN),
    Route("POST", "/api/lessons", api.create_lesson, a.CreateLesson, a.LessonOut, "Create a lesson", _ADMIN, 201),
    Route("GET", _LESSON, api.get_lesson, None, a.LessonOut, "One lesson", _TEACHER),
    Route("PATCH", _LESSON, api.change_lesson, a.ChangeLesson, a.LessonOut, "Change title or kind", _ADMIN),
    Route("DELETE", _LESSON, api.end_lesson, None, a.LessonOut, "End the lesson for everybody", _ADMIN),
    Route("GET", f"{_LESSON}/feed", api.feed_minutes, None, a.FeedOut, "Minutes of live feed by class", _TEACHER),
)
_INVITATIONS = (
    Route(
        "POST",
        f"{_LESSON}/invitations",
        api.create_invitation,
        a.CreateInvitation,
        a.InvitationOut,
        "Invite into the lesson",
        _TEACHER,
        201,
    ),
    Route(
        "GET",
        f"{_LESSON}/invitations",
        api.list_invitations,
        None,
        a.InvitationsOut,
        "The lesson's invitations",
        _TEACHER,
    ),
    Route(
        "DELETE",
        f"{_LESSON}/invitations/{{invitation_id}}",
        api.revoke_invitation,
        None,
        a.InvitationOut,
        "Revoke an invitation",
        _TEACHER,
    ),
    Route("GET", "/api/join-info", api.join_info, None, a.JoinInfo, "What an invitation opens", _INVITED),
)
_RECORDING = "/api/recordings/{recording_id}"
_RENDITION = f"{_RECORDING}/{{slot}}/{{encoding}}"
_PROFILE, _COURSE, _TOPIC = "/api/profiles/{profile_id}", "/api/courses/{course_id}", "/api/topics/{topic_id}"
_RECORDINGS = (
    Route("GET", "/api/recordings", r.list_recordings, None, b.Recordings, "Recordings that one may replay", _READER),
    Route("GET", _RECORDING, r.get_recording, None, b.RecordingDetail, "One recording and its tracks", _READER),
    Route("PATCH", _RECORDING, r.change_recording, b.ChangeRecording, b.RecordingOut, "Change title or access", _ADMIN),
    Route("DELETE", _RECORDING, r.delete_recording, None, None, "Delete a recording", _ADMIN, 204),
    Route("GET", f"{_RECORDING}/keeping", r.get_keeping, None, b.Keeping, "How long it is kept", _ADMIN),
    Route("PUT", f"{_RECORDING}/keeping", r.change_keeping, b.Keeping, None, "Keep or hold it", _ADMIN, 204),
    Route("GET", f"{_RECORDING}/index.m3u8", r.recording_playlist, None, None, "HLS: the teacher", _READER),
    Route("GET", f"{_RECORDING}/{{slot}}/packed.m3u8", r.track_playlist, None, None, "HLS: one slot, packed", _READER),
    Route(
        "GET",
        f"{_RECORDING}/{{slot}}/packed-{{encoding}}.m3u8",
        r.packed_rendition_playlist,
        None,
        None,
        "HLS: one rendition, packed",
        _READER,
    ),
    Route("GET", f"{_RENDITION}.m3u8", r.rendition_playlist, None, None, "HLS: one rendition", _READER),
    Route("GET", f"{_RENDITION}/init-{{run}}.mp4", r.recording_init, None, None, "HLS: how a run begins", _READER),
    Route("GET", f"{_RENDITION}/{{index}}.m4s", r.recording_segment, None, None, "HLS: a segment", _READER),
)
_SHELVES = (
    Route("GET", "/api/shelves", shelf.list_shelves, None, s.ShelvesOut, "Profiles, courses and topics", _READER),
    Route("POST", "/api/profiles", shelf.add_profile, s.Titled, s.ProfileOut, "Add a profile", _ADMIN, 201),
    Route("PATCH", _PROFILE, shelf.rename_profile, s.Titled, s.ProfileOut, "Rename a profile", _ADMIN),
    Route("DELETE", _PROFILE, shelf.remove_profile, None, None, "Remove an empty profile", _ADMIN, 204),
    Route("POST", f"{_PROFILE}/courses", shelf.add_course, s.CourseIn, s.CourseOut, "Add a course", _ADMIN, 201),
    Route("PUT", _COURSE, shelf.change_course, s.ChangeCourse, s.CourseOut, "Change a course", _ADMIN),
    Route("DELETE", _COURSE, shelf.remove_course, None, None, "Remove an empty course", _ADMIN, 204),
    Route("POST", f"{_COURSE}/topics", shelf.add_topic, s.Titled, s.TopicOut, "Add a topic", _ADMIN, 201),
    Route("PUT", f"{_COURSE}/order", shelf.order_topics, s.OrderTopics, None, "Put topics in order", _ADMIN, 204),
    Route("PATCH", _TOPIC, shelf.rename_topic, s.Titled, s.TopicOut, "Rename a topic", _ADMIN),
    Route("DELETE", _TOPIC, shelf.remove_topic, None, None, "Remove an empty topic", _ADMIN, 204),
    Route("PUT", f"{_RECORDING}/place", shelf.place_recording, s.Place, None, "Put into a topic", _ADMIN, 204),
)
_PEOPLE = (
    Route("POST", "/api/sign-in", api.sign_in, a.SignIn, a.Me, "Sign in", _ANYONE),
    Route("POST", "/api/sign-out", api.sign_out, None, None, "Sign out", _ANYONE, 204),
    Route("GET", "/api/me", api.me, None, a.Me, "Who is signed in", _ADMIN),
    Route("POST", "/api/password", api.set_password, a.SetPassword, a.Me, "Set the password", _ADMIN),
)
_CLASSROOM = Route("GET", "/api/classroom", classroom, None, None, "The lesson's WebSocket", _ANYONE, 101)

_LINK_TESTS = (
    Route("GET", "/api/link-test", link_test, None, None, "The WebSocket of a link test", _ANYONE, 101),
    Route("GET", "/api/link-tests", list_link_tests, None, a.LinkTestsOut, "What link tests have found", _ADMIN),
)


def _standard(method: str, path: str, handler: Handler, summary: str, status: int = 200) -> Route:
    access = _ANYONE if method == "OPTIONS" else _INVITED
    return Route(method, path, handler, None, None, summary, access, status, standard=True)


_WHIP, _WHIP_RESOURCE = "/whip/{lesson_id}", "/whip/{lesson_id}/{resource_id}"
_WHEP, _WHEP_RESOURCE = "/whep/{lesson_id}", "/whep/{lesson_id}/{resource_id}"
_STANDARD = (
    _standard("POST", _WHIP, whip.publish, "WHIP: publish", 201),
    _standard("OPTIONS", _WHIP, whip.publish_options, "WHIP: what is accepted", 204),
    _standard("PATCH", _WHIP_RESOURCE, whip.patch_publisher, "WHIP: trickle or restart ICE"),
    _standard("DELETE", _WHIP_RESOURCE, whip.end_publisher, "WHIP: end"),
    _standard("OPTIONS", _WHIP_RESOURCE, whip.publisher_options, "WHIP: what a session accepts", 204),
    _standard("POST", _WHEP, whep.watch, "WHEP: watch", 201),
    _standard("OPTIONS", _WHEP, whep.watch_options, "WHEP: what is accepted", 204),
    _standard("PATCH", _WHEP_RESOURCE, whep.patch_watcher, "WHEP: trickle or restart ICE"),
    _standard("DELETE", _WHEP_RESOURCE, whep.end_watcher, "WHEP: end"),
    _standard("OPTIONS", _WHEP_RESOURCE, whep.watcher_options, "WHEP: what a session accepts", 204),
)

ROUTES: tuple[Route, ...] = (
    *_LESSONS,
    *_INVITATIONS,
    *_RECORDINGS,
    *_SHELVES,
    *_PEOPLE,
    _CLASSROOM,
    *_LINK_TESTS,
    *_STANDARD,
)
