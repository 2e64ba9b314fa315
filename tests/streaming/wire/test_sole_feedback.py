"""The short cut for packets that are one transport-wide feedback and nothing else says what the whole parser says."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.wire import rtcp
from streaming.wire.errors import WireError

ARRIVALS = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 900)), min_size=1, max_size=60)


@given(st.integers(0, 0xFFFF), ARRIVALS)
@settings(derandomize=True, deadline=None)
def test_it_agrees_with_the_whole_parser(base: int, steps: list[tuple[int, int]]) -> None:
    number, tick, arrivals = base, 5000, []
    for step, wait in steps:
        arrivals.append((number & 0xFFFF, tick))
        number, tick = number + step, tick + wait
    for packet in rtcp.transport_feedback(1, 2, base, 7, arrivals):
        (whole,) = rtcp.parse_compound(packet)
        assert isinstance(whole, rtcp.TransportFeedback)
        assert rtcp.parse_sole_feedback(packet) == whole.feedback


def test_anything_else_is_left_to_the_whole_parser() -> None:
    (feedback,) = rtcp.transport_feedback(1, 2, 10, 0, [(10, 100), (11, 101)])
    report = rtcp.receiver_report(1, [])
    for packet in (b"", report, rtcp.pli(1, 2), rtcp.nack(1, 2, [5]), report + feedback, feedback + report):
        assert rtcp.parse_sole_feedback(packet) is None


@given(st.binary(max_size=80), st.booleans())
@settings(derandomize=True, deadline=None)
def test_any_input_is_read_or_refused(body: bytes, padded: bool) -> None:
    words = (len(body) + 3) // 4 + 2
    packet = bytes((0x8F | padded << 5, 205, words >> 8, words & 0xFF)) + bytes(8) + body.ljust((words - 2) * 4, b"\0")
    with suppress(WireError):
        rtcp.parse_sole_feedback(packet)
