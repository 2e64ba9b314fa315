"""Invitations: signed links into a lesson that expire and can be revoked.

A token is a JWT (RFC 7519) signed with HS256. Its claims come from the invitation's row alone (`jti`, `lesson`, `role`,
`exp`), so the same token can be shown again later without ever being stored.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from school.errors import BadText, BadToken, Expired, NotFound, Revoked
from school.tables import Invitation, InvitationRole, Lesson
from school.text import LABEL_MAX_CHARS, clean_line

TOKEN_MAX_CHARS = 1024
VALID_HOURS_MAX = 24 * 366
_ALGORITHM = "HS256"


class _Claims(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    jti: str
    lesson: str
    role: str
    exp: int


@dataclass(frozen=True, slots=True)
class InvitationClaims:
    """What a valid token says. `expires_at`: Unix time in seconds; `place`: the school it is for, "" where none is
    named."""

    invitation_id: str
    lesson_id: str
    role: InvitationRole
    expires_at: float
    place: str = ""


class Invitations:
    """`key` (32 bytes) signs the tokens; `now` is Unix time in seconds everywhere."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], key: bytes) -> None:
        self._sessions = sessions
        self._key = OctKey.import_key(key)

    async def create(
        self,
        lesson_id: str,
        role: InvitationRole,
        *,
        valid_hours: float,
        created_by: str,
        now: float,
        label: str = "",
        place: str = "",
    ) -> Invitation:
        """`created_by` is an administrator's id, an invitation's id or "command line".

        Raises `NotFound` for an unknown lesson, `BadText` for a bad label or place or a validity outside (0, one year].
        """
        if not 0 < valid_hours <= VALID_HOURS_MAX:
            raise BadText(f"an invitation is valid for more than 0 and at most {VALID_HOURS_MAX} hours")
        invitation = Invitation(
            id=secrets.token_hex(10),
            lesson_id=lesson_id,
            role=role.value,
            label=clean_line(label, "label", LABEL_MAX_CHARS, min_chars=0),
            place=clean_line(place, "place", LABEL_MAX_CHARS, min_chars=0),
            expires_at=int(now + valid_hours * 3600),
            revoked_at=None,
            created_at=now,
            created_by=created_by,
        )
        async with self._sessions.begin() as session:
            if await session.get(Lesson, lesson_id) is None:
                raise NotFound(f"no lesson {lesson_id[:32]!r}")
            session.add(invitation)
        return invitation

    def token(self, invitation: Invitation) -> str:
        """The invitation's token, always the same for the same row."""
        claims = _Claims(
            jti=invitation.id, lesson=invitation.lesson_id, role=invitation.role, exp=invitation.expires_at
        )
        return jwt.encode({"alg": _ALGORITHM, "typ": "JWT"}, claims.model_dump(), self._key)

    async def verify(self, token: str, now: float) -> InvitationClaims:
        """What the token lets its bearer do. Raises `BadToken`, `Expired` or `Revoked`."""
        claims = self._claims(token)
        async with self._sessions() as session:
            invitation = await session.get(Invitation, claims.jti)
        if invitation is None or (invitation.lesson_id, invitation.role, invitation.expires_at) != (
            claims.lesson,
            claims.role,
            claims.exp,
        ):
            raise BadToken("no such invitation")
        if invitation.revoked_at is not None:
            raise Revoked("the invitation was revoked")
        if invitation.expires_at <= now:
            raise Expired("the invitation has expired")
        role, expires_at = InvitationRole(invitation.role), float(invitation.expires_at)
        return InvitationClaims(invitation.id, invitation.lesson_id, role, expires_at, invitation.place)

    def _claims(self, token: str) -> _Claims:
        if len(token) > TOKEN_MAX_CHARS:
            raise BadToken("the token is too long")
        try:
            return _Claims.model_validate(jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims)
        except (JoseError, ValidationError, ValueError, TypeError) as error:
            raise BadToken("not a token of this server") from error

    async def get(self, invitation_id: str) -> Invitation:
        """Raises `NotFound`."""
        async with self._sessions() as session:
            invitation = await session.get(Invitation, invitation_id)
        if invitation is None:
            raise NotFound(f"no invitation {invitation_id[:32]!r}")
        return invitation

    async def list(self, lesson_id: str) -> list[Invitation]:
        """All invitations of the lesson, revoked and expired ones too, the oldest first."""
        query = select(Invitation).where(Invitation.lesson_id == lesson_id)
        async with self._sessions() as session:
            return list(await session.scalars(query.order_by(Invitation.created_at, Invitation.id)))

    async def revoke(self, invitation_id: str, now: float) -> Invitation:
        """Idempotent: the first revocation's time stays. Raises `NotFound`."""
        async with self._sessions.begin() as session:
            invitation = await session.get(Invitation, invitation_id)
            if invitation is None:
                raise NotFound(f"no invitation {invitation_id[:32]!r}")
            if invitation.revoked_at is None:
                invitation.revoked_at = now
            return invitation

    async def revoke_all(self, lesson_id: str, now: float) -> int:
        """Revoke every invitation of the lesson; returns how many were still open."""
        query = update(Invitation).where(Invitation.lesson_id == lesson_id, Invitation.revoked_at.is_(None))
        async with self._sessions.begin() as session:
            return len(list(await session.scalars(query.values(revoked_at=now).returning(Invitation.id))))

    async def ended(self, invitation_ids: Collection[str], now: float) -> set[str]:
        """Which of these are revoked or expired by now: the periodic look at the seats that are taken."""
        query = select(Invitation.id).where(
            Invitation.id.in_(invitation_ids), or_(Invitation.revoked_at.is_not(None), Invitation.expires_at <= now)
        )
        async with self._sessions() as session:
            return set(await session.scalars(query))
