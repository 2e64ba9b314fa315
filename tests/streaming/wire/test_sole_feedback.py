"""Telling packets that are one transport-wide feedback and nothing else, which need no parsing of a compound."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.wire import rtcp

ARRIVALS = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 900)), min_size=1, max_size=60)


@given(st.integers(0, 0xFFFF), ARRIVALS)
@settings(derandomize=True, deadline=None)
def test_it_is_what_the_whole_parser_finds(base: int, steps: list[tuple[int, int]]) -> None:
    number, tick, arrivals = base, 5000, []
    for step, wait in steps:
        arrivals.append((number & 0xFFFF, tick))
        number, tick = number + step, tick + wait
    for packet in rtcp.transport_feedback(1, 2, base, 7, arrivals):
        assert rtcp.is_sole_feedback(packet)
        assert rtcp.parse_compound(packet) == [rtcp.TransportFeedback(1, 2, packet)]


def test_anything_else_is_left_to_the_whole_parser() -> None:
    (feedback,) = rtcp.transport_feedback(1, 2, 10, 0, [(10, 100), (11, 101)])
    report = rtcp.receiver_report(1, [])
    for packet in (b"", report, rtcp.pli(1, 2), rtcp.nack(1, 2, [5]), report + feedback, feedback + report):
        assert not rtcp.is_sole_feedback(packet)


def test_in_a_compound_it_keeps_its_padding() -> None:
    (feedback,) = rtcp.transport_feedback(1, 2, 10, 0, [(10, 100), (11, 101), (12, 102)])
    assert feedback[0] & 0x20
    _, found = rtcp.parse_compound(memoryview(rtcp.receiver_report(1, []) + feedback))
    assert found == rtcp.TransportFeedback(1, 2, feedback)
