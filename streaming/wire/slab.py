"""Slabs of packets: fixed-width rows of bytes which media packets are received into, cached in and sent from."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

PACKET_BYTES: Final = 1536
"""Width of a row: an Ethernet frame's payload, rounded up to a multiple of 64."""

U8 = npt.NDArray[np.uint8]


def packet_slab(rows: int) -> U8:
    """A zeroed (rows, PACKET_BYTES) array whose rows start on cache lines."""
    raw = np.zeros(rows * PACKET_BYTES + 64, np.uint8)
    skip = -raw.ctypes.data % 64
    return raw[skip : skip + rows * PACKET_BYTES].reshape(rows, PACKET_BYTES)
