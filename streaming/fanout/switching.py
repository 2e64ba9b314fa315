"""Changing what rows are forwarded, with outgoing numbers that go on.

`unsent`: packets that have arrived and are not forwarded yet, in their order; numbers go on from the first of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from streaming.fanout.downtracks import NONE, DownTracks
from streaming.fanout.viewers import Viewers
from streaming.uptrack.encoding import KEYFRAMES, Encoding
from streaming.uptrack.uptrack import Arrival, UpTrack


def leave(tracks: DownTracks, row: int, source: UpTrack | None, unsent: Sequence[Arrival]) -> None:
    """Stop forwarding to a row, remembering how its numbers go on; what still waits for it is given up."""
    encoding = tracks.forwarded(row, source)
    waiting = tracks.give_up_queue(row)
    if waiting is not None:
        tracks.next_sequence[row] = waiting
    elif encoding is not None:
        tracks.next_sequence[row] = _next_sequence(tracks, row, encoding, unsent)
    tracks.encoding[row] = NONE


def switch_encoding(tracks: DownTracks, viewers: Viewers, source: UpTrack, unsent: Sequence[Arrival]) -> int:
    """Let the rows that wait for the first unsent packet's encoding begin with it, a keyframe; returns how many."""
    arrival = unsent[0]
    encoding = source.encodings[arrival.encoding]
    waiting = (tracks.target_encoding == arrival.encoding) & (tracks.encoding != arrival.encoding)
    rows = np.flatnonzero(waiting & viewers.connected[: tracks.rows])
    for row in rows.tolist():
        leave(tracks, row, source, unsent)
        begin(tracks, row, encoding, arrival.number)
    return len(rows)


def begin(tracks: DownTracks, row: int, encoding: Encoding, number: int) -> None:
    """Forward an encoding to a row that has none, from a keyframe's first packet on."""
    temporal = int(tracks.target_temporal[row])
    tracks.encoding[row] = encoding.index
    tracks.temporal[row] = tracks.former_temporal[row] = temporal
    tracks.base[row] = int(tracks.next_sequence[row]) - (number - encoding.above(number, temporal))
    tracks.start[row] = tracks.former_start[row] = number
    tracks.former_base[row] = tracks.base[row]


def switch_temporal(tracks: DownTracks, arrival: Arrival, source: UpTrack) -> bool:
    """Down at the start of any frame; up at a keyframe or, but from still pictures, at a base-layer frame, for VP8 at
    a layer-sync frame of the next layer.

    Returns whether any row changed.
    """
    encoding, vp8 = source.encodings[arrival.encoding], source.codec == "vp8"
    mine = (tracks.encoding == arrival.encoding) & (tracks.target_encoding == arrival.encoding)
    rows = np.flatnonzero(mine & (tracks.target_temporal != tracks.temporal))
    changed = False
    for row in rows.tolist():
        current, target = int(tracks.temporal[row]), int(tracks.target_temporal[row])
        if target > current and not arrival.keyframe:
            if current == KEYFRAMES:
                continue
            if vp8:
                if not (arrival.switching_up and arrival.temporal == current + 1):
                    continue
                target = current + 1
            elif arrival.temporal > 0:
                continue
        number = arrival.number
        tracks.former_temporal[row] = current
        tracks.former_base[row] = tracks.base[row]
        tracks.former_start[row] = tracks.start[row]
        tracks.base[row] += encoding.above(number, target) - encoding.above(number, current)
        tracks.start[row] = number
        tracks.temporal[row] = target
        changed = True
    return changed


def _next_sequence(tracks: DownTracks, row: int, encoding: Encoding, unsent: Sequence[Arrival]) -> int:
    """Outgoing number of the next packet of the encoding that a row has been forwarded."""
    ahead = next_number(encoding, unsent)
    return (ahead - encoding.above(ahead, int(tracks.temporal[row])) + int(tracks.base[row])) & 0xFFFF


def next_number(encoding: Encoding, unsent: Sequence[Arrival]) -> int:
    """First number that has not been forwarded: packets that have arrived may still wait for it."""
    for arrival in unsent:
        if arrival.encoding == encoding.index and not arrival.late:
            return arrival.number
    return encoding.highest + 1
