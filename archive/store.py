"""ObjectStore: where media and files lie. One small protocol; a directory or an S3 server behind it.

A key is made by us, never by a person: `/`-separated parts of `[a-z0-9._-]`, no part beginning with a dot, at most 200
characters. Objects are written once and whole, and never changed.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from archive.errors import BadKey

KEY_MAX_CHARS: Final = 200
CHUNK_BYTES: Final = 256 * 1024
_KEY: Final = re.compile(r"[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)*")


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """`sha256` in hexadecimal, as it was given when the object was put. `stored_at`: when, in Unix seconds; only `list`
    tells it."""

    key: str
    size: int
    sha256: str
    stored_at: float = field(default=0.0, compare=False)


class ObjectStore(Protocol):
    """Every method raises `BadKey` and `StoreError`."""

    async def put(self, key: str, data: bytes) -> ObjectInfo:
        """Store an object, on disk when this returns. The same key with the same content again changes nothing.

        Raises `ObjectDiffers` when the key is taken by other content.
        """

    async def put_file(self, key: str, path: Path) -> ObjectInfo:
        """`put` of a file of any size, in parts."""

    async def info(self, key: str) -> ObjectInfo:
        """Raises `ObjectMissing`."""

    def read(self, key: str, start: int = 0, length: int | None = None) -> AsyncGenerator[bytes, None]:
        """The bytes from `start` on, in chunks of at most 256 KiB. Close it where you stop before its end.

        Raises `ObjectMissing`.
        """

    async def delete(self, key: str) -> None:
        """Idempotent."""

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Objects whose keys begin so, in order of keys; `sha256` may be "" here."""

    async def close(self) -> None: ...


def check_key(key: str) -> str:
    """The key itself. Raises `BadKey`."""
    if len(key) > KEY_MAX_CHARS or _KEY.fullmatch(key) is None:
        raise BadKey(f"not an object's key: {key[:60]!r}")
    return key


def check_prefix(prefix: str) -> str:
    """The beginning of keys: "" or a key, perhaps with a `/` at its end. Raises `BadKey`."""
    if prefix:
        check_key(prefix.removesuffix("/"))
    return prefix
