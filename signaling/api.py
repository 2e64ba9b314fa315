"""The HTTP API: lessons, invitations, signing in. Rights are in the table of routes; a handler says what it adds."""

from __future__ import annotations

import math

from aiohttp import web

from school.accounts import SignedIn
from school.tables import Invitation, InvitationRole, Lesson, LessonKind, LessonRecording
from signaling import api_models as a
from signaling.http import Call, HttpError, cookie_name
from signaling.messages import LessonState, Role

TEACHER_INVITES = frozenset({Role.CLASS, Role.VIEWER})
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
"""Whom a teacher may invite, and so whose invitations they may see and revoke."""


async def create_lesson(call: Call) -> a.LessonOut:
    body = call.read(a.CreateLesson)
    made = await call.services.lessons.create(body.title, LessonKind(body.kind), call.now, record=body.record)
    return _lesson(call, made)


async def list_lessons(call: Call) -> a.Lessons:
    return a.Lessons(lessons=[_lesson(call, lesson) for lesson in await call.services.lessons.list()])


async def get_lesson(call: Call) -> a.LessonOut:
    return _lesson(call, await call.services.lessons.get(call.path("lesson_id")))


async def change_lesson(call: Call) -> a.LessonOut:
    body = call.read(a.ChangeLesson)
    kind = LessonKind(body.kind) if body.kind is not None else None
    lesson = await call.services.lessons.change(call.path("lesson_id"), title=body.title, kind=kind)
    call.registry.check_soon()
    return _lesson(call, lesson)


async def end_lesson(call: Call) -> a.LessonOut:
    """Everybody in the classroom is let go at once."""
    lesson = await call.services.lessons.end(call.path("lesson_id"), call.now)
    call.registry.end(lesson.id)
    return _lesson(call, lesson)


def _lesson(call: Call, lesson: Lesson) -> a.LessonOut:
    running = call.registry.find(lesson.id)
    return a.LessonOut(
        lesson_id=lesson.id,
        title=lesson.title,
        kind="partial" if lesson.kind == LessonKind.PARTIAL else "full",
        state=LessonState(lesson.state),
        created_at=lesson.created_at,
        live_since=lesson.live_since,
        ended_at=lesson.ended_at,
        recording=LessonRecording(lesson.recording).value,
        participants=sum(seat.present for seat in running.room.seats.values()) if running is not None else 0,
    )


async def create_invitation(call: Call) -> a.InvitationOut:
    """A teacher invites classes and viewers, for no longer than the teacher's own invitation holds."""
    body = call.read(a.CreateInvitation)
    valid_hours, creator = body.valid_hours, call.administrator.id if call.administrator is not None else ""
    if call.bearer is not None:
        _teacher_invites(body.role)
        valid_hours = min(valid_hours, (call.bearer.expires_at - call.now) / 3600)
        creator = call.bearer.invitation_id
    invitation = await call.services.invitations.create(
        call.path("lesson_id"),
        InvitationRole(body.role),
        valid_hours=valid_hours,
        created_by=creator,
        now=call.now,
        label=body.label,
        place=body.place,
    )
    return _invitation(call, invitation)


async def list_invitations(call: Call) -> a.InvitationsOut:
    lesson_id = call.path("lesson_id")
    await call.services.lessons.get(lesson_id)
    found = await call.services.invitations.list(lesson_id)
    shown = [i for i in found if call.bearer is None or Role(i.role) in TEACHER_INVITES]
    return a.InvitationsOut(invitations=[_invitation(call, i) for i in shown])


async def revoke_invitation(call: Call) -> a.InvitationOut:
    """Whoever is in the classroom by it is put out at once."""
    invitation = await call.services.invitations.get(call.path("invitation_id"))
    if invitation.lesson_id != call.path("lesson_id"):
        raise HttpError(404, "not_found", "this lesson has no such invitation")
    if call.bearer is not None:
        _teacher_invites(Role(invitation.role))
    revoked = await call.services.invitations.revoke(invitation.id, call.now)
    call.registry.check_soon()
    return _invitation(call, revoked)


def _teacher_invites(role: Role) -> None:
    if role not in TEACHER_INVITES:
        raise HttpError(403, "not_allowed", "a teacher invites classes and viewers only")


def _invitation(call: Call, invitation: Invitation) -> a.InvitationOut:
    holds = invitation.revoked_at is None and invitation.expires_at > call.now
    token = call.services.invitations.token(invitation) if holds else ""
    origin = call.services.public_url or str(call.request.url.origin())
    here = call.request.url.host in LOOPBACK_HOSTS
    network = (call.services.network_url if here else "") or origin
    return a.InvitationOut(
        invitation_id=invitation.id,
        lesson_id=invitation.lesson_id,
        role=Role(invitation.role),
        label=invitation.label,
        place=invitation.place,
        created_at=invitation.created_at,
        expires_at=invitation.expires_at,
        revoked_at=invitation.revoked_at,
        token=token,
        link=f"{origin}/join#{token}" if holds else "",
        network_link=f"{network}/join#{token}" if holds else "",
    )


async def feed_minutes(call: Call) -> a.FeedOut:
    lesson_id = call.path("lesson_id")
    await call.services.lessons.get(lesson_id)
    minutes = await call.services.feed.minutes(lesson_id, call.now)
    return a.FeedOut(classes=[a.FeedMinutes(name=name, minutes=round(value, 2)) for name, value in minutes.items()])


async def join_info(call: Call) -> a.JoinInfo:
    bearer = call.invited()
    lesson = await call.services.lessons.get(bearer.lesson_id)
    invitation = await call.services.invitations.get(bearer.invitation_id)
    return a.JoinInfo(
        lesson_id=lesson.id,
        title=lesson.title,
        kind="partial" if lesson.kind == LessonKind.PARTIAL else "full",
        state=LessonState(lesson.state),
        role=Role(bearer.role),
        label=invitation.label,
        expires_at=bearer.expires_at,
    )


async def sign_in(call: Call) -> web.Response:
    body = call.read(a.SignIn)
    accounts = call.services.accounts
    if body.link_token is not None:
        return _signed_in(call, await accounts.use_link(body.link_token, call.now))
    if body.name is None or body.password is None:
        raise HttpError(400, "bad_message", "either link_token, or name and password")
    return _signed_in(call, await accounts.sign_in(body.name, body.password, call.request.remote or "", call.now))


async def set_password(call: Call) -> web.Response:
    """Every other browser of this administrator is signed out."""
    body, accounts = call.read(a.SetPassword), call.services.accounts
    assert call.administrator is not None, "the route's access"
    await accounts.set_password(call.administrator.id, body.password, name=body.name)
    return _signed_in(call, await accounts.open_session(call.administrator.id, call.now))


def _signed_in(call: Call, signed_in: SignedIn) -> web.Response:
    administrator = signed_in.administrator
    me = a.Me(name=administrator.name, has_password=administrator.password_hash is not None)
    response = web.json_response(text=me.model_dump_json())
    response.set_cookie(
        cookie_name(call.request),
        signed_in.token,
        max_age=math.floor(signed_in.expires_at - call.now),
        path="/",
        httponly=True,
        secure=call.request.secure,
        samesite="Strict",
    )
    return response


async def sign_out(call: Call) -> web.Response:
    await call.services.accounts.sign_out(call.request.cookies.get(cookie_name(call.request), ""))
    response = web.Response(status=204)
    response.del_cookie(cookie_name(call.request), path="/", secure=call.request.secure, httponly=True)
    return response


async def me(call: Call) -> a.Me:
    assert call.administrator is not None, "the route's access"
    return a.Me(name=call.administrator.name, has_password=call.administrator.password_hash is not None)
