"""Reading fields that are not whole bytes."""

from __future__ import annotations

from streaming.wire.buffer import Buffer


class BitReader:
    """Bits of `data[start:end]`, most significant first.

    Behind the end it reads zeros and `overrun` becomes true, so that a codec header's reader checks once, at its end.
    """

    __slots__ = ("_bits", "_left")

    def __init__(self, data: Buffer, start: int, end: int) -> None:
        chunk = data[start:end]
        self._bits = int.from_bytes(chunk, "big")
        self._left = 8 * len(chunk)

    @property
    def overrun(self) -> bool:
        return self._left < 0

    def read(self, count: int) -> int:
        """The next `count` bits as an unsigned number."""
        self._left -= count
        if self._left < 0:
            return 0
        return (self._bits >> self._left) & ((1 << count) - 1)

    def read_golomb(self) -> int:
        """Unsigned Exp-Golomb code, ue(v) of H.264 section 9.1."""
        zeros = 0
        while self.read(1) == 0:
            zeros += 1
            if zeros > 32 or self.overrun:
                return 0
        return (1 << zeros) - 1 + self.read(zeros)

    def read_signed_golomb(self) -> int:
        """Signed Exp-Golomb code, se(v) of H.264 section 9.1.1."""
        code = self.read_golomb()
        return (code + 1) >> 1 if code & 1 else -(code >> 1)
