"""The fan-out against a naive account of every viewer, under random joins, switches, losses and late packets."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streaming.fanout.downtracks import NONE
from streaming.fanout.fanout import FanOut
from streaming.fanout.profiles import WireProfile
from streaming.uptrack.encoding import KEYFRAMES
from streaming.uptrack.uptrack import UpTrack
from streaming.wire.sequence import diff16, diff32
from tests.streaming.fanout.recorder import Received
from tests.streaming.fanout.stage import OTHER_CODEC, PLAIN, PROFILES, RTX_SSRC, SSRC, Camera, Stage, stamp_of
from tests.streaming.packets import give, rtp

STARTS = (0, 127, 32767, 65534, 65535)
SOUND_SSRC = 7


@dataclass(slots=True)
class Upstream:
    """One packet of the publisher, the `index`-th of its `line` (a run of numbers of one encoding). `arrived`: the
    forwarding turn that brought it, -1 while it has not come."""

    line: list[Upstream]
    index: int
    payload: bytes = b""
    arrived: int = -1
    late: bool = False


@dataclass(slots=True)
class Sent:
    """A media packet or filler (no upstream) that a viewer got. `stay` counts changes of its layer."""

    sequence: int
    timestamp: int
    upstream: Upstream | None
    turn: int
    stay: int


@dataclass
class Watcher:
    """What one viewer should be seeing. `layer` is (encoding, temporal) as the fan-out says, `wish` what is aimed
    at."""

    row: int
    first: int
    wish: tuple[int, int]
    checked: int = 0
    number: int | None = None
    rtx: int | None = None
    stay: int = 0
    layer: tuple[int, int] = (NONE, 0)
    sent: dict[int, Sent] = field(default_factory=dict)
    in_order: list[Sent] = field(default_factory=list)


class Frame(NamedTuple):
    """A frame in all encodings. Fates of its packets: lost, delayed, twice or delivered; split: in several turns."""

    keyframe: bool
    temporal: int
    sync: bool
    packets: int
    fates: str
    split: bool


FRAMES = st.builds(
    lambda keyframe, temporal, *rest: Frame(keyframe, 0 if keyframe else temporal, *rest),
    st.sampled_from([True, False, False]),
    st.sampled_from([0, 1, 2, 2]),
    st.booleans(),
    st.integers(1, 3),
    st.text("........ldd2", min_size=9, max_size=9),
    st.booleans(),
)


class FanOutMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.watchers: list[Watcher] = []
        self.turn = 0
        self.cameras = 0
        self.by_stamp: dict[tuple[int, tuple[int, int, int, int]], Upstream] = {}
        self.lines: dict[int, list[Upstream]] = {}
        self.delayed: list[tuple[int, bytearray, Upstream]] = []

    @initialize(start=st.sampled_from(STARTS))
    def begin(self, start: int) -> None:
        self.stage = Stage(Camera(3, start))
        self.sound = FanOut("teacher_audio", True, SOUND_SSRC, 0, self.stage.viewers)
        self.microphone = UpTrack("microphone", "opus")
        self.sound.set_source(self.microphone)
        self.sound_sequence = 0
        for index, profile in enumerate(PROFILES):
            self.join(profile, start, bool(index % 2), False, index)

    # ------------------------------------------------------------ viewers

    @rule(
        profile=st.sampled_from(PROFILES),
        start=st.sampled_from(STARTS),
        stream=st.booleans(),
        wait=st.booleans(),
        encoding=st.integers(0, 2),
    )
    def join(self, profile: WireProfile, start: int, stream: bool, wait: bool, encoding: int) -> None:
        if len(self.watchers) >= 6:
            return
        row = self.stage.join(profile, start=start, stream=stream, connected=not wait)
        self.sound.add(row, profile, 0)
        self.sound.set_resumed(row, True)
        self.watchers.append(Watcher(row, start, (encoding, 2)))

    def watcher(self, choice: int) -> Watcher | None:
        return self.watchers[choice % len(self.watchers)] if self.watchers else None

    @rule(choice=st.integers(0, 5))
    def connect(self, choice: int) -> None:
        watcher = self.watcher(choice)
        if watcher is not None and self.stage.viewers.session[watcher.row] is None:
            self.stage.connect(watcher.row)

    @rule(choice=st.integers(0, 20))
    def leave(self, choice: int) -> None:
        watcher = self.watcher(choice) if choice < 6 else None
        if watcher is not None:
            self.check(watcher)
            self.watchers.remove(watcher)
            self.stage.fanout.remove(watcher.row)
            self.sound.remove(watcher.row)
            self.stage.viewers.remove(watcher.row)

    @rule(choice=st.integers(0, 5), encoding=st.integers(0, 2), temporal=st.integers(KEYFRAMES, 2))
    def aim(self, choice: int, encoding: int, temporal: int) -> None:
        watcher = self.watcher(choice)
        if watcher is not None:
            watcher.wish = encoding, temporal
            self.stage.fanout.aim(watcher.row, encoding, temporal)

    @rule(choice=st.integers(0, 5), by_page=st.booleans())
    def pause(self, choice: int, by_page: bool) -> None:
        watcher = self.watcher(choice)
        if watcher is not None:
            pause = self.stage.fanout.set_resumed if by_page else self.stage.fanout.set_blocked
            pause(watcher.row, not by_page)
            assert self.stage.fanout.downtracks.encoding[watcher.row] == NONE
            self.note_layers()
            pause(watcher.row, by_page)

    # ------------------------------------------------------------ the publisher

    @rule(frames=st.lists(FRAMES, min_size=2, max_size=8))
    def send(self, frames: list[Frame]) -> None:
        for watcher in self.watchers:
            self.stage.fanout.aim(watcher.row, *watcher.wish)
        for frame in frames:
            self.send_frame(frame)

    def send_frame(self, frame: Frame) -> None:
        camera = self.stage.camera
        for encoding in range(3):
            for index in range(frame.packets):
                packet = camera.packet(
                    encoding, index, frame.packets, keyframe=frame.keyframe, temporal=frame.temporal, sync=frame.sync
                )
                line = self.lines.setdefault(encoding, [])
                upstream = Upstream(line, len(line))
                line.append(upstream)
                self.by_stamp[self.cameras, (encoding, camera.frame, index, frame.temporal)] = upstream
                fate = frame.fates[encoding * 3 + index] if len(line) > 1 else "."
                if fate == "d":
                    self.delayed.append((encoding, packet, upstream))
                elif fate != "l":
                    self.deliver(encoding, packet, upstream)
                    if fate == "2":
                        camera.give(encoding, bytearray(packet), self.stage.now)
            if frame.split:
                self.forward()
        camera.frame += 1
        self.forward()
        self.stage.now += 1 / 30

    def deliver(self, encoding: int, packet: bytearray, upstream: Upstream) -> None:
        self.stage.camera.give(encoding, packet, self.stage.now)
        upstream.arrived = self.turn

    @precondition(lambda self: self.delayed)
    @rule(choices=st.lists(st.integers(0, 50), min_size=1, max_size=8))
    def arrive_late(self, choices: list[int]) -> None:
        for choice in choices[: len(self.delayed)]:
            encoding, packet, upstream = self.delayed.pop(choice % len(self.delayed))
            self.deliver(encoding, packet, upstream)
        self.forward()

    @rule()
    def speak(self) -> None:
        encoding = self.microphone.encoding_for("", 1)
        assert encoding is not None
        give(self.microphone, encoding, rtp(b"opus", self.sound_sequence, self.sound_sequence * 960), self.stage.now)
        self.sound_sequence += 1
        self.sound.forward(self.microphone.fresh, self.stage.now, self.stage.sink)
        self.microphone.fresh.clear()

    @rule(start=st.sampled_from(STARTS), empty=st.booleans(), chance=st.integers(0, 3))
    def replace_source(self, start: int, empty: bool, chance: int) -> None:
        """The teacher's page was loaded again."""
        if chance:
            return
        self.cameras += 1
        self.delayed.clear()
        self.lines.clear()
        self.stage.camera = Camera(3, start, f"camera{self.cameras}")
        if empty:
            self.stage.fanout.set_source(None)
            self.note_layers()
        self.stage.fanout.set_source(self.stage.camera.track)
        self.note_layers()

    @rule(encoding=st.integers(0, 2), start=st.sampled_from(STARTS), chance=st.integers(0, 3))
    def change_ssrc(self, encoding: int, start: int, chance: int) -> None:
        if chance:
            return
        camera = self.stage.camera
        camera.encodings[encoding].restart(99)
        camera.sequence[encoding] = start
        self.delayed = [entry for entry in self.delayed if entry[0] != encoding]
        self.lines.pop(encoding, None)

    # ------------------------------------------------------------ the account

    def forward(self) -> None:
        for arrival in self.stage.forward():
            payload = self.stage.content(arrival)
            upstream = self.by_stamp[self.cameras, stamp_of(payload)]
            upstream.payload, upstream.late = payload, arrival.late
        self.note_layers()
        for watcher in self.watchers:
            self.check(watcher)
        self.turn += 1

    def note_layers(self) -> None:
        tracks = self.stage.fanout.downtracks
        for watcher in self.watchers:
            layer = int(tracks.encoding[watcher.row]), int(tracks.temporal[watcher.row])
            if layer != watcher.layer:
                watcher.layer = layer
                watcher.stay += 1

    def check(self, watcher: Watcher) -> None:
        """Go through what the viewer has been sent since the last time."""
        screen = self.stage.viewers.session[watcher.row]
        profile = self.stage.fanout.downtracks.profiles[watcher.row]
        if screen is None or profile is None:
            return
        for packet in screen.packets[watcher.checked :]:
            assert profile is not OTHER_CODEC
            codec = "opus" if packet.header.ssrc == SOUND_SSRC else "vp8"
            assert packet.header.payload_type == profile.codec(codec, "")[packet.header.ssrc == RTX_SSRC]
            if profile is PLAIN:
                assert packet.number is not None
                assert watcher.number is None or packet.number == (watcher.number + 1) & 0xFFFF
                watcher.number = packet.number
                assert packet.send_time is not None
            else:
                assert packet.number is None
            if packet.header.ssrc == SSRC:
                self.check_media(watcher, packet)
        watcher.checked = len(screen.packets)

    def check_media(self, watcher: Watcher, packet: Received) -> None:
        sequence = packet.header.sequence
        assert sequence not in watcher.sent
        upstream = None
        if packet.payload:
            upstream = self.by_stamp[self.cameras, stamp_of(packet.payload)]
            assert packet.payload == upstream.payload
        entry = Sent(sequence, packet.header.timestamp, upstream, self.turn, watcher.stay)
        watcher.sent[sequence] = entry
        if upstream is not None and not upstream.late:
            self.check_in_order(watcher, entry, packet)
            watcher.in_order.append(entry)

    def check_in_order(self, watcher: Watcher, entry: Sent, packet: Received) -> None:
        upstream = entry.upstream
        assert upstream is not None
        if not watcher.in_order:
            assert entry.sequence == watcher.first
            assert stamp_of(packet.payload)[2] == 0
            return
        before = watcher.in_order[-1]
        assert before.upstream is not None
        gap = diff16(entry.sequence, before.sequence) - 1
        assert gap >= 0
        same = before.upstream.line is upstream.line
        if same and before.stay == entry.stay:
            between = upstream.line[before.upstream.index + 1 : upstream.index]
            assert gap == sum(other.arrived < 0 or other.late for other in between)
        else:
            behind = before.upstream.line[before.upstream.index + 1 :]
            assert gap <= sum(other.arrived < 0 or other.late for other in behind)
        later = diff32(entry.timestamp, before.timestamp)
        frame, former = stamp_of(packet.payload)[1], stamp_of(before.upstream.payload)[1]
        if same and frame == former:
            assert later == 0
        else:
            assert later > 0
        if not same:
            assert stamp_of(packet.payload)[2] == 0  # the first packet of a frame, and a keyframe:
            assert packet.payload[6] & 1 == 0

    @rule(back=st.integers(0, 40), wild=st.integers(0, 65535))
    def nack(self, back: int, wild: int) -> None:
        for watcher in self.watchers:
            if self.stage.viewers.session[watcher.row] is not None:
                self.check_retransmission(watcher, back, wild)

    def check_retransmission(self, watcher: Watcher, back: int, wild: int) -> None:
        recent = list(watcher.sent.values())[-1 - back :][:1]
        sequences = [entry.sequence for entry in recent] + [wild]
        self.stage.viewers.credit[watcher.row] = 1e6
        screen = self.stage.screen(watcher.row)
        before = len(screen.packets)
        self.stage.fanout.retransmit(watcher.row, sequences, self.stage.now, self.stage.sink)
        for packet in screen.packets[before:]:
            assert packet.header.ssrc == RTX_SSRC
            assert watcher.rtx is None or packet.header.sequence == (watcher.rtx + 1) & 0xFFFF
            watcher.rtx = packet.header.sequence
            original = int.from_bytes(packet.payload[:2], "big")
            assert original in sequences
            assert stamp_of(packet.payload)[0] == watcher.layer[0]  # nothing of a layer that was left
            sent = watcher.sent.get(original)
            if sent is not None and sent.upstream is not None:
                assert packet.payload[2:] == sent.upstream.payload
                assert packet.header.timestamp == sent.timestamp
        self.check(watcher)

    @invariant()
    def closed_gaps(self) -> None:
        """Whatever is missing for a viewer within a stay is still missing upstream."""
        for watcher in self.watchers:
            self.check_gaps(watcher)

    def check_gaps(self, watcher: Watcher) -> None:
        for before, after in itertools.pairwise(watcher.in_order):
            if before.stay != after.stay or before.upstream is None or after.upstream is None:
                continue
            if before.stay != watcher.stay or before.upstream.line is not after.upstream.line:
                continue
            missing = {(before.sequence + step) & 0xFFFF for step in range(1, diff16(after.sequence, before.sequence))}
            between = after.upstream.line[before.upstream.index + 1 : after.upstream.index]
            assert len(missing - set(watcher.sent)) == sum(other.arrived < 0 for other in between)


FanOutMachine.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None, derandomize=True)
TestFanOut = FanOutMachine.TestCase


def any_frame(chance: random.Random) -> Frame:
    keyframe = chance.random() < 0.2
    temporal = 0 if keyframe else chance.choice([0, 1, 2, 2])
    fates = "".join(chance.choices(".ld2", [20, 1, 2, 1], k=9))
    return Frame(keyframe, temporal, chance.random() < 0.5, chance.randint(1, 3), fates, chance.random() < 0.5)


@pytest.mark.parametrize("seed", range(6))
def test_a_long_lesson(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same account, over a walk that stays where much is sent; half of them with rooms filled by columns."""
    if seed % 2:
        monkeypatch.setattr("streaming.fanout.blocks.FEW_ROWS", 0)
    chance = random.Random(seed)
    machine = FanOutMachine()
    machine.begin(chance.choice(STARTS))
    acts: dict[Callable[[], None], float] = {
        lambda: machine.send([any_frame(chance) for _ in range(6)]): 10,
        lambda: machine.arrive_late([chance.randrange(50) for _ in range(5)]): 8,
        lambda: machine.aim(chance.randrange(6), chance.randrange(3), chance.randrange(KEYFRAMES, 3)): 8,
        lambda: machine.nack(chance.randrange(20), chance.randrange(65536)): 6,
        machine.speak: 2,
        lambda: machine.connect(chance.randrange(6)): 3,
        lambda: machine.pause(chance.randrange(6), chance.random() < 0.5): 1,
        lambda: machine.join(
            chance.choice(PROFILES),
            chance.choice(STARTS),
            chance.random() < 0.3,
            chance.random() < 0.3,
            chance.randrange(3),
        ): 2,
        lambda: machine.leave(chance.randrange(6)): 1,
        lambda: machine.change_ssrc(chance.randrange(3), chance.choice(STARTS), 0): 0.5,
        lambda: machine.replace_source(chance.choice(STARTS), chance.random() < 0.5, 0): 0.5,
    }
    for step in range(120):
        (act,) = chance.choices(list(acts), list(acts.values()))
        act()
        if step % 8 == 0:
            machine.closed_gaps()
    assert machine.stage.fanout.switches > 10
