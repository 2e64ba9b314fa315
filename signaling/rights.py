"""Who may send which message: the one table. Finer rules (whose hand, which class) are with the commands."""

from __future__ import annotations

from signaling import messages as m
from signaling.errors import Refusal
from signaling.messages import ErrorCode, Role

EVERYBODY = frozenset(Role)
STAFF = frozenset({Role.TEACHER, Role.CO_TEACHER})
SPEAKERS = STAFF | {Role.CLASS}

RIGHTS: dict[type[m.ClientMessage], frozenset[Role]] = {
    m.OfferPublish: SPEAKERS,
    m.OfferSubscribe: EVERYBODY,
    m.StopPublish: SPEAKERS,
    m.SetView: EVERYBODY,
    m.SetSharing: STAFF,
    m.SetLive: STAFF,
    m.SetHand: EVERYBODY,
    m.OfferFloor: STAFF,
    m.AnswerFloor: frozenset({Role.CO_TEACHER, Role.CLASS}),
    m.TakeFloor: SPEAKERS,
    m.SetMuted: STAFF,
    m.Remove: STAFF,
    m.SetLocked: STAFF,
    m.Say: EVERYBODY,
    m.SetFeed: frozenset({Role.CLASS}),
    m.SetRecording: STAFF,
    m.SetConsent: frozenset({Role.CLASS}),
    m.Leave: EVERYBODY,
    m.Ping: EVERYBODY,
    m.ReportPlayback: EVERYBODY,
    m.ReportSending: SPEAKERS,
}


def not_allowed(message: str) -> Refusal:
    return Refusal(ErrorCode.NOT_ALLOWED, message)


def require_right(role: Role, message: m.ClientMessage) -> None:
    """Raises `Refusal`. A message without a row (a second `Join`) is allowed to nobody."""
    if role not in RIGHTS.get(type(message), frozenset()):
        raise not_allowed(f"a {role} may not do this")
