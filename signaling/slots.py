"""Who is seen and heard in which slot: worked out anew from the lesson's state after every event, never patched."""

from __future__ import annotations

from dataclasses import dataclass

from signaling.seats import Seat
from streaming.control import Slot, Source

AUDIO = frozenset({Source.MICROPHONE, Source.MICROPHONE_LOW, Source.SCREEN_SOUND})


@dataclass(frozen=True, slots=True)
class Fed:
    """A slot's feeder and what of theirs is fed."""

    seat: Seat
    source: Source

    @property
    def key(self) -> tuple[str, Source]:
        return self.seat.publish_peer, self.source

    @property
    def flowing(self) -> bool:
        return self.source in self.seat.flowing and self.source not in self.seat.muted

    @property
    def short(self) -> bool:
        return self.source not in AUDIO and self.seat.uplink_short

    @property
    def height(self) -> int:
        return self.seat.heights.get(self.source, 0)


def wanted_slots(teacher: Seat | None, sharer: Seat | None, floor: Seat | None, *, live: bool) -> dict[Slot, Fed]:
    """The slots that are fed. Nothing is before the lesson is live and after it has ended: nobody is shown by surprise.

    The stage is the screen once the screen really flows, else the teacher's camera.
    """
    fed: dict[Slot, Fed] = {}
    if not live:
        return fed
    if teacher is not None and teacher.publisher is not None:
        fed[Slot.TEACHER_AUDIO] = Fed(teacher, Source.MICROPHONE)
        fed[Slot.TEACHER_VIDEO] = fed[Slot.STAGE_VIDEO] = Fed(teacher, Source.CAMERA)
    if sharer is not None and sharer.publisher is not None:
        fed[Slot.SCREEN_AUDIO] = Fed(sharer, Source.SCREEN_SOUND)
        fed[Slot.SCREEN_VIDEO] = Fed(sharer, Source.SCREEN)
        if fed[Slot.SCREEN_VIDEO].flowing:
            fed[Slot.STAGE_VIDEO] = fed[Slot.SCREEN_VIDEO]
    if floor is not None and floor.publisher is not None:
        fed[Slot.FLOOR_AUDIO] = Fed(floor, Source.MICROPHONE)
        fed[Slot.FLOOR_VIDEO] = Fed(floor, Source.CAMERA)
    return fed
