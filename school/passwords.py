"""Argon2id (RFC 9106) in threads, a few at a time: a flood of sign-ins neither fills the memory nor stops the loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from school.errors import BadText, TooManyGuesses

MIN_CHARS = 10
MAX_CHARS = 256
CONCURRENT = 2
WAITING_MAX = 16


class Passwords:
    """At most `CONCURRENT` computations of 64 MiB each run; `WAITING_MAX` more may wait, others are refused."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._running = asyncio.Semaphore(CONCURRENT)
        self._inside = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """Raises `BadText` for a password shorter than 10 or longer than 256 characters."""
        if not MIN_CHARS <= len(password) <= MAX_CHARS:
            raise BadText(f"a password has {MIN_CHARS} to {MAX_CHARS} characters")
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, password)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """False for a wrong password; without a hash the same work is done, so that time tells no names."""
        if len(password) > MAX_CHARS:
            return False
        async with self._turn():
            if password_hash is None:
                if self._nobody is None:
                    self._nobody = await asyncio.to_thread(self._hasher.hash, "nobody's password")
                await asyncio.to_thread(self._verify, self._nobody, password)
                return False
            return await asyncio.to_thread(self._verify, password_hash, password)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._inside >= CONCURRENT + WAITING_MAX:
            raise TooManyGuesses(5.0)
        self._inside += 1
        try:
            async with self._running:
                yield
        finally:
            self._inside -= 1
