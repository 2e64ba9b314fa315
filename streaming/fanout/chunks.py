"""Chunks: rows that get the same bytes but for sequence and transport-wide numbers, with everything prepared for
sending.

Made anew only when somebody joins, leaves or changes layers; a packet then costs no selection at all.
"""

from __future__ import annotations

from itertools import compress
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from streaming.fanout.downtracks import NONE, DownTracks
from streaming.fanout.profiles import NUMBER_WORD, SEQUENCE_WORD, WireProfile
from streaming.fanout.sink import PacketSink
from streaming.fanout.viewers import ADDRESS_BYTES, HISTORY, Viewers
from streaming.uptrack.cache import OVERHEAD_BYTES
from streaming.uptrack.uptrack import UpTrack
from streaming.wire.slab import PACKET_BYTES

CHUNK_ROWS: Final = 256
SOUND_FORMS: Final = ("opus", "red")
"""Each can be made of the other."""
RUN_PACKETS: Final = 8
"""Packets of one frame that are sent together."""


class Layout:
    """Where a chunk's packets lie in the sink, `per_row` side by side for each row: views made once."""

    def __init__(self, chunk: Chunk, per_row: int, sink: PacketSink) -> None:
        count = len(chunk.rows) * per_row
        self.sink = sink
        self.block = sink.packets[:count].reshape(-1, per_row, PACKET_BYTES)
        words = self.block.view(">u2")
        self.sequences = words[:, :, SEQUENCE_WORD]
        self.numbers = words[:, :, NUMBER_WORD]
        self.lengths = sink.lengths[:count].reshape(-1, per_row)
        self.sessions = chunk.sessions if per_row == 1 else [each for each in chunk.sessions for _ in range(per_row)]
        self.addresses = chunk.addresses if per_row == 1 else np.repeat(chunk.addresses, per_row)
        self.steps = np.arange(per_row, dtype=np.uint16)


class Chunk:
    """At most CHUNK_ROWS rows of one encoding, temporal class, wire profile and kind of transport."""

    def __init__(
        self,
        rows: npt.NDArray[np.int64],
        base: npt.NDArray[np.int64],
        temporal: int,
        profile: WireProfile,
        codec: tuple[str, str],
        sessions: list[Any],
        streams: list[Any] | None,
        addresses: npt.NDArray[np.uint64],
    ) -> None:
        self.rows = rows
        self.index = _index(rows)
        self.base = (base & 0xFFFF).astype(np.uint16)[:, None]
        self.temporal = temporal
        self.profile = profile
        self.codec = codec
        """Name and profile of what these rows are sent: the source's, or redundant Opus instead of plain, or plain
        instead of redundant."""
        self.payload_type = profile.codec(*codec)[0]
        self.sessions = sessions
        self.streams = streams
        self.addresses = addresses
        self.history_rows = (rows * HISTORY)[:, None]
        self.sent_packets = 0
        self.sent_bytes = 0
        self.charged_bytes = 0
        """Bytes on the wire that have been taken off the rows' credit."""
        self._layouts: dict[int, Layout] = {}

    def layout(self, per_row: int, sink: PacketSink) -> Layout:
        found = self._layouts.get(per_row)
        if found is None or found.sink is not sink:
            found = self._layouts[per_row] = Layout(self, per_row, sink)
        return found

    def subset(self, mask: npt.NDArray[np.bool_]) -> Chunk:
        """The rows where `mask` is true, as a chunk for one use."""
        return Chunk(
            self.rows[mask],
            self.base[mask, 0].astype(np.int64),
            self.temporal,
            self.profile,
            self.codec,
            list(compress(self.sessions, mask)),
            None if self.streams is None else list(compress(self.streams, mask)),
            self.addresses[mask],
        )

    @property
    def uncharged_bytes(self) -> int:
        """Bytes on the wire that have been sent since the last `charge`."""
        return self.sent_bytes + OVERHEAD_BYTES * self.sent_packets - self.charged_bytes

    def charge(self, viewers: Viewers) -> int:
        """Take what was sent off the rows' credit; returns how much that was."""
        uncharged = self.uncharged_bytes
        if uncharged > 0:
            viewers.credit[self.index] -= uncharged
            self.charged_bytes += uncharged
        return uncharged

    def account(self, downtracks: DownTracks, viewers: Viewers) -> None:
        """Book what was sent to the rows."""
        if not self.sent_packets:
            return
        self.charge(viewers)
        index = self.index
        downtracks.packets[index] += self.sent_packets
        downtracks.octets[index] += self.sent_bytes
        viewers.packets[index] += self.sent_packets
        viewers.bytes[index] += self.charged_bytes
        self.sent_packets = self.sent_bytes = self.charged_bytes = 0


def _index(rows: npt.NDArray[np.int64]) -> slice | npt.NDArray[np.int64]:
    """Rows as an index of columns: a slice where they follow one another, which spares gathering and scattering."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1:
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def chunks_of(downtracks: DownTracks, viewers: Viewers, encoding: int, source: UpTrack) -> list[Chunk]:
    """All rows that are forwarded `encoding` now, are connected and can take the source's codec."""
    rows = np.flatnonzero(downtracks.encoding == encoding) if encoding != NONE else np.zeros(0, np.int64)
    kinds: dict[tuple[int, WireProfile, tuple[str, str], bool], list[int]] = {}
    for row in rows.tolist():
        profile = downtracks.profiles[row]
        codec = None if profile is None else _codec(profile, source, bool(downtracks.redundant[row]))
        if viewers.session[row] is not None and profile is not None and codec is not None:
            key = (int(downtracks.temporal[row]), profile, codec, viewers.stream[row] is not None)
            kinds.setdefault(key, []).append(row)
    chunks = []
    pointer = viewers.address.ctypes.data
    for (temporal, profile, codec, on_stream), members in kinds.items():
        for first in range(0, len(members), CHUNK_ROWS):
            part = members[first : first + CHUNK_ROWS]
            index = np.array(part, np.int64)
            chunks.append(
                Chunk(
                    index,
                    downtracks.base[index],
                    temporal,
                    profile,
                    codec,
                    [viewers.session[row] for row in part],
                    [viewers.stream[row] for row in part] if on_stream else None,
                    (pointer + index * ADDRESS_BYTES).astype(np.uint64),
                )
            )
    return chunks


def _codec(profile: WireProfile, source: UpTrack, redundant: bool) -> tuple[str, str] | None:
    """Name and profile of what a viewer is sent of a source: its codec, or of sound the other form."""
    if source.codec in SOUND_FORMS and profile.takes("opus"):
        return "red" if redundant and profile.takes("red") else "opus", ""
    return (source.codec, source.profile) if profile.takes(source.codec) else None
