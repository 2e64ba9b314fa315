"""What a link test makes of what it is told: phases, figures, verdicts, notes."""

from __future__ import annotations

import pytest

from school.link_tests import Figures, Verdict
from signaling.link_test import CONNECT_S, DOWN_GOAL_BPS, DOWN_S, UP_S, WINDOW_S, LinkTest, notes, verdicts
from signaling.link_test_messages import LinkNote, LinkObserved, LinkTestPhase
from signaling.seats import PeerKind
from streaming.control import LinkReport, PeerChanged, PeerState, Source, SourceChanged

FLOWS = SourceChanged(lesson_id="t", peer_id="t.publish", source=Source.CAMERA, flowing=True)


def state(state: PeerState, transport: str = "udp") -> PeerChanged:
    return PeerChanged.model_validate({"lesson_id": "t", "peer_id": "t", "state": state, "transport": transport})


def published(peak_bps: int) -> LinkReport:
    return LinkReport(
        lesson_id="t",
        peer_id="t.publish",
        role="publisher",
        estimate_bps=0,
        bitrate_bps=peak_bps // 2,
        loss=0,
        rtt_ms=0,
        peak_bps=peak_bps,
    )


def received(bitrate_bps: int, queue_ms: float = 0.0, rtt_ms: float = 80.0) -> LinkReport:
    return LinkReport(
        lesson_id="t",
        peer_id="t.subscribe",
        role="subscriber",
        estimate_bps=bitrate_bps,
        bitrate_bps=bitrate_bps,
        loss=0,
        rtt_ms=rtt_ms,
        queue_ms=queue_ms,
    )


def seen(rtt_ms: float = 0.0, jitter_ms: float = 0.0, loss_down: float = 0.0, loss_up: float = 0.0) -> LinkObserved:
    return LinkObserved(rtt_ms=rtt_ms, jitter_ms=jitter_ms, loss_down=loss_down, loss_up=loss_up)


def connected(*transports: str) -> LinkTest:
    """In the phase `UP`, begun at 0 s."""
    test = LinkTest(-1.0)
    kinds: tuple[PeerKind, PeerKind] = ("publish", "subscribe")
    for kind, transport in zip(kinds, transports or ("udp", "udp"), strict=True):
        assert test.tick(-0.5) is None
        test.peer_changed(kind, state(PeerState.CONNECTED, transport))
    assert test.tick(-0.5) is None  # nothing flows yet
    test.source_changed(FLOWS)
    assert test.tick(0.0) is LinkTestPhase.UP
    return test


def complete(test: LinkTest, ups: tuple[int, ...], downs: tuple[int, ...]) -> Figures:
    for peak in ups:
        test.link_report("publish", published(peak), 5.0)
    assert test.tick(UP_S - 0.1) is None
    assert test.tick(UP_S) is LinkTestPhase.DOWN
    for rate in downs:
        test.link_report("subscribe", received(rate), UP_S + WINDOW_S)
    assert test.tick(UP_S + DOWN_S) is LinkTestPhase.DONE
    assert test.tick(UP_S + DOWN_S + 100) is None
    return test.figures()


def test_what_came_through_is_what_the_link_carries() -> None:
    test = connected()
    test.observed(seen(rtt_ms=95.0, jitter_ms=9.0, loss_down=0.5, loss_up=0.01))
    test.observed(seen(rtt_ms=85.0, jitter_ms=11.0, loss_down=0.1, loss_up=0.02))
    test.link_report("subscribe", received(9_000_000), 5.0)  # nothing was to be received yet
    figures = complete(test, (600_000, 400_000, 390_000, 250_000), (300_000, 900_000, 1_000_000))
    assert figures == Figures(
        transport="udp",
        down_bps=900_000,
        up_bps=400_000,
        loss_down=0.1,
        loss_up=0.02,
        rtt_ms=80.0,
        queue_ms=0.0,
        jitter_ms=10.0,
    )


def test_a_window_that_began_before_the_load_says_nothing() -> None:
    test = connected()
    assert test.tick(UP_S) is LinkTestPhase.DOWN
    test.link_report("subscribe", received(9_000_000), UP_S + WINDOW_S - 0.1)
    test.link_report("subscribe", received(500_000, queue_ms=300.0), UP_S + WINDOW_S)
    test.tick(UP_S + DOWN_S)
    assert (test.figures().down_bps, test.figures().queue_ms) == (500_000, 300.0)


def test_more_than_was_tried_is_not_claimed() -> None:
    assert complete(connected(), (), (9_000_000,)).down_bps == DOWN_GOAL_BPS


def test_one_connection_over_tcp_is_enough_to_say_so() -> None:
    assert complete(connected("udp", "tcp"), (), (1_000_000,)).transport == "tcp"


def test_no_connection() -> None:
    test = LinkTest(0.0)
    test.peer_changed("publish", state(PeerState.CONNECTED))
    assert test.tick(CONNECT_S - 0.1) is None
    assert test.tick(CONNECT_S) is LinkTestPhase.DONE
    assert verdicts(test.figures()) == (Verdict.NO_MEDIA, Verdict.NO_MEDIA)


@pytest.mark.parametrize("how", ["closed", "lost"])
def test_a_connection_that_breaks_proves_nothing(how: str) -> None:
    test = connected()
    assert test.tick(UP_S) is LinkTestPhase.DOWN
    test.link_report("subscribe", received(900_000), UP_S + WINDOW_S)
    if how == "closed":
        test.peer_changed("subscribe", state(PeerState.CLOSED))
    else:
        test.media_lost()
    assert test.tick(UP_S + 3) is LinkTestPhase.DONE
    assert test.figures() == Figures()


def test_what_is_measured_without_a_report() -> None:
    """The media process fell silent: nothing is claimed."""
    assert complete(connected(), (400_000,), ()) == Figures()


@pytest.mark.parametrize(
    ("down", "up", "receiving", "sending"),
    [
        (2_500_000, 1_800_000, Verdict.GOOD, Verdict.GOOD),
        (1_000_000, 1_000_000, Verdict.SMALLER_PICTURE, Verdict.SMALLER_PICTURE),
        (300_000, 300_000, Verdict.SMALL_PICTURE, Verdict.SMALL_PICTURE),
        (100_000, 100_000, Verdict.SOUND_ONLY, Verdict.SOUND_ONLY),
        (30_000, 0, Verdict.TOO_LITTLE, Verdict.TOO_LITTLE),
    ],
)
def test_verdicts(down: int, up: int, receiving: Verdict, sending: Verdict) -> None:
    assert verdicts(Figures("udp", down_bps=down, up_bps=up)) == (receiving, sending)


@pytest.mark.parametrize(
    ("figures", "found"),
    [
        (Figures("udp", 1, 1), []),
        (Figures("tcp", 1, 1), [LinkNote.TCP]),
        (Figures("udp", 1, 1, loss_up=0.05), [LinkNote.LOSSY]),
        (Figures("udp", 1, 1, rtt_ms=650.0, queue_ms=400.0, jitter_ms=90.0), ["bloated", "far", "unsteady"]),
    ],
)
def test_notes(figures: Figures, found: list[LinkNote]) -> None:
    assert notes(figures) == found
