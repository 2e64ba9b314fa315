"""One cached packet to one row: what had waited for credit, or a retransmission."""

from __future__ import annotations

from typing import Final

import numpy as np

from streaming.fanout.batch import Batch
from streaming.fanout.downtracks import DownTracks
from streaming.fanout.profiles import NUMBER_WORD, PADDING_BIT, SEQUENCE_WORD, WireProfile
from streaming.fanout.viewers import ADDRESS_BYTES, HISTORY, Viewers
from streaming.uptrack.cache import HEADER_BYTES, OVERHEAD_BYTES
from streaming.uptrack.uptrack import UpTrack
from streaming.wire.slab import PACKET_BYTES

_SEQUENCE: Final = slice(2 * SEQUENCE_WORD, 2 * SEQUENCE_WORD + 2)
_NUMBER: Final = slice(2 * NUMBER_WORD, 2 * NUMBER_WORD + 2)


class SingleSender:
    """Sends nothing to rows that are not connected or cannot take the source's codec."""

    def __init__(self, ssrc: int, rtx_ssrc: int, downtracks: DownTracks, viewers: Viewers) -> None:
        self._ssrc = ssrc
        self._rtx_ssrc = rtx_ssrc
        self._downtracks = downtracks
        self._viewers = viewers

    def send(self, row: int, cell: int, sequence: int, batch: Batch) -> None:
        """For the first time, under its outgoing number."""
        source, tracks = batch.source, self._downtracks
        profile = self._profile(row, source)
        if profile is None:
            return
        cache, target = source.cache, batch.sink.view
        pt = profile.codec(source.codec, source.profile)[0]
        size, start = cache.length[cell], cell * PACKET_BYTES + HEADER_BYTES
        profile.pack(target, 0, pt, cache.marker[cell], batch.rtp_time(cell), self._ssrc, batch.now)
        target[HEADER_BYTES : HEADER_BYTES + size] = cache.view[start : start + size]
        self._finish(row, profile, sequence, HEADER_BYTES + size, size, batch)
        tracks.packets[row] += 1
        tracks.octets[row] += size

    def send_again(self, row: int, cell: int, sequence: int, batch: Batch) -> None:
        """As a retransmission of an outgoing number, on its own SSRC and numbers (RFC 4588 §4)."""
        source = batch.source
        profile = self._profile(row, source)
        if profile is None:
            return
        cache, target = source.cache, batch.sink.view
        pt = profile.codec(source.codec, source.profile)[1]
        size, start = cache.length[cell], cell * PACKET_BYTES + HEADER_BYTES
        profile.pack(target, 0, pt, cache.marker[cell], batch.rtp_time(cell), self._rtx_ssrc, batch.now)
        head = HEADER_BYTES + 2
        target[HEADER_BYTES:head] = sequence.to_bytes(2, "big")
        target[head : head + size] = cache.view[start : start + size]
        self._finish(row, profile, self._repair_number(row), head + size, size + 2, batch)

    def send_padding(self, row: int, size: int, batch: Batch) -> None:
        """A packet of `size` (1 … 255) bytes of nothing on the numbers of retransmissions, for a probe."""
        source = batch.source
        profile = self._profile(row, source)
        if profile is None:
            return
        pt = profile.codec(source.codec, source.profile)[1]
        target = batch.sink.view
        profile.pack(target, 0, pt, False, 0, self._rtx_ssrc, batch.now)
        target[0] |= PADDING_BIT
        target[HEADER_BYTES : HEADER_BYTES + size] = bytes(size - 1) + bytes((size,))
        self._finish(row, profile, self._repair_number(row), HEADER_BYTES + size, size, batch)

    def _profile(self, row: int, source: UpTrack) -> WireProfile | None:
        """How packets look for a row; None where it is not connected or cannot take the source's codec."""
        profile = self._downtracks.profiles[row]
        if profile is None or self._viewers.session[row] is None or not profile.takes(source.codec):
            return None
        return profile

    def _repair_number(self, row: int) -> int:
        """The row's next number on the SSRC of retransmissions."""
        number = int(self._downtracks.rtx_sequence[row])
        self._downtracks.rtx_sequence[row] = (number + 1) & 0xFFFF
        return number

    def _finish(self, row: int, profile: WireProfile, sequence: int, length: int, size: int, batch: Batch) -> None:
        """Number, deliver and book the packet of `length` bytes, `size` of them payload, that lies first in the
        sink."""
        viewers, sink = self._viewers, batch.sink
        wide = int(viewers.number[row])
        sink.view[_SEQUENCE] = sequence.to_bytes(2, "big")
        if profile.number_id:
            sink.view[_NUMBER] = wide.to_bytes(2, "big")
        viewers.number[row] = (wide + 1) & 0xFFFF
        viewers.history[row, wide & (HISTORY - 1)] = viewers.record([size], batch.now)
        sink.lengths[0] = length
        session, stream = viewers.session[row], viewers.stream[row]
        if stream is None:
            address = np.array([viewers.address.ctypes.data + row * ADDRESS_BYTES], np.uint64)
            sink.deliver([session], address, 1, 1, 0)
        else:
            sink.deliver_streams([session], [stream])
        viewers.credit[row] -= size + OVERHEAD_BYTES
        viewers.packets[row] += 1
        viewers.bytes[row] += size + OVERHEAD_BYTES
