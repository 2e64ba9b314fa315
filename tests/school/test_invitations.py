from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from school.errors import BadText, BadToken, Expired, NotFound, Revoked
from school.invitations import Invitations
from school.lessons import Lessons
from school.tables import Invitation, InvitationRole, LessonKind

Sessions = async_sessionmaker[AsyncSession]
NOW = 1_800_000_000.0
KEY = bytes(range(32))


@pytest.fixture
def invitations(sessions: Sessions) -> Invitations:
    return Invitations(sessions, KEY)


@pytest.fixture
async def invitation(sessions: Sessions, invitations: Invitations) -> Invitation:
    lesson = await Lessons(sessions).create("Волны", LessonKind.FULL, NOW)
    return await invitations.create(lesson.id, InvitationRole.CLASS, valid_hours=2, created_by="test", now=NOW)


async def test_a_token_names_its_lesson_and_role(invitations: Invitations, invitation: Invitation) -> None:
    claims = await invitations.verify(invitations.token(invitation), NOW + 7199)
    assert (claims.invitation_id, claims.lesson_id) == (invitation.id, invitation.lesson_id)
    assert (claims.role, claims.expires_at) == (InvitationRole.CLASS, NOW + 7200)


async def test_a_token_can_be_derived_again(invitations: Invitations, invitation: Invitation) -> None:
    assert invitations.token(await invitations.get(invitation.id)) == invitations.token(invitation)


async def test_a_token_expires(invitations: Invitations, invitation: Invitation) -> None:
    with pytest.raises(Expired):
        await invitations.verify(invitations.token(invitation), NOW + 7200)


async def test_a_token_is_revoked_for_good(invitations: Invitations, invitation: Invitation) -> None:
    await invitations.revoke(invitation.id, NOW + 1)
    assert (await invitations.revoke(invitation.id, NOW + 5)).revoked_at == NOW + 1
    with pytest.raises(Revoked):
        await invitations.verify(invitations.token(invitation), NOW + 2)


async def test_a_whole_lesson_is_revoked(invitations: Invitations, invitation: Invitation) -> None:
    assert await invitations.revoke_all(invitation.lesson_id, NOW) == 1
    assert await invitations.revoke_all(invitation.lesson_id, NOW) == 0


async def test_ended_names_the_revoked_and_the_expired(invitations: Invitations, invitation: Invitation) -> None:
    other = await invitations.create(
        invitation.lesson_id, InvitationRole.VIEWER, valid_hours=5, created_by="test", now=NOW
    )
    both = [invitation.id, other.id]
    assert await invitations.ended(both, NOW) == set()
    assert await invitations.ended(both, NOW + 7200) == {invitation.id}
    await invitations.revoke(other.id, NOW)
    assert await invitations.ended([other.id, "nobody's"], NOW) == {other.id}


async def test_another_servers_token_opens_nothing(
    sessions: Sessions, invitations: Invitations, invitation: Invitation
) -> None:
    with pytest.raises(BadToken):
        await invitations.verify(Invitations(sessions, bytes(32)).token(invitation), NOW)


async def test_claims_must_be_those_of_the_row(invitations: Invitations, invitation: Invitation) -> None:
    """Even with the right key: a longer life, another role or another lesson than was given out is refused."""
    right = {"jti": invitation.id, "lesson": invitation.lesson_id, "role": "class", "exp": invitation.expires_at}
    for wrong in ({"exp": right["exp"] + 1}, {"role": "teacher"}, {"lesson": "other"}, {"jti": "other"}, {"more": 1}):  # type: ignore[operator]
        token = jwt.encode({"alg": "HS256"}, {**right, **wrong}, OctKey.import_key(KEY))
        with pytest.raises(BadToken):
            await invitations.verify(token, NOW)


async def test_an_unsigned_token_opens_nothing(invitations: Invitations, invitation: Invitation) -> None:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    payload = invitations.token(invitation).split(".")[1]
    for token in (f"{header}.{payload}.", f"{header}.{payload}", "", ".", "..", "x" * 5000, "\ud800.\x00.é"):
        with pytest.raises(BadToken):
            await invitations.verify(token, NOW)


_no_tables: Sessions = async_sessionmaker(create_async_engine("sqlite+aiosqlite://"))


@settings(max_examples=200, deadline=None)
@given(token=st.text(max_size=200) | st.binary(max_size=100).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
async def test_garbage_never_gets_as_far_as_the_database(token: str) -> None:
    with pytest.raises(BadToken):
        await Invitations(_no_tables, KEY).verify(token, NOW)


async def test_mutated_tokens_open_nothing(invitations: Invitations, invitation: Invitation) -> None:
    token = invitations.token(invitation)
    for place in range(len(token)):
        # The last character of base64 may carry bits that mean nothing: change it so that a meaning bit changes.
        mutated = token[:place] + ("A" if token[place] not in "AB" else "z") + token[place + 1 :]
        with pytest.raises(BadToken):
            await invitations.verify(mutated, NOW)


async def test_what_cannot_be_invited(invitations: Invitations, invitation: Invitation) -> None:
    with pytest.raises(NotFound):
        await invitations.create("nothing", InvitationRole.CLASS, valid_hours=1, created_by="test", now=NOW)
    for hours in (0, -1, 9000, float("nan"), float("inf")):
        with pytest.raises(BadText):
            await invitations.create(
                invitation.lesson_id, InvitationRole.CLASS, valid_hours=hours, created_by="test", now=NOW
            )
    with pytest.raises(NotFound):
        await invitations.revoke("nothing", NOW)


async def test_all_invitations_of_a_lesson_are_listed(invitations: Invitations, invitation: Invitation) -> None:
    later = await invitations.create(
        invitation.lesson_id,
        InvitationRole.VIEWER,
        valid_hours=1,
        created_by="test",
        now=NOW + 1,
        label="родители",
    )
    listed = await invitations.list(invitation.lesson_id)
    assert [(row.id, row.label) for row in listed] == [(invitation.id, ""), (later.id, "родители")]
