"""What `webclass lesson …` does, straight in the database, whether or not the server runs.

Kept apart from the commands because the database's libraries take long to import.
"""

from __future__ import annotations

import time

from infra.preparation import open_school
from infra.settings import Settings
from school.errors import NotFound
from school.tables import Invitation, InvitationRole, Lesson, LessonKind

CREATED_BY = "command line"


async def create_lesson(settings: Settings, title: str, kind: str, valid_hours: float) -> tuple[Lesson, dict[str, str]]:
    """A lesson and a token for each role. Raises `SchoolError` or `InfraError`."""
    now = time.time()
    tokens = {}
    async with open_school(settings) as school:
        lesson = await school.lessons.create(title, LessonKind(kind), now)
        for role in InvitationRole:
            invitation = await school.invitations.create(
                lesson.id, role, valid_hours=valid_hours, created_by=CREATED_BY, now=now
            )
            tokens[role.value] = school.invitations.token(invitation)
    return lesson, tokens


async def lessons_of(settings: Settings) -> list[Lesson]:
    """The newest first."""
    async with open_school(settings) as school:
        return await school.lessons.list()


async def invitations_of(settings: Settings, lesson_id: str) -> list[tuple[Invitation, str]]:
    """A lesson's invitations with their tokens. Raises `NotFound`."""
    async with open_school(settings) as school:
        await school.lessons.get(lesson_id)
        return [(each, school.invitations.token(each)) for each in await school.invitations.list(lesson_id)]


async def revoke(settings: Settings, identifier: str) -> int:
    """Revoke the invitation of that id, or all of the lesson of that id; how many that were. Raises `NotFound`."""
    now = time.time()
    async with open_school(settings) as school:
        try:
            invitation = await school.invitations.get(identifier)
        except NotFound:
            await school.lessons.get(identifier)
            return await school.invitations.revoke_all(identifier, now)
        await school.invitations.revoke(identifier, now)
        return 1 if invitation.revoked_at is None else 0
