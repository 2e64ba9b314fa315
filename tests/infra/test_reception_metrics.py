"""How lessons are received, as the operator reads it."""

from __future__ import annotations

import ipaddress

from prometheus_client import CollectorRegistry, generate_latest

from infra.addresses import own_networks
from infra.reception_metrics import ReceptionMetrics
from signaling.figures import LINKS_MAX, LessonFigures
from signaling.messages import ReportPlayback
from streaming.control import LinkReport


def report(peer: str, estimate_bps: int, loss: float) -> LinkReport:
    return LinkReport(
        lesson_id="L",
        peer_id=peer,
        role="subscriber",
        estimate_bps=estimate_bps,
        bitrate_bps=1,
        loss=loss,
        rtt_ms=100,
    )


def playback(freezes: int) -> ReportPlayback:
    return ReportPlayback(freezes=freezes, frozen_s=0.5, samples=48_000, concealed_samples=480, frames_decoded=75)


def text(figures: LessonFigures, now: float) -> str:
    registry = CollectorRegistry()
    registry.register(ReceptionMetrics(lambda: {"L": figures}, lambda: now))
    return generate_latest(registry).decode()


def test_sums_by_lesson_and_link() -> None:
    figures = LessonFigures()
    for key in ("abcdefghijkl", "abcdefghijkl", ""):
        figures.played(playback(2), key)
    found = text(figures, 0.0)
    assert 'webclass_freezes_total{lesson="L",link="abcdefgh"} 4.0' in found
    assert 'webclass_frozen_seconds_total{lesson="L",link="local"} 0.5' in found
    assert 'webclass_concealed_ratio{lesson="L"} 0.01' in found
    assert "abcdefghi" not in found


def test_links_tell_how_their_viewers_do_now() -> None:
    figures = LessonFigures()
    figures.reported(report("a", 200_000, 0.02), "school", 0.0)
    figures.reported(report("b", 300_000, 0.04), "school", 8.0)
    assert 'webclass_link_estimate_bps{link="school"} 500000.0' in text(figures, 9.0)
    assert 'webclass_link_loss_ratio{link="school"} 0.03' in text(figures, 9.0)
    later = text(figures, 12.0)
    assert 'webclass_link_viewers{link="school"} 1.0' in later
    assert 'webclass_viewer_loss_ratio{lesson="L",quantile="0.5"} 0.04' in later
    assert "webclass_link_viewers{" not in text(figures, 30.0)


def test_links_are_bounded() -> None:
    figures = LessonFigures()
    for number in range(LINKS_MAX + 10):
        figures.played(playback(1), f"{number:08}")
    assert len(figures.playback) == LINKS_MAX + 1
    assert figures.playback["other"].freezes == 10


def test_this_machine_is_in_its_own_networks() -> None:
    found = own_networks()
    assert any(ipaddress.ip_address("127.0.0.1") in network for network in found)
