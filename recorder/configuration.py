"""What a decoder must know before a run's first segment."""

from __future__ import annotations

from typing import NamedTuple


class Configuration(NamedTuple):
    """`codecs` as in RFC 6381; width and height are 0 for sound. `entry`: the sample entry (stsd) in hexadecimal."""

    codecs: str
    width: int
    height: int
    entry: str
