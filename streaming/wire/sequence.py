"""Arithmetic on 16-bit sequence numbers and 32-bit timestamps that wrap around (RFC 1982, RFC 3550 appendix A.1)."""

from __future__ import annotations

from typing import ClassVar


def diff16(a: int, b: int) -> int:
    """`a - b` the short way round: -32768 … 32767."""
    return ((a - b + 0x8000) & 0xFFFF) - 0x8000


def diff32(a: int, b: int) -> int:
    """`a - b` the short way round: -2**31 … 2**31 - 1."""
    return ((a - b + 0x80000000) & 0xFFFFFFFF) - 0x80000000


def newer16(a: int, b: int) -> bool:
    """Whether `a` comes after `b`; of two numbers exactly half the circle apart neither is newer."""
    return 0 < (a - b) & 0xFFFF < 0x8000


class _Unwrapper:
    """Wrapped numbers in, integers that never wrap out.

    A number is placed within half a circle of the highest one so far, so one wild packet cannot move the later ones to
    another cycle. The first number comes out one circle up: its neighbours are never negative.
    """

    __slots__ = ("highest",)
    _circle: ClassVar[int]

    def __init__(self) -> None:
        self.highest = -1

    def unwrap(self, value: int) -> int:
        circle = self._circle
        if self.highest < 0:
            self.highest = value + circle
            return self.highest
        half = circle >> 1
        unwrapped = self.highest + ((value - self.highest + half) & (circle - 1)) - half
        self.highest = max(self.highest, unwrapped)
        return unwrapped


class Unwrapper16(_Unwrapper):
    """For RTP and transport-wide sequence numbers."""

    __slots__ = ()
    _circle = 1 << 16


class Unwrapper32(_Unwrapper):
    """For RTP timestamps."""

    __slots__ = ()
    _circle = 1 << 32
