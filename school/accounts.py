"""The administrator's account: one-time sign-in links, a password, and the browsers that are signed in."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from school.errors import NotFound, SignInFailed
from school.passwords import Passwords
from school.tables import Administrator, SignInLink, SignInSession
from school.text import clean_line
from school.throttle import GuessThrottle

LINK_VALID_S = 3600.0
SESSION_VALID_S = 12 * 3600.0
NAME_MAX_CHARS = 60
FIRST_NAME = "admin"
_TOKEN_MAX_CHARS = 128


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session. `token` goes into the cookie and nowhere else."""

    administrator: Administrator
    token: str
    expires_at: float


class Accounts:
    """`now` is Unix time in seconds everywhere. Guesses are counted in this process's memory."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self._sessions = sessions
        self._passwords = Passwords()
        self._throttle = GuessThrottle()

    async def ensure_first(self, now: float) -> Administrator:
        """The first administrator, made without a password where there is none."""
        async with self._sessions.begin() as session:
            found = await session.scalar(select(Administrator).order_by(Administrator.created_at).limit(1))
            if found is not None:
                return found
            administrator = Administrator(id=secrets.token_hex(10), name=FIRST_NAME, password_hash=None, created_at=now)
            session.add(administrator)
            return administrator

    async def by_name(self, name: str) -> Administrator:
        """Raises `NotFound`."""
        async with self._sessions() as session:
            found = await session.scalar(select(Administrator).where(Administrator.name == name))
        if found is None:
            raise NotFound(f"no administrator {name[:NAME_MAX_CHARS]!r}")
        return found

    async def create_link(self, administrator_id: str, now: float) -> str:
        """A one-time sign-in token, valid for an hour. The administrator's earlier links stop working."""
        token = secrets.token_urlsafe(32)
        async with self._sessions.begin() as session:
            if await session.get(Administrator, administrator_id) is None:
                raise NotFound("no such administrator")
            await session.execute(delete(SignInLink).where(SignInLink.administrator_id == administrator_id))
            session.add(SignInLink(hash=_hash(token), administrator_id=administrator_id, expires_at=now + LINK_VALID_S))
        return token

    async def use_link(self, token: str, now: float) -> SignedIn:
        """Sign in by a one-time link. Raises `SignInFailed` when it is unknown, used or too old."""
        async with self._sessions.begin() as session:
            # One statement both finds and spends the link, so two browsers at once cannot both use it.
            spent = await session.scalar(
                delete(SignInLink)
                .where(SignInLink.hash == _hash(token), SignInLink.expires_at > now)
                .returning(SignInLink.administrator_id)
            )
            if spent is None:
                raise SignInFailed("this sign-in link is unknown, was used already or is too old")
            return await _open_session(session, await session.get_one(Administrator, spent), now)

    async def sign_in(self, name: str, password: str, remote: str, now: float) -> SignedIn:
        """Sign in by password; `remote` is the client's address, for the throttle.

        Raises `SignInFailed` or `TooManyGuesses`.
        """
        keys = [f"name {name[:NAME_MAX_CHARS]}", f"remote {remote}"]
        self._throttle.check(keys, now)
        # Counted before the slow hash, so that guesses sent at the same moment count too.
        self._throttle.failed(keys, now)
        async with self._sessions() as session:
            found = await session.scalar(select(Administrator).where(Administrator.name == name[:NAME_MAX_CHARS]))
        if not await self._passwords.matches(password, found.password_hash if found else None) or found is None:
            raise SignInFailed("wrong name or password")
        self._throttle.succeeded(keys)
        async with self._sessions.begin() as session:
            return await _open_session(session, found, now)

    async def set_password(self, administrator_id: str, password: str, *, name: str | None = None) -> None:
        """Set the password and, when given, the name to sign in with; every session of the administrator ends.

        Raises `BadText` or `NotFound`.
        """
        password_hash = await self._passwords.hash(password)
        async with self._sessions.begin() as session:
            administrator = await session.get(Administrator, administrator_id)
            if administrator is None:
                raise NotFound("no such administrator")
            administrator.password_hash = password_hash
            if name is not None:
                administrator.name = clean_line(name, "name", NAME_MAX_CHARS)
            await session.execute(delete(SignInSession).where(SignInSession.administrator_id == administrator_id))

    async def open_session(self, administrator_id: str, now: float) -> SignedIn:
        """A new session for somebody who has just proved who they are (set a password). Raises `NotFound`."""
        async with self._sessions.begin() as session:
            administrator = await session.get(Administrator, administrator_id)
            if administrator is None:
                raise NotFound("no such administrator")
            return await _open_session(session, administrator, now)

    async def session(self, token: str, now: float) -> Administrator | None:
        """Whose session this cookie is; None when it is unknown or over."""
        query = (
            select(Administrator)
            .join(SignInSession, SignInSession.administrator_id == Administrator.id)
            .where(SignInSession.hash == _hash(token), SignInSession.expires_at > now)
        )
        async with self._sessions() as session:
            return await session.scalar(query)

    async def sign_out(self, token: str) -> None:
        """End the session; idempotent."""
        async with self._sessions.begin() as session:
            await session.execute(delete(SignInSession).where(SignInSession.hash == _hash(token)))


def _hash(token: str) -> str:
    """The tokens are random and long, so a plain hash is enough to keep the table from opening doors."""
    return hashlib.sha256(token[:_TOKEN_MAX_CHARS].encode(errors="surrogatepass")).hexdigest()


async def _open_session(session: AsyncSession, administrator: Administrator, now: float) -> SignedIn:
    """Also sweeps out sessions that are over, so that the table stays small."""
    await session.execute(delete(SignInSession).where(SignInSession.expires_at <= now))
    token = secrets.token_urlsafe(32)
    expires_at = now + SESSION_VALID_S
    session.add(SignInSession(hash=_hash(token), administrator_id=administrator.id, expires_at=expires_at))
    return SignedIn(administrator, token, expires_at)
