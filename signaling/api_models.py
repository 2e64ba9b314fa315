"""Bodies of the HTTP API. Times are Unix seconds."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from school.link_tests import Verdict
from signaling.link_test_messages import LinkNote
from signaling.messages import LessonState, Role


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(Body):
    """Every error of the API; `code` is for programs, `message` one English sentence for logs."""

    code: str
    message: str


class CreateLesson(Body):
    title: str = Field(min_length=1, max_length=400)
    kind: Literal["full", "partial"] = "full"
    record: bool = True


class ChangeLesson(Body):
    """What is left out stays. The kind can be changed until the lesson begins."""

    title: str | None = Field(default=None, min_length=1, max_length=400)
    kind: Literal["full", "partial"] | None = None


class LessonOut(Body):
    lesson_id: str
    title: str
    kind: Literal["full", "partial"]
    state: LessonState
    created_at: float
    live_since: float | None
    ended_at: float | None
    recording: Literal["on", "paused", "off"]
    """Whether it is recorded while it is live."""
    participants: int
    """How many are in the classroom now."""


class Lessons(Body):
    lessons: list[LessonOut]


class CreateInvitation(Body):
    role: Role
    valid_hours: float = Field(default=24.0, gt=0, le=24 * 366)
    label: str = Field(default="", max_length=200)
    place: str = Field(default="", max_length=200)
    """The school: its computers come through one link, whatever their address."""


class InvitationOut(Body):
    """`token` and the links are empty once the invitation is revoked or has expired.

    `network_link` opens on other computers; it differs from `link` for who asks from the server's own computer.
    """

    invitation_id: str
    lesson_id: str
    role: Role
    label: str
    place: str
    created_at: float
    expires_at: float
    revoked_at: float | None
    token: str
    link: str
    network_link: str


class InvitationsOut(Body):
    invitations: list[InvitationOut]


class FeedMinutes(Body):
    name: str
    minutes: float


class FeedOut(Body):
    """Partial lesson: minutes of live feed by class."""

    classes: list[FeedMinutes]


class SignIn(Body):
    """Either the token of a one-time link, or name and password."""

    link_token: str | None = Field(default=None, max_length=200)
    name: str | None = Field(default=None, max_length=60)
    password: str | None = Field(default=None, max_length=1000)


class SetPassword(Body):
    """The name to sign in with can be changed in the same step."""

    password: str = Field(min_length=1, max_length=1000)
    name: str | None = Field(default=None, min_length=1, max_length=60)


class Me(Body):
    name: str
    has_password: bool


class JoinInfo(Body):
    """What an invitation opens, for the page before joining."""

    lesson_id: str
    title: str
    kind: Literal["full", "partial"]
    state: LessonState
    role: Role
    label: str
    expires_at: float


class LinkTestOut(Body):
    """One link test: what of a lesson the link carries (`Verdict`), and what stands out (`LinkNote`). Losses as shares,
    `queue_ms` beside a full link."""

    receiving: Verdict
    sending: Verdict
    notes: list[LinkNote]
    transport: Literal["udp", "tcp", ""]
    down_bps: int
    up_bps: int
    loss_down: float
    loss_up: float
    rtt_ms: float
    queue_ms: float
    jitter_ms: float
    tested_at: float


class PlaceLinkTests(Body):
    """The latest tests of one place, the newest first. `link` stands for the place where nobody has named it."""

    place: str
    link: str
    tests: list[LinkTestOut]


class LinkTestsOut(Body):
    """The place whose latest test was worst comes first."""

    places: list[PlaceLinkTests]
