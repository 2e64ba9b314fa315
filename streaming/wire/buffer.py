"""The type of a packet's bytes.

Indexing must yield integers, so a packet in C memory comes as a `memoryview` of format "B". A buffer may be longer than
its packet (a slot of a slab); functions that take `end` or `length` never interpret bytes behind it.
"""

from __future__ import annotations

from typing import TypeAlias

Buffer: TypeAlias = bytes | bytearray | memoryview
WritableBuffer: TypeAlias = bytearray | memoryview
