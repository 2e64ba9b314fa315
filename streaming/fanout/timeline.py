"""A slot's outgoing RTP time: it goes on without a jump when another UpTrack feeds the slot."""

from __future__ import annotations

from typing import Final

from streaming.uptrack.uptrack import AUDIO_CLOCK, VIDEO_CLOCK

_MASK: Final = 0xFFFF_FFFF


class Timeline:
    """Outgoing timestamp = timestamp on the UpTrack's common timeline + `shift`, modulo 2**32."""

    def __init__(self, audio: bool) -> None:
        self.shift: int | None = None
        """None until the present source's first packet."""
        self._clock = AUDIO_CLOCK if audio else VIDEO_CLOCK
        self._last_sent: tuple[float, int] | None = None  # (now, outgoing timestamp)

    def restart(self) -> None:
        """Another source follows."""
        self.shift = None

    def begin(self, rtp_time: int, now: float) -> None:
        """The first packet of a source: what was sent before it lies as far back as it does by the clock."""
        if self._last_sent is None:
            self.shift = 0
        else:
            at, last = self._last_sent
            self.shift = (last + max(1, int((now - at) * self._clock)) - rtp_time) & _MASK

    def sent(self, rtp_time: int, now: float) -> None:
        """Remember the latest packet, which the next source is to follow."""
        self._last_sent = (now, (rtp_time + (self.shift or 0)) & _MASK)
