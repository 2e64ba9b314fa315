"""What is wrong with bytes that came from the network."""

from __future__ import annotations


class WireError(ValueError):
    """The peer's mistake: its bytes break the format named by `kind`.

    `kind` is short, fixed and machine-readable ("rtp_short", "vp9_truncated"), so that callers can count and log
    once per kind; it never holds anything the peer sent. Parsers raise nothing else. Mistakes of our own (a value that
    fits no field) are plain `ValueError` or `struct.error` from the builders.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind
