"""What each message of a participant does to the lesson. Offers of media connections are in `media_rules`.

`perform` checks the table of rights first; a command then checks its own finer rule before it changes anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from signaling import messages as m
from signaling.chat import KeptLine, clean_chat
from signaling.classroom import Classroom
from signaling.effects import MuteSource, TellUplink, ViewSlot
from signaling.errors import Refusal
from signaling.limits import Moment
from signaling.messages import ErrorCode, LessonState, Role
from signaling.rights import STAFF, not_allowed, require_right
from signaling.seats import Seat, View
from streaming.control import Slot, Source

REPORTS_EVERY_S = 2.0

Command = Callable[[Classroom, Seat, Any, Moment], None]


def perform(room: Classroom, participant_id: str, message: m.ClientMessage, at: Moment) -> None:
    """Raises `Refusal` when the message is against the rules; then nothing has changed."""
    seat = _target(room, participant_id)
    require_right(seat.role, message)
    command = COMMANDS.get(type(message))
    if command is not None:
        command(room, seat, message, at)


def _target(room: Classroom, participant_id: str) -> Seat:
    seat = room.seats.get(participant_id)
    if seat is None:
        raise Refusal(ErrorCode.NO_SUCH_PARTICIPANT, "nobody by this id is in the lesson")
    return seat


def _stop_publish(room: Classroom, seat: Seat, _: m.StopPublish, at: Moment) -> None:
    if seat.publisher == "page":
        room.drop_publisher(seat)
        room.announce(seat, at)
        room.settle(at)


def _set_view(room: Classroom, seat: Seat, message: m.SetView, at: Moment) -> None:
    if seat.subscriber is None:
        raise not_allowed("there is no receiving connection")
    seat.views[message.slot] = View(message.paused, message.height)
    _show(room, seat, message.slot)


def _show(room: Classroom, seat: Seat, slot: Slot) -> None:
    view = seat.views[slot]
    room.do(ViewSlot(seat.subscribe_peer, slot, view.paused or not seat.feed_on, view.height))


def _set_sharing(room: Classroom, seat: Seat, message: m.SetSharing, at: Moment) -> None:
    if message.on:
        room.sharer = seat.participant_id
    elif room.sharer == seat.participant_id or seat.role is Role.TEACHER:
        room.sharer = None
    room.settle(at)


def _set_live(room: Classroom, seat: Seat, message: m.SetLive, at: Moment) -> None:
    room.set_state(LessonState.LIVE if message.state == "live" else LessonState.ENDED, at)


def _set_hand(room: Classroom, seat: Seat, message: m.SetHand, at: Moment) -> None:
    own = message.participant_id in (None, seat.participant_id)
    if seat.role in STAFF:
        if own or message.up:
            raise not_allowed("a teacher only lowers somebody's hand")
        seat = _target(room, message.participant_id or "")
    elif not own:
        raise not_allowed("this is not your hand")
    if message.up == (seat.hand_since is not None):
        return
    seat.hand_since = room.lesson_time(at) if message.up else None
    room.announce(seat, at)


def _offer_floor(room: Classroom, seat: Seat, message: m.OfferFloor, at: Moment) -> None:
    target = _target(room, message.participant_id)
    if room.lesson.state is not LessonState.LIVE:
        raise not_allowed("the floor is given during the lesson only")
    if target.role is not Role.CLASS:
        raise not_allowed("the floor is offered to a class")
    if not target.connected:
        raise not_allowed("this class is not connected now")
    if room.floor != target.participant_id:
        room.offer_floor(target, seat.name, at)


def _answer_floor(room: Classroom, seat: Seat, message: m.AnswerFloor, at: Moment) -> None:
    if seat.role is Role.CO_TEACHER:
        if room.lesson.state is not LessonState.LIVE:
            raise not_allowed("the floor is given during the lesson only")
        if message.accept:
            room.withdraw_offer()
            room.give_floor(seat, at)
        return
    if room.offer is None or room.offer.participant_id != seat.participant_id:
        raise not_allowed("the floor was not offered to you, or the offer has lapsed")
    if message.accept:
        room.give_floor(seat, at)
    else:
        room.offer, seat.hand_since = None, None
        room.announce(seat, at)


def _take_floor(room: Classroom, seat: Seat, _: m.TakeFloor, at: Moment) -> None:
    if seat.role is Role.CLASS and room.floor != seat.participant_id:
        raise not_allowed("you do not have the floor")
    if seat.role in STAFF:
        room.withdraw_offer()
    room.end_floor(at)


def _set_muted(room: Classroom, seat: Seat, message: m.SetMuted, at: Moment) -> None:
    target = _target(room, message.participant_id)
    if target.role not in (Role.CLASS, Role.CO_TEACHER):
        raise not_allowed("only a class or a co-teacher can be silenced")
    if message.source is Source.MICROPHONE_LOW:
        raise not_allowed("the microphone is silenced as a whole")
    if (message.source in target.muted) == message.muted:
        return
    if message.muted:
        target.muted.add(message.source)
    else:
        target.muted.discard(message.source)
    if target.publisher is not None:
        room.do(MuteSource(target.publish_peer, message.source, message.muted))
    room.send([target], m.MutedByTeacher(source=message.source, muted=message.muted))
    room.announce(target, at)
    room.settle(at)


def _remove(room: Classroom, seat: Seat, message: m.Remove, at: Moment) -> None:
    target = _target(room, message.participant_id)
    if target.role in STAFF:
        raise not_allowed("a teacher cannot be put out of the lesson")
    room.end_seats([target], ErrorCode.REMOVED, "you were put out of this lesson", at)


def _set_locked(room: Classroom, seat: Seat, message: m.SetLocked, at: Moment) -> None:
    if room.lesson.locked != message.locked:
        room.change_lesson(locked=message.locked)


def _say(room: Classroom, seat: Seat, message: m.Say, at: Moment) -> None:
    text = clean_chat(message.text)
    if not text:
        raise Refusal(ErrorCode.BAD_MESSAGE, "there is nothing to read in this text")
    if not seat.chat_limit.take(at.now):
        raise Refusal(ErrorCode.TOO_FAST, "wait some seconds before you write again")
    line = m.ChatLine(participant_id=seat.participant_id, name=seat.name, role=seat.role, text=text, wall_time=at.wall)
    kept = KeptLine(line, had_floor=room.floor == seat.participant_id)
    room.chat.append(kept)
    readers = [o for o in room.seats.values() if room.may_read(o, line, had_floor=kept.had_floor)]
    room.send(readers, m.Said(line=line))


def _set_feed(room: Classroom, seat: Seat, message: m.SetFeed, at: Moment) -> None:
    if room.lesson.kind != "partial":
        raise not_allowed("the feed is switched in a partial lesson only")
    if seat.feed_on == message.on:
        return
    seat.feed_on = message.on
    for slot in seat.views:
        _show(room, seat, slot)
    room.settle(at)
    room.announce_to_staff(seat, at)


def _set_recording(room: Classroom, seat: Seat, message: m.SetRecording, at: Moment) -> None:
    room.refuse_if_ended()
    room.choose_recording(room.recording.become(message.state), at)


def _set_consent(room: Classroom, seat: Seat, message: m.SetConsent, at: Moment) -> None:
    if seat.consent != message.agree:
        seat.consent = message.agree
        room.settle(at)
        room.announce_to_staff(seat, at)


def _report_playback(room: Classroom, seat: Seat, message: m.ReportPlayback, at: Moment) -> None:
    if seat.playback_at is not None and at.now - seat.playback_at < REPORTS_EVERY_S:
        return
    seat.playback_at = at.now
    room.figures.played(message, seat.link_key)
    seat.still = message.still
    if seat.shown_height != message.height:
        seat.shown_height = message.height
        room.announce_to_staff(seat, at)


def _report_sending(room: Classroom, seat: Seat, message: m.ReportSending, at: Moment) -> None:
    if seat.publisher != "page":
        return
    if seat.sending_at is not None and at.now - seat.sending_at < REPORTS_EVERY_S:
        return
    seat.sending_at = at.now
    room.do(TellUplink(seat.publish_peer, message.available_bps, message.short))


def _leave(room: Classroom, seat: Seat, _: m.Leave, at: Moment) -> None:
    room.vacate(seat, at)


COMMANDS: dict[type[m.ClientMessage], Command] = {
    m.StopPublish: _stop_publish,
    m.SetView: _set_view,
    m.SetSharing: _set_sharing,
    m.SetLive: _set_live,
    m.SetHand: _set_hand,
    m.OfferFloor: _offer_floor,
    m.AnswerFloor: _answer_floor,
    m.TakeFloor: _take_floor,
    m.SetMuted: _set_muted,
    m.Remove: _remove,
    m.SetLocked: _set_locked,
    m.Say: _say,
    m.SetFeed: _set_feed,
    m.SetRecording: _set_recording,
    m.SetConsent: _set_consent,
    m.ReportPlayback: _report_playback,
    m.ReportSending: _report_sending,
    m.Leave: _leave,
}
