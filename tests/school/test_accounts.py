from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from school.accounts import Accounts
from school.errors import BadText, NotFound, SignInFailed, TooManyGuesses
from school.tables import Administrator

Sessions = async_sessionmaker[AsyncSession]
NOW = 1_800_000_000.0
PASSWORD = "верная лошадь батарея"


@pytest.fixture
def accounts(sessions: Sessions) -> Accounts:
    return Accounts(sessions)


@pytest.fixture
async def admin(accounts: Accounts) -> Administrator:
    return await accounts.ensure_first(NOW)


async def test_the_first_administrator_is_made_once(accounts: Accounts, admin: Administrator) -> None:
    assert (await accounts.ensure_first(NOW + 5)).id == admin.id
    assert (await accounts.by_name("admin")).password_hash is None
    with pytest.raises(NotFound):
        await accounts.by_name("nobody")


async def test_a_link_signs_in_once(accounts: Accounts, admin: Administrator) -> None:
    link = await accounts.create_link(admin.id, NOW)
    results = await asyncio.gather(*(accounts.use_link(link, NOW + 1) for _ in range(3)), return_exceptions=True)
    signed_in = [result for result in results if not isinstance(result, BaseException)]
    assert len(signed_in) == 1
    assert all(isinstance(result, SignInFailed) for result in results if isinstance(result, BaseException))
    who = await accounts.session(signed_in[0].token, NOW + 2)
    assert who is not None
    assert who.id == admin.id


async def test_a_link_grows_old_and_is_replaced(accounts: Accounts, admin: Administrator) -> None:
    old = await accounts.create_link(admin.id, NOW)
    with pytest.raises(SignInFailed):
        await accounts.use_link(old, NOW + 3600)
    newer = await accounts.create_link(admin.id, NOW)
    with pytest.raises(SignInFailed):
        await accounts.use_link(old, NOW + 1)
    await accounts.use_link(newer, NOW + 1)


async def test_password_sign_in_and_sign_out(accounts: Accounts, admin: Administrator) -> None:
    await accounts.set_password(admin.id, PASSWORD, name="завуч")
    signed_in = await accounts.sign_in("завуч", PASSWORD, "192.0.2.7", NOW)
    assert await accounts.session(signed_in.token, NOW + 12 * 3600 - 1) is not None
    assert await accounts.session(signed_in.token, NOW + 12 * 3600) is None
    await accounts.sign_out(signed_in.token)
    assert await accounts.session(signed_in.token, NOW) is None
    assert await accounts.session("\ud800 nonsense", NOW) is None


async def test_wrong_name_and_wrong_password_look_the_same(accounts: Accounts, admin: Administrator) -> None:
    await accounts.set_password(admin.id, PASSWORD)
    texts = []
    for name, password in (("admin", "wrong password"), ("nobody", PASSWORD), ("admin", ""), ("admin", "x" * 10_000)):
        with pytest.raises(SignInFailed) as failure:
            await accounts.sign_in(name, password, "192.0.2.7", NOW)
        texts.append(str(failure.value))
    assert len(set(texts)) == 1


async def test_no_password_set_means_no_sign_in_by_password(accounts: Accounts, admin: Administrator) -> None:
    with pytest.raises(SignInFailed):
        await accounts.sign_in(admin.name, "nobody's password", "192.0.2.7", NOW)


async def test_guesses_are_throttled_by_name_and_by_address(accounts: Accounts, admin: Administrator) -> None:
    await accounts.set_password(admin.id, PASSWORD)
    for _ in range(5):
        with pytest.raises(SignInFailed):
            await accounts.sign_in("admin", "wrong password", "192.0.2.7", NOW)
    with pytest.raises(TooManyGuesses) as closed:
        await accounts.sign_in("admin", PASSWORD, "192.0.2.8", NOW)  # same name from elsewhere
    with pytest.raises(TooManyGuesses):
        await accounts.sign_in("other", PASSWORD, "192.0.2.7", NOW)  # other name from the same address
    await accounts.sign_in("admin", PASSWORD, "192.0.2.8", NOW + closed.value.retry_after_s)


async def test_a_new_password_ends_every_session(accounts: Accounts, admin: Administrator) -> None:
    first = await accounts.open_session(admin.id, NOW)
    await accounts.set_password(admin.id, PASSWORD)
    assert await accounts.session(first.token, NOW) is None


async def test_short_and_endless_passwords_are_refused(accounts: Accounts, admin: Administrator) -> None:
    for password in ("short", "x" * 257):
        with pytest.raises(BadText):
            await accounts.set_password(admin.id, password)


async def test_a_flood_of_sign_ins_is_bounded(accounts: Accounts, admin: Administrator) -> None:
    await accounts.set_password(admin.id, PASSWORD)
    attempts = (accounts.sign_in(f"name{n}", "wrong password", f"192.0.2.{n}", NOW) for n in range(40))
    failures = await asyncio.gather(*attempts, return_exceptions=True)
    assert {type(failure) for failure in failures} == {SignInFailed, TooManyGuesses}
    await accounts.sign_in("admin", PASSWORD, "198.51.100.1", NOW)


async def test_no_secret_is_stored_in_clear(sessions: Sessions, accounts: Accounts, admin: Administrator) -> None:
    link = await accounts.create_link(admin.id, NOW)
    await accounts.set_password(admin.id, PASSWORD)
    session_token = (await accounts.open_session(admin.id, NOW)).token
    async with sessions() as session:
        dump = [
            str(row)
            for table in ("administrator", "sign_in_link", "sign_in_session")
            for row in await session.execute(select(text("*")).select_from(text(table)))
        ]
    for secret in (link, PASSWORD, session_token):
        assert not any(secret in row for row in dump)
