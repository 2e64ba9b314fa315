"""Messages of a link test (`/api/link-test`): the page begins, offers its two connections and tells what only a browser
can measure; the server says what happens now and, at the end, what the link is good for."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from school.link_tests import Verdict
from school.text import LABEL_MAX_CHARS
from signaling.messages import Answer, Frozen, OfferPublish, OfferSubscribe

LINK_TEST_VERSION = 1


class LinkTestPhase(StrEnum):
    """`UP`: the page sends as much as it can; `DOWN`: the server does."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"
    DONE = "done"


class LinkNote(StrEnum):
    """What stands out in a result, and what something can be done about."""

    TCP = "tcp"
    """Only TCP gets through: the school's firewall stops UDP."""
    LOSSY = "lossy"
    BLOATED = "bloated"
    """A full link lets packets wait for long."""
    FAR = "far"
    UNSTEADY = "unsteady"
    """Packets come at uneven times."""


class LinkTestTrouble(StrEnum):
    """Why there is no test now. `LESSON_ON_LINK`: a lesson goes on behind the same link and is not to be disturbed."""

    BAD_MESSAGE = "bad_message"
    WRONG_VERSION = "wrong_version"
    BAD_TOKEN = "bad_token"  # noqa: S105 - an error code
    EXPIRED = "expired"
    REVOKED = "revoked"
    TOO_FAST = "too_fast"
    BUSY = "busy"
    LESSON_ON_LINK = "lesson_on_link"
    BAD_SDP = "bad_sdp"
    MEDIA_UNAVAILABLE = "media_unavailable"


# ---------------------------------------------------------------- client -> server


class BeginLinkTest(Frozen):
    """First message. `token` of any invitation, if there is one; `place` as people call the school or class."""

    type: Literal["begin"] = "begin"
    version: int
    token: str | None = Field(default=None, max_length=4096)
    place: str = Field(default="", max_length=LABEL_MAX_CHARS)


class LinkObserved(Frozen):
    """About once a second: round trip (0: not known yet), interarrival jitter of the sound received (RFC 3550), and the
    shares lost so far of the sound that is received and, as receiver reports tell, of the sound that is sent."""

    type: Literal["observed"] = "observed"
    rtt_ms: float = Field(ge=0, le=60_000)
    jitter_ms: float = Field(ge=0, le=60_000)
    loss_down: float = Field(ge=0, le=1)
    loss_up: float = Field(ge=0, le=1)


# ---------------------------------------------------------------- server -> client


class LinkTestWaiting(Frozen):
    """The test begins by itself when those under way have ended. `same_link`: one of them is behind the same link."""

    type: Literal["waiting"] = "waiting"
    same_link: bool


class LinkTestPhaseChanged(Frozen):
    """`seconds`: how long the phase lasts at most. `CONNECTING` asks for the offers."""

    type: Literal["phase"] = "phase"
    phase: LinkTestPhase
    seconds: float


class LinkTestRefused(Frozen):
    type: Literal["refused"] = "refused"
    code: LinkTestTrouble
    message: str


class LinkTestResult(Frozen):
    """The last message. `transport` "": no connection came about, or it broke."""

    type: Literal["result"] = "result"
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


LinkTestFromClient = Annotated[
    BeginLinkTest | OfferPublish | OfferSubscribe | LinkObserved, Field(discriminator="type")
]
LinkTestFromServer = Annotated[
    LinkTestWaiting | LinkTestPhaseChanged | Answer | LinkTestRefused | LinkTestResult, Field(discriminator="type")
]
link_test_from_client: TypeAdapter[LinkTestFromClient] = TypeAdapter(LinkTestFromClient)
link_test_from_server: TypeAdapter[LinkTestFromServer] = TypeAdapter(LinkTestFromServer)
