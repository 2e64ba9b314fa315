"""The matrix: every message × every role. A message class without a row fails."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import get_args

import pytest

from signaling import messages as m
from signaling.errors import Refusal
from signaling.messages import ErrorCode, LessonState, Role
from signaling.rights import RIGHTS
from signaling.seats import Seat
from streaming.control import Slot, Source
from tests.signaling.rooms import CAMERA, Held, held

T, C, K, V = Role.TEACHER, Role.CO_TEACHER, Role.CLASS, Role.VIEWER
CLIENT_MESSAGES = get_args(get_args(m.FromClient)[0])

# Each message, made so that it is in order for those who may send it, and who may.
ROWS: dict[type[m.ClientMessage], tuple[Callable[[Seat, Seat], m.ClientMessage], set[Role]]] = {
    m.Join: (lambda me, other: m.Join(version=1, token="x"), set()),
    m.OfferPublish: (lambda me, other: m.OfferPublish(sdp="", sources={"0": CAMERA}), {T, C}),
    m.OfferSubscribe: (lambda me, other: m.OfferSubscribe(sdp="", slots={}), {T, C, K, V}),
    m.StopPublish: (lambda me, other: m.StopPublish(), {T, C, K}),
    m.SetView: (lambda me, other: m.SetView(slot=Slot.TEACHER_VIDEO), {T, C, K, V}),
    m.SetSharing: (lambda me, other: m.SetSharing(on=True), {T, C}),
    m.SetLive: (lambda me, other: m.SetLive(state="live"), {T, C}),
    m.SetHand: (lambda me, other: m.SetHand(up=True), {K, V}),
    m.OfferFloor: (lambda me, other: m.OfferFloor(participant_id=other.participant_id), {T, C}),
    m.AnswerFloor: (lambda me, other: m.AnswerFloor(accept=True), {C}),
    m.TakeFloor: (lambda me, other: m.TakeFloor(), {T, C}),
    m.SetMuted: (
        lambda me, other: m.SetMuted(participant_id=other.participant_id, source=Source.MICROPHONE, muted=True),
        {T, C},
    ),
    m.Remove: (lambda me, other: m.Remove(participant_id=other.participant_id), {T, C}),
    m.SetLocked: (lambda me, other: m.SetLocked(locked=True), {T, C}),
    m.Say: (lambda me, other: m.Say(text="?"), {T, C, K, V}),
    m.SetFeed: (lambda me, other: m.SetFeed(on=True), {K}),
    m.SetRecording: (lambda me, other: m.SetRecording(state="on"), {T, C}),
    m.SetConsent: (lambda me, other: m.SetConsent(agree=True), {K}),
    m.Leave: (lambda me, other: m.Leave(), {T, C, K, V}),
    m.Ping: (lambda me, other: m.Ping(), {T, C, K, V}),
    m.ReportPlayback: (
        lambda me, other: m.ReportPlayback(freezes=0, frozen_s=0, samples=0, concealed_samples=0, frames_decoded=0),
        {T, C, K, V},
    ),
    m.ReportSending: (lambda me, other: m.ReportSending(available_bps=420_000, short=True), {T, C, K}),
}


def test_every_message_has_a_row_here_and_in_the_table_of_rights() -> None:
    assert set(ROWS) == set(CLIENT_MESSAGES)
    assert set(RIGHTS) == set(CLIENT_MESSAGES) - {m.Join}


def attempt(h: Held, me: Seat, message: m.ClientMessage) -> None:
    if isinstance(message, m.OfferPublish):
        h.publish(me, *message.sources.values())
    else:
        h.say(me, message)


@pytest.mark.parametrize(("kind", "role"), list(itertools.product(CLIENT_MESSAGES, Role)))
def test_who_may_send_what(kind: type[m.ClientMessage], role: Role) -> None:
    h = held(kind="partial", state=LessonState.LIVE)
    me, other = h.enter(role), h.enter(K)
    me.subscriber = "page"
    make, allowed = ROWS[kind]
    before = (dict(h.room.seats), h.room.lesson, h.room.floor, h.room.sharer, h.room.offer, list(h.room.chat))
    if role in allowed:
        attempt(h, me, make(me, other))
        return
    with pytest.raises(Refusal) as refusal:
        attempt(h, me, make(me, other))
    assert refusal.value.code is ErrorCode.NOT_ALLOWED
    assert not h.drain()
    after = (dict(h.room.seats), h.room.lesson, h.room.floor, h.room.sharer, h.room.offer, list(h.room.chat))
    assert before == after
